//! What is written of refusals, and what is only counted.
//!
//! A live token, a dead one and a stranger are refused in the same places, and can all come back at once. A grant
//! whose refusals come faster than they are recorded one by one is told to come less often while that lasts; what it
//! is allowed goes on. A dead token is recorded once a minute, a stranger never: only the process log hears of it.

use model::{AccessClaims, Event, Grant, Id, Pace, Sampling, Server, Timestamp, ToolName, event::CallRefusalReason};

use crate::{
    quota::Quota,
    refusal::{By, Refusal},
};

/// The refusals of this gateway.
#[derive(Debug)]
pub struct RefusalSampling {
    pub(crate) grants: Sampling<Option<Id<Grant>>, Event>,
    pub(crate) dead: Sampling<Box<str>, Event>,
    told: Sampling<CallRefusalReason, ()>,
}

/// What is left to do about a refusal.
pub struct Told {
    /// What the caller is told.
    pub refusal: Refusal,
    /// What is recorded before.
    pub event: Option<Event>,
}

impl RefusalSampling {
    /// None yet.
    pub fn new() -> Self {
        Self { grants: Sampling::at(Pace::KNOWN), dead: Sampling::at(Pace::STRANGER), told: Sampling::at(Pace::KNOWN) }
    }

    /// Of a grant that is alive.
    pub fn of_grant(
        &self,
        grant: &Id<Grant>,
        refusal: Refusal,
        now: Timestamp,
        event: impl FnOnce(&Refusal) -> Event,
    ) -> Told {
        let seen = self.grants.see(Some(grant.clone()), None, now, || event(&refusal));
        let event = seen.record.map(counted);
        // A quota says more exactly what to do.
        let refusal = match refusal {
            Refusal::Quota(_) => refusal,
            _ if seen.flood => Quota::RefusalSampling.into(),
            refusal => refusal,
        };
        Told { refusal, event }
    }

    /// Of a token of ours whose grant, agent or person is dead.
    pub fn of_the_dead(&self, claims: &AccessClaims, now: Timestamp, event: impl FnOnce() -> Event) -> Option<Event> {
        self.dead.see(claims.jti.as_str().into(), "".into(), now, event).record.map(counted)
    }

    /// Is a line about it due in the process log, and for how many does it stand?
    pub fn line(&self, refusal: &Refusal, now: Timestamp) -> Option<u64> {
        let reason = refusal.reason();
        self.told.see(reason, reason, now, || ()).record.map(|(_, count)| count)
    }
}

/// A line in the process log, with what the record says of it, and for how many it stands.
pub fn say(refusal: &Refusal, server: &Id<Server>, by: Option<&By>, count: u64) {
    let principal = by.map(|by| &by.principal);
    let agent = principal.map(|principal| principal.agent().id.as_str());
    let person = principal.and_then(|principal| principal.grant().person.as_ref()).map(Id::as_str);
    let tool = by.and_then(|by| by.tool.as_ref()).map(ToolName::as_str);
    let policies = by.filter(|by| !by.policies.is_empty()).map(|by| by.policies.join(", "));
    let request = by.map(|by| &*by.request);
    let reason = refusal.reason().as_str();
    tracing::info!(event = "call_refused", %server, agent, person, tool, request, policies, reason, count);
}

/// The event, with the number of refusals that it stands for.
pub fn counted((event, count): (Event, u64)) -> Event {
    event.counted(count)
}
