//! The configuration as `init` writes it: riskiest first, with what each server says of itself as comments.

use std::{collections::BTreeSet, fmt::Write};

use catalogue::{Listed, proposal};
use mcp::list::List;
use model::{
    Tier, ToolName,
    config::{PublicUrl, ServerConfig},
    resource::ResourceRules,
};
use serde_json::json;

use super::{import::Wanted, who::Who, yaml::quoted};
use crate::commands::offer::Offer;

/// A server with what it offers; `None` when it did not say.
pub type Asked = (String, Wanted, Option<Offer>);

/// The whole file.
pub fn file(public_url: &PublicUrl, servers: &[Asked], who: &Who) -> String {
    let mut out = format!(
        "# Portcullis. The keys are described by `portcullis schema`; `portcullis check` says what is wrong.\n\
         public_url: {}\n\nservers:\n",
        public_url.as_str()
    );
    servers.iter().for_each(|asked| out.push_str(&server(asked)));
    out.push_str(
        "\n# Who may log in. `portcullis person add NAME --role approver` makes a link with which they set a password;\n\
         # or declare people here, with secrets by reference only.\n\
         people: {}\n\
         #  ada: { name: Ada, password: \"${env:ADA_PASSWORD}\", roles: [admin] }\n\
         #  bob: { name: Bob, password: \"${file:/run/secrets/bob}\", roles: [approver] }\n\n",
    );
    out.push_str(&who.table());
    out
}

/// One entry of `servers`.
pub fn server((name, wanted, offer): &Asked) -> String {
    let mut out = format!("  {name}:\n    url: {}\n", quoted(&wanted.url));
    if !wanted.headers.is_empty() {
        out.push_str("    headers:\n");
        for (header, value) in &wanted.headers {
            let _ = writeln!(out, "      {}: {}", quoted(header), quoted(value));
        }
    }
    out.push_str(
        "    # low: usable at once. medium: after the person's consent. high: after another person's approval.\n    \
         # Riskiest first: look at these. The first match wins; `*` stands for any characters; what matches nothing is \
         held.\n",
    );
    let nothing = Offer::default();
    let offer = offer.as_ref().unwrap_or(&nothing);
    rules(&mut out, "tools", &offer.tools, proposal::of_tool);
    for out_of_reach in offer.left_out.iter().filter(|out| out.list == List::Tools) {
        let _ = writeln!(out, "      # {} can never be called: {}", quoted(&out_of_reach.name), out_of_reach.why);
    }
    if !offer.prompts.is_empty() {
        rules(&mut out, "prompts", &offer.prompts, proposal::of_prompt);
    }
    resources(&mut out, offer);
    out
}

/// The tables of rules for what `server` names by none, two levels in; empty when everything has one.
pub fn missing(server: &ServerConfig, offer: &Offer) -> String {
    let held = |item: &Listed, name: Option<ToolName>| {
        name.is_none_or(|name| server.tier(&name).is_none()).then(|| item.clone())
    };
    let tools: Vec<Listed> = offer.tools.iter().filter_map(|tool| held(tool, tool.name.parse().ok())).collect();
    let prompts: Vec<Listed> =
        offer.prompts.iter().filter_map(|prompt| held(prompt, ToolName::of_prompt(&prompt.name))).collect();
    let resource = |(uri, _): &&(String, String)| server.resources.find(uri).is_none();
    let template = |(uri, _): &&(String, String)| server.resources.find_template(uri).is_none();
    let located = Offer {
        resources: offer.resources.iter().filter(resource).cloned().collect(),
        templates: offer.templates.iter().filter(template).cloned().collect(),
        ..Offer::default()
    };
    let mut out = String::new();
    if !tools.is_empty() {
        rules(&mut out, "tools", &tools, proposal::of_tool);
    }
    if !prompts.is_empty() {
        rules(&mut out, "prompts", &prompts, proposal::of_prompt);
    }
    resources(&mut out, &located);
    out
}

fn rules(out: &mut String, table: &str, items: &[Listed], propose: impl Fn(&Listed) -> Tier) {
    if items.is_empty() {
        let _ = writeln!(out, "    {table}: {{}}");
        return;
    }
    let _ = writeln!(out, "    {table}:");
    let mut written = BTreeSet::new();
    for tier in Tier::ALL.into_iter().rev() {
        for item in items.iter().filter(|item| propose(item) == tier) {
            if item.name.parse::<ToolName>().is_err() || !written.insert(item.name.as_str()) {
                continue;
            }
            let hints: Vec<String> = item.hints.iter().map(|(name, is)| format!("{name}: {is}")).collect();
            let hints = if hints.is_empty() { String::new() } else { format!(" [says {}]", hints.join(", ")) };
            let says = said(&item.description);
            let _ = writeln!(out, "      {}: {tier}  # {says}{hints}", quoted(&item.name));
        }
    }
}

/// So many resources get a rule each; where there are more, a person has to see the pattern.
const MOST_RESOURCES: usize = 40;

fn resources(out: &mut String, offer: &Offer) {
    if offer.resources.is_empty() && offer.templates.is_empty() {
        return;
    }
    let mut rules = Vec::new();
    let mut names = BTreeSet::new();
    let mut held = Vec::new();
    for (uri, name) in offer.resources.iter().take(MOST_RESOURCES).chain(&offer.templates) {
        let tier = proposal::of_resource(uri, name);
        match pattern(uri) {
            Some(pattern) => rules.push((tier, unique(name, &mut names), pattern)),
            None => held.push(uri),
        }
    }
    // What a pattern of the same tier covers needs no rule: before the pattern, it would hide the template.
    let patterns: Vec<(Tier, String)> = rules.iter().map(|(tier, _, pattern)| (*tier, pattern.clone())).collect();
    rules.retain(|(tier, _, uri)| {
        uri.contains('*')
            || !patterns.iter().any(|(of, pattern)| of == tier && pattern.contains('*') && covers(pattern, uri))
    });
    rules.sort_by_key(|(tier, _, pattern)| (std::cmp::Reverse(*tier), pattern.contains('*')));
    if rules.is_empty() {
        out.push_str("    resources: {}\n");
    } else {
        out.push_str("    resources:\n");
    }
    for (tier, name, pattern) in rules {
        let _ = writeln!(out, "      {name}: {{ uri: {}, tier: {tier} }}", quoted(&pattern));
    }
    for uri in held {
        let _ = writeln!(out, "      # {} is held: it can be read in more than one way", quoted(&said(uri)));
    }
    if offer.resources.len() > MOST_RESOURCES {
        let more = offer.resources.len() - MOST_RESOURCES;
        let _ = writeln!(out, "      # {more} more are listed; write a pattern with `*` for them");
    }
}

/// The pattern that covers a URI or a template, if there is one that can be matched.
fn pattern(uri: &str) -> Option<String> {
    let pattern = match uri.split_once('{') {
        None => uri.to_owned(),
        Some((literal, _)) => format!("{literal}*"),
    };
    covers(&pattern, uri).then_some(pattern)
}

/// Does a rule with this pattern match that URI or template?
fn covers(pattern: &str, uri: &str) -> bool {
    let Ok(rules) = serde_json::from_value::<ResourceRules>(json!({"x": {"uri": pattern, "tier": "low"}})) else {
        return false;
    };
    if uri.contains('{') { rules.find_template(uri).is_some() } else { rules.find(uri).is_some() }
}

/// A name for a rule, from what the resource is called.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let plain = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let plain = if plain.is_empty() { "resource".to_owned() } else { plain };
    let mut name = plain.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{plain}-{number}");
        number += 1;
    }
    name
}

/// The first line of a stranger's text, as a comment can hold it.
fn said(text: &str) -> String {
    const LONGEST: usize = 80;
    let line: Vec<char> = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    let cut: String = line.iter().take(LONGEST).collect();
    if line.len() > LONGEST { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use model::config::Config;

    use super::*;
    use crate::commands::offer::LeftOut;

    fn tool(name: &str, description: &str) -> Listed {
        Listed { name: name.into(), description: description.into(), hints: Vec::new(), arguments: Vec::new() }
    }

    fn written(offer: Offer) -> (String, Config) {
        let url = PublicUrl::try_from("http://localhost:8420".to_owned()).unwrap();
        let wanted = Wanted {
            url: "http://127.0.0.1:1/mcp".into(),
            headers: [("Authorization".to_owned(), "Bearer ${env:A_TOKEN}".to_owned())].into(),
            ..Wanted::default()
        };
        let text = file(&url, &[("a".into(), wanted, Some(offer))], &Who::default_for(&url));
        let config = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        (text, config)
    }

    #[test]
    fn what_is_written_is_a_configuration_whatever_a_server_calls_its_tools() {
        let tools =
            vec![tool("get_x", "x: #\ny"), tool("drop\n evil: high", ""), tool("*", ""), tool("get_x", "again")];
        let (text, config) = written(Offer { tools, ..Offer::default() });
        let server = config.servers.values().next().unwrap();
        assert_eq!(server.tools.tier(&"get_x".parse().unwrap()), Some(Tier::Low));
        assert_eq!(server.tools.iter().count(), 1, "names that are none are left out: {text}");
        assert_eq!(server.headers["Authorization"].expose(), "Bearer ${env:A_TOKEN}");
    }

    /// Field: H5, G11
    #[test]
    fn the_riskiest_come_first_and_what_a_server_says_of_itself_is_a_comment() {
        let hinted = Listed { hints: vec![("readOnlyHint", true)], ..tool("get_x", "Reads x") };
        let left_out = vec![LeftOut { list: List::Tools, name: "get file".into(), why: "a blank".into() }];
        let tools = vec![hinted, tool("drop_x", "Drops"), tool("update_x", "")];
        let (text, _) = written(Offer { tools, left_out, ..Offer::default() });
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in {text}"));
        assert!(at("\"drop_x\": high") < at("\"update_x\": medium") && at("\"update_x\"") < at("\"get_x\": low"));
        at("# Reads x [says readOnlyHint: true]");
        at("# \"get file\" can never be called: a blank");
    }

    /// Field: H6
    #[test]
    fn what_has_a_rule_is_not_proposed_again() {
        let server = |rules: &str| serde_saphyr::from_str(&format!("url: http://127.0.0.1:1/mcp\n{rules}")).unwrap();
        let offer = Offer {
            tools: vec![tool("get_x", ""), tool("drop_x", "")],
            prompts: vec![tool("hello", "")],
            resources: vec![("file:///docs/a".into(), "a".into())],
            ..Offer::default()
        };
        let proposed = missing(&server("tools: { \"get_*\": low }\n"), &offer);
        assert!(proposed.contains("\"drop_x\": high") && !proposed.contains("get_x"), "{proposed}");
        assert!(proposed.contains("\"hello\": low") && proposed.contains("file:///docs/a"), "{proposed}");
        let all = "tools: { \"*\": low }\nprompts: { \"*\": low }\nresources: { x: { uri: \"file:///docs/*\", tier: low } }\n";
        assert_eq!(missing(&server(all), &offer), "");
    }

    /// Field: S4
    #[test]
    fn resources_and_prompts_get_rules_that_match_what_is_listed() {
        let located = |uri: &str, name: &str| (uri.to_owned(), name.to_owned());
        let offer = Offer {
            prompts: vec![tool("summarize", "")],
            resources: vec![
                located("file:///docs/a.md", "A"),
                located("file:///etc/shadow", "A"),
                located("FILE:/x", "odd"),
            ],
            templates: vec![located("file:///docs/{name}", "docs"), located("notes://x/{a}?v={b}", "query")],
            ..Offer::default()
        };
        let (text, config) = written(offer);
        let server = config.servers.values().next().unwrap();
        let found = |uri: &str| server.resources.find(uri).map(|(_, tier)| tier);
        assert_eq!(found("file:///docs/a.md"), Some(Tier::Low), "{text}");
        assert_eq!(found("file:///etc/shadow"), Some(Tier::High));
        assert_eq!(server.resources.find_template("file:///docs/{name}").map(|(_, tier)| tier), Some(Tier::Low));
        assert_eq!(found("FILE:/x"), None);
        assert_eq!(text.matches("is held: it can be read").count(), 2, "{text}");
        assert_eq!(server.prompts.tier(&"summarize".parse().unwrap()), Some(Tier::Low));
    }
}
