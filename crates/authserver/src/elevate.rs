//! Opening elevations: at once where the person's consent is enough, as a request where it is not.
//!
//! A live elevation of the same scope is used instead of stacking another, a waiting request is joined instead of
//! asking a second time, and an agent may have only so many waiting. What was denied stays denied for as long as it
//! could have waited.
//!
//! Many requests tire the people who decide them, and tired people say yes.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up).

use model::{
    Actor, Agent, Elevation, ElevationState, Event, Grant, Id, Person, Scope, StepUp,
    config::ElevationConfig,
    event::{ElevationApproved, ElevationOf, ElevationRequested},
};
use store::{StoreError, Tx};
use token::mint;

use crate::cx::Cx;

/// What is wanted, for which grant, and why.
pub(crate) struct Wanted<'a> {
    pub(crate) agent: &'a Agent,
    pub(crate) grant: &'a Grant,
    pub(crate) scope: &'a Scope,
    pub(crate) by: StepUp,
    pub(crate) reason: &'a str,
}

/// What came of it.
pub(crate) enum Opened {
    /// There is one already, live or waiting.
    Joined(Elevation),
    /// A new one.
    New(Elevation, Event),
    /// A person said no to the same thing a short while ago.
    Denied(Id<Elevation>),
    /// Too many of this agent wait for a decision.
    TooMany,
}

/// Active at once: `person` has just consented.
pub(crate) async fn consent(
    cx: &Cx,
    tx: &mut Tx<'_>,
    wanted: Wanted<'_>,
    person: &Id<Person>,
) -> Result<Opened, StoreError> {
    if let Some(live) = live(tx, &wanted).await? {
        return Ok(Opened::Joined(live));
    }
    let now = tx.now();
    let mut elevation = fresh(&cx.config.elevation, tx, &wanted);
    elevation.state = ElevationState::Active;
    elevation.decided_by = Some(person.to_string());
    elevation.decided_at = Some(now);
    let until = now.after(elevation.lasts).min(wanted.grant.not_after);
    elevation.not_after = Some(until);
    tx.put_elevation(&elevation).await?;
    let approved = ElevationApproved {
        of: ElevationOf::of(&elevation, wanted.grant),
        decided_by: person.clone(),
        until: until.into(),
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
    };
    Ok(Opened::New(elevation, approved.by(Actor::Person(person.clone()))))
}

/// Waiting for a person to decide.
pub(crate) async fn request(cx: &Cx, tx: &mut Tx<'_>, wanted: Wanted<'_>, actor: Actor) -> Result<Opened, StoreError> {
    if let Some(live) = live(tx, &wanted).await? {
        return Ok(Opened::Joined(live));
    }
    let now = tx.now();
    if let Some(waiting) = tx.pending_for(&wanted.grant.id, wanted.scope, now).await? {
        return Ok(Opened::Joined(waiting));
    }
    // Under any of its grants: an agent can end one and come back with the next.
    let since = now.before(cx.config.elevation.decide_within);
    let unwelcome = tx.unwelcome_elevations(&wanted.agent.id, since).await?;
    let denied = |elevation: &&Elevation| elevation.state == ElevationState::Denied && elevation.scope == *wanted.scope;
    if let Some(denied) = unwelcome.iter().find(denied) {
        return Ok(Opened::Denied(denied.id.clone()));
    }
    let undecided = unwelcome.iter().filter(|elevation| elevation.decided_at.is_none()).count();
    if undecided >= cx.config.elevation.pending_per_agent as usize {
        return Ok(Opened::TooMany);
    }
    let elevation = fresh(&cx.config.elevation, tx, &wanted);
    tx.put_elevation(&elevation).await?;
    let requested = ElevationRequested {
        of: ElevationOf::of(&elevation, wanted.grant),
        max_uses: elevation.max_uses,
        lasts: elevation.lasts.seconds(),
    };
    Ok(Opened::New(elevation, requested.by(actor)))
}

async fn live(tx: &mut Tx<'_>, wanted: &Wanted<'_>) -> Result<Option<Elevation>, StoreError> {
    let now = tx.now();
    let live = tx.live_elevations(&wanted.grant.id, now).await?;
    Ok(live.into_iter().find(|elevation| elevation.scope == *wanted.scope))
}

fn fresh(config: &ElevationConfig, tx: &Tx<'_>, wanted: &Wanted<'_>) -> Elevation {
    let (lasts, max_uses) = match wanted.by {
        StepUp::Consent => (config.consent_lasts, config.consent_uses),
        StepUp::Approval => (config.approval_lasts, config.approval_uses),
    };
    Elevation {
        id: mint(),
        grant: wanted.grant.id.clone(),
        scope: wanted.scope.clone(),
        by: wanted.by,
        state: ElevationState::Requested,
        reason: wanted.reason.to_owned(),
        requested_at: tx.now(),
        decide_before: tx.now().after(config.decide_within),
        decided_by: None,
        decided_at: None,
        lasts,
        not_after: None,
        max_uses,
        uses: 0,
    }
}
