//! The protected servers: do they answer, what is held, what can never be called, and which rules match nothing.

use catalogue::Listed;
use client::Extent;
use model::{
    Id, Pin, ToolName,
    config::{Config, DefinitionTrust, ServerConfig, pattern_name},
};

use super::finding::{Finding, failure, ok, warning};
use crate::commands::{offer::Offer, server};

pub async fn findings(config: &Config) -> Vec<Finding> {
    if config.servers.is_empty() {
        return vec![warning("servers", "nothing is protected yet; `portcullis init` proposes a configuration")];
    }
    let mut findings = Vec::new();
    for (id, server, offer) in server::everything(config, Extent::Everything).await {
        let what = format!("server {id}");
        findings.extend(impossible(id, server));
        match offer {
            Ok(offer) => findings.extend(of(id, server, &offer)),
            Err(error) => findings.push(failure(what, format!("{error:#}; the others are served"))),
        }
    }
    findings
}

fn of(id: &Id<model::Server>, server: &ServerConfig, offer: &Offer) -> Vec<Finding> {
    let what = format!("server {id}");
    let mut findings = vec![ok(what.clone(), counted(offer))];
    for out in &offer.left_out {
        findings.push(warning(what.clone(), format!("{} `{}`: {}", out.list, out.name, out.why)));
    }
    findings.extend(offer.endless.iter().map(|endless| warning(what.clone(), endless.clone())));
    let tools = server::classified(id, server, &offer.tools, |_| Pin::Accepted);
    let held: Vec<&str> = tools.iter().filter(|tool| tool.held).map(|tool| tool.tool.as_str()).collect();
    let prompts = offer
        .prompts
        .iter()
        .filter(|prompt| ToolName::of_prompt(&prompt.name).is_none_or(|name| server.tier(&name).is_none()));
    let prompts: Vec<&str> = prompts.map(|prompt| prompt.name.as_str()).collect();
    let resources = offer.resources.iter().filter(|(uri, _)| server.resources.find(uri).is_none());
    let templates = offer.templates.iter().filter(|(uri, _)| server.resources.find_template(uri).is_none());
    let resources: Vec<&str> = resources.chain(templates).map(|(uri, _)| uri.as_str()).collect();
    for (table, held) in [("tools", held), ("prompts", prompts), ("resources", resources)] {
        if !held.is_empty() {
            let say = format!("held, because no rule names them: {}; add rules to servers.{id}.{table}", listed(&held));
            findings.push(warning(what.clone(), say));
        }
    }
    findings.extend(idle(id, server, &offer.tools));
    findings.extend(groups(id, server, offer));
    findings.extend(unpinned(id, server));
    findings
}

/// A server whose words count whatever they are.
fn unpinned(id: &Id<model::Server>, server: &ServerConfig) -> Option<Finding> {
    let say = "servers.{}.definitions is `unpinned`: a tool whose description or arguments change is used on, and nobody \
               hears of it; nothing checks its arguments here";
    (server.definitions == DefinitionTrust::Unpinned)
        .then(|| warning(format!("server {id}"), say.replace("{}", id.as_str())))
}

fn counted(offer: &Offer) -> String {
    let mut said = vec![format!("{} tools", offer.tools.len())];
    let resources = offer.resources.len() + offer.templates.len();
    for (count, what) in [(resources, "resources"), (offer.prompts.len(), "prompts")] {
        if count > 0 {
            said.push(format!("{count} {what}"));
        }
    }
    said.join(", ")
}

/// Some of many.
fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 30;
    let shown = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// Rules that no name at all could match.
fn impossible(id: &Id<model::Server>, server: &ServerConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, rules) in [("tools", &server.tools), ("prompts", &server.prompts)] {
        for (pattern, _) in rules.iter() {
            if let Err(rule) = pattern.as_str().replace('*', "x").parse::<ToolName>() {
                let what = format!("servers.{id}.{table}");
                findings.push(warning(what, format!("`{}` can never match: {rule}", pattern.as_str())));
            }
        }
    }
    findings
}

/// Rules of tools that decide nothing: nothing is listed that they match, or one before them takes it all.
fn idle(id: &Id<model::Server>, server: &ServerConfig, tools: &[Listed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rules: Vec<_> = server.tools.iter().collect();
    for (at, (pattern, _)) in rules.iter().enumerate() {
        if pattern.as_str() == "*" || pattern.as_str().replace('*', "x").parse::<ToolName>().is_err() {
            continue;
        }
        let matching: Vec<&Listed> = tools.iter().filter(|tool| pattern.matches(&tool.name)).collect();
        let first = |tool: &&Listed| rules[..at].iter().find(|(earlier, _)| earlier.matches(&tool.name));
        let say = if matching.is_empty() {
            "matches no tool that the server lists now; is it written as the server writes it?".to_owned()
        } else if let Some((earlier, _)) =
            matching.iter().all(|tool| first(tool).is_some()).then(|| first(&matching[0])).flatten()
        {
            format!("decides nothing: `{}` stands before it, and the first match wins", earlier.as_str())
        } else {
            continue;
        };
        findings.push(warning(format!("servers.{id}.tools"), format!("`{}` {say}", pattern.as_str())));
    }
    findings
}

/// Patterns of groups that name nothing, and what is in several groups.
fn groups(id: &Id<model::Server>, server: &ServerConfig, offer: &Offer) -> Vec<Finding> {
    let tools = offer.tools.iter().filter_map(|tool| tool.name.parse().ok());
    let prompts = offer.prompts.iter().filter_map(|prompt| ToolName::of_prompt(&prompt.name));
    let resources = server.resources.named().map(|(rule, _)| ToolName::of_resource(rule));
    let all: Vec<ToolName> = tools.chain(prompts).chain(resources).collect();
    let mut findings = Vec::new();
    for (group, patterns) in server.groups.iter() {
        for pattern in patterns {
            let names = |tool: &ToolName| pattern_name(tool).is_some_and(|name| pattern.matches(&name));
            if !all.iter().any(names) {
                let say = format!(
                    "`{}` names nothing that the server lists now; is it written as the server writes it?",
                    pattern.as_str()
                );
                findings.push(warning(format!("servers.{id}.groups.{group}"), say));
            }
        }
    }
    for tool in &all {
        let of: Vec<&str> = server.groups.of(tool).collect();
        if of.len() > 1 {
            let name = pattern_name(tool).unwrap_or_default();
            let say = format!("`{name}` is in {}: a policy about one of them is about it", of.join(" and in "));
            findings.push(warning(format!("servers.{id}.groups"), say));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(server: &str, offer: &Offer) -> Vec<String> {
        let server: ServerConfig = serde_saphyr::from_str(&format!("url: http://127.0.0.1:1/mcp\n{server}")).unwrap();
        let id = "crm".parse().unwrap();
        let findings = impossible(&id, &server).into_iter().chain(of(&id, &server, offer));
        findings.map(|finding| format!("{} {}", finding.what, finding.says)).collect()
    }

    fn listed(name: &str) -> Listed {
        Listed { name: name.into(), description: String::new(), hints: Vec::new(), arguments: Vec::new() }
    }

    fn offer() -> Offer {
        Offer { tools: vec![listed("get_x"), listed("drop_x")], ..Offer::default() }
    }

    /// Field: H3, G11
    #[test]
    fn a_rule_that_can_match_nothing_is_named_with_the_reason() {
        let said = said(
            "tools: { \"get file\": low, \"ns:*\": low, \"get_*\": low, \"get_y\": low, \"get_x\": high }\n",
            &offer(),
        );
        let about = |words: &str| said.iter().filter(|line| line.contains(words)).count();
        assert_eq!(about("`get file` can never match"), 1, "{said:#?}");
        assert_eq!(about("`ns:*` can never match"), 1);
        assert_eq!(about("`get_y` matches no tool"), 1);
        assert_eq!(about("`get_x` decides nothing: `get_*` stands before it"), 1);
        assert_eq!(about("`get_*`") - about("`get_x`"), 0, "a rule that decides something is not named");
    }

    #[test]
    fn groups_that_name_nothing_and_what_is_in_several_are_said() {
        let said = said(
            "tools: { \"*\": low }\ngroups: { gets: [\"get_*\", \"fetch_*\"], all: [\"*\"], none: [\"prompt/x\"] }\n",
            &offer(),
        );
        let about = |words: &str| said.iter().filter(|line| line.contains(words)).count();
        assert_eq!(about("servers.crm.groups.gets `fetch_*` names nothing"), 1, "{said:#?}");
        assert_eq!(about("servers.crm.groups.none `prompt/x` names nothing"), 1, "{said:#?}");
        assert_eq!(about("`get_x` is in all and in gets"), 1, "{said:#?}");
        assert_eq!(about("`drop_x` is in"), 0, "{said:#?}");
    }

    /// Field: G11
    #[test]
    fn no_rule_is_advised_for_what_can_never_be_called() {
        let left = crate::commands::offer::LeftOut {
            list: mcp::list::List::Tools,
            name: "get file".into(),
            why: "no call".into(),
        };
        let said = said("tools: { \"*\": low }\n", &Offer { left_out: vec![left], ..offer() });
        assert!(said.iter().any(|line| line.contains("`get file`: no call")), "{said:#?}");
        assert!(!said.iter().any(|line| line.contains("add rules")), "{said:#?}");
    }

    #[test]
    fn what_no_rule_names_is_held_and_said_for_each_kind() {
        let offer = Offer {
            prompts: vec![listed("summarize")],
            resources: vec![("file:///docs/a".into(), "a".into())],
            templates: vec![("file:///docs/{x}".into(), "b".into())],
            ..offer()
        };
        let said = said("tools: { \"get_*\": low }\n", &offer);
        let held: Vec<_> = said.iter().filter(|line| line.contains("held")).collect();
        assert_eq!(held.len(), 3, "{said:#?}");
        assert!(held[0].contains("crm.drop_x") && held[1].contains("summarize") && held[2].contains("docs/{x}"));
    }
}
