//! What granting a request would take, scope by scope. Shown on the consent page and carried out by `consent`.
//!
//! Clients ask for the union of all they ever held, so what is asked says nothing about what is needed.
//!
//! Spec: MCP 2026-07-28 basic/authorization (step-up).

use catalogue::ShownArgument;
use model::{Agent, AskedCall, Elevation, ExactCall, Grant, Id, Installation, Person, Scope, StepUp};
use privilege::{approvers::keep_approved, asked_call, authority::Need};
use store::StoreError;

use super::{
    for_task::{ForTask, NewTask},
    request::AuthorizeRequest,
};
use crate::{
    context::Context,
    error::AuthorizeError,
    liveness, newcomer,
    scopes::{self, Proving},
};

/// What it would take.
pub(super) struct Plan {
    /// The agent as it is, or as it would be.
    pub(super) agent: Agent,
    /// Its grant on the server, when it has one.
    pub(super) grant: Option<Grant>,
    /// Nobody knew the agent before.
    pub(super) is_newcomer: bool,
    /// To which task it all belongs.
    pub(super) for_task: ForTask,
    /// Live elevations among what is asked.
    pub(super) held: Vec<Elevation>,
    /// Above the baseline, but policy asks nobody.
    pub(super) free: Vec<Scope>,
    /// The person's consent is enough.
    pub(super) by_consent: Vec<Scope>,
    /// Another person has to approve.
    pub(super) by_approval: Vec<ToApprove>,
    /// The same, but nothing of it was called lately that one could approve.
    pub(super) not_called: Vec<Scope>,
}

/// What another person has to approve.
pub(super) struct ToApprove {
    pub(super) scope: Scope,
    /// The one call, in the high tier, with its arguments as a person reads them.
    pub(super) call: Option<(AskedCall, Vec<ShownArgument>)>,
}

impl ToApprove {
    fn shown(&self) -> String {
        let call = self.call.as_ref().map(|(asked, _)| asked.id.as_str()).unwrap_or_default();
        format!("{}/{call}", self.scope)
    }

    /// The call, for `installation`.
    pub(super) fn exactly(&self, installation: &Id<Installation>) -> Option<ExactCall> {
        let (asked, _) = self.call.as_ref()?;
        Some(ExactCall { installation: Some(installation.clone()), ..ExactCall::from(asked) })
    }
}

impl Plan {
    /// The same without what the person left out. What is held already can not be left out here.
    pub(super) fn without(mut self, is_left_out: impl Fn(&Scope) -> bool) -> Self {
        self.free.retain(|scope| !is_left_out(scope));
        self.by_consent.retain(|scope| !is_left_out(scope));
        self.by_approval.retain(|one| !is_left_out(&one.scope));
        self
    }

    /// Can the person make a piece of work of it? Not of what was asked for as a part of one, nor of one call, which is approved
    /// where it was made.
    pub(super) fn offers_task(&self) -> bool {
        let beyond = !self.by_consent.is_empty() || self.held.iter().any(|held| held.by == StepUp::Consent);
        self.for_task == ForTask::None && beyond && self.by_approval.iter().all(|one| one.call.is_none())
    }

    /// The same for a new task: what the person gave before counts elsewhere, so they give it to the task as well.
    pub(super) fn in_new_task(&mut self, new: NewTask) {
        let given = self.held.drain(..).filter(|held| held.by == StepUp::Consent).map(|held| held.scope);
        self.by_consent.extend(given);
        self.for_task = ForTask::Opens(new);
    }

    /// What the page shows, for comparison when the form comes back. What is held may change in between:
    /// an elevation that ended is then asked for again, so it is a different page.
    pub(super) fn shown(&self) -> String {
        let list = |scopes: &[Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let held: Vec<String> = self.held.iter().map(|elevation| elevation.id.to_string()).collect();
        let client = format!("{} {} {}", self.agent.client, self.agent.assurance, self.agent.title);
        format!(
            "{client} | {} | {} | {} | {} | {}",
            list(&self.free),
            list(&self.by_consent),
            self.by_approval.iter().map(ToApprove::shown).collect::<Vec<_>>().join(" "),
            held.join(" "),
            self.for_task.shown(),
        )
    }
}

/// The plan for `person`, or why the request can not be granted.
pub(super) async fn plan(
    cx: &Context,
    wanted: &AuthorizeRequest,
    person: &Person,
) -> Result<Result<Plan, AuthorizeError>, StoreError> {
    let now = cx.store.now();
    let known = cx.store.agent_of(&wanted.client.client.id, &person.id).await?;
    let is_newcomer = known.is_none();
    let agent = match known {
        // As its client describes itself today.
        Some(known) => {
            Agent { title: wanted.client.client.name.clone(), assurance: wanted.client.client.assurance, ..known }
        }
        None => newcomer::of(cx, &wanted.client.client, person).await?,
    };
    let grant = cx.store.live_grant(&agent.id, &wanted.server, now).await?;
    let mut live = Vec::new();
    if let Some(grant) = &grant {
        live = cx.store.live_elevations(&grant.id, now).await?;
        keep_approved(&cx.store, &cx.policies, (&agent, grant), &mut live).await?;
    }
    let for_task = match ForTask::of(cx, wanted, &agent, grant.as_ref()).await? {
        Ok(for_task) => for_task,
        Err(error) => return Ok(Err(error)),
    };
    // What belongs to another task, or to none, is not held in this one.
    let is_new = matches!(for_task, ForTask::Opens(_));
    live.retain(|elevation| !is_new && elevation.ends_with.task.as_ref() == for_task.id());
    let mut plan = match assess(cx, wanted, person, agent, grant, live) {
        Ok(plan) => Plan { is_newcomer, for_task, ..plan },
        Err(error) => return Ok(Err(error)),
    };
    for scope in std::mem::take(&mut plan.by_approval) {
        match called(cx, plan.grant.as_ref(), &plan.for_task, scope.scope).await? {
            Ok(called) => plan.by_approval.push(called),
            Err(scope) => plan.not_called.push(scope),
        }
    }
    // Clients ask for all they ever held: what was not called lately is left out, unless it is all that is asked for.
    let is_all = wanted.scopes.iter().all(|scope| plan.not_called.contains(scope));
    match plan.not_called.first() {
        Some(scope) if is_all => Ok(Err(AuthorizeError::NotCalled(scope.clone()))),
        _ => Ok(Ok(plan)),
    }
}

/// What was called of `scope` and refused, so that it can be approved; the scope when there is nothing.
async fn called(
    cx: &Context,
    grant: Option<&Grant>,
    for_task: &ForTask,
    scope: Scope,
) -> Result<Result<ToApprove, Scope>, StoreError> {
    let is_exact = cx.config.servers.get(scope.server()).is_none_or(|rules| asked_call::is_exact(rules, &scope));
    if !is_exact {
        return Ok(Ok(ToApprove { scope, call: None }));
    }
    let (store, now) = (&cx.store, cx.store.now());
    let Some(grant) = grant else { return Ok(Err(scope)) };
    let newest = store.newest_asked_call(&grant.id, &scope, now).await?;
    let elevation = store.newest_elevation(&grant.id, &scope).await?;
    let Some(id) = asked_call::to_ask_for(&cx.config.elevation, newest, elevation, now) else { return Ok(Err(scope)) };
    let asked = store.asked_call(&id).await?.filter(|asked| for_task.fits(asked.task.as_ref()));
    let Some(asked) = asked else { return Ok(Err(scope)) };
    Ok(match asked_call::card(&cx.store, &asked).await? {
        Some(card) => Ok(ToApprove { scope, call: Some((asked, card)) }),
        None => Err(scope),
    })
}

fn assess(
    cx: &Context,
    wanted: &AuthorizeRequest,
    person: &Person,
    agent: Agent,
    grant: Option<Grant>,
    live: Vec<Elevation>,
) -> Result<Plan, AuthorizeError> {
    let client = &wanted.client.client.id;
    let acting = liveness::acting(&agent, client, grant.as_ref(), &wanted.server);
    liveness::seems_alive(&cx.store, &acting, person)?;
    if cx.config.servers.get(&wanted.server).is_some_and(|rules| rules.enterprise_only) {
        return Err(AuthorizeError::EnterpriseOnly);
    }
    let possible = scopes::plan(cx, &agent, &wanted.server, &wanted.scopes, Proving::Later)?;
    let mut plan = Plan {
        agent,
        grant,
        is_newcomer: false,
        for_task: ForTask::None,
        held: Vec::new(),
        free: Vec::new(),
        by_consent: Vec::new(),
        by_approval: Vec::new(),
        not_called: Vec::new(),
    };
    for (scope, need) in possible {
        let held = live.iter().find(|elevation| elevation.scope == scope);
        match (held, need) {
            (_, Need::Standing) if matches!(scope, Scope::Low(_)) => {}
            (Some(elevation), _) => plan.held.push(elevation.clone()),
            (None, Need::Standing) => plan.free.push(scope),
            (None, Need::Elevation(StepUp::Consent)) => plan.by_consent.push(scope),
            (None, Need::Elevation(StepUp::Approval)) => plan.by_approval.push(ToApprove { scope, call: None }),
        }
    }
    Ok(plan)
}
