//! Why a change of privilege was not made.

use model::{AgentState, Elevation, ElevationState, Grant, Id, Installation, Person, Span, Target, Timestamp};
use store::{BEHIND, StoreError};

use crate::{rotation::Rotation, separation_of_duty::DutyError};

/// Why it was not made: one variant per cause a person can act on. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such elevation.
    #[error("there is no elevation `{0}`; `portcullis elevation list` shows the latest")]
    UnknownElevation(Id<Elevation>),
    /// The name stands for nothing.
    #[error("there is no {kind} `{name}`; {hint}")]
    UnknownName {
        /// `agent`, `person`, `grant`, `installation`, `server` or `client`.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What there is, or how to list it.
        hint: String,
    },
    /// This person may not decide this.
    #[error(transparent)]
    Duty(#[from] DutyError),
    /// Somebody decided before.
    #[error("it was decided before: it is {state}{}", by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default())]
    AlreadyDecided {
        /// Where it stands now.
        state: ElevationState,
        /// Who decided.
        by: Option<String>,
    },
    /// Nobody decided in time.
    #[error("the request lapsed at {0}; the agent has to ask again")]
    Lapsed(Timestamp),
    /// An approval may be shorter than what was asked for, not longer.
    #[error(
        "{asked} is not allowed: an approval may shorten the time to 1s at the least, and extend it never; at most {longest}"
    )]
    NotShorter {
        /// What the approver asked for.
        asked: Span,
        /// What the request allows.
        longest: Span,
    },
    /// The elevation is over already.
    #[error("elevation `{0}` is over already")]
    AlreadyOver(Id<Elevation>),
    /// The grant it hangs on is over.
    #[error("grant `{0}` has ended; the agent has to ask for access again")]
    GrantEnded(Id<Grant>),
    /// The agent may do nothing at the moment.
    #[error("agent `{agent}` is {state}; resume it first")]
    AgentNotActive {
        /// Which agent.
        agent: String,
        /// Its state.
        state: AgentState,
    },
    /// The kill switch covers it.
    #[error("the kill switch covers {0}; restore it first")]
    Blocked(Target),
    /// Nothing to restore.
    #[error("{target} is not revoked; {hint}")]
    NotRevoked {
        /// What was to be restored.
        target: Target,
        /// What is revoked.
        hint: String,
    },
    /// There is nothing to accept.
    #[error(
        "the latest change is from {last}, and this machine's clock is not {BEHIND} behind it: nothing was changed, because \
         time goes on by itself"
    )]
    ClockIsRight {
        /// When the latest change was made.
        last: Timestamp,
    },
    /// A grant that ended does not come back.
    #[error("a revoked grant does not come back; the agent asks for access again and gets a new one")]
    GrantIsFinal,
    /// The installation is over already.
    #[error("installation `{0}` has ended already")]
    InstallationEnded(Id<Installation>),
    /// An installation that ended does not come back.
    #[error("an installation that was ended does not come back; its client authorizes again and makes a new one")]
    InstallationIsFinal,
    /// A retired agent does not come back.
    #[error("agent `{0}` is retired for good")]
    Retired(String),
    /// It is so already.
    #[error("agent `{agent}` is {state} already")]
    Unchanged {
        /// Which agent.
        agent: String,
        /// Its state.
        state: AgentState,
    },
    /// There is somebody of that name.
    #[error("there is a person `{}` already; `portcullis person list` shows everybody", .0.id)]
    PersonExists(Person),
    /// The person can not log in, whatever they have.
    #[error("`{0}` is disabled or revoked, and a link would open nothing")]
    PersonStopped(Id<Person>),
    /// Another rotation was faster.
    #[error(
        "key `{replaces}` has a successor already, `{}`: nothing was changed; look at `portcullis key list`, and rotate again \
         if that one is to be replaced", successor.kid
    )]
    KeyReplaced {
        /// The key that was to be replaced.
        replaces: String,
        /// What took its place.
        successor: Rotation,
    },
    /// A reason is missing.
    #[error("say why in a few words: the reason goes into the audit log")]
    NoReason,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
