//! Decisions about elevations: approve, deny, end.
//!
//! Everything the decision depends on is read inside the transaction that makes it, so an elevation is
//! decided once, while it waits, by somebody who may, for a grant that still stands.

use model::{
    Actor, Agent, AgentState, Elevation, Grant, Id, Person, Span, Target, Timestamp,
    block::Covered,
    event::{ElevationApproved, ElevationDenied, ElevationEnd, ElevationEnded, ElevationOf},
};
use store::{Commit, Store, Tx};

use crate::{
    Decider, DutyError, GovernanceError,
    duty::{may_approve, may_deny},
};

/// What a decision is about, as it stands inside the transaction.
struct Case {
    elevation: Elevation,
    grant: Grant,
    agent: Agent,
    person: Person,
}

/// Puts an elevation in force, for `lasts` or as long as was asked for. Returns its end.
///
/// Fails without changing anything when the person may not decide this, somebody decided before, the
/// request lapsed, the grant ended, the agent is stopped, or `lasts` would extend what was asked for.
pub async fn approve(
    store: &Store,
    id: &Id<Elevation>,
    decider: &Decider,
    lasts: Option<Span>,
) -> Result<Timestamp, GovernanceError> {
    let (id, decider) = (id.clone(), decider.clone());
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let case = case(tx, &id, &decider).await?;
                may_approve(&case.person, &case.elevation, &case.grant, &case.agent)?;
                // Asked here and nowhere else: a copy in memory may be a moment old, and a block that stood before the
                // decision ends nothing that was decided after it.
                case.stands(tx).await?;
                let decider_is = Target::Person(case.person.id.clone());
                if tx.is_blocked(&decider_is).await? {
                    return Err(GovernanceError::Blocked(decider_is));
                }
                still_waits(&case.elevation, now)?;
                let lasts = shortened(lasts, case.elevation.lasts)?;
                let end = now.after(lasts).min(case.grant.not_after);
                if !tx.activate_elevation(&id, case.person.id.as_str(), now, end).await? {
                    return Err(GovernanceError::Lapsed(case.elevation.decide_before));
                }
                let approved = ElevationApproved {
                    of: ElevationOf::of(&case.elevation, &case.grant),
                    decided_by: case.person.id,
                    until: end.into(),
                    max_uses: case.elevation.max_uses,
                    lasts: lasts.seconds(),
                };
                Ok(Commit::with(approved.by(decider.actor()), end))
            })
        })
        .await
}

/// Refuses an elevation. The people who answer for the agent may do so as well as an approver.
pub async fn deny(store: &Store, id: &Id<Elevation>, decider: &Decider) -> Result<(), GovernanceError> {
    let (id, decider) = (id.clone(), decider.clone());
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let case = case(tx, &id, &decider).await?;
                may_deny(&case.person, &case.elevation, &case.grant, &case.agent)?;
                still_waits(&case.elevation, now)?;
                if !tx.deny_elevation(&id, case.person.id.as_str(), now).await? {
                    return Err(GovernanceError::Lapsed(case.elevation.decide_before));
                }
                let of = ElevationOf::of(&case.elevation, &case.grant);
                let denied = ElevationDenied { of, decided_by: case.person.id };
                Ok(Commit::with(denied.by(decider.actor()), ()))
            })
        })
        .await
}

/// Ends an elevation before its time, or withdraws the request for one. Who may is the caller's question.
pub async fn end(store: &Store, id: &Id<Elevation>, actor: Actor) -> Result<(), GovernanceError> {
    let id = id.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let Some(elevation) = tx.elevation(&id).await? else {
                    return Err(GovernanceError::UnknownElevation(id));
                };
                if !tx.end_elevation(&id, now).await? {
                    return Err(GovernanceError::AlreadyOver(id));
                }
                tx.bump_epoch().await?;
                Ok(Commit::with(ElevationEnded::of(&elevation, ElevationEnd::ByHand).by(actor), ()))
            })
        })
        .await
}

async fn case(tx: &mut Tx<'_>, id: &Id<Elevation>, decider: &Decider) -> Result<Case, GovernanceError> {
    let unknown = || GovernanceError::UnknownElevation(id.clone());
    let elevation = tx.elevation(id).await?.ok_or_else(unknown)?;
    let grant = tx.grant(&elevation.grant).await?.ok_or_else(unknown)?;
    let agent = tx.agent(&grant.agent).await?.ok_or_else(unknown)?;
    let nobody = || DutyError::NotAPerson(decider.person().clone());
    let person = tx.person(decider.person()).await?.ok_or_else(nobody)?;
    Ok(Case { elevation, grant, agent, person })
}

fn still_waits(elevation: &Elevation, now: Timestamp) -> Result<(), GovernanceError> {
    use model::ElevationState::Requested;
    match elevation.state {
        Requested if elevation.is_pending(now) => Ok(()),
        Requested => Err(GovernanceError::Lapsed(elevation.decide_before)),
        state => Err(GovernanceError::AlreadyDecided { state, by: elevation.decided_by.clone() }),
    }
}

fn shortened(asked: Option<Span>, longest: Span) -> Result<Span, GovernanceError> {
    match asked {
        None => Ok(longest),
        Some(asked) if asked.seconds() > 0 && asked <= longest => Ok(asked),
        Some(asked) => Err(GovernanceError::NotShorter { asked, longest }),
    }
}

impl Case {
    /// Nobody approves privilege for something that has been stopped.
    async fn stands(&self, tx: &mut Tx<'_>) -> Result<(), GovernanceError> {
        let now = tx.now();
        if !self.grant.is_live(now) {
            return Err(GovernanceError::GrantEnded(self.grant.id.clone()));
        }
        if self.agent.state != AgentState::Active {
            return Err(GovernanceError::AgentNotActive { agent: self.agent.id.to_string(), state: self.agent.state });
        }
        let tool = match &self.elevation.scope {
            model::Scope::Tool(_, tool) => Some(tool),
            _ => None,
        };
        let covered = Covered {
            agent: &self.agent.id,
            person: self.grant.person.as_ref(),
            owner: &self.agent.owner,
            client: &self.agent.client,
            grant: Some(&self.grant.id),
            server: &self.grant.server,
            tool,
        };
        let blocks = tx.blocks_on(&covered).await?;
        let mut standing = blocks.iter().filter(|block| block.lifted_at.is_none());
        match standing.find(|block| block.stops(&covered, now)) {
            Some(block) => Err(GovernanceError::Blocked(block.target.clone())),
            None => Ok(()),
        }
    }
}
