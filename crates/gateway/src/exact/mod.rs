//! One exact call: what an approval of it covers, and what is left behind when there is none.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up). No document says what an approval of one call covers.
//!
//! Next: `authority::decide` holds it against what was approved; `refused` keeps it for whoever may ask.

mod text;

use crypto::Digest;
use model::{AskedCall, CallTarget, Id, Scope, Task, ThisCall, Tier, Timestamp, config::ElevationConfig};
use store::{CallName, Store};

use crate::{call::Call, principal::Principal};

/// A call of the high tier, named by all that an approval of it is bound to.
#[derive(Debug)]
pub struct Exact {
    task: Option<Id<Task>>,
    scope: Scope,
    name: CallName,
    this: ThisCall,
    text: String,
}

/// A call that is left behind, so that somebody can ask for exactly it.
#[derive(Debug)]
pub struct Left {
    /// What is kept.
    pub asked: AskedCall,
    /// Its arguments, as they are kept.
    pub sealed: Vec<u8>,
}

impl Exact {
    /// The call, if it is of the high tier and does something of its own; a completion does not.
    pub fn of(
        store: &Store,
        call: &Call,
        principal: &Principal,
        target: &CallTarget,
        definition: Option<Digest>,
    ) -> Option<Self> {
        if target.tier() != Tier::High {
            return None;
        }
        let text = text::of(call)?;
        let scope = target.scope(&call.server.id);
        let task = call.task.as_ref().map(|task| task.id.clone());
        let name = store.name_call((&principal.grant().id, task.as_ref()), &scope, definition.as_ref(), &text);
        let this = ThisCall {
            asked: name.id.clone(),
            definition: definition.map(|definition| definition.to_hex()),
            installation: principal.claims().installation(),
            text: text.as_str().into(),
        };
        Some(Self { task, scope, name, this, text })
    }

    /// As an approval is held against it.
    pub fn this(&self) -> &ThisCall {
        &self.this
    }

    /// What the log says of its arguments.
    pub fn arguments(&self) -> &str {
        &self.name.arguments
    }

    /// Leaves it behind at `now`.
    pub fn leave(self, store: &Store, principal: &Principal, config: &ElevationConfig, now: Timestamp) -> Left {
        let Self { task, scope, name: CallName { id, salt, arguments }, this, text } = self;
        let sealed = store.seal_arguments(&id, &text);
        let asked = AskedCall {
            id,
            grant: principal.grant().id.clone(),
            task,
            scope,
            definition: this.definition,
            arguments,
            salt,
            // An agent that holds a key proves itself anew for each token, so its tokens are one installation each.
            installation: this.installation.filter(|_| principal.grant().person.is_some()),
            asked_at: now,
            not_after: now.after(config.ask_within),
            requested_at: None,
        };
        Left { asked, sealed }
    }
}
