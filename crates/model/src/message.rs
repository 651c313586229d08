//! Messages: what people outside are told of what happens here, so that nobody has to look at the inbox all day.
//!
//! A message is made of an event and of nothing else. It is safe to leak: names, ids, a tier and a link that needs a login.
//! It never has arguments, purposes, reasons or other words of an agent, and nothing in it is authority.
//!
//! Who is told of more writes a function and its line in [`MESSAGES`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    AgentState, Event, Id, Sighting, Span, StepUp, Tier, Timestamp,
    event::{ElevationOf, InstallationEnd, What},
    id::Minted,
    text_enum,
};

/// Of what people outside are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// An approval is asked for: somebody has to decide.
    ApprovalRequested,
    /// It was approved or denied.
    ApprovalDecided,
    /// An elevation of the high tier ended, or nobody decided in time.
    ElevationEnded,
    /// An agent says that a task is complete, and a person has to confirm it.
    TaskProposedComplete,
    /// An agent was suspended or retired.
    AgentStopped,
    /// A tool is held until somebody has looked at what its server says of it.
    DefinitionHeld,
    /// A code or a refresh token was in two hands, and what it was for has ended.
    CredentialReplayed,
    /// The kill switch was turned.
    Revoked,
    /// An operator tries whether messages arrive.
    Test,
}

text_enum!(MessageKind {
    ApprovalRequested => "approval_requested",
    ApprovalDecided => "approval_decided",
    ElevationEnded => "elevation_ended",
    TaskProposedComplete => "task_proposed_complete",
    AgentStopped => "agent_stopped",
    DefinitionHeld => "definition_held",
    CredentialReplayed => "credential_replayed",
    Revoked => "revoked",
    Test => "test",
});

/// Something to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is about.
    pub kind: MessageKind,
    /// Those with the same one are told once in [`Message::PACE`], and no more: what causes them is not a person.
    pub pace: Option<String>,
    /// Where to look, below the public URL. It needs a login.
    path: String,
    data: Map<String, Value>,
}

impl Minted for Message {
    const PREFIX: &'static str = "msg";
}

/// What messages are made of: a function each, and the first that has something to say.
const MESSAGES: &[fn(&What) -> Option<Message>] = &[
    approval_requested,
    approval_decided,
    elevation_ended,
    task_proposed_complete,
    agent_stopped,
    definition_held,
    credential_replayed,
    revoked,
];

impl Message {
    /// How often one is told of the same agent or server, where no person is behind it.
    pub const PACE: Span = Span::from_minutes(10);

    /// What is to be told of `event`, if anything.
    pub fn of(event: &Event) -> Option<Self> {
        MESSAGES.iter().find_map(|of| of(&event.what))
    }

    /// The server that it is about, if it is about one.
    pub fn server(&self) -> Option<&str> {
        self.data.get("server").and_then(Value::as_str)
    }

    /// A try of an operator.
    pub fn test() -> Self {
        Self::new(MessageKind::Test, "/console".into(), json!({}))
    }

    /// What is sent, byte for byte, and signed.
    ///
    /// Spec: Standard Webhooks (payload structure)
    pub fn body(&self, public_url: &str, at: Timestamp) -> String {
        let mut data = self.data.clone();
        data.retain(|_, value| !value.is_null());
        data.insert("link".into(), format!("{public_url}{}", self.path).into());
        json!({ "type": self.kind, "timestamp": at.to_string(), "data": data }).to_string()
    }

    fn new(kind: MessageKind, path: String, data: Value) -> Self {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Self { kind, pace: None, path, data }
    }

    /// Told once in a while for all that has the same `subject`.
    fn paced(mut self, subject: &str) -> Self {
        self.pace = Some(format!("{}/{subject}", self.kind));
        self
    }
}

fn approval_requested(what: &What) -> Option<Message> {
    let What::ElevationRequested(requested) = what else { return None };
    let of = by_approval(&requested.of)?;
    let mut data = about(of);
    // Whom it acts for has asked and does not decide; the owner of an agent that acts for itself does not either.
    data["may_act"] = json!({ "role": "approver", "but_not": of.person, "nor": "the owner of the agent" });
    let message = Message::new(MessageKind::ApprovalRequested, page_of(of), data);
    match &of.person {
        Some(_) => Some(message),
        None => Some(message.paced(of.agent.as_str())),
    }
}

fn approval_decided(what: &What) -> Option<Message> {
    let (of, decision, by) = match what {
        What::ElevationApproved(approved) => (by_approval(&approved.of)?, "approved", &approved.decided_by),
        // One of several that it takes: the others have not decided yet.
        What::ApprovalGiven(given) => (by_approval(&given.of)?, "one_of_several", &given.decided_by),
        What::ElevationDenied(denied) => (by_approval(&denied.of)?, "denied", &denied.decided_by),
        _ => return None,
    };
    let mut data = about(of);
    data["decision"] = decision.into();
    data["decided_by"] = json!(by);
    Some(Message::new(MessageKind::ApprovalDecided, page_of(of), data))
}

fn elevation_ended(what: &What) -> Option<Message> {
    let What::ElevationEnded(ended) = what else { return None };
    let data = json!({
        "elevation": ended.elevation, "server": ended.scope.server(), "scope": ended.scope, "tier": ended.scope.tier(), "cause": ended.cause,
        "task": ended.task,
    });
    let path = format!("/console/approvals/{}", ended.elevation);
    (ended.scope.tier() == Tier::High).then(|| Message::new(MessageKind::ElevationEnded, path, data))
}

fn task_proposed_complete(what: &What) -> Option<Message> {
    let What::TaskProposedComplete(proposed) = what else { return None };
    let of = &proposed.of;
    let data = json!({ "task": of.task, "agent": of.agent, "person": of.person });
    Some(Message::new(MessageKind::TaskProposedComplete, "/me".into(), data).paced(of.agent.as_str()))
}

fn agent_stopped(what: &What) -> Option<Message> {
    let What::AgentChanged(changed) = what else { return None };
    let state = changed.state.filter(|state| matches!(state, AgentState::Suspended | AgentState::Retired))?;
    let data = json!({ "agent": changed.agent, "state": state.as_str() });
    Some(Message::new(MessageKind::AgentStopped, format!("/console/agents/{}", changed.agent), data))
}

/// A list with a thousand new tools is one thing to look at.
fn definition_held(what: &What) -> Option<Message> {
    let What::DefinitionSeen(seen) = what else { return None };
    if seen.sighting == Sighting::Back {
        return None;
    }
    let data = json!({
        "server": seen.server, "tool": seen.tool, "sighting": seen.sighting,
        "may_act": { "role": "admin" },
    });
    Some(Message::new(MessageKind::DefinitionHeld, "/console/definitions".into(), data).paced(seen.server.as_str()))
}

fn credential_replayed(what: &What) -> Option<Message> {
    let What::InstallationEnded(ended) = what else { return None };
    if ended.cause == InstallationEnd::TokenRevoked {
        return None;
    }
    let data = json!({
        "installation": ended.installation, "grant": ended.grant, "person": ended.person, "cause": ended.cause,
    });
    let subject = ended.person.as_ref().map_or(ended.client.as_str(), Id::as_str);
    Some(Message::new(MessageKind::CredentialReplayed, "/console/audit".into(), data).paced(subject))
}

fn revoked(what: &What) -> Option<Message> {
    let What::Revoked(revoked) = what else { return None };
    let data = json!({ "target": revoked.target, "name": revoked.name });
    Some(Message::new(MessageKind::Revoked, "/console".into(), data))
}

/// Nobody but the person has to be told of their own consent, and they have just given it.
fn by_approval(of: &ElevationOf) -> Option<&ElevationOf> {
    (of.by == StepUp::Approval).then_some(of)
}

fn about(of: &ElevationOf) -> Value {
    json!({
        "elevation": of.elevation, "agent": of.agent, "person": of.person, "server": of.server, "scope": of.scope,
        "tier": of.tier, "task": of.task,
    })
}

fn page_of(of: &ElevationOf) -> String {
    format!("/console/approvals/{}", of.elevation)
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
