//! Opening elevations: at once where the person's consent is enough, as a request where it is not.
//!
//! A live elevation of the same scope is used instead of stacking another, a waiting request is joined instead of
//! asking a second time, and an agent may have only so many waiting. What was denied stays denied for as long as it
//! could have waited, whatever the arguments. In the high tier what is asked for is one call, and it is made once.
//!
//! What somebody approved who may not approve any more is used by nobody: asking again ends it, and asks others.
//!
//! Many requests tire the people who decide them, and tired people say yes.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up).

use crypto::mint;
use model::{
    Actor, Agent, Approval, Decided, Elevation, ElevationState, EndsWith, Event, ExactCall, Grant, Id, Person, Quorum,
    Scope, Stage, StepUp, Task, Tier, Timestamp,
    config::{Approvals, Config, ElevationConfig, NumberMatching},
    event::{ElevationApproved, ElevationOf, ElevationRequested},
};
use policy::Policies;
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::approvers;

/// What is wanted, for which grant, and why.
#[derive(Clone, Copy, Debug)]
pub struct ElevationWish<'a> {
    /// Who asks.
    pub agent: &'a Agent,
    /// The grant it belongs to.
    pub grant: &'a Grant,
    /// The one scope it adds.
    pub scope: &'a Scope,
    /// The one call of it that is asked for, in the high tier.
    pub call: Option<&'a ExactCall>,
    /// Who has to say yes.
    pub by: StepUp,
    /// Why.
    pub reason: &'a str,
    /// The open task that it is for, if it is for one.
    pub task: Option<&'a Task>,
}

/// By which rules another person is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// How long a request waits, and how many may.
    pub config: &'a ElevationConfig,
    /// How many people must approve.
    pub approvals: Approvals,
    /// Who may still approve what is in force.
    pub policies: &'a Policies,
}

impl<'a> Asking<'a> {
    /// For `scope`, as the configuration says.
    pub fn of(config: &'a Config, policies: &'a Policies, scope: &Scope) -> Self {
        let rules = config.servers.get(scope.server());
        let of_tool = match scope {
            Scope::Tool(_, tool) => rules.and_then(|rules| rules.approvals(tool)),
            Scope::Low(_) | Scope::Medium(_) => None,
        };
        let approvals = of_tool.unwrap_or(config.elevation.approvals);
        Self { config: &config.elevation, approvals, policies }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Opened {
    /// There is one already, live or waiting.
    Joined(Elevation),
    /// A new one.
    New(Elevation, Event),
    /// A person said no to the same thing a short while ago.
    Denied(Id<Elevation>),
    /// Too many of this agent, of its owner or in all wait for a decision.
    TooMany,
}

/// Active at once: `person` has just consented.
pub async fn consent(
    config: &ElevationConfig,
    tx: &mut Tx<'_>,
    wanted: ElevationWish<'_>,
    person: &Id<Person>,
) -> Result<Opened, StoreError> {
    // What another person approved is not joined: nobody asks here whether they still may.
    if let Some(live) = live(tx, &wanted).await?.into_iter().find(|live| live.by == StepUp::Consent) {
        return Ok(Opened::Joined(live));
    }
    let now = tx.now();
    let mut elevation = fresh(config, tx, &wanted);
    let until = latest(&wanted, now.after(elevation.lasts));
    elevation.ends_with.idle_until = elevation.ends_with.idle.map(|idle| now.after(idle));
    let decided = Decided { by: person.to_string(), at: now };
    elevation.stage = Stage::Active(Approval { decided, not_after: until, uses: 0 });
    PrivilegeTx::of(tx).put_elevation(&elevation).await?;
    let approved = ElevationApproved {
        of: ElevationOf::of(&elevation, wanted.grant),
        decided_by: person.clone(),
        in_name_of: None,
        approvals: None,
        approvers: None,
        until: until.into(),
        may_differ: None,
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
    };
    Ok(Opened::New(elevation, approved.by(Actor::Person(person.clone()))))
}

/// Waiting for a person to decide.
pub async fn request(
    asking: Asking<'_>,
    tx: &mut Tx<'_>,
    wanted: ElevationWish<'_>,
    actor: Actor,
) -> Result<Opened, StoreError> {
    let Asking { config, approvals, policies } = asking;
    for live in live(tx, &wanted).await? {
        if is_usable(tx, policies, &wanted, &live).await? {
            return Ok(Opened::Joined(live));
        }
    }
    let now = tx.now();
    let waiting = tx.pending_for(&wanted.grant.id, wanted.scope, wanted.task.map(|task| &task.id), now).await?;
    if let Some(waiting) = waiting.into_iter().find(|waiting| is_for(waiting, wanted.call)) {
        // Whoever asks last is who will call.
        if let Some(call) = wanted.call.filter(|call| waiting.call.as_ref() != Some(call)) {
            PrivilegeTx::of(tx).rebind_elevation(&waiting.id, call).await?;
        }
        return Ok(Opened::Joined(waiting));
    }
    // Under any of its grants: an agent can end one and come back with the next.
    let since = now.before(config.decide_within);
    let unwelcome = tx.unwelcome_elevations(&wanted.agent.id, since).await?;
    let denied =
        |elevation: &&Elevation| elevation.state() == ElevationState::Denied && elevation.scope == *wanted.scope;
    if let Some(denied) = unwelcome.iter().find(denied) {
        return Ok(Opened::Denied(denied.id.clone()));
    }
    let undecided = unwelcome.iter().filter(|elevation| elevation.decided().is_none()).count();
    if undecided >= config.pending_per_agent as usize {
        return Ok(Opened::TooMany);
    }
    // What an agent may not fill its owner's other agents could, and all of them together what a person can read.
    if wanted.by == StepUp::Approval {
        let (of_owner, in_all) = tx.count_waiting(&wanted.agent.owner, now).await?;
        if of_owner >= u64::from(config.pending_per_owner) || in_all >= u64::from(config.pending) {
            return Ok(Opened::TooMany);
        }
    }
    let mut elevation = fresh(config, tx, &wanted);
    if wanted.by == StepUp::Approval {
        elevation.quorum = Quorum::of(approvals.number());
        let is_high = wanted.scope.tier() == Tier::High && config.number_matching == NumberMatching::High;
        elevation.quorum.wrong_numbers = is_high.then_some(0);
    }
    PrivilegeTx::of(tx).put_elevation(&elevation).await?;
    if let Some(call) = wanted.call {
        PrivilegeTx::of(tx).asked_call_is_requested(&call.asked).await?;
    }
    let requested = ElevationRequested {
        of: ElevationOf::of(&elevation, wanted.grant),
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
        approvals: Some(elevation.quorum.needed).filter(|needed| *needed > 1),
        number_matching: elevation.quorum.wrong_numbers.map(|_| true),
    };
    Ok(Opened::New(elevation, requested.by(actor)))
}

/// Nothing outlives its grant or its task.
fn latest(wanted: &ElevationWish<'_>, end: Timestamp) -> Timestamp {
    let end = end.min(wanted.grant.not_after);
    wanted.task.map_or(end, |task| end.min(task.deadline))
}

/// Does it give what is wanted? What somebody approved who may not any more gives nothing, and ends here.
async fn is_usable(
    tx: &mut Tx<'_>,
    policies: &Policies,
    wanted: &ElevationWish<'_>,
    live: &Elevation,
) -> Result<bool, StoreError> {
    if live.by == StepUp::Consent {
        return Ok(wanted.by == StepUp::Consent);
    }
    let all = approvers::of_tx(tx, live).await?;
    if approvers::all_may_still(policies, &all, (live, wanted.grant, wanted.agent), tx.now()).is_ok() {
        return Ok(true);
    }
    PrivilegeTx::of(tx).end_unapproved_elevation(&live.id).await?;
    Ok(false)
}

async fn live(tx: &mut Tx<'_>, wanted: &ElevationWish<'_>) -> Result<Vec<Elevation>, StoreError> {
    let now = tx.now();
    let live = tx.live_elevations(&wanted.grant.id, now).await?;
    let same = |elevation: &Elevation| {
        elevation.scope == *wanted.scope
            && elevation.call.as_ref() == wanted.call
            && elevation.ends_with.task.as_ref() == wanted.task.map(|task| &task.id)
    };
    Ok(live.into_iter().filter(same).collect())
}

/// Is that request for this call, whichever installation makes it?
fn is_for(waiting: &Elevation, call: Option<&ExactCall>) -> bool {
    waiting.call.as_ref().map(|call| &call.asked) == call.map(|call| &call.asked)
}

fn fresh(config: &ElevationConfig, tx: &Tx<'_>, wanted: &ElevationWish<'_>) -> Elevation {
    let (lasts, max_uses) = match wanted.by {
        StepUp::Consent => (config.consent_lasts, config.consent_uses),
        StepUp::Approval if wanted.call.is_some() => (config.approval_lasts, 1),
        StepUp::Approval => (config.approval_lasts, config.approval_uses),
    };
    Elevation {
        id: mint(),
        grant: wanted.grant.id.clone(),
        scope: wanted.scope.clone(),
        call: wanted.call.cloned(),
        by: wanted.by,
        quorum: Quorum::default(),
        reason: wanted.reason.to_owned(),
        requested_at: tx.now(),
        decide_before: tx.now().after(config.decide_within),
        lasts,
        max_uses,
        ends_with: EndsWith {
            task: wanted.task.map(|task| task.id.clone()),
            // A task has an idle time of its own.
            idle: (wanted.task.is_none() && config.idle.seconds() > 0).then_some(config.idle),
            idle_until: None,
        },
        stage: Stage::Requested,
    }
}
