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
    Forbidden(Scope, Vec<String>),
    #[error("policy does not allow this agent on the server `{0}`")]
    NoConnection(Id<Server>, Vec<String>),
    #[error("more than {MOST_SCOPES} scopes are asked for; `{0}` is one too many")]
    TooMany(Scope),
    #[error("nothing of `{0}` can be issued to this agent")]
    NothingLeft(ScopeSet),
}

impl ScopeRefusal {
    /// The ids of the policies that said no, for records and the log. The client is not told.
    pub(crate) fn policies(&self) -> &[String] {
        match self {
            Self::Forbidden(_, policies) | Self::NoConnection(_, policies) => policies,
            _ => &[],
        }
    }
}

/// What a `scope` parameter can mean on one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Scopes of the server; none when nothing was asked for.
    pub(crate) scopes: ScopeSet,
}

impl Asked {
    /// The scopes, or the baseline when nothing was asked for.
    pub(crate) fn or_baseline(mut self, server: &Id<Server>) -> ScopeSet {
        if self.scopes.is_empty() {
            self.scopes.insert(Scope::Low(server.clone()));
        }
        self.scopes
    }
}

/// The `scope` parameter, as far as it can mean anything here. What is no scope of this server is left out, and it
/// is an error when that was all.
///
/// Clients ask for the words of OpenID Connect by habit: they ask for nothing that there is here, and not for nothing.
/// Whether a refresh token comes is not theirs to choose (`offline_access`).
pub(crate) fn parse(text: Option<&str>, server: &Id<Server>) -> Result<Asked, ScopeRefusal> {
    let mut asked = Asked::default();
    let mut left_out: Option<ScopeRefusal> = None;
    let words = text.unwrap_or_default().split(' ').filter(|word| !word.is_empty() && !OPENID_WORDS.contains(word));
    for word in words {
        let refusal = match Scope::from_str(word) {
            Ok(scope) if scope.server() != server => ScopeRefusal::OtherServer(scope),
            Ok(scope) if asked.scopes.iter().count() >= MOST_SCOPES => ScopeRefusal::TooMany(scope),
            Ok(scope) => {
                asked.scopes.insert(scope);
                continue;
            }
            Err(unknown) => unknown.into(),
        };
        tracing::debug!(event = "scope_left_out", reason = %refusal);
        left_out = left_out.or(Some(refusal));
    }
    match left_out {
        Some(refusal) if asked.scopes.is_empty() => Err(refusal),
        _ => Ok(asked),
    }
}

/// What each of `asked` takes. What can not be had is left out: what policy forbids, a tool that is held, one that
/// moved to another tier. It is an error when that was all.
pub(crate) fn assess(
    cx: &Cx,
    asker: &Asker,
    server: &Id<Server>,
    asked: &ScopeSet,
) -> Result<Vec<(Scope, Need)>, ScopeRefusal> {
    may_connect(cx, asker, server)?;
    let mut possible = Vec::new();
    let mut left_out: Option<ScopeRefusal> = None;
    for scope in asked.iter() {
        match need(cx, asker, scope) {
            Ok(need) => possible.push((scope.clone(), need)),
            Err(refusal) => {
                let policies = refusal.policies().join(", ");
                let policies = (!policies.is_empty()).then_some(policies);
                tracing::info!(event = "scope_left_out", agent = %asker.agent, reason = %refusal, policies);
                left_out = left_out.or(Some(refusal));
            }
        }
    }
    match left_out {
        _ if !possible.is_empty() => Ok(possible),
        Some(refusal) => Err(refusal),
        None => Err(ScopeRefusal::NothingLeft(asked.clone())),
    }
}

/// May this agent speak to the server at all?
pub(crate) fn may_connect(cx: &Cx, asker: &Asker, server: &Id<Server>) -> Result<(), ScopeRefusal> {
    match cx.policies.decide(&question(asker, server, None, Tier::Low)) {
        Decision::Allow { .. } => Ok(()),
        Decision::StepUp { policies, .. } | Decision::Deny { policies, .. } => {
            Err(ScopeRefusal::NoConnection(server.clone(), policies))
        }
    }
}

/// What one scope takes.
pub(crate) fn need(cx: &Cx, asker: &Asker, scope: &Scope) -> Result<Need, ScopeRefusal> {
    let server = scope.server();
    let forbidden = |by| ScopeRefusal::Forbidden(scope.clone(), by);
    let rules = cx.config.servers.get(server).ok_or_else(|| ScopeRefusal::OtherServer(scope.clone()))?;
    match scope {
        Scope::Low(_) => Ok(Need::Standing),
        Scope::Medium(_) => {
            // A bucket may be asked for when at least one of its tools may.
            let mut by = Vec::new();
            let needs = rules.examples(Tier::Medium);
            let needs = needs.filter_map(|name| {
                decide(cx, asker, server, name, Tier::Medium).map_err(|policies| by.extend(policies)).ok()
            });
            let least = needs.min_by_key(|need| matches!(need, Need::Elevation(StepUp::Approval)));
            by.sort_unstable();
            by.dedup();
            least.ok_or_else(|| forbidden(by))
        }
        Scope::Tool(_, tool) => match rules.tier(tool) {
            None => Err(ScopeRefusal::Held(scope.clone())),
            Some(Tier::High) => decide(cx, asker, server, tool.clone(), Tier::High).map_err(forbidden),
            Some(tier) => {
                let instead = Scope::needed(server, tool, tier);
                Err(ScopeRefusal::NotHigh { asked: scope.clone(), tier, instead })
            }
        },
    }
}

/// What it takes, or the policies that forbid it whatever is held.
fn decide(cx: &Cx, asker: &Asker, server: &Id<Server>, tool: ToolName, tier: Tier) -> Result<Need, Vec<String>> {
    match cx.policies.decide(&question(asker, server, Some(tool), tier)) {
        Decision::Allow { .. } => Ok(Need::Standing),
        Decision::StepUp { by, .. } => Ok(Need::Elevation(by)),
        Decision::Deny { policies, .. } => Err(policies),
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

/// Words of OpenID Connect that clients put into every request.
///
/// Spec: OpenID Connect Core §5.4 and §11
const OPENID_WORDS: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];
/// So many scopes are looked at; a set is stored with its baseline and read back, which has a limit of its own.
const MOST_SCOPES: usize = 60;
