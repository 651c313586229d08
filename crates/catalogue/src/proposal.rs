//! A tier for everything that a server offers: a starting point that a person reads.
//!
//! What a server says of itself can make a proposal stricter and never milder: one that calls itself harmless proves
//! nothing.
//!
//! Spec: MCP 2026-07-28 server/tools (annotations are untrusted).

use model::Tier;

use crate::Listed;

/// What a tool could do, by every word of its name, the risky ones of its description, its arguments and its
/// annotations; in doubt the highest tier.
pub fn of_tool(tool: &Listed) -> Tier {
    let words = words(&tool.name);
    let has = |risky: &[&str]| words.iter().any(|word| risky.contains(&word.as_str()));
    let takes = |risky: &[&str]| tool.arguments.iter().any(|name| risky.contains(&name.to_lowercase().as_str()));
    let says = |hint: &str, what: bool| tool.hints.iter().any(|(name, is)| *name == hint && *is == what);
    if has(RISKY) || gives_away(&tool.description) || takes(OPEN_ARGUMENTS) || says("destructiveHint", true) {
        return Tier::High;
    }
    let tier = match words.first().map(String::as_str) {
        Some(first) if READS.contains(&first) && !has(WRITES) => Tier::Low,
        Some(first) if WRITES.contains(&first) || READS.contains(&first) => Tier::Medium,
        _ if words.last().is_some_and(|last| THINGS.contains(&last.as_str())) && !has(WRITES) => Tier::Low,
        _ => Tier::High,
    };
    if says("readOnlyHint", false) { tier.max(Tier::Medium) } else { tier }
}

/// A prompt is text that its server wrote: low, unless its words say otherwise.
pub fn of_prompt(prompt: &Listed) -> Tier {
    let risky = words(&prompt.name).iter().any(|word| RISKY.contains(&word.as_str()));
    if risky || gives_away(&prompt.description) { Tier::High } else { Tier::Low }
}

/// Reading changes nothing; what opens other doors, or everything there is, is high all the same.
pub fn of_resource(uri: &str, name: &str) -> Tier {
    let words = words(&format!("{uri} {name}"));
    let opens = |word: &String| OPENS_DOORS.contains(&word.as_str());
    // A template right after its scheme opens whatever is there.
    let everything = uri.split_once("://").is_some_and(|(_, rest)| rest.trim_start_matches('/').starts_with('{'));
    if words.iter().any(opens) || everything { Tier::High } else { Tier::Low }
}

const READS: &[&str] = &[
    "get",
    "list",
    "read",
    "search",
    "find",
    "show",
    "describe",
    "lookup",
    "look",
    "count",
    "convert",
    "view",
    "check",
    "compare",
    "summarize",
    "current",
    "calculate",
];
const WRITES: &[&str] = &[
    "create", "add", "update", "set", "edit", "comment", "assign", "tag", "draft", "write", "rename", "move", "copy",
    "label", "mark", "save", "append", "insert", "upload", "store", "put",
];
/// A name that is a thing and no deed: `directory_tree`, `project_status`.
const THINGS: &[&str] = &["tree", "status", "info", "stats", "summary", "schema", "version", "help"];
/// Words after which a tool is never proposed below high, wherever in its name they stand: what can not be undone, goes
/// out, runs something, opens any address, or reads what opens other doors.
const RISKY: &[&str] = &[
    "delete",
    "remove",
    "drop",
    "purge",
    "destroy",
    "truncate",
    "wipe",
    "reset",
    "kill",
    "terminate",
    "revoke",
    "cancel",
    "send",
    "mail",
    "email",
    "post",
    "publish",
    "share",
    "tweet",
    "notify",
    "message",
    "reply",
    "invite",
    "forward",
    "run",
    "exec",
    "execute",
    "eval",
    "evaluate",
    "shell",
    "command",
    "script",
    "sql",
    "query",
    "invoke",
    "deploy",
    "fetch",
    "download",
    "navigate",
    "browse",
    "crawl",
    "scrape",
    "request",
    "http",
    "url",
    "webhook",
    "click",
    "type",
    "env",
    "environment",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "password",
    "passwords",
    "key",
    "keys",
    "cookie",
    "cookies",
    "export",
    "dump",
    "backup",
    "pay",
    "payment",
    "refund",
    "transfer",
    "charge",
    "purchase",
    "buy",
    "order",
    "grant",
    "permission",
    "permissions",
    "admin",
    "sudo",
    "impersonate",
    "merge",
    "push",
];
/// Arguments that open any address or run anything.
const OPEN_ARGUMENTS: &[&str] =
    &["url", "uri", "urls", "endpoint", "command", "cmd", "code", "script", "sql", "expression", "shell"];
/// What opens other doors when it is read.
const OPENS_DOORS: &[&str] = &[
    "env",
    "environment",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "password",
    "passwords",
    "passwd",
    "shadow",
    "key",
    "keys",
    "cookie",
    "cookies",
    "ssh",
    "private",
];
/// What a description gives away that a name does not.
const GIVEN_AWAY: &[&str] = &[
    "environment variable",
    "api key",
    "credential",
    "password",
    "secret",
    "arbitrary",
    "any url",
    "shell command",
    "execute",
    "permanently",
    "irreversibl",
    "delete",
];

fn gives_away(description: &str) -> bool {
    let description = description.to_lowercase();
    GIVEN_AWAY.iter().any(|words| description.contains(words))
}

/// The words of a name, however they are joined: `get_env`, `get-env`, `getEnv`, `HTTPRequest`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        let begins = c.is_uppercase()
            && (before.is_lowercase()
                || before.is_numeric()
                || characters.peek().is_some_and(|next| next.is_lowercase()));
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(c.to_lowercase()));
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests;
