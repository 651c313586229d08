//! From a call to a [`Permit`], or to what its agent is told instead.
//!
//! What an agent may do is decided in [`privilege::authority`]; here the answer becomes a permit, or a refusal in the words
//! of the protocol.
//!
//! Spec: MCP basic/authorization (scope challenge, scope hierarchies).
//!
//! Next: `permit::Permit::record`.

use std::sync::Arc;

use mcp::revision::ChallengeScopes;
use model::{CallTarget, Elevation, Scope, ScopeSet, Stage, StepUp, ToolName};
use policy::Policies;
use privilege::authority::{self, Allowed, Asker, NotAllowed, decide::Wanted};
use store::Store;

use crate::{call::Call, live::Live, permit::Permit, refusal::Refusal};

/// Decides on a call.
pub async fn decide(store: &Store, policies: &Policies, call: Call, live: Arc<Live>) -> Result<Permit<Call>, Refused> {
    let target = match call.target() {
        Ok(target) => target,
        Err(refusal) => return Err(Refused { refusal, call, live, target: None, policies: Vec::new() }),
    };
    let outcome = ask(store, policies, &call, &live, &target).await;
    match outcome {
        Ok(allowed) => {
            let facts = store.facts(live.epoch());
            Ok(Permit::new(call, live, target, allowed, facts))
        }
        Err(No { refusal, policies }) => Err(Refused { refusal, call, live, target: Some(target), policies }),
    }
}

/// A call that was refused, for the record.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// What.
    pub call: Call,
    /// Who.
    pub live: Arc<Live>,
    /// What it is about, when that was found out.
    pub target: Option<CallTarget>,
    /// The policies that said so; none, when it was not a matter of policy.
    pub policies: Vec<String>,
}

impl Refused {
    /// The tool that it wanted to call.
    pub fn tool(&self) -> Option<&ToolName> {
        self.target.as_ref()?.tool()
    }
}

/// No, and the policies that said so.
struct No {
    refusal: Refusal,
    policies: Vec<String>,
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, policies: Vec::new() }
    }
}

async fn ask(store: &Store, policies: &Policies, call: &Call, live: &Live, target: &CallTarget) -> Result<Allowed, No> {
    if target.tool().is_some_and(|tool| live.tool_is_stopped(tool)) {
        return Err(Refusal::Blocked.into());
    }
    let (grant, credential) = (live.grant(), &live.claims().scope);
    let asker = Asker::by_grant(live.agent(), grant);
    let refused = match authority::decide(store, policies, Wanted { asker, grant, credential, target }).await {
        Ok(allowed) => return Ok(allowed),
        Err(refused) => refused,
    };
    let (refusal, policies) = match refused {
        NotAllowed::Denied { reason, policies } => (Refusal::Denied(reason, target.tool().cloned()), policies),
        NotAllowed::Narrow(scope) => {
            let scopes = ScopeSet::from_iter([scope]);
            (Refusal::step_up(target.tool(), target.tier(), StepUp::Consent, scopes), Vec::new())
        }
        NotAllowed::StepUp { scope, by, live: elevations, policies } => {
            let refusal = match awaited(store, call, live, target, (&scope, by)).await? {
                Some(awaited) => awaited,
                None => step_up(call, live, target, scope, by, &elevations),
            };
            (refusal, policies)
        }
        NotAllowed::Silent(_) => (Refusal::Unavailable, Vec::new()),
        NotAllowed::Store(error) => {
            store.failed("store_failed", &error);
            (Refusal::Unavailable, Vec::new())
        }
    };
    Err(No { refusal, policies })
}

/// What an agent that does not poll is told of a decision that it asked for: by the call, because its client knows
/// nothing but calls.
async fn awaited(
    store: &Store,
    call: &Call,
    live: &Live,
    target: &CallTarget,
    (scope, by): (&Scope, StepUp),
) -> Result<Option<Refusal>, Refusal> {
    let Some(desk) = call.server.desk.of_agent(&live.agent().id) else { return Ok(None) };
    let newest = store.newest_elevation(&live.grant().id, scope).await.map_err(|error| {
        store.failed("store_failed", &error);
        Refusal::Unavailable
    })?;
    let what = target.tool().map_or_else(|| "this".to_owned(), ToString::to_string);
    let now = store.now();
    Ok(newest.and_then(|elevation| match &elevation.stage {
        Stage::Requested if elevation.is_pending(now) => {
            let who = match by {
                StepUp::Consent => "the owner of this agent",
                StepUp::Approval => "another person than its owner",
            };
            let at = desk.address(&elevation.id);
            Some(Refusal::Awaited { what, who, at, elevation: elevation.id })
        }
        Stage::Denied(decided) if desk.still_counts(decided.at, now) => {
            Some(Refusal::TurnedDown { what, elevation: elevation.id })
        }
        _ => None,
    }))
}

/// What is needed; and for clients that replace what they hold, everything: what is granted and live, and what is needed.
///
/// Spec: MCP basic/authorization (scope challenge handling).
pub fn step_up(
    call: &Call,
    live: &Live,
    target: &CallTarget,
    scope: Scope,
    by: StepUp,
    elevations: &[Elevation],
) -> Refusal {
    let mut scopes = ScopeSet::default();
    if call.revision.challenge_scopes() == ChallengeScopes::HeldAndNeeded {
        live.grant().scopes.iter().for_each(|granted| scopes.insert(granted.clone()));
        elevations.iter().for_each(|elevation| scopes.insert(elevation.scope.clone()));
    }
    scopes.insert(scope);
    Refusal::step_up(target.tool(), target.tier(), by, scopes)
}
