//! What a revision of the protocol decides: everything in which two of them differ.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::{not_spoken::NotSpoken, param_headers::ParamHeaders};
use crate::{
    jsonrpc::{Message, MethodCall},
    method::{Method, Notification},
};

/// A revision of the protocol. What is asked here is asked nowhere else: no `if` outside of this folder knows a date.
pub trait Revision: fmt::Debug + Send + Sync {
    /// Its date, which is its name on the wire.
    fn name(&self) -> &'static str;

    /// Every request that a client may send.
    fn methods(&self) -> &'static [Method];

    /// Every notification that a client may send.
    fn notifications(&self) -> &'static [&'static str];

    /// Is there a session: begun by `initialize`, named in each request, listened to by GET, ended by DELETE?
    fn has_sessions(&self) -> bool;

    /// What its servers hand out and get back, so that it leaves bound to whom it was given.
    fn comes_back(&self) -> ComesBack;

    /// Which scopes a challenge names.
    fn challenge_scopes(&self) -> ChallengeScopes;

    /// Do the headers of a request agree with its message?
    ///
    /// # Errors
    /// The first disagreement.
    fn check(&self, headers: &HeaderMap, message: &Message) -> Result<(), NotSpoken>;

    /// The headers that repeat arguments of this call and say what it says; `known` is what the definitions of the
    /// server's tools say of such headers.
    ///
    /// # Errors
    /// One says other than its argument.
    fn argument_headers(
        &self,
        headers: &HeaderMap,
        call: &MethodCall,
        known: &ParamHeaders,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, NotSpoken>;

    /// Writes the headers that repeat what is called, and in which revision.
    fn write_headers(&self, call: &MethodCall, headers: &mut HeaderMap);

    /// What each request of a client carries in `_meta`, if anything.
    fn client_meta(&self) -> Option<Value>;

    /// The HTTP status of a JSON-RPC error about a method or its parameters.
    fn error_status(&self, code: i32) -> StatusCode;

    /// Marks the result of a call as one that is whole.
    fn complete(&self, result: &mut Value);

    /// The answer that sends the person to `url` and has the call made again afterwards; `None` where there is no such answer.
    /// `words` say all of it to whoever can not be sent anywhere, though their client said so.
    fn sends_to(&self, url: &str, message: &str, words: &str) -> Option<SendsTo>;

    /// The result that ends the standing stream of a request, as JSON: a server that ends one answers it. `None` where
    /// streams just end.
    fn farewell(&self, id: &str) -> Option<String>;

    /// Members that a list differing from one principal to the next has to have, each with its value as JSON.
    fn list_members(&self) -> &'static [(&'static str, &'static str)];
}

/// What a server hands out with an answer and gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComesBack {
    /// Ids of events, in `Last-Event-ID`.
    EventIds,
    /// `requestState` of a call that needs input.
    RequestStates,
}

/// How an answer sends a person somewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum SendsTo {
    /// By a result.
    Result(Value),
    /// By an error.
    Error(Value),
}

/// Which scopes a challenge names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeScopes {
    /// What this call needs: clients unite it with what they hold.
    Needed,
    /// Everything that is held and what is needed: clients replace what they hold.
    HeldAndNeeded,
}

impl dyn Revision + '_ {
    /// The method of that name, if this revision has it.
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods().iter().find(|method| method.name == name)
    }

    /// What becomes of a notification of that name.
    pub fn notification(&self, name: &str) -> Notification {
        match self.notifications().contains(&name) {
            true => Notification::Known,
            false if name.starts_with("notifications/") => Notification::Unknown,
            false => Notification::None,
        }
    }
}

impl PartialEq for dyn Revision + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Display for dyn Revision + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
