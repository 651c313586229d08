//! The names that policies mention, held against what there is: `Agent::"janitr"` parses, fits the schema, and never
//! matches anybody.

use std::{collections::BTreeSet, fmt};

use model::{Group, Id, config::Config, server::ToolPattern};
use policy::PolicyFile;
use store::Store;

/// What there is.
#[derive(Debug, Default)]
pub struct Known {
    agents: BTreeSet<String>,
    people: BTreeSet<String>,
    groups: BTreeSet<String>,
    servers: BTreeSet<String>,
    /// What stands before the names that a pattern covers, and the pattern: tools and prompts.
    tools: Vec<(String, ToolPattern)>,
    /// Rules of resources, as policies know them.
    resources: BTreeSet<String>,
}

/// A name that nobody has.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown {
    file: String,
    line: usize,
    kind: &'static str,
    name: String,
    nearest: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: there is no {} `{}`, so this matches nobody", self.file, self.line, self.kind, self.name)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; is `{nearest}` meant?"),
            None => Ok(()),
        }
    }
}

impl Known {
    /// What the file declares and the store knows.
    pub async fn of(config: &Config, store: Option<&Store>) -> Self {
        let mut known = Self {
            agents: config.agents.keys().map(ToString::to_string).collect(),
            people: config.people.keys().map(ToString::to_string).collect(),
            groups: config.people.values().flat_map(|person| &person.groups).map(ToString::to_string).collect(),
            servers: config.servers.keys().map(ToString::to_string).collect(),
            ..Self::default()
        };
        for (id, server) in &config.servers {
            known.tools.extend(server.tools.iter().map(|(pattern, _)| (format!("{id}."), pattern.clone())));
            known.tools.extend(server.prompts.iter().map(|(pattern, _)| (format!("{id}:prompt/"), pattern.clone())));
            known.resources.extend(server.resources.named().map(|(name, _)| format!("{id}:resource/{name}")));
        }
        if let Some(store) = store {
            let mut after = None;
            while let Ok(page) = store.agents_page(after.as_ref(), AT_A_TIME).await {
                known.agents.extend(page.items.into_iter().map(|agent| agent.id.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let mut after = None;
            while let Ok(page) = store.people_page(after.as_ref(), AT_A_TIME).await {
                known.people.extend(page.items.into_iter().map(|person| person.id.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        known
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        match kind {
            "Agent" => self.agents.contains(name),
            "Person" => self.people.contains(name),
            "Server" => self.servers.contains(name),
            "Group" => self.groups.contains(name),
            "Action" if !name.contains('.') => true,
            _ => {
                let covers = |(before, pattern): &(String, ToolPattern)| {
                    name.strip_prefix(before.as_str()).is_some_and(|name| pattern.matches(name))
                };
                self.resources.contains(name) || self.tools.iter().any(covers)
            }
        }
    }

    fn nearest(&self, kind: &str, name: &str) -> Option<String> {
        let tools;
        let names = match kind {
            "Agent" => &self.agents,
            "Person" => &self.people,
            "Server" => &self.servers,
            "Group" => &self.groups,
            _ => {
                let written = self.tools.iter().filter(|(_, pattern)| !pattern.as_str().contains('*'));
                tools = written.map(|(before, pattern)| format!("{before}{}", pattern.as_str())).collect();
                &tools
            }
        };
        let near = names.iter().map(|known| (distance(known, name), known));
        near.filter(|(far, _)| *far <= 1 + name.chars().count() / 4).min().map(|(_, known)| known.clone())
    }
}

/// What policies name things by, and what those are called.
const KINDS: [(&str, &str); 6] = [
    ("Agent", "agent"),
    ("Person", "person"),
    ("Group", "group"),
    ("Server", "server"),
    ("Tool", "tool"),
    ("Action", "tool"),
];

/// Servers that are for a group in which nobody is.
pub fn for_nobody(config: &Config) -> Vec<String> {
    let is_empty = |group: &Id<Group>| !config.people.values().any(|person| person.groups.contains(group));
    let mut found = Vec::new();
    for (server, rules) in &config.servers {
        for group in rules.reserved_for.iter().flatten().filter(|group| is_empty(group)) {
            found.push(format!("servers.{server}.for: nobody is in the group `{group}` (`people.*.groups`)"));
        }
    }
    found
}

/// Every name in these policies that nobody has.
pub fn unknown(files: &[PolicyFile], known: &Known) -> Vec<Unknown> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for (kind, called) in KINDS {
                for name in mentioned(line, kind).filter(|name| !known.has(kind, name)) {
                    let nearest = known.nearest(kind, name);
                    let (file, line) = (file.name.clone(), number + 1);
                    found.push(Unknown { file, line, kind: called, name: name.to_owned(), nearest });
                }
            }
        }
    }
    found
}

/// The names of that kind on a line of Cedar, without those in a comment.
fn mentioned<'l>(line: &'l str, kind: &'static str) -> impl Iterator<Item = &'l str> {
    let mut in_text = false;
    let comment = line.char_indices().find(|(at, c)| {
        in_text ^= *c == '"' && !line[..*at].ends_with('\\');
        !in_text && line[*at..].starts_with("//")
    });
    let code = &line[..comment.map_or(line.len(), |(at, _)| at)];
    code.match_indices(kind).filter_map(move |(at, _)| {
        let begins = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let rest = code[at + kind.len()..].strip_prefix("::\"")?;
        begins.then(|| rest.split('"').next().unwrap_or_default())
    })
}

/// How many letters have to change to make one word the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, a) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = at + 1;
        for (column, b) in b.iter().enumerate() {
            let replaced = before + usize::from(a != *b);
            before = row[column + 1];
            row[column + 1] = replaced.min(before + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}

/// So many rows of a list are read at a time.
const AT_A_TIME: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(text: &str) -> Vec<String> {
        let config: Config = serde_saphyr::from_str(
            "public_url: https://a.test\npeople: { ada: {} }\nservers:\n  crm:\n    url: http://127.0.0.1:1/mcp\n    tools: { \"get_*\": low, drop_x: high }\n    prompts: { hello: low }\n    resources: { docs: { uri: \"file:///docs/*\", tier: low } }\n",
        )
        .unwrap();
        let mut known = Known::of(&config, None).await;
        known.agents.insert("janitor".into());
        let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
        unknown(&[file], &known).iter().map(ToString::to_string).collect()
    }

    /// Field: H10
    #[tokio::test]
    async fn a_name_that_nobody_has_is_named_with_its_place_and_the_nearest_one() {
        for (text, name, nearest) in [
            ("forbid (principal == Agent::\"janitr\", action, resource);", "agent `janitr`", "`janitor`"),
            ("when { context.person == Person::\"adda\" }", "person `adda`", "`ada`"),
            ("resource in Server::\"cmr\"", "server `cmr`", ""),
            ("resource == Tool::\"crm.dropx\"", "tool `crm.dropx`", "`crm.drop_x`"),
            ("resource == Tool::\"desk.get_x\"", "tool `desk.get_x`", ""),
            ("resource == Tool::\"crm:prompt/bye\"", "tool `crm:prompt/bye`", ""),
        ] {
            let said = said(&format!("\n{text}")).await;
            assert_eq!(said.len(), 1, "{text}: {said:?}");
            assert!(said[0].starts_with("own.cedar:2: ") && said[0].contains(name), "{}", said[0]);
            assert!(said[0].contains(nearest), "{}", said[0]);
        }
    }

    /// Field: H10
    #[tokio::test]
    async fn names_that_exist_and_comments_are_passed_over() {
        let text = "permit (principal == Agent::\"janitor\", action in Action::\"call\", resource in Server::\"crm\")\n\
            when { resource == Tool::\"crm.get_y\" || resource == Tool::\"crm:resource/docs\" }; // not Agent::\"x\"\n\
            // Person::\"nobody\"\n\
            when { resource == Tool::\"crm:prompt/hello\" && \"//\" != \"\" && context.person == Person::\"ada\" }";
        assert_eq!(said(text).await, [""; 0]);
        assert_eq!(said("\"//\" == Person::\"nobody\"").await.len(), 1, "two slashes inside a text are no comment");
    }

    #[test]
    fn a_distance_counts_letters() {
        for (a, b, far) in [("", "", 0), ("a", "", 1), ("janitr", "janitor", 1), ("cmr", "crm", 2), ("ß", "s", 1)] {
            assert_eq!((distance(a, b), distance(b, a)), (far, far), "{a} {b}");
        }
    }
}
