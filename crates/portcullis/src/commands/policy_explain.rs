//! `policy explain`: why a call is decided as it is, and what would have to be true.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use model::{Agent, Authority, CallTarget, Decision, DenyReason, HeldFor, Id, Pin, StepUp, Target};
use policy::Arguments;
use privilege::authority::{
    Asker, Explained,
    explain::{self, With, explain},
};
use serde_json::{Value, json};

use super::visit::Visit;
use crate::{node, output};

/// Runs `policy explain`.
pub async fn run(visit: &Visit, agent: &str, tool: &str, input: Option<&str>) -> Result<ExitCode> {
    let Ok(Target::Tool(server, name)) = Target::parse("tool", tool) else {
        bail!("`{tool}` is no tool; write it like tickets.get_ticket");
    };
    let (config, store) = visit.open().await?;
    let rules = config.servers.get(&server).with_context(|| format!("there is no server `{server}`"))?;
    let id: Id<Agent> = agent.parse()?;
    let agent = store.agent(&id).await?;
    let agent = agent.with_context(|| format!("there is no agent `{id}`; `portcullis agent list` shows them"))?;
    let policies = node::policies_for(&config, &store).await?;
    let pins = store.pins();
    let pin = |name: &_| if pins.is_listed(&server) { pins.pin(&server, name) } else { Pin::Accepted };
    let target = CallTarget::of(rules, Some(name), pin);
    let asker = Asker::of(&agent);
    let accepted = node::accepted(&config, &store).await?;
    let depends = explain::depends(&policies, &asker, &server, &target);
    let arguments = arguments(&accepted, tool, input)?;
    let explained = explain(&policies, &asker, (&server, &target), arguments).map_err(|why| {
        anyhow!("a policy looks at the arguments, and can not compare them, so the call is denied: {why}")
    })?;
    let now = store.now();
    let grants = store.standing_grants_of(&agent.id, now).await?;
    let holds_grant = grants.iter().any(|held| held.grant.server == server);
    let mut hurdles = Vec::new();
    if let Some(block) = governance::inventory::stopped_by(&store, &agent) {
        hurdles.push(format!("the kill switch covers {}: restore it", block.target));
    }
    if agent.state != model::AgentState::Active {
        hurdles.push(format!("the agent is {}: resume it", agent.state));
    }
    if !holds_grant {
        hurdles.push(format!("it holds no grant on {server}: it has to authorize"));
    }
    let verdict = in_words(&explained, target.held());
    let verdict = match arguments {
        With::Any if depends => {
            format!("{verdict}, for some arguments: policies look at them, and `--input` says which")
        }
        With::Any | With::These(_) => verdict,
    };
    if visit.json {
        let all: Vec<Value> = explained.iter().map(as_json).collect();
        output::json(&json!({
            "agent": agent.id, "tool": tool, "tier": target.tier(), "held_for": target.held(), "so": verdict,
            "depends_on_arguments": depends, "hurdles": hurdles, "with": all, "version": policies.fingerprint(),
        }))?;
        return Ok(output::OK);
    }
    let person = if agent.kind == model::AgentKind::Delegated {
        format!(", acting for {}", agent.owner)
    } else {
        format!(", acting for itself, owned by {}", agent.owner)
    };
    output::line(format!("{tool}, {} tier, called by {} ({}){person}", target.tier(), agent.id, agent.assurance));
    output::table(&["WITH", "DECISION", "BY"], explained.iter().map(row));
    output::line(format!("So: {verdict}."));
    hurdles.iter().for_each(|hurdle| output::line(format!("And: {hurdle}.")));
    Ok(output::OK)
}

/// The arguments of a call, as they are written at the command line or in a table.
pub fn arguments<'a>(accepted: &'a policy::Accepted, tool: &str, input: Option<&'a str>) -> Result<With<'a>> {
    let Some(input) = input else { return Ok(With::Any) };
    let strict = mcp::json::check(input.as_bytes())
        .map_err(|error| anyhow!("the input is not JSON with one meaning: {error}"))?;
    anyhow::ensure!(strict.is_object(), "the input is not a JSON object, as the arguments of a call are");
    let Some(of) = accepted.of(tool) else {
        bail!("the definition of `{tool}` is not accepted, so nothing says what its arguments are");
    };
    Ok(With::These(Arguments::Sent(of, Some(input.as_bytes()))))
}

/// With what, in words.
pub const fn held(authority: Authority) -> &'static str {
    match authority {
        Authority::Standing => "its standing grant",
        Authority::Consent => "the consent of its person",
        Authority::Approval => "another person's approval",
    }
}

fn row(one: &Explained) -> Vec<String> {
    let (word, policies) = match &one.decision {
        Decision::Allow { policies } => ("allowed".to_owned(), policies),
        Decision::StepUp { by, policies, .. } => (format!("needs {}", held(by.authority())), policies),
        Decision::Deny { reason, policies } => (format!("denied: {reason}"), policies),
    };
    let by = if policies.is_empty() { "no policy permits it".to_owned() } else { policies.join(", ") };
    vec![held(one.holds).to_owned(), word, by]
}

fn as_json(one: &Explained) -> Value {
    let (by, scope, reason) = match &one.decision {
        Decision::Allow { .. } => (None, None, None),
        Decision::StepUp { by, scope, .. } => (Some(by.as_str()), Some(scope.to_string()), None),
        Decision::Deny { reason, .. } => (None, None, Some(reason.as_str())),
    };
    json!({
        "holds": one.holds, "decision": one.decision.as_str(), "by": by, "scope": scope, "reason": reason,
        "policies": one.decision.policies(),
    })
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
