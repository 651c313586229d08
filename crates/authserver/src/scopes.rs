//! Which scopes may be issued to whom, and who has to say yes first.
//!
//! What a client asks for is a wish, never evidence: clients unite all scopes they ever held
//! (MCP 2026-07-28), so every scope is judged anew, against the rules and against policy.
//!
//! Spec: RFC 6749 §3.3; MCP 2026-07-28 basic/authorization.

use std::str::FromStr;

use model::{
    Agent, AgentKind, Assurance, Authority, Decision, Id, Person, Question, Scope, ScopeSet, Server, StepUp, Tier,
    ToolName, scope::UnknownScope,
};

use crate::cx::Cx;

/// Who asks, as policy sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) agent: Id<Agent>,
    pub(crate) kind: AgentKind,
    pub(crate) assurance: Assurance,
    pub(crate) person: Option<Id<Person>>,
}

impl Asker {
    /// An agent as the store has it.
    pub(crate) fn of(agent: &Agent) -> Self {
        let person = (agent.kind == AgentKind::Delegated).then(|| agent.owner.clone());
        Self { agent: agent.id.clone(), kind: agent.kind, assurance: agent.assurance, person }
    }
}

/// What a scope takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The standing grant is enough.
    Standing,
    /// An elevation, once these people said yes.
    Elevation(StepUp),
}

/// Why a scope is refused or left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeRefusal {
    #[error(transparent)]
    Unknown(#[from] UnknownScope),
    #[error("scope `{0}` belongs to another server than the resource")]
    OtherServer(Scope),
    #[error("the tool of scope `{0}` waits for an operator to classify it")]
    Held(Scope),
    #[error("scope `{asked}` is for the high tier only; this tool is in the {tier} tier, ask for `{instead}`")]
    NotHigh { asked: Scope, tier: Tier, instead: Scope },
    #[error("policy does not allow scope `{0}` to this agent")]
    Forbidden(Scope),
    #[error("policy does not allow this agent on the server `{0}`")]
    NoConnection(Id<Server>),
    #[error("nothing of `{0}` can be issued to this agent")]
    NothingLeft(ScopeSet),
}

/// The `scope` parameter, without `offline_access`; absent means the baseline.
///
/// `offline_access` is tolerated because clients send it by habit; whether a refresh token comes is not theirs to choose.
pub(crate) fn parse(text: Option<&str>, server: &Id<Server>) -> Result<ScopeSet, ScopeRefusal> {
    let kept: Vec<&str> =
        text.unwrap_or_default().split(' ').filter(|part| !part.is_empty() && *part != "offline_access").collect();
    let mut scopes = ScopeSet::from_str(&kept.join(" "))?;
    if let Some(other) = scopes.iter().find(|scope| scope.server() != server) {
        return Err(ScopeRefusal::OtherServer(other.clone()));
    }
    if scopes.is_empty() {
        scopes.insert(Scope::Low(server.clone()));
    }
    Ok(scopes)
}

/// What each of `asked` takes. A tool scope outside the high tier or of a held tool is an error; what policy
/// forbids is left out, and it is an error when that was all.
pub(crate) fn assess(
    cx: &Cx,
    asker: &Asker,
    server: &Id<Server>,
    asked: &ScopeSet,
) -> Result<Vec<(Scope, Need)>, ScopeRefusal> {
    may_connect(cx, asker, server)?;
    let mut possible = Vec::new();
    for scope in asked.iter() {
        match need(cx, asker, scope) {
            Ok(need) => possible.push((scope.clone(), need)),
            Err(ScopeRefusal::Forbidden(_)) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    if possible.is_empty() { Err(ScopeRefusal::NothingLeft(asked.clone())) } else { Ok(possible) }
}

/// May this agent speak to the server at all?
pub(crate) fn may_connect(cx: &Cx, asker: &Asker, server: &Id<Server>) -> Result<(), ScopeRefusal> {
    match cx.policies.decide(&question(asker, server, None, Tier::Low)) {
        Decision::Allow { .. } => Ok(()),
        Decision::StepUp { .. } | Decision::Deny { .. } => Err(ScopeRefusal::NoConnection(server.clone())),
    }
}

/// What one scope takes.
pub(crate) fn need(cx: &Cx, asker: &Asker, scope: &Scope) -> Result<Need, ScopeRefusal> {
    let server = scope.server();
    let forbidden = || ScopeRefusal::Forbidden(scope.clone());
    let rules = &cx.config.servers.get(server).ok_or_else(|| ScopeRefusal::OtherServer(scope.clone()))?.tools;
    match scope {
        Scope::Low(_) => Ok(Need::Standing),
        Scope::Medium(_) => {
            // A bucket may be asked for when at least one of its tools may.
            let names = rules.iter().filter(|(_, tier)| *tier == Tier::Medium);
            let names = names.filter_map(|(pattern, _)| pattern.as_str().replace('*', "x").parse::<ToolName>().ok());
            let needs = names.filter(|name| rules.tier(name) == Some(Tier::Medium));
            let needs = needs.filter_map(|name| decide(cx, asker, server, name, Tier::Medium));
            needs.min_by_key(|need| matches!(need, Need::Elevation(StepUp::Approval))).ok_or_else(forbidden)
        }
        Scope::Tool(_, tool) => match rules.tier(tool) {
            None => Err(ScopeRefusal::Held(scope.clone())),
            Some(Tier::High) => decide(cx, asker, server, tool.clone(), Tier::High).ok_or_else(forbidden),
            Some(tier) => {
                let instead = Scope::needed(server, tool, tier);
                Err(ScopeRefusal::NotHigh { asked: scope.clone(), tier, instead })
            }
        },
    }
}

fn decide(cx: &Cx, asker: &Asker, server: &Id<Server>, tool: ToolName, tier: Tier) -> Option<Need> {
    match cx.policies.decide(&question(asker, server, Some(tool), tier)) {
        Decision::Allow { .. } => Some(Need::Standing),
        Decision::StepUp { by, .. } => Some(Need::Elevation(by)),
        Decision::Deny { .. } => None,
    }
}

fn question(asker: &Asker, server: &Id<Server>, tool: Option<ToolName>, tier: Tier) -> Question {
    Question {
        agent: asker.agent.clone(),
        kind: asker.kind,
        assurance: asker.assurance,
        person: asker.person.clone(),
        server: server.clone(),
        tool,
        tier,
        held: false,
        authority: Authority::Standing,
    }
}
