//! Things that happen, as the audit log says them: one struct per event, and one table of them all.
//!
//! A record is one line of JSON: `event`, `at` (microseconds) and `actor` first, then `count` when it stands for more
//! than one, then the fields of the event in the order in which its struct has them. Words and fields are stable:
//! what is written is hashed and signed, and read for as long as the log is kept. A field may be added when it is
//! optional, and none is ever taken away or given another meaning.
//!
//! Fields never hold tokens, codes, passwords or tool arguments.

mod about;
mod actor;
mod agent;
mod call;
mod client;
mod consent;
mod definition;
mod duty;
mod elevation;
pub mod examples;
mod exception;
mod log;
mod message;
mod person;
mod revocation;
mod table;
mod task;
mod text;
mod token;

pub use actor::Actor;
pub use agent::{AgentChanged, AgentRegistered, GrantChange, GrantMade, WhyChanged};
pub use call::{
    CallDecided, CallEnded, CallRefusalReason, CallRefused, CallRest, Done, Facts, Outcome, Rests, Verdict,
};
pub use client::{ClientRead, ClientRefused, DocumentChange, FetchFailure};
pub use consent::{AuthorizationRefusalCause, AuthorizationRefused, CodeIssued, ConsentGiven, ConsentRefused};
pub use definition::{DefinitionAccepted, DefinitionSeen, ServerListed};
pub use duty::{DutyDelegated, DutyEnded, DutyOf};
pub use elevation::{
    ApprovalGiven, ApprovalNumberWrong, CallOf, DenialCause, ElevationApproved, ElevationDenied, ElevationEnd,
    ElevationEnded, ElevationOf, ElevationRequested, ElevationUseReturned, MayDiffer,
};
pub use exception::{ExceptionAdded, ExceptionEnded, ExceptionOf};
pub use log::{ClockAccepted, ConfigurationApplied, KeyMade, LogStarted, PolicyLoaded};
pub use message::{MessagesGivenUp, ReceiverSwitched};
pub use person::{
    EnrolmentOffered, LoggedOut, LoginRefusalCause, LoginRefused, LoginSucceeded, PasswordChanged, PersonChange,
    PersonChanged, PersonEnrolled, SessionsEnded, StoredPassword,
};
pub use revocation::{EndsWritten, Restored, Revoked};
pub use table::{EVENTS, EventType, What};
pub use task::{TaskEnded, TaskOf, TaskOpened, TaskProposedComplete};
pub use text::Text;
pub use token::{
    Authenticated, CodeReplayed, InstallationEnd, InstallationEnded, Network, RefreshReplayed, RefreshReuseNoticed,
    RefreshReused, ReuseSign, TokenIssued, TokenKind, TokenRefusalCause, TokenRefused, TokenRevoked,
};

use crate::Timestamp;

/// One thing that happened. Made by the `by` of its struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Who.
    pub actor: Actor,
    /// What, with everything that is said of it.
    pub what: What,
    /// For how many like it this one stands: refusals that come too fast are counted.
    pub count: u64,
}

impl Event {
    /// The stable word of what happened.
    pub const fn name(&self) -> &'static str {
        self.what.name()
    }

    /// The same, standing for `count` like it.
    #[must_use]
    pub fn counted(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// The bytes that are hashed, stored and shown.
    pub fn to_record(&self, at: Timestamp) -> Vec<u8> {
        let mut line = Vec::with_capacity(512);
        line.extend_from_slice(b"{\"event\":\"");
        line.extend_from_slice(self.name().as_bytes());
        line.extend_from_slice(b"\",\"at\":");
        push_json(&mut line, &at.micros());
        line.extend_from_slice(b",\"actor\":");
        push_json(&mut line, &self.actor);
        if self.count > 1 {
            line.extend_from_slice(b",\"count\":");
            push_json(&mut line, &self.count);
        }
        let rest = line.len();
        self.what.write(&mut line);
        // The fields go into the object that has begun.
        match line[rest..] {
            [b'{', b'}'] => line.truncate(rest),
            _ => {
                line[rest] = b',';
                line.pop();
            }
        }
        line.push(b'}');
        line
    }
}

/// Texts, numbers and lists of them always have a form in JSON, and memory takes every byte.
fn push_json(line: &mut Vec<u8>, value: &impl serde::Serialize) {
    let written = serde_json::to_writer(line, value);
    debug_assert!(written.is_ok(), "a field of an event has no JSON: {written:?}");
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_record_is_one_line_of_json_in_a_fixed_order() {
        let event = PasswordChanged { person: "ada".parse().unwrap(), sessions: 2 };
        let event = event.by(Actor::Person("ada".parse().unwrap()));
        let record = String::from_utf8(event.to_record(Timestamp::from_seconds(1))).unwrap();
        let expected = r#"{"event":"password_changed","at":1000000,"actor":"person:ada","person":"ada","sessions":2}"#;
        assert_eq!(record, expected);
    }

    #[test]
    fn what_is_absent_has_no_field_and_one_is_not_counted() {
        let event = LoginRefused { person: None, cause: LoginRefusalCause::UnknownName }.by(Actor::System);
        let record = String::from_utf8(event.to_record(Timestamp::from_seconds(1))).unwrap();
        assert_eq!(record, r#"{"event":"login_refused","at":1000000,"actor":"system","cause":"unknown_name"}"#);
        let record = String::from_utf8(event.counted(21).to_record(Timestamp::from_seconds(1))).unwrap();
        assert!(record.contains(r#","count":21,"cause""#), "{record}");
    }

    #[test]
    fn a_field_can_not_break_out_of_its_record() {
        let why = "x\",\"event\":\"y\n\"}".to_owned();
        let event =
            Restored { target: crate::TargetKind::All, name: String::new(), reason: why.clone() }.by(Actor::Operator);
        let record = String::from_utf8(event.to_record(Timestamp::default())).unwrap();
        assert!(!record.contains('\n'));
        let read: Value = serde_json::from_str(&record).unwrap();
        assert_eq!((&read["event"], &read["reason"]), (&"restored".into(), &why.into()));
    }

    #[test]
    fn every_event_has_a_name_of_its_own_and_says_what_it_means() {
        let mut names: Vec<_> = EVENTS.iter().map(|event| event.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EVENTS.len());
        for event in EVENTS {
            let schema = event.schema();
            assert!(schema["description"].is_string(), "{}", event.name);
            for (field, of) in schema["properties"].as_object().into_iter().flatten() {
                assert!(of["description"].is_string(), "{}.{field} has no meaning", event.name);
                assert!(!["event", "at", "actor", "count"].contains(&field.as_str()), "{}.{field}", event.name);
            }
        }
    }

    /// Each word of an enum is the one that stands in a record, whether it is logged, counted or written there.
    #[track_caller]
    fn words_agree<T>()
    where
        T: schemars::JsonSchema + serde::Serialize + std::str::FromStr<Err = String> + std::fmt::Display,
    {
        let schema = schemars::schema_for!(T).to_value();
        let words: Vec<_> = schema["oneOf"].as_array().into_iter().flatten().collect();
        assert!(!words.is_empty(), "{schema}");
        for word in words {
            let read: T = word["const"].as_str().unwrap().parse().unwrap();
            assert_eq!(&serde_json::to_value(&read).unwrap(), &word["const"]);
        }
    }

    #[test]
    fn a_cause_has_one_word() {
        words_agree::<AuthorizationRefusalCause>();
        words_agree::<Authenticated>();
        words_agree::<CallRefusalReason>();
        words_agree::<FetchFailure>();
        words_agree::<InstallationEnd>();
        words_agree::<LoginRefusalCause>();
        words_agree::<ReuseSign>();
        words_agree::<TokenKind>();
        words_agree::<TokenRefusalCause>();
        words_agree::<crate::ErrorCode>();
        words_agree::<crate::TargetKind>();
    }
}
