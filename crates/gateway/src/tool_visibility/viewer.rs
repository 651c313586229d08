//! Who looks at a list of tools, and what they may do with each.
//!
//! The answer comes from the same question to policy as a call of the tool would ask, so what is listed
//! as usable is usable, and what is absent could not be called.
//!
//! Spec: MCP 2026-07-28 server/tools (lists may differ by authorization).

use std::sync::Arc;

use model::{Elevation, Scope, Tier, ToolName};
use policy::Policies;
use privilege::authority::{Approvals, Asker, Excepted, Reach, reach};
use store::Store;

use crate::{
    principal::{Principal, PrincipalError, Verifier},
    protected_server::ProtectedServer,
};

/// Who looks at a list of tools, with everything that decides what they see.
#[derive(Debug)]
pub struct Viewer {
    pub(crate) server: Arc<ProtectedServer>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) elevations: Vec<Elevation>,
    /// Exceptions end while somebody looks.
    pub(crate) store: Store,
    pub(crate) excepted: Excepted,
}

/// How a listed tool may be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    /// Its tier.
    pub tier: Tier,
    /// The scope that stands for it.
    pub scope: Scope,
    /// Usable now, or after a step-up.
    pub state: &'static str,
    /// By which authority it is usable, or who has to say yes; `key` where it takes a token that is bound to one.
    pub by: &'static str,
}

/// What a list may hold.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'l> {
    /// A tool, by its name.
    Tool(&'l str),
    /// A prompt, by its name.
    Prompt(&'l str),
    /// A resource, by its URI.
    Resource(&'l str),
    /// A resource template.
    Template(&'l str),
}

/// What is usable with a token that is bound to a key.
const KEY: &str = "key";

impl Viewer {
    /// Who looks at the lists of `server` at this moment.
    pub async fn of(
        server: Arc<ProtectedServer>,
        principal: &Arc<Principal>,
        policies: Arc<Policies>,
        verifier: &Verifier,
    ) -> Result<Self, PrincipalError> {
        let principal = verifier.still_stands(principal).await.map_err(|dead| dead.why)?;
        let store = verifier.store();
        let mut elevations = store.live_elevations(&principal.grant().id, store.now()).await.map_err(|error| {
            store.failed("store_failed", &error);
            PrincipalError::StoreSilent
        })?;
        // Those of the task that the token belongs to. A call may name another one, and is decided on by itself.
        let of_task = principal.claims().task.as_ref();
        elevations.retain(|elevation| elevation.ends_with.task.as_ref() == of_task);
        let excepted = Excepted::of(store, &policies, &principal.agent().id, &server.id);
        Ok(Self { server, policies, elevations, principal, store: store.clone(), excepted })
    }

    /// The same, looking again because what they may do has changed.
    pub fn again(&self, verifier: Arc<Verifier>) -> impl Future<Output = Result<Self, PrincipalError>> + Send + use<> {
        let (server, principal, policies) = (self.server.clone(), self.principal.clone(), self.policies.clone());
        async move { Self::of(server, &principal, policies, &verifier).await }
    }

    /// Forgets what has run out.
    pub fn look_at(&mut self, now: model::Timestamp) {
        self.elevations.retain(|elevation| elevation.is_live(now));
        self.excepted = Excepted::of(&self.store, &self.policies, &self.principal.agent().id, &self.server.id);
    }

    /// The epoch under which this is how things are.
    pub fn epoch(&self) -> u64 {
        self.principal.epoch()
    }

    /// How what is listed may be used; `None` when it must not even be seen, because nothing could open it.
    pub fn access(&self, listed: Listed<'_>) -> Option<Access> {
        let resources = &self.server.config.resources;
        let tool = match listed {
            Listed::Tool(name) => name.parse().ok()?,
            Listed::Prompt(name) => ToolName::of_prompt(name)?,
            Listed::Resource(uri) => ToolName::of_resource(resources.find(uri)?.0),
            Listed::Template(uri) => ToolName::of_resource(resources.find_template(uri)?.0),
        };
        if self.principal.tool_is_stopped(&tool) {
            return None;
        }
        let target = self.server.target(Some(tool));
        let (agent, grant) = (self.principal.agent(), self.principal.grant());
        let asker = Asker::by_grant(agent, grant).excepted(&self.excepted).proving(self.principal.key());
        let approvals = Approvals::of(&self.server.config, &target, None);
        let reach = reach(&self.policies, &asker, &grant.server, &target, approvals, &self.elevations)?;
        let (scope, state, by) = match reach {
            Reach::Usable { scope, with } => (scope, "usable", with.as_str()),
            Reach::StepUp { scope, by } => (scope, "step_up", by.as_str()),
            Reach::Key { scope } => (scope, "step_up", KEY),
        };
        // The configuration demands it whatever policy says.
        let (state, by) = match self.principal.proves_enough(target.tier(), self.server.proof) {
            Ok(()) => (state, by),
            Err(_) => ("step_up", KEY),
        };
        Some(Access { tier: target.tier(), scope, state, by })
    }

    /// Seconds until something that is usable now stops being so; `None` when nothing here ends.
    pub fn changes_within(&self, now: model::Timestamp) -> Option<u64> {
        let elevations = self.elevations.iter().filter_map(Elevation::not_after);
        elevations.chain(self.excepted.until()).map(|end| now.seconds_until(end)).min()
    }
}
