//! What an agent may do with a server at this moment: asked for each call and each listed tool alike.
//!
//! The token's scope above the baseline is a hint. What counts is the elevation that is live now.
//!
//! Spec: MCP basic/authorization (scope challenge, scope hierarchies).
//!
//! Next: `permit::Permit::record`.

use std::sync::Arc;

use model::{Authority, Decision, Elevation, Question, Scope, ScopeSet, Stage, StepUp, Tier, ToolName};
use policy::Policies;
use store::Store;

use crate::{
    call::Call,
    live::Live,
    permit::{Basis, Permit},
    protected::Protected,
    refusal::Refusal,
};

/// Decides on a call.
pub async fn decide(store: &Store, policies: &Policies, call: Call, live: Arc<Live>) -> Result<Permit<Call>, Refused> {
    let tool = match call.subject() {
        Ok(tool) => tool,
        Err(refusal) => return Err(Refused { refusal, call, live, tool: None, tier: None, policies: Vec::new() }),
    };
    let matter = Matter::of(&call.server, tool.as_ref());
    let outcome = weigh(store, policies, &call, &live, &matter).await;
    match outcome {
        Ok(by) => {
            let facts = store.facts(live.epoch());
            Ok(Permit::new(call, live, matter, by, facts))
        }
        Err(No { refusal, policies }) => Err(Refused { refusal, call, live, tier: Some(matter.tier), tool, policies }),
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
    /// The tool, when it calls one.
    pub tool: Option<ToolName>,
    /// Its tier, when that was found out.
    pub tier: Option<Tier>,
    /// The policies that said so; none, when it was not a matter of policy.
    pub policies: Vec<String>,
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

/// What is decided on: a tool with its tier, or the protocol of a server.
#[derive(Debug, Clone)]
pub struct Matter {
    /// The tool; `None` for everything that is no tool call.
    pub tool: Option<ToolName>,
    /// How much harm it can do.
    pub tier: Tier,
    /// No rule names the tool.
    pub held: bool,
    /// The scope that stands for it.
    pub scope: Scope,
}

impl Matter {
    /// The tool as the server's rules classify it. What nobody classified is high and held.
    pub fn of(server: &Protected, tool: Option<&ToolName>) -> Self {
        let Some(tool) = tool else {
            return Self { tool: None, tier: Tier::Low, held: false, scope: Scope::Low(server.id.clone()) };
        };
        let tier = server.config.tier(tool);
        let (held, tier) = (tier.is_none(), tier.unwrap_or(Tier::High));
        Self { tool: Some(tool.clone()), tier, held, scope: Scope::needed(&server.id, tool, tier) }
    }

    /// The question to policy, for an agent that holds `authority`.
    pub fn question(&self, live: &Live, authority: Authority) -> Question {
        let (agent, grant) = (live.agent(), live.grant());
        Question {
            agent: agent.id.clone(),
            kind: agent.kind,
            assurance: agent.assurance,
            person: grant.person.clone(),
            server: grant.server.clone(),
            tool: self.tool.clone(),
            tier: self.tier,
            held: self.held,
            authority,
        }
    }
}

async fn weigh(
    store: &Store,
    policies: &Policies,
    call: &Call,
    live: &Live,
    matter: &Matter,
) -> Result<(Basis, Vec<String>), No> {
    if matter.tool.as_ref().is_some_and(|tool| live.tool_is_stopped(tool)) {
        return Err(Refusal::Blocked.into());
    }
    let standing = policies.decide(&matter.question(live, Authority::Standing));
    let (scope, by, policies_asking) = match standing {
        Decision::Allow { policies } => return Ok((baseline(call, live, matter)?, policies)),
        Decision::Deny { reason, policies } => {
            return Err(No { refusal: Refusal::Denied(reason, matter.tool.clone()), policies });
        }
        Decision::StepUp { scope, by, policies } => (scope, by, policies),
    };
    // A clock that can not be right decides about nothing above the baseline.
    store.freshness().map_err(|_| Refusal::Unavailable)?;
    let elevations = elevations(store, live).await?;
    match elevated(policies, live, matter, &elevations, &scope) {
        Some(Elevated { elevation, policies, .. }) => {
            Ok((Basis::Elevation { id: elevation.id.clone(), by: elevation.by }, policies))
        }
        None => {
            let refusal = match awaited(store, call, live, matter, (&scope, by)).await? {
                Some(awaited) => awaited,
                None => step_up(call, live, matter, scope, by, &elevations),
            };
            Err(No { refusal, policies: policies_asking })
        }
    }
}

/// What an agent that does not poll is told of a decision that it asked for: by the call, because its client knows
/// nothing but calls.
async fn awaited(
    store: &Store,
    call: &Call,
    live: &Live,
    matter: &Matter,
    (scope, by): (&Scope, StepUp),
) -> Result<Option<Refusal>, Refusal> {
    let Some(desk) = call.server.desk.of_agent(&live.agent().id) else { return Ok(None) };
    let newest = store.newest_elevation(&live.grant().id, scope).await.map_err(|error| {
        store.failed("store_failed", &error);
        Refusal::Unavailable
    })?;
    let what = matter.tool.as_ref().map_or_else(|| "this".to_owned(), ToString::to_string);
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

/// The standing grant is enough; but the token may be narrower than its grant.
///
/// Spec: OAuth 2.1 §5.2 (the scope of the token is sufficient).
fn baseline(call: &Call, live: &Live, matter: &Matter) -> Result<Basis, Refusal> {
    let low = Scope::Low(call.server.id.clone());
    if live.grant().scopes.covers(&low) && live.claims().scope.covers(&low) {
        return Ok(Basis::Standing);
    }
    Err(Refusal::step_up(matter.tool.as_ref(), matter.tier, StepUp::Consent, ScopeSet::from_iter([low])))
}

/// The elevations of a principal that are live now.
pub async fn elevations(store: &Store, live: &Live) -> Result<Vec<Elevation>, Refusal> {
    store.live_elevations(&live.grant().id, store.now()).await.map_err(|error| {
        store.failed("store_failed", &error);
        Refusal::Unavailable
    })
}

/// An elevation with which policy allows something.
pub struct Elevated<'e> {
    /// Which one.
    pub elevation: &'e Elevation,
    /// What it amounts to.
    pub authority: Authority,
    /// The permits that matched with it.
    pub policies: Vec<String>,
}

/// The elevation with which policy would allow it.
pub fn elevated<'e>(
    policies: &Policies,
    live: &Live,
    matter: &Matter,
    elevations: &'e [Elevation],
    scope: &Scope,
) -> Option<Elevated<'e>> {
    elevations.iter().filter(|elevation| elevation.scope.implies(scope)).find_map(|elevation| {
        let authority = match elevation.by {
            StepUp::Consent => Authority::Consent,
            StepUp::Approval => Authority::Approval,
        };
        match policies.decide(&matter.question(live, authority)) {
            Decision::Allow { policies } => Some(Elevated { elevation, authority, policies }),
            Decision::StepUp { .. } | Decision::Deny { .. } => None,
        }
    })
}

/// 2026-07-28 names what this call needs, and its clients unite it with what they hold. Earlier clients
/// replace, so they are told everything: what is granted and live, and what is needed.
///
/// Spec: MCP basic/authorization (scope challenge handling), SEP-2350.
pub fn step_up(
    call: &Call,
    live: &Live,
    matter: &Matter,
    scope: Scope,
    by: StepUp,
    elevations: &[Elevation],
) -> Refusal {
    let mut scopes = ScopeSet::default();
    if !call.revision.is_modern() {
        live.grant().scopes.iter().for_each(|granted| scopes.insert(granted.clone()));
        elevations.iter().for_each(|elevation| scopes.insert(elevation.scope.clone()));
    }
    scopes.insert(scope);
    Refusal::step_up(matter.tool.as_ref(), matter.tier, by, scopes)
}
