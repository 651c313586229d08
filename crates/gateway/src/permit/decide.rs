//! From a call to a [`Permit`], or to why there is none.
//!
//! What an agent may do is decided in [`privilege::authority`]; here the answer becomes a permit, or a denial with what its
//! agent can do about it.
//!
//! Spec: MCP basic/authorization (scope challenge, scope hierarchies).

use std::sync::Arc;

use catalogue::Fault;
use crypto::ProofError;
use mcp::{jsonrpc::MethodCall, revision::ChallengeScopes};
use model::{
    CallTarget, DenyReason, Elevation, ElevationState, HeldFor, Id, Scope, ScopeSet, Stage, StepUp, Task, TaskEnd,
    Tier, ToolName, server::Kind,
};
use policy::{Arguments, Policies, Untypable};
use privilege::{
    authority::{self, Allowed, Approvals, Asker, Basis, Excepted, NotAllowed, Unfit, decide::Wanted},
    task::named::{NamedError, NotInTask, named},
};
use store::{MatchingNumber, Store, StoreError};

use super::{Permit, checks::Checks};
use crate::{
    call::{Call, TargetError},
    definitions::Checked,
    exact::Exact,
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
    let excepted = Excepted::of(store, policies, &principal.agent().id, &call.server.id);
    match ask(store, policies, &call, (&principal, &excepted), &target).await {
        Ok((allowed, checked)) => {
            let facts = store.facts(principal.epoch());
            Ok(Permit::new((call, principal, target), allowed, checked, facts))
        }
        Err((why, policies)) => Err(NotPermitted { why, call, principal, target: Some(target), policies, excepted }),
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
    /// The exceptions that were among the facts.
    pub excepted: Excepted,
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
    /// Its arguments are not what the definition of that tool or prompt says.
    Arguments(&'static str, Vec<Fault>),
    /// A policy looks at its arguments, and can not compare them.
    Untyped(Untypable),
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
        /// What was approved does not cover this call.
        unfit: Option<(Id<Elevation>, Unfit)>,
        /// The call, when it is one that could be approved by itself.
        exact: Option<Box<Exact>>,
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
        /// What whoever decides needs to know of the one who asked.
        number: Option<MatchingNumber>,
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
        Self { why, call, principal, target: None, policies: Vec::new(), excepted: Excepted::default() }
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
        step_up(&self.call, &self.principal, &self.target, Needed { scope, by, live: &[], unfit: None, exact: None })
    }

    /// The same call, not permitted after all, because its task ended meanwhile.
    pub fn task_over(self, task: Id<Task>, cause: TaskEnd) -> NotPermitted {
        let why = Denial::Task(NotInTask::Over { id: task, cause });
        let Self { call, principal, target, policies, checks, .. } = self;
        NotPermitted { why, call, principal, target: Some(target), policies, excepted: checks.excepted }
    }

    /// The same call, not permitted after all, because its proof came twice at once.
    pub fn replayed(self) -> NotPermitted {
        let why = Denial::Principal(PrincipalError::Proof(ProofError::Replayed));
        let Self { call, principal, target, policies, checks, .. } = self;
        NotPermitted { why, call, principal, target: Some(target), policies, excepted: checks.excepted }
    }

    /// The same call, not permitted after all, because others used its elevation up.
    pub fn used_up(self) -> NotPermitted {
        let why = self.step_up();
        let Self { call, principal, target, policies, checks, .. } = self;
        NotPermitted { why, call, principal, target: Some(target), policies, excepted: checks.excepted }
    }
}

/// The task that a call names, or that its token belongs to.
async fn task_of(store: &Store, call: &Call, principal: &Principal) -> Result<Option<Task>, Denial> {
    let who = (principal.agent(), principal.grant());
    named(store, who, call.named_task(), principal.claims().task.as_ref()).await.map_err(|error| match error {
        // Its client names no task: it knows nothing but tokens, and gets one that belongs to none by a refresh.
        NamedError::Not(NotInTask::Over { .. } | NotInTask::Completing(_)) if call.named_task().is_none() => {
            Denial::Principal(PrincipalError::TaskOver)
        }
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
    (principal, excepted): (&Principal, &Excepted),
    target: &CallTarget,
) -> Result<(Allowed, Checks), No> {
    if target.tool().is_some_and(|tool| principal.tool_is_stopped(tool)) {
        return Err((Denial::Blocked, Vec::new()));
    }
    // Before anything else is asked: an elevation does not make a token younger, and a new token is had without a step-up.
    principal
        .young_enough(target.tier(), call.server.longest, store.now())
        .map_err(|why| (Denial::Principal(why), Vec::new()))?;
    principal.proves_enough(target.tier(), call.server.proof).map_err(|why| (Denial::Principal(why), Vec::new()))?;
    let failed = |error: StoreError| (silent(store, &error), Vec::new());
    let accepted = accepted(call, target).await.map_err(failed)?;
    let definition = accepted.as_ref().map(|accepted| accepted.digest());
    let exact = Exact::of(store, call, principal, target, definition);
    let (grant, credential) = (principal.grant(), &principal.claims().scope);
    let asker = Asker::by_grant(principal.agent(), grant).excepted(excepted).proving(principal.key());
    let approvals = Approvals::of(&call.server.config, target, exact.as_ref().map(Exact::this));
    let sent = call.called().and_then(MethodCall::arguments);
    let arguments = accepted.as_ref().map_or(Arguments::None, |accepted| Arguments::Sent(accepted.input(), sent));
    let task = call.task.as_ref().map(|task| &task.id);
    let wanted = Wanted { asker, grant, credential, target, approvals, arguments, task };
    let decided = authority::decide(store, policies, wanted).await;
    // Whoever may not call it at all is not told what is wrong with the call.
    let may_be_told =
        matches!(decided, Ok(_) | Err(NotAllowed::StepUp { .. } | NotAllowed::Narrow(_) | NotAllowed::Untyped(_)));
    if let (true, Some(accepted)) = (may_be_told, &accepted) {
        let of = if matches!(target.tool().map(ToolName::kind), Some(Kind::Prompt(_))) { "prompt" } else { "tool" };
        accepted.check(sent).map_err(|faults| (Denial::Arguments(of, faults), Vec::new()))?;
    }
    let refused = match decided {
        Ok(allowed) => {
            let arguments = exact.map(|exact| exact.arguments().to_owned());
            return Ok((allowed, Checks { definition, arguments, excepted: excepted.clone() }));
        }
        Err(refused) => refused,
    };
    Err(match refused {
        NotAllowed::Denied { reason, policies } => match (reason, target.held(), target.tool()) {
            (DenyReason::Held, Some(why), Some(tool)) => (Denial::Held(why, tool.clone()), policies),
            _ => (Denial::Policy(reason, target.tool().cloned()), policies),
        },
        NotAllowed::NeedsKey => (Denial::Principal(PrincipalError::KeyRequired), Vec::new()),
        NotAllowed::Narrow(scope) => {
            let needed = Needed { scope, by: StepUp::Consent, live: &[], unfit: None, exact: None };
            (needed.alone(target), Vec::new())
        }
        NotAllowed::StepUp { scope, by, live, unfit, policies } => {
            let asked_for = awaited(store, call, principal, target, (&scope, by), exact.as_ref()).await;
            match asked_for.map_err(failed)? {
                Some(denial) => (denial, policies),
                None => {
                    let needed =
                        Needed { scope, by, live: &live, unfit: unfit.map(|unfit| *unfit), exact: exact.map(Box::new) };
                    (step_up(call, principal, target, needed), policies)
                }
            }
        }
        NotAllowed::Untyped(why) => (Denial::Untyped(why), Vec::new()),
        NotAllowed::Silent(_) => (Denial::Principal(PrincipalError::StoreSilent), Vec::new()),
        NotAllowed::Store(error) => failed(error),
    })
}

/// The accepted definition of the tool or prompt that is called; what is held is called by none.
async fn accepted(call: &Call, target: &CallTarget) -> Result<Option<Arc<Checked>>, StoreError> {
    match target.tool().filter(|_| target.held().is_none() && call.takes_arguments()) {
        Some(tool) => call.server.definitions.checked(tool).await,
        None => Ok(None),
    }
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
    exact: Option<&Exact>,
) -> Result<Option<Denial>, StoreError> {
    let decisions = &call.server.awaited_decisions;
    if !decisions.tells(principal.agent()) {
        return Ok(None);
    }
    let mut recent = store.recent_elevations(&principal.grant().id, scope).await?;
    let of_task = call.task.as_ref().map(|task| &task.id);
    recent.retain(|elevation| {
        elevation.ends_with.task.as_ref() == of_task || elevation.state() == ElevationState::Denied
    });
    let (tool, now) = (target.tool().cloned(), store.now());
    let is_this = |elevation: &Elevation| match &elevation.call {
        Some(approved) => exact.is_some_and(|exact| exact.this().asked == approved.asked),
        None => true,
    };
    // Other calls of the tool may wait besides.
    if let Some(waits) = recent.iter().find(|elevation| elevation.is_pending(now) && is_this(elevation)) {
        let (elevation, number) = (waits.id.clone(), store.matching_number(waits));
        return Ok(Some(Denial::Awaited { tool, by, at: decisions.address(&elevation), elevation, number }));
    }
    let decided = recent.into_iter().find(|elevation| elevation.decided().is_some());
    Ok(decided.and_then(|elevation| match &elevation.stage {
        // Whatever the arguments: who says no to a call is not asked for the next one at once.
        Stage::Denied(decided) if decisions.still_counts(decided.at, now) => {
            Some(Denial::TurnedDown { tool, elevation: elevation.id })
        }
        _ => None,
    }))
}

/// What a call needs that it has not got.
struct Needed<'a> {
    scope: Scope,
    by: StepUp,
    /// What is live besides.
    live: &'a [Elevation],
    unfit: Option<(Id<Elevation>, Unfit)>,
    exact: Option<Box<Exact>>,
}

impl Needed<'_> {
    /// What is asked for, and nothing else.
    fn alone(self, target: &CallTarget) -> Denial {
        let scopes = ScopeSet::from_iter([self.scope]);
        let (tool, tier) = (target.tool().cloned(), target.tier());
        Denial::StepUp { scopes, by: self.by, tool, tier, unfit: self.unfit, exact: self.exact }
    }
}

/// What is needed; and for clients that replace what they hold, everything: what is granted and live, and what is needed.
///
/// Spec: MCP basic/authorization (scope challenge handling).
fn step_up(call: &Call, principal: &Principal, target: &CallTarget, needed: Needed<'_>) -> Denial {
    let mut held = ScopeSet::default();
    if call.revision.challenge_scopes() == ChallengeScopes::HeldAndNeeded {
        principal.grant().scopes.iter().for_each(|granted| held.insert(granted.clone()));
        needed.live.iter().for_each(|elevation| held.insert(elevation.scope.clone()));
    }
    let mut denial = needed.alone(target);
    if let Denial::StepUp { scopes, .. } = &mut denial {
        scopes.extend(held);
    }
    denial
}
