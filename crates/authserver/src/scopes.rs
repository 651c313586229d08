//! The `scope` parameter: what it can mean on one server, and what of that can be issued.
//!
//! Spec: RFC 6749 §3.3; MCP 2026-07-28 basic/authorization.
//!
//! Next: [`privilege::authority::plan`], which says what each scope takes.

use std::str::FromStr;

use model::{Agent, Id, Scope, ScopeSet, Server, Thumbprint, scope::UnknownScope};
use privilege::authority::{Asker, Excepted, Need, NotIssuable, plan::Issuing};

use crate::context::Context;

/// Why a scope is refused or left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScopeRefusal {
    #[error(transparent)]
    Unknown(#[from] UnknownScope),
    #[error("scope `{0}` belongs to another server than the resource")]
    OtherServer(Scope),
    #[error("the server `{0}` is not served here any more")]
    NoServer(Id<Server>),
    #[error("the identity provider allows nothing of `{0}` to this client")]
    NotAsserted(ScopeSet),
    #[error("more than {MOST_SCOPES} scopes are asked for; `{0}` is one too many")]
    TooMany(Scope),
    #[error(transparent)]
    NotIssuable(#[from] NotIssuable),
}

impl ScopeRefusal {
    /// The ids of the policies that said no, for records and the log. The client is not told.
    pub(crate) fn policies(&self) -> &[String] {
        match self {
            Self::NotIssuable(refusal) => refusal.policies(),
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

/// Does the client prove a key?
#[derive(Clone, Copy, Debug)]
pub(crate) enum Proving<'a> {
    /// It is asked at the token endpoint: until then it may.
    Later,
    /// This one, or none.
    Now(Option<&'a Thumbprint>),
}

/// What may be issued to `agent` for `server`.
pub(crate) fn issuing<'a>(
    cx: &'a Context,
    agent: &'a Agent,
    server: &'a Id<Server>,
    proving: Proving<'_>,
) -> Result<Issuing<'a>, ScopeRefusal> {
    let rules = cx.config.servers.get(server).ok_or_else(|| ScopeRefusal::NoServer(server.clone()))?;
    let excepted = Excepted::of(&cx.store, &cx.policies, &agent.id, server);
    let asker = Asker::of(agent).excepted(&excepted);
    let asker = match proving {
        Proving::Later => asker.if_it_proved().unwrap_or(asker),
        Proving::Now(key) => asker.proving(key),
    };
    let proof = rules.proof.or(cx.config.tokens.proof);
    Ok(Issuing { policies: &cx.policies, asker, server, rules, pins: cx.store.pins(), proof })
}

/// What each of `asked` takes. What can not be had is left out, and said in the log.
pub(crate) fn plan(
    cx: &Context,
    agent: &Agent,
    server: &Id<Server>,
    asked: &ScopeSet,
    proving: Proving<'_>,
) -> Result<Vec<(Scope, Need)>, ScopeRefusal> {
    let plan = issuing(cx, agent, server, proving)?.plan(asked)?;
    for refusal in &plan.left_out {
        let policies = refusal.policies().join(", ");
        let policies = (!policies.is_empty()).then_some(policies);
        tracing::info!(event = "scope_left_out", agent = %agent.id, reason = %refusal, policies);
    }
    Ok(plan.possible)
}

/// Words of OpenID Connect that clients put into every request.
///
/// Spec: OpenID Connect Core §5.4 and §11
const OPENID_WORDS: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];
/// So many scopes are looked at; a set is stored with its baseline and read back, which has a limit of its own.
const MOST_SCOPES: usize = 60;
