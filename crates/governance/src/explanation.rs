//! Why a call is decided as it is, and what would have to be true: for the command line, and beside each refusal in the console.
//!
//! It is asked of the rules and policies as they stand now. What a record says was decided by those of its time.

use model::{
    Agent, AgentState, Authority, CallTarget, Decision, DenyReason, HeldFor, Id, Pin, Server, StepUp, Tier, ToolName,
    config::{Config, ProofDemand},
};
use policy::{Policies, Untypable};
use privilege::authority::{
    Asker, Excepted, Explained,
    explain::{self, With, explain},
    plan,
};
use store::{Store, StoreError};

use crate::inventory;

/// What there is to say of one call of one agent.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The tier of the tool by the rules of its server.
    pub tier: Tier,
    /// What it is held for.
    pub held_for: Option<HeldFor>,
    /// What policy says with each authority that there is.
    pub with: [Explained; 3],
    /// Does that depend on the arguments?
    pub depends_on_arguments: bool,
    /// What comes of it, as a sentence without its full stop.
    pub so: String,
    /// What stands in the way besides policy, each with what to do.
    pub hurdles: Vec<String>,
}

/// Why there is nothing to say.
#[derive(Debug)]
pub enum NotExplained {
    /// There is no such server in the configuration.
    NoServer(Id<Server>),
    /// A policy looks at the arguments, and can not compare them.
    Untyped(Untypable),
    /// The store failed.
    Store(StoreError),
}

/// Explains a call of `tool` of `server` by `agent`, spared what `excepted` says.
///
/// # Errors
/// There is nothing to say.
pub async fn explanation(
    (store, config, policies): (&Store, &Config, &Policies),
    (agent, excepted): (&Agent, &Excepted),
    (server, tool): (&Id<Server>, ToolName),
    arguments: With<'_>,
) -> Result<Explanation, NotExplained> {
    let rules = config.servers.get(server).ok_or_else(|| NotExplained::NoServer(server.clone()))?;
    let pins = store.pins();
    let pin = |name: &_| if pins.is_listed(server) { pins.pin(server, name) } else { Pin::Accepted };
    let target = CallTarget::of(rules, Some(tool), pin);
    let asker = Asker::of(agent).excepted(excepted);
    let depends_on_arguments = explain::depends(policies, &asker, server, &target);
    let with = explain(policies, &asker, (server, &target), arguments).map_err(NotExplained::Untyped)?;
    let grants = store.standing_grants_of(&agent.id, store.now()).await.map_err(NotExplained::Store)?;
    let mut hurdles = Vec::new();
    if let Some(block) = inventory::stopped_by(store, agent) {
        hurdles.push(format!("the kill switch covers {}: restore it", block.target));
    }
    if agent.state != AgentState::Active {
        hurdles.push(format!("the agent is {}: resume it", agent.state));
    }
    if let Decision::Deny { policies: by, .. } = plan::token(policies, &asker, server) {
        let by = if by.is_empty() { "no policy permits it".to_owned() } else { by.join(", ") };
        hurdles.push(format!("it is issued no token for {server} ({by}): change what policies say of `issue`"));
    }
    if !grants.iter().any(|held| held.grant.server == *server) {
        hurdles.push(format!("it holds no grant on {server}: it has to authorize"));
    }
    if rules.proof.or(config.tokens.proof).of(target.tier()) == ProofDemand::Required {
        hurdles.push(format!(
            "the {} tier of {server} takes a token that is bound to a key: use a client that proves one (DPoP)",
            target.tier()
        ));
    }
    let mut so = in_words(&with, target.held());
    if matches!(with[0].decision, Decision::Deny { .. })
        && let Some(proving) = asker.if_it_proved()
        && let Ok(said) = explain::with(policies, &proving, (server, &target), Authority::Standing, arguments)
        && !matches!(said, Decision::Deny { .. })
    {
        so = "it may be called, or asked for, with a token that is bound to a key (DPoP)".to_owned();
    }
    if depends_on_arguments && matches!(arguments, With::Any) {
        so += ", for some arguments: policies look at them";
    }
    Ok(Explanation { tier: target.tier(), held_for: target.held(), with, depends_on_arguments, so, hurdles })
}

/// With what, in words.
pub const fn held(authority: Authority) -> &'static str {
    match authority {
        Authority::Standing => "its standing grant",
        Authority::Consent => "the consent of its person",
        Authority::Approval => "another person's approval",
    }
}

/// What policy says with it, and by which policies, in words.
pub fn said(one: &Explained) -> (String, String) {
    let (word, policies) = match &one.decision {
        Decision::Allow { policies } => ("allowed".to_owned(), policies),
        Decision::StepUp { by, policies, .. } => (format!("needs {}", held(by.authority())), policies),
        Decision::Deny { reason, policies } => (format!("denied: {reason}"), policies),
    };
    (word, if policies.is_empty() { "no policy permits it".to_owned() } else { policies.join(", ") })
}

fn in_words(explained: &[Explained; 3], waits: Option<HeldFor>) -> String {
    match (&explained[0].decision, waits) {
        (Decision::Allow { .. }, _) => "it may be called as it is".to_owned(),
        (Decision::StepUp { by: StepUp::Consent, scope, .. }, _) => {
            format!("it may be called once its person consents to {scope}")
        }
        (Decision::StepUp { by: StepUp::Approval, scope, .. }, _) => {
            format!("it may be called once another person approves {scope}")
        }
        (Decision::Deny { .. }, Some(HeldFor::Tier)) => "no rule names it: give it a tier in `tools`".to_owned(),
        (Decision::Deny { .. }, Some(_)) => {
            "it is held: look at it with `portcullis tool show`, and accept it".to_owned()
        }
        (Decision::Deny { reason: DenyReason::Forbidden, policies }, None) => {
            format!("whatever it holds it may not: {} would have to go, or not to match", policies.join(", "))
        }
        (Decision::Deny { reason: DenyReason::EvaluationError, .. }, None) => {
            "a policy can not be evaluated, and an error is never a yes: correct it".to_owned()
        }
        (Decision::Deny { .. }, None) => {
            "no policy permits it, whatever it holds: one would have to be written".to_owned()
        }
    }
}
