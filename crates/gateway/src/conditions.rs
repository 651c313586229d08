//! What a call that was decided on rests on, for as long as it lasts.
//!
//! A decision is about a moment. Afterwards somebody may take away what it rested on: revoke the principal, switch the
//! tool off, end the elevation. That ends a call at once. Time that merely passes does not (`lasting`).

use std::sync::Arc;

use model::{Elevation, Id, Stage, Task, TaskStage, Timestamp, ToolName, event::Outcome};
use privilege::{authority::Excepted, task::named::NotInTask};

use crate::{
    lifetime::{Lifetime, LifetimeOver},
    may_be_done::MayBeDone,
    principal::{Principal, PrincipalError, Verifier},
};

/// Principal, tool and elevation of a call, and how long it may go on.
#[derive(Debug, Clone)]
pub struct Conditions {
    pub(crate) principal: Arc<Principal>,
    pub(crate) tool: Option<ToolName>,
    pub(crate) elevation: Option<Lease>,
    pub(crate) task: Option<Id<Task>>,
    pub(crate) excepted: Excepted,
    pub(crate) lifetime: Lifetime,
}

/// An elevation of which a use was taken.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Which one.
    pub id: Id<Elevation>,
    /// Its end.
    pub not_after: Timestamp,
}

/// What does not hold any more.
#[derive(Debug)]
pub enum ConditionLost {
    /// The principal was taken its authority, or cannot be asked after.
    Principal(PrincipalError),
    /// The tool was switched off.
    Tool,
    /// The elevation was ended.
    Elevation,
    /// The task was ended.
    Task(NotInTask),
    /// An exception that it was decided with was ended.
    Exception,
    /// A stream that only listens outlived its token, its grant or its elevation.
    Expired,
    /// Its own time is up.
    LifetimeOver(LifetimeOver),
}

impl ConditionLost {
    /// What is known of a call that may have been done.
    pub const fn of_what_was_sent(&self) -> MayBeDone {
        match self {
            Self::Principal(PrincipalError::StoreSilent) => MayBeDone::StoreLost,
            Self::Principal(_) | Self::Exception | Self::Expired => MayBeDone::Revoked,
            Self::Tool => MayBeDone::ToolOff,
            Self::Elevation => MayBeDone::ElevationEnded,
            Self::Task(_) => MayBeDone::TaskEnded,
            Self::LifetimeOver(_) => MayBeDone::TooLong,
        }
    }

    /// How the call ended by it.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Principal(PrincipalError::StoreSilent) => Outcome::StoreSilent,
            Self::Principal(_) | Self::Tool | Self::Elevation | Self::Task(_) | Self::Exception => {
                Outcome::AuthorityEnded
            }
            Self::Expired => Outcome::Expired,
            Self::LifetimeOver(LifetimeOver::TooLong) => Outcome::TooLong,
            Self::LifetimeOver(LifetimeOver::AfterTheAnswer) => Outcome::Complete,
        }
    }

    /// The same, when nothing was sent yet.
    pub const fn outcome_before_sending(&self) -> Outcome {
        match self {
            Self::Principal(PrincipalError::StoreSilent) | Self::LifetimeOver(_) => Outcome::Unavailable,
            Self::Principal(_) | Self::Expired => Outcome::InvalidToken,
            Self::Tool => Outcome::Blocked,
            Self::Elevation => Outcome::StepUp,
            Self::Task(_) => Outcome::TaskEnded,
            Self::Exception => Outcome::AuthorityEnded,
        }
    }
}

impl Conditions {
    /// Was nothing taken away? At once under an unchanged epoch, otherwise by asking the store again.
    pub async fn stands(&mut self, verifier: &Verifier) -> Result<(), ConditionLost> {
        let store = verifier.store();
        let principal =
            verifier.still_stands(&self.principal).await.map_err(|dead| ConditionLost::Principal(dead.why))?;
        self.in_time(store.now())?;
        if principal.epoch() == self.principal.epoch() {
            return Ok(());
        }
        if self.tool.as_ref().is_some_and(|tool| principal.tool_is_stopped(tool)) {
            return Err(ConditionLost::Tool);
        }
        if self.excepted.was_taken_away(store, &principal.agent().id) {
            return Err(ConditionLost::Exception);
        }
        if let Some(lease) = &self.elevation {
            let elevation = store.elevation(&lease.id).await.map_err(|error| {
                store.failed("store_failed", &error);
                ConditionLost::Principal(PrincipalError::StoreSilent)
            })?;
            if elevation.is_none_or(|elevation| lease.was_taken_away(&elevation)) {
                return Err(ConditionLost::Elevation);
            }
        }
        if let Some(id) = &self.task {
            let task = store.task(id).await.map_err(|error| {
                store.failed("store_failed", &error);
                ConditionLost::Principal(PrincipalError::StoreSilent)
            })?;
            taken_away(id, task)?;
        }
        self.principal = principal;
        Ok(())
    }

    /// May it still go on, as far as only time is asked?
    pub fn in_time(&self, now: Timestamp) -> Result<(), ConditionLost> {
        self.lifetime.is_over(now).map_err(ConditionLost::LifetimeOver)?;
        if self.lifetime != Lifetime::Listening {
            return Ok(());
        }
        self.principal.in_time(now).map_err(|_| ConditionLost::Expired)?;
        match &self.elevation {
            Some(lease) if now >= lease.not_after => Err(ConditionLost::Expired),
            _ => Ok(()),
        }
    }

    /// The epoch under which it was found to stand.
    pub fn epoch(&self) -> u64 {
        self.principal.epoch()
    }
}

/// What ended by itself lets a call that was allowed before finish; what somebody ended does not.
fn taken_away(id: &Id<Task>, task: Option<Task>) -> Result<(), ConditionLost> {
    match task.map(|task| task.stage) {
        Some(TaskStage::Ended(cause, _)) if cause.is_taken_away() => {
            Err(ConditionLost::Task(NotInTask::Over { id: id.clone(), cause }))
        }
        Some(_) => Ok(()),
        None => Err(ConditionLost::Task(NotInTask::Unknown(id.to_string()))),
    }
}

impl Lease {
    /// A use that was taken is good until the end, also when it was the last one, and also when the time of the
    /// elevation is over meanwhile. Whoever ends an elevation by hand moves its end forward: that takes it away.
    fn was_taken_away(&self, elevation: &Elevation) -> bool {
        match &elevation.stage {
            Stage::Active(_) => false,
            Stage::Ended(Some(approval)) => approval.uses < elevation.max_uses && approval.not_after < self.not_after,
            Stage::Requested | Stage::Ended(None) | Stage::Denied(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Approval, Decided, Scope, Span, StepUp};

    use super::*;

    fn approved(uses: u32, not_after: i64) -> Approval {
        let decided = Decided { by: "bob".into(), at: Timestamp::default() };
        Approval { decided, not_after: Timestamp::from_seconds(not_after), uses }
    }

    fn elevation(stage: Stage) -> Elevation {
        Elevation {
            quorum: Default::default(),
            id: "elv_1".parse().unwrap(),
            grant: "grt_1".parse().unwrap(),
            scope: "tickets.delete_ticket".parse::<Scope>().unwrap(),
            call: None,
            by: StepUp::Approval,
            reason: String::new(),
            requested_at: Timestamp::default(),
            decide_before: Timestamp::default(),
            lasts: Span::from_minutes(5),
            max_uses: 2,
            ends_with: Default::default(),
            stage,
        }
    }

    /// Field: G3
    #[test]
    fn only_a_hand_takes_an_elevation_away_and_never_its_time_or_its_last_use() {
        let lease = Lease { id: "elv_1".parse().unwrap(), not_after: Timestamp::from_seconds(100) };
        let taken = |stage| lease.was_taken_away(&elevation(stage));
        assert!(!taken(Stage::Active(approved(1, 100))));
        assert!(!taken(Stage::Ended(Some(approved(1, 100)))), "its time was over, and a sweep wrote that down");
        assert!(!taken(Stage::Ended(Some(approved(2, 100)))), "used up");
        assert!(taken(Stage::Ended(Some(approved(1, 99)))), "ended before its time");
        assert!(taken(Stage::Denied(approved(0, 100).decided)));
    }
}
