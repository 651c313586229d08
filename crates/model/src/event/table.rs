//! The table of events. Whoever adds one writes its struct in the file of its subject, and its line here.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};

use super::{Actor, Event, push_json};

macro_rules! events {
    ($($name:literal $what:ident,)+) => {
        $(use super::$what;)+

        /// What happened.
        #[derive(Clone, Debug, PartialEq)]
        pub enum What {
            $(#[doc = concat!("`", $name, "`")] $what(Box<$what>),)+
        }

        $(impl $what {
            /// The stable word: the `event` field of its records.
            pub const NAME: &'static str = $name;

            /// `actor` did this.
            pub fn by(self, actor: Actor) -> Event {
                Event { actor, what: What::$what(Box::new(self)), count: 1 }
            }
        })+

        impl What {
            /// The stable word.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$what(_) => $what::NAME,)+ }
            }

            /// The fields, as one JSON object.
            pub(super) fn write(&self, line: &mut Vec<u8>) {
                match self { $(Self::$what(what) => push_json(line, what),)+ }
            }
        }

        /// Every event there is, for documentation and filters.
        pub const EVENTS: &[EventType] =
            &[$(EventType { name: $name, schema: |schemas| schemas.root_schema_for::<$what>() },)+];
    };
}

events! {
    "log_started" LogStarted,
    "configuration_applied" ConfigurationApplied,
    "policy_loaded" PolicyLoaded,
    "key_made" KeyMade,
    "definition_seen" DefinitionSeen,
    "definition_accepted" DefinitionAccepted,
    "server_listed" ServerListed,
    "clock_accepted" ClockAccepted,
    "person_changed" PersonChanged,
    "enrolment_offered" EnrolmentOffered,
    "person_enrolled" PersonEnrolled,
    "password_changed" PasswordChanged,
    "login_succeeded" LoginSucceeded,
    "login_refused" LoginRefused,
    "logged_out" LoggedOut,
    "sessions_ended" SessionsEnded,
    "client_read" ClientRead,
    "client_refused" ClientRefused,
    "agent_registered" AgentRegistered,
    "agent_changed" AgentChanged,
    "authorization_refused" AuthorizationRefused,
    "consent_given" ConsentGiven,
    "consent_refused" ConsentRefused,
    "grant_made" GrantMade,
    "code_issued" CodeIssued,
    "code_replayed" CodeReplayed,
    "token_issued" TokenIssued,
    "token_refused" TokenRefused,
    "token_revoked" TokenRevoked,
    "refresh_reused" RefreshReused,
    "refresh_reuse_noticed" RefreshReuseNoticed,
    "refresh_replayed" RefreshReplayed,
    "installation_ended" InstallationEnded,
    "elevation_requested" ElevationRequested,
    "approval_given" ApprovalGiven,
    "approval_number_wrong" ApprovalNumberWrong,
    "elevation_approved" ElevationApproved,
    "elevation_denied" ElevationDenied,
    "elevation_ended" ElevationEnded,
    "elevation_use_returned" ElevationUseReturned,
    "duty_delegated" DutyDelegated,
    "duty_ended" DutyEnded,
    "exception_added" ExceptionAdded,
    "exception_ended" ExceptionEnded,
    "task_opened" TaskOpened,
    "task_proposed_complete" TaskProposedComplete,
    "task_ended" TaskEnded,
    "call_decided" CallDecided,
    "call_refused" CallRefused,
    "call_ended" CallEnded,
    "revoked" Revoked,
    "ends_written" EndsWritten,
    "restored" Restored,
    "messages_given_up" MessagesGivenUp,
    "receiver_switched" ReceiverSwitched,
}

/// A kind of event.
#[derive(Clone, Copy)]
pub struct EventType {
    /// The stable word.
    pub name: &'static str,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl EventType {
    /// Its own fields, as JSON Schema. What every record has (`event`, `at`, `actor`, `count`) is not among them.
    pub fn schema(&self) -> serde_json::Value {
        let settings =
            SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
        (self.schema)(&mut settings.into_generator()).to_value()
    }
}

impl std::fmt::Debug for EventType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
