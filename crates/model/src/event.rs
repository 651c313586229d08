//! The one vocabulary of things that happen, for the audit and for the logs.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::Timestamp;

/// Who made something happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, through a page.
    Person(String),
    /// An agent, through a token or a client assertion.
    Agent(String),
    /// A client that is not known as an agent yet.
    Client(String),
    /// Somebody with access to the data directory, through the command line.
    Operator,
    /// The product itself: an end reached, a file read.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What happened; the `event` field of records and logs. The words are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventName {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl EventName {
            /// Every event, for the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// What the event means, for the documentation.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+)),+ }
            }
        }
    };
}

events! {
    /// The log began; the first record of every installation.
    LogStarted = "log_started",
    /// The process began to serve.
    NodeStarted = "node_started",
    /// The configuration's people, agents and servers were written to the store.
    ConfigurationApplied = "configuration_applied",
    /// A person was added or changed.
    PersonChanged = "person_changed",
    /// A one-time enrolment link was made.
    EnrolmentOffered = "enrolment_offered",
    /// A person set their password through an enrolment link.
    PersonEnrolled = "person_enrolled",
    /// A person changed their password; their other sessions ended.
    PasswordChanged = "password_changed",
    /// A person logged in.
    LoginSucceeded = "login_succeeded",
    /// A login was refused.
    LoginRefused = "login_refused",
    /// A person logged out.
    LoggedOut = "logged_out",
    /// A person ended sessions of theirs in other browsers.
    SessionsEnded = "sessions_ended",
    /// A client's metadata document was read, for the first time or again.
    ClientRead = "client_read",
    /// A client's metadata document was refused, and why.
    ClientRefused = "client_refused",
    /// An agent was seen or declared for the first time.
    AgentRegistered = "agent_registered",
    /// An agent's state changed.
    AgentChanged = "agent_changed",
    /// A person consented to a grant or a medium elevation.
    ConsentGiven = "consent_given",
    /// An authorization request of a person who is signed in was refused by the rules, and why.
    AuthorizationRefused = "authorization_refused",
    /// A person refused consent.
    ConsentRefused = "consent_refused",
    /// A grant was made or its baseline changed.
    GrantMade = "grant_made",
    /// An authorization code was issued.
    CodeIssued = "code_issued",
    /// A code was redeemed twice; its installation is ended.
    CodeReplayed = "code_replayed",
    /// Tokens were issued.
    TokenIssued = "token_issued",
    /// A token request was refused, and why.
    TokenRefused = "token_refused",
    /// A refresh token came back within `tokens.refresh_reuse`, and got the same successor again.
    RefreshReused = "refresh_reused",
    /// Refresh tokens of one installation come back more often than retries explain, or from another network.
    RefreshReuseNoticed = "refresh_reuse_noticed",
    /// A refresh token came back long after it was used; its installation is ended.
    RefreshReplayed = "refresh_replayed",
    /// What one authorization gave is over: its code, its access tokens and its refresh tokens.
    InstallationEnded = "installation_ended",
    /// A client revoked a token of its own.
    TokenRevoked = "token_revoked",
    /// An elevation was asked for.
    ElevationRequested = "elevation_requested",
    /// An elevation was approved or consented to, and is in force.
    ElevationApproved = "elevation_approved",
    /// An elevation was denied.
    ElevationDenied = "elevation_denied",
    /// An elevation ended: expired, used up, or by hand.
    ElevationEnded = "elevation_ended",
    /// A use of an elevation was given back, because the call that took it never left.
    ElevationUseReturned = "elevation_use_returned",
    /// A call was decided, before it was sent upstream.
    CallDecided = "call_decided",
    /// A call was refused before or by the decision.
    CallRefused = "call_refused",
    /// An allowed call ended: upstream status and sizes, or why it did not.
    CallEnded = "call_ended",
    /// The kill switch was turned.
    Revoked = "revoked",
    /// What a revocation ended was written down, page by page; it was refused before, from the revocation on.
    EndsWritten = "ends_written",
    /// A block was lifted.
    Restored = "restored",
    /// After a clock that ran ahead, time went back to where it is; what was given later than that has ended.
    ClockAccepted = "clock_accepted",
    /// A signing key was made.
    KeyMade = "key_made",
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that happened. Fields never hold tokens, codes, passwords or tool arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub name: EventName,
    /// Who.
    pub actor: Actor,
    /// The rest, by field name.
    pub fields: BTreeMap<&'static str, Value>,
}

impl Event {
    /// `actor` did `name`.
    pub fn new(name: EventName, actor: Actor) -> Self {
        Self { name, actor, fields: BTreeMap::new() }
    }

    /// Adds a field, shown as text.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl fmt::Display) -> Self {
        self.fields.insert(field, Value::String(value.to_string()));
        self
    }

    /// Adds a list of texts, unless there is none.
    #[must_use]
    pub fn list(mut self, field: &'static str, values: &[String]) -> Self {
        if !values.is_empty() {
            self.fields.insert(field, values.into());
        }
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn count(mut self, field: &'static str, value: u64) -> Self {
        self.fields.insert(field, value.into());
        self
    }

    /// The bytes that are hashed, stored and shown: one line of JSON whose first members are
    /// `event`, `at` (microseconds) and `actor`, the rest in the order of their names.
    pub fn to_record(&self, at: Timestamp) -> Vec<u8> {
        let mut line = Vec::with_capacity(512);
        line.extend_from_slice(b"{\"event\":\"");
        line.extend_from_slice(self.name.as_str().as_bytes());
        line.extend_from_slice(b"\",\"at\":");
        push_json(&mut line, &at.micros());
        line.extend_from_slice(b",\"actor\":");
        push_json(&mut line, &self.actor.to_string());
        for (field, value) in &self.fields {
            line.extend_from_slice(b",\"");
            line.extend_from_slice(field.as_bytes());
            line.extend_from_slice(b"\":");
            push_json(&mut line, value);
        }
        line.push(b'}');
        line
    }
}

/// Texts, numbers and values always have a form in JSON, and memory takes every byte.
fn push_json(line: &mut Vec<u8>, value: &impl serde::Serialize) {
    let written = serde_json::to_writer(line, value);
    debug_assert!(written.is_ok(), "a field of an event has no JSON: {written:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_of_json_in_a_fixed_order() {
        let event = Event::new(EventName::TokenIssued, Actor::Agent("bot".into()))
            .with("scope", "t:low")
            .count("expires_in", 600);
        let record = String::from_utf8(event.to_record(Timestamp::from_seconds(1))).unwrap();
        assert_eq!(
            record,
            r#"{"event":"token_issued","at":1000000,"actor":"agent:bot","expires_in":600,"scope":"t:low"}"#
        );
    }

    #[test]
    fn a_field_can_not_break_out_of_its_record() {
        let event =
            Event::new(EventName::LoginRefused, Actor::Person("a\"}\n".into())).with("why", "x\",\"event\":\"y\n");
        let record = String::from_utf8(event.to_record(Timestamp::default())).unwrap();
        assert!(!record.contains('\n'));
        let read: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(read["event"], "login_refused");
    }
}
