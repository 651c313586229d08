//! `policy explain`: why a call is decided as it is, and what would have to be true.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use governance::explanation::{Explanation, NotExplained, explanation, held, said};
use model::{Agent, Decision, ExceptionName, Exceptions, Id, Target};
use policy::Arguments;
use privilege::authority::{Excepted, Explained, explain::With};
use serde_json::{Value, json};

use super::visit::Visit;
use crate::{node, output};

/// Runs `policy explain`.
pub async fn run(
    visit: &Visit,
    agent: &str,
    tool: &str,
    (input, exceptions): (Option<&str>, &[ExceptionName]),
) -> Result<ExitCode> {
    let Ok(Target::Tool(server, name)) = Target::parse("tool", tool) else {
        bail!("`{tool}` is no tool; write it like tickets.get_ticket");
    };
    let (config, store) = visit.open().await?;
    let id: Id<Agent> = agent.parse()?;
    let agent = store.agent(&id).await?;
    let agent = agent.with_context(|| format!("there is no agent `{id}`; `portcullis agent list` shows them"))?;
    let policies = node::policies_for(&config, &store).await?;
    let excepted = match exceptions {
        [] => Excepted::of(&store, &policies, &agent.id, &server),
        named => asked(&policies, named)?,
    };
    let accepted = node::accepted(&config, &store).await?;
    let arguments = arguments(&accepted, tool, input)?;
    let explained = explanation((&store, &config, &policies), (&agent, &excepted), (&server, name), arguments).await;
    let explained = explained.map_err(|why| match why {
        NotExplained::NoServer(server) => anyhow!("there is no server `{server}`"),
        NotExplained::Untyped(why) => {
            anyhow!("a policy looks at the arguments, and can not compare them, so the call is denied: {why}")
        }
        NotExplained::Store(error) => error.into(),
    })?;
    let Explanation { tier, held_for, with, depends_on_arguments, mut so, hurdles } = explained;
    if depends_on_arguments && input.is_none() {
        so += ", and `--input` says which";
    }
    if visit.json {
        let all: Vec<Value> = with.iter().map(as_json).collect();
        output::json(&json!({
            "agent": agent.id, "tool": tool, "tier": tier, "held_for": held_for, "so": so,
            "depends_on_arguments": depends_on_arguments, "exceptions": named(&excepted), "hurdles": hurdles, "with": all, "version": policies.fingerprint(),
        }))?;
        return Ok(output::OK);
    }
    let person = if agent.kind == model::AgentKind::Delegated {
        format!(", acting for {}", agent.owner)
    } else {
        format!(", acting for itself, owned by {}", agent.owner)
    };
    output::line(format!("{tool}, {} tier, called by {} ({}){person}", tier, agent.id, agent.assurance));
    output::table(&["WITH", "DECISION", "BY"], with.iter().map(row));
    if !excepted.names().is_empty() {
        output::line(format!("Excepted: {}.", named(&excepted).join(", ")));
    }
    output::line(format!("So: {so}."));
    hurdles.iter().for_each(|hurdle| output::line(format!("And: {hurdle}.")));
    Ok(output::OK)
}

fn named(excepted: &Excepted) -> Vec<String> {
    excepted.names().iter().map(ToString::to_string).collect()
}

/// Exceptions that are only imagined: for each of them some policy has to ask.
pub fn asked(policies: &policy::Policies, names: &[ExceptionName]) -> Result<Excepted> {
    if let Some(unknown) = names.iter().find(|name| !policies.exceptions().contains(*name)) {
        bail!("no policy asks for the exception `{unknown}`, so it changes nothing");
    }
    Ok(names.iter().cloned().collect::<Exceptions>().into())
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

fn row(one: &Explained) -> Vec<String> {
    let (word, by) = said(one);
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
