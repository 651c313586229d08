//! What the tools and prompts of a server are: asked, noticed in the lists that pass by, and held when they are not what was
//! accepted.
//!
//! What counts is in the store ([`store::Pins`]); a node holds it in memory under the epoch. What this node noticed and has
//! not written down yet is held at once all the same.
//!
//! Spec: MCP 2026-07-28 server/tools (definitions are untrusted); docs/decisions/0031-definitions-are-pinned.md.
//!
//! Next: `noticed`, what passes by; `first_list`, what is asked; `checked`, arguments.

mod checked;
mod first_list;
mod noticed;
mod read;

use std::{sync::Arc, time::Duration};

use model::{CallTarget, Id, Pin, Server, ToolName, config::DefinitionTrust};
use store::{Pins, Store};
use tokio::{sync::Mutex, time::Instant};

pub use read::{DefinitionList, ambiguous};

use crate::protected_server::ProtectedServer;
use checked::Checks;
use noticed::Noticed;

/// What this node knows of the definitions of one server.
#[derive(Debug)]
pub struct Definitions {
    store: Store,
    server: Id<Server>,
    trust: DefinitionTrust,
    noticed: Noticed,
    checks: Checks,
    /// One asks; when it failed last.
    asking: Mutex<Option<Instant>>,
}

/// A server that could not be listed is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Definitions {
    /// Of a server.
    pub fn of(store: Store, server: Id<Server>, trust: DefinitionTrust) -> Self {
        let (noticed, checks, asking) = Default::default();
        Self { store, server, trust, noticed, checks, asking }
    }

    /// Does it matter what a tool says of itself?
    pub fn are_pinned(&self) -> bool {
        self.trust != DefinitionTrust::Unpinned
    }

    /// What counts of all servers at this moment.
    pub fn pins(&self) -> Arc<Pins> {
        self.store.pins()
    }

    /// What is known of a name.
    pub fn pin(&self, pins: &Pins, name: &ToolName) -> Pin {
        match pins.pin(&self.server, name) {
            Pin::Accepted if self.noticed.is_other(name) => Pin::Changed,
            Pin::Unknown if self.noticed.is_other(name) => Pin::New,
            pin => pin,
        }
    }
}

impl ProtectedServer {
    /// The `tool` as its rules classify it, with what is known of its definition.
    pub fn target(&self, tool: Option<ToolName>) -> CallTarget {
        CallTarget::of(&self.config, tool, |name| self.definitions.pin(&self.definitions.pins(), name))
    }
}
