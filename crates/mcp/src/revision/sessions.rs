//! What the revisions with sessions share: `initialize`, a session id, streams opened by GET.
//!
//! The body alone counts. The headers that 2026-07-28 added are not checked by servers of this era,
//! so they are neither believed nor sent on. What makes a request well-formed beyond its envelope is
//! for the upstream to say: it knows its own session.
//!
//! Spec: MCP 2025-11-25 basic/transports, basic/lifecycle.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{
    not_spoken::NotSpoken,
    param_headers::ParamHeaders,
    rules::{ChallengeScopes, ComesBack, Revision, SendsTo},
};
use crate::{
    jsonrpc::{Message, MethodCall},
    method::{self, Method},
};

/// A revision with sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Its date.
    pub(super) name: &'static str,
    /// Does it have an error that sends the person to an address?
    pub(super) sends_people: bool,
}

impl Revision for Sessions {
    fn name(&self) -> &'static str {
        self.name
    }

    fn methods(&self) -> &'static [Method] {
        METHODS
    }

    fn notifications(&self) -> &'static [&'static str] {
        NOTIFICATIONS
    }

    fn has_sessions(&self) -> bool {
        true
    }

    fn comes_back(&self) -> ComesBack {
        ComesBack::EventIds
    }

    fn challenge_scopes(&self) -> ChallengeScopes {
        ChallengeScopes::HeldAndNeeded
    }

    fn check(&self, _: &HeaderMap, _: &Message) -> Result<(), NotSpoken> {
        Ok(())
    }

    fn argument_headers(
        &self,
        _: &HeaderMap,
        _: &MethodCall,
        _: &ParamHeaders,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, NotSpoken> {
        Ok(Vec::new())
    }

    fn write_headers(&self, _: &MethodCall, _: &mut HeaderMap) {}

    fn client_meta(&self) -> Option<Value> {
        None
    }

    fn error_status(&self, _: i32) -> StatusCode {
        StatusCode::OK
    }

    fn complete(&self, _: &mut Value) {}

    /// Every one of ours is the same page for the same call, so its address is its id. Nothing is told when it is done: the
    /// client asks its person, or makes the call again. SDKs say for their applications that they can, whether these do or not, so
    /// the words of the error have the address as well.
    ///
    /// Spec: MCP 2025-11-25 client/elicitation (URL elicitation required error)
    fn sends_to(&self, url: &str, message: &str, words: &str) -> Option<SendsTo> {
        let elicitation = json!({"mode": "url", "elicitationId": url, "url": url, "message": message});
        let error =
            json!({"code": URL_ELICITATION_REQUIRED, "message": words, "data": {"elicitations": [elicitation]}});
        self.sends_people.then_some(SendsTo::Error(error))
    }

    fn farewell(&self, _: &str) -> Option<String> {
        None
    }

    fn list_members(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }
}

/// Spec: MCP 2025-11-25 schema (`URL_ELICITATION_REQUIRED`)
const URL_ELICITATION_REQUIRED: i32 = -32042;

/// Spec: MCP 2025-11-25 schema (client requests)
const METHODS: &[Method] = &[
    method::TOOLS_CALL,
    method::TOOLS_LIST,
    method::INITIALIZE,
    method::PING,
    method::LOGGING_SET_LEVEL,
    method::RESOURCES_LIST,
    method::RESOURCE_TEMPLATES_LIST,
    method::RESOURCES_READ,
    method::RESOURCES_SUBSCRIBE,
    method::RESOURCES_UNSUBSCRIBE,
    method::PROMPTS_LIST,
    method::PROMPTS_GET,
    method::COMPLETION_COMPLETE,
    method::TASKS_GET,
    method::TASKS_UPDATE,
    method::TASKS_CANCEL,
    method::TASKS_LIST,
    method::TASKS_RESULT,
];

/// Spec: MCP 2025-11-25 schema (client notifications)
const NOTIFICATIONS: &[&str] = &[
    "notifications/cancelled",
    "notifications/progress",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "notifications/tasks/status",
];
