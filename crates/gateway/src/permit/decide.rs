//! From a call to a [`Permit`], or to why there is none.
//!
//! What an agent may do is decided in [`privilege::authority`]; here the answer becomes a permit, or a denial with what its
//! agent can do about it.
//!
//! Spec: MCP basic/authorization (scope challenge, scope hierarchies).

use std::sync::Arc;

use catalogue::Fault;
use crypto::Digest;
use mcp::{jsonrpc::MethodCall, revision::ChallengeScopes};
use model::{
    CallTarget, DenyReason, Elevation, HeldFor, Id, Scope, ScopeSet, Stage, StepUp, Task, TaskEnd, Tier, ToolName,
};
use policy::Policies;
use privilege::{
    authority::{self, Allowed, Asker, Basis, NotAllowed, decide::Wanted},
    task::named::{NamedError, NotInTask, named},
};
use store::{Store, StoreError};

use super::Permit;
use crate::{
    call::{Call, TargetError},
    principal::{Principal, PrincipalError},
};

/// Decides on a call.
pub async fn decide(
    store: &Store,
    policies: &Policies,
    mut call: Call,
    principal: Arc<Principal>,
) -> Result<Permit<Call>, NotPermitted> {
    match task_of(store, &call, &principal).await {
        Ok(task) => call.task = task,
        Err(denial) => return Err(NotPermitted::untargeted(denial, call, principal)),
    }
    let target = match call.target() {
        Ok(target) => target,
        Err(error) => return Err(NotPermitted::untargeted(Denial::Target(error), call, principal)),
    };
    match ask(store, policies, &call, &principal, &target).await {
        Ok((allowed, definition)) => {
            let facts = store.facts(principal.epoch());
            Ok(Permit::new((call, principal, target), allowed, definition, facts))
        }
        Err((why, policies)) => Err(NotPermitted { why, call, principal, target: Some(target), policies }),
    }
}

/// A call that was not permitted, for the record.
#[derive(Debug)]
pub struct NotPermitted {
    /// Why.
    pub why: Denial,
    /// What.
    pub call: Call,
    /// Who.
    pub principal: Arc<Principal>,
    /// What it is about, when that was found out.
    pub target: Option<CallTarget>,
    /// The policies that said so; none, when it was not a matter of policy.
    pub policies: Vec<String>,
}

/// Why a call is not permitted.
#[derive(Debug)]
pub enum Denial {
    /// It is about nothing that may be called.
    Target(TargetError),
    /// Nobody stands behind it any more.
    Principal(PrincipalError),
    /// The kill switch stops this tool.
    Blocked,
    /// It waits until a person has looked.
    Held(HeldFor, ToolName),
    /// It names a task in which nothing may be called, or not by this agent.
    Task(NotInTask),
    /// Its arguments are not what its definition says.
    Arguments(Vec<Fault>),
    /// Policy says no, and no authority cures it.
    Policy(DenyReason, Option<ToolName>),
    /// More authority is needed, and can be asked for.
    StepUp {
        /// What to ask for.
        scopes: ScopeSet,
        /// Who will be asked.
        by: StepUp,
        /// The tool, when it calls one.
        tool: Option<ToolName>,
        /// Its tier.
        tier: Tier,
    },
    /// A person has been asked and has not decided yet.
    Awaited {
        /// The tool, when it calls one.
        tool: Option<ToolName>,
        /// Who decides.
        by: StepUp,
        /// Where.
        at: String,
        /// What was asked for.
        elevation: Id<Elevation>,
    },
    /// A person said no a short while ago.
    TurnedDown {
        /// The tool, when it calls one.
        tool: Option<ToolName>,
        /// What was asked for.
        elevation: Id<Elevation>,
    },
}

impl NotPermitted {
    /// Of a call of which nothing more is known.
    pub fn untargeted(why: Denial, call: Call, principal: Arc<Principal>) -> Self {
        Self { why, call, principal, target: None, policies: Vec::new() }
    }

    /// The tool that it wanted to call.
    pub fn tool(&self) -> Option<&ToolName> {
        self.target.as_ref()?.tool()
    }
}

impl Permit<Call> {
    /// The elevation that it rests on is over: what to ask for.
    pub fn step_up(&self) -> Denial {
        let by = match self.basis {
            Basis::Elevation { by, .. } => by,
            Basis::Standing => StepUp::Consent,
        };
        let scope = self.target.scope(&self.call.server.id);
        step_up(&self.call, &self.principal, &self.target, scope, by, &[])
    }

    /// The same call, not permitted after all, because its task ended meanwhile.
    pub fn task_over(self, task: Id<Task>, cause: TaskEnd) -> NotPermitted {
        let why = Denial::Task(NotInTask::Over { id: task, cause });
        let Self { call, principal, target, policies, .. } = self;
        NotPermitted { why, call, principal, target: Some(target), policies }
    }

    /// The same call, not permitted after all, because others used its elevation up.
    pub fn used_up(self) -> NotPermitted {
        let why = self.step_up();
        let Self { call, principal, target, policies, .. } = self;
        NotPermitted { why, call, principal, target: Some(target), policies }
    }
}

/// The task that a call names, or that its token belongs to.
async fn task_of(store: &Store, call: &Call, principal: &Principal) -> Result<Option<Task>, Denial> {
    let who = (principal.agent(), principal.grant());
    named(store, who, call.named_task(), principal.claims().task.as_ref()).await.map_err(|error| match error {
        NamedError::Not(why) => Denial::Task(why),
        NamedError::Store(error) => silent(store, &error),
    })
}

/// No, and the policies that said so.
type No = (Denial, Vec<String>);

async fn ask(
    store: &Store,
    policies: &Policies,
    call: &Call,
    principal: &Principal,
    target: &CallTarget,
) -> Result<(Allowed, Option<Digest>), No> {
    if target.tool().is_some_and(|tool| principal.tool_is_stopped(tool)) {
        return Err((Denial::Blocked, Vec::new()));
    }
    let (grant, credential) = (principal.grant(), &principal.claims().scope);
    let asker = Asker::by_grant(principal.agent(), grant);
    let decided = authority::decide(store, policies, {
        let task = call.task.as_ref().map(|task| &task.id);
        Wanted { asker, grant, credential, target, task }
    })
    .await;
    // Whoever may not call it at all is not told what is wrong with the call.
    let checked = match &decided {
        Ok(_) | Err(NotAllowed::StepUp { .. } | NotAllowed::Narrow(_)) => checked(store, call, target).await?,
        Err(_) => None,
    };
    let refused = match decided {
        Ok(allowed) => return Ok((allowed, checked)),
        Err(refused) => refused,
    };
    Err(match refused {
        NotAllowed::Denied { reason, policies } => match (reason, target.held(), target.tool()) {
            (DenyReason::Held, Some(why), Some(tool)) => (Denial::Held(why, tool.clone()), policies),
            _ => (Denial::Policy(reason, target.tool().cloned()), policies),
        },
        NotAllowed::Narrow(scope) => {
            let scopes = ScopeSet::from_iter([scope]);
            let (by, tool, tier) = (StepUp::Consent, target.tool().cloned(), target.tier());
            (Denial::StepUp { scopes, by, tool, tier }, Vec::new())
        }
        NotAllowed::StepUp { scope, by, live: elevations, policies } => {
            let asked_for = awaited(store, call, principal, target, (&scope, by)).await;
            match asked_for.map_err(|error| (silent(store, &error), Vec::new()))? {
                Some(denial) => (denial, policies),
                None => (step_up(call, principal, target, scope, by, &elevations), policies),
            }
        }
        NotAllowed::Silent(_) => (Denial::Principal(PrincipalError::StoreSilent), Vec::new()),
        NotAllowed::Store(error) => (silent(store, &error), Vec::new()),
    })
}

/// Checks the arguments of a call by the accepted definition of its tool, and says which one that was.
async fn checked(store: &Store, call: &Call, target: &CallTarget) -> Result<Option<Digest>, No> {
    let Some(tool) = target.tool() else { return Ok(None) };
    let checked = call.server.definitions.checked(tool).await.map_err(|error| (silent(store, &error), Vec::new()))?;
    let Some(checked) = checked else { return Ok(None) };
    let arguments = call.called().and_then(MethodCall::arguments);
    checked.check(arguments).map_err(|faults| (Denial::Arguments(faults), Vec::new()))?;
    Ok(Some(checked.digest()))
}

fn silent(store: &Store, error: &StoreError) -> Denial {
    store.failed("store_failed", error);
    Denial::Principal(PrincipalError::StoreSilent)
}

/// What an agent that does not poll is told of a decision that it asked for: by the call, because its client knows
/// nothing but calls.
async fn awaited(
    store: &Store,
    call: &Call,
    principal: &Principal,
    target: &CallTarget,
    (scope, by): (&Scope, StepUp),
) -> Result<Option<Denial>, StoreError> {
    let Some(decisions) = call.server.awaited_decisions.of_agent(&principal.agent().id) else { return Ok(None) };
    let newest = store.newest_elevation(&principal.grant().id, scope).await?;
    let (tool, now) = (target.tool().cloned(), store.now());
    Ok(newest.and_then(|elevation| match &elevation.stage {
        Stage::Requested if elevation.is_pending(now) => {
            Some(Denial::Awaited { tool, by, at: decisions.address(&elevation.id), elevation: elevation.id })
        }
        Stage::Denied(decided) if decisions.still_counts(decided.at, now) => {
            Some(Denial::TurnedDown { tool, elevation: elevation.id })
        }
        _ => None,
    }))
}

/// What is needed; and for clients that replace what they hold, everything: what is granted and live, and what is needed.
///
/// Spec: MCP basic/authorization (scope challenge handling).
fn step_up(
    call: &Call,
    principal: &Principal,
    target: &CallTarget,
    scope: Scope,
    by: StepUp,
    elevations: &[Elevation],
) -> Denial {
    let mut scopes = ScopeSet::default();
    if call.revision.challenge_scopes() == ChallengeScopes::HeldAndNeeded {
        principal.grant().scopes.iter().for_each(|granted| scopes.insert(granted.clone()));
        elevations.iter().for_each(|elevation| scopes.insert(elevation.scope.clone()));
    }
    scopes.insert(scope);
    Denial::StepUp { scopes, by, tool: target.tool().cloned(), tier: target.tier() }
}
