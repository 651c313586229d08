//! Which agents a record names, so that it is found again by them.

use super::{Actor, Event, What};
use crate::{Id, TargetKind};

impl Event {
    /// The agents that it names: who acted, and who it is about. One may come twice.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        let actor = match &self.actor {
            Actor::Agent(agent) => Some(agent.as_str()),
            Actor::Person(_) | Actor::Client(_) | Actor::UnknownClient | Actor::Operator | Actor::System => None,
        };
        actor.into_iter().chain(self.what.agent())
    }
}

impl What {
    /// The agent that it is about. No `_` arm: a new event says whether it has one.
    fn agent(&self) -> Option<&str> {
        match self {
            Self::AgentRegistered(of) => Some(of.agent.as_str()),
            Self::AgentChanged(of) => Some(of.agent.as_str()),
            Self::AuthorizationRefused(of) => of.agent.as_ref().map(Id::as_str),
            Self::ConsentGiven(of) => Some(of.agent.as_str()),
            Self::GrantMade(of) => Some(of.agent.as_str()),
            Self::CodeIssued(of) => Some(of.agent.as_str()),
            Self::TokenIssued(of) => Some(of.agent.as_str()),
            Self::ElevationRequested(of) => Some(of.of.agent.as_str()),
            Self::ApprovalNumberWrong(of) => Some(of.of.agent.as_str()),
            Self::ApprovalGiven(of) => Some(of.of.agent.as_str()),
            Self::ElevationApproved(of) => Some(of.of.agent.as_str()),
            Self::ElevationDenied(of) => Some(of.of.agent.as_str()),
            Self::ExceptionAdded(of) => Some(of.of.agent.as_str()),
            Self::ExceptionEnded(of) => Some(of.of.agent.as_str()),
            Self::TaskOpened(of) => Some(of.of.agent.as_str()),
            Self::TaskProposedComplete(of) => Some(of.of.agent.as_str()),
            Self::TaskEnded(of) => Some(of.of.agent.as_str()),
            Self::CallDecided(of) => Some(of.agent.as_str()),
            Self::CallRefused(of) => Some(of.agent.as_str()),
            Self::CallEnded(of) => of.agent.as_ref().map(Id::as_str),
            Self::Revoked(of) => named(of.target, &of.name),
            Self::EndsWritten(of) => named(of.target, &of.name),
            Self::Restored(of) => named(of.target, &of.name),
            Self::LogStarted(_)
            | Self::ConfigurationApplied(_)
            | Self::PolicyLoaded(_)
            | Self::KeyMade(_)
            | Self::DefinitionSeen(_)
            | Self::DefinitionAccepted(_)
            | Self::ServerListed(_)
            | Self::ClockAccepted(_)
            | Self::MessagesGivenUp(_)
            | Self::ReceiverSwitched(_)
            | Self::DutyDelegated(_)
            | Self::DutyEnded(_)
            | Self::PersonChanged(_)
            | Self::EnrolmentOffered(_)
            | Self::PersonEnrolled(_)
            | Self::PasswordChanged(_)
            | Self::LoginSucceeded(_)
            | Self::LoginRefused(_)
            | Self::LoggedOut(_)
            | Self::SessionsEnded(_)
            | Self::ClientRead(_)
            | Self::ClientRefused(_)
            | Self::ConsentRefused(_)
            | Self::CodeReplayed(_)
            | Self::TokenRefused(_)
            | Self::TokenRevoked(_)
            | Self::RefreshReused(_)
            | Self::RefreshReuseNoticed(_)
            | Self::RefreshReplayed(_)
            | Self::InstallationEnded(_)
            | Self::ElevationEnded(_)
            | Self::ElevationUseReturned(_) => None,
        }
    }
}

/// Only a target that is an agent is one's.
fn named(target: TargetKind, name: &str) -> Option<&str> {
    (target == TargetKind::Agent).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Target,
        event::{Revoked, examples},
    };

    #[test]
    fn a_record_is_of_whoever_acted_and_of_whom_it_is_about() {
        let named = |event: &Event| event.agents().map(str::to_owned).collect::<Vec<_>>();
        let scribe = Actor::Agent("scribe".parse().unwrap());
        assert_eq!(named(&examples::any()), [""; 0]);
        assert_eq!(named(&examples::call_decided("a").by(Actor::System)), ["claude-code@ada"]);
        assert_eq!(named(&examples::call_ended("a").by(scribe.clone())), ["scribe", "claude-code@ada"]);
        let revoked = |target: Target| Revoked::of(&target, "a drill".into()).by(Actor::Operator);
        assert_eq!(named(&revoked(Target::Agent("scribe".parse().unwrap()))), ["scribe"]);
        assert_eq!(named(&revoked(Target::Person("scribe".parse().unwrap()))), [""; 0]);
    }
}
