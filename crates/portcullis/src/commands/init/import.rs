//! From the file of a client (`mcpServers`, or `servers` of VS Code) to servers of ours. Nothing of it is lost without a
//! word: what can not be taken over is named with the reason, and credentials become references.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use model::{Secret, server::is_server_name};
use serde_json::Value;

/// A server that somebody wants protected.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Its MCP endpoint.
    pub url: String,
    /// What is written into the configuration for each header: text with references.
    pub headers: BTreeMap<String, String>,
    /// What is sent while its lists are asked for.
    pub shown: BTreeMap<String, Secret>,
}

/// What came of an import.
#[derive(Debug, Default)]
pub struct Imported {
    /// The servers that are taken over, by the name they get.
    pub servers: BTreeMap<String, Wanted>,
    /// What somebody has to know or do, one line each.
    pub notes: Vec<String>,
}

/// Reads a client's file.
pub fn read(text: &str) -> Result<Imported> {
    let file: Value = serde_json::from_str(&without_comments(text)).context("is not JSON")?;
    let servers = ["mcpServers", "servers", "context_servers"].iter().find_map(|table| file[table].as_object());
    let servers = servers.context("has neither `mcpServers` nor `servers`")?;
    let mut imported = Imported::default();
    for (written, server) in servers {
        let name = server_name(written);
        let Some(url) = ["url", "serverUrl", "httpUrl"].iter().find_map(|key| server[key].as_str()) else {
            imported.notes.push(match server["command"].as_str() {
                // Only the program: what follows may hold a credential.
                Some(command) => format!(
                    "{written} is skipped: it is started as a command ({}) and speaks over its standard input; put it \
                     behind an HTTP transport and name its URL with --server {name}=URL",
                    command.rsplit('/').next().unwrap_or_default()
                ),
                None => format!("{written} is skipped: it has neither `url` nor `command`"),
            });
            continue;
        };
        if imported.servers.contains_key(&name) {
            imported.notes.push(format!("{written} is skipped: another server is called {name} here already"));
            continue;
        }
        let mut wanted = Wanted { url: url.to_owned(), ..Wanted::default() };
        for (header, value) in server["headers"].as_object().into_iter().flatten() {
            let Some(value) = value.as_str() else { continue };
            let (reference, variable) = referred(&name, header, value);
            if let Some(variable) = variable {
                imported.notes.push(format!(
                    "{name}: set the environment variable {variable} to what stands in the imported file under `{header}`{}",
                    if reference.starts_with("Bearer ") { ", without `Bearer `" } else { "" }
                ));
                wanted.shown.insert(header.clone(), Secret::new(value));
            }
            wanted.headers.insert(header.clone(), reference);
        }
        imported.servers.insert(name, wanted);
    }
    Ok(imported)
}

/// The value of a header as a reference, and the variable that somebody has to set when the value itself stood there.
fn referred(server: &str, header: &str, value: &str) -> (String, Option<String>) {
    let (scheme, credential) = match value.strip_prefix("Bearer ") {
        Some(token) => ("Bearer ", token),
        None => ("", value),
    };
    // `${VAR}`, `${VAR:-default}` and `${env:VAR}`: the client read the environment already.
    if let Some(inside) = credential.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        let name = inside.strip_prefix("env:").unwrap_or(inside).split(":-").next().unwrap_or_default();
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return (format!("{scheme}${{env:{name}}}"), None);
        }
    }
    let kind = if scheme.is_empty() { header } else { "TOKEN" };
    let variable: String = format!("{server}_{kind}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect();
    (format!("{scheme}${{env:{variable}}}"), Some(variable))
}

/// A name for a server of ours.
pub fn server_name(text: &str) -> String {
    let mut name: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(64)
        .collect();
    name = name.trim_matches(['-', '_']).to_owned();
    if is_server_name(&name) { name } else { "server".into() }
}

/// JSON as editors write it: `//` and `/* */` comments, and commas before a closing bracket, are taken out.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}').chars().peekable();
    let mut in_string = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if in_string => {
                out.push(c);
                out.extend(rest.next());
                continue;
            }
            '"' => in_string = !in_string,
            '/' if !in_string && rest.peek() == Some(&'/') => {
                rest.by_ref().find(|c| *c == '\n');
                out.push('\n');
                continue;
            }
            '/' if !in_string && rest.peek() == Some(&'*') => {
                rest.next();
                let mut before = ' ';
                rest.by_ref().find(|c| std::mem::replace(&mut before, *c) == '*' && *c == '/');
                out.push(' ');
                continue;
            }
            '}' | ']' if !in_string => {
                let end = out.trim_end().len();
                if out[..end].ends_with(',') {
                    out.replace_range(end - 1..end, "");
                }
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: O8
    #[test]
    fn headers_become_references_and_a_line_says_what_to_set() {
        let text = r#"{"mcpServers":{"My CRM":{"url":"http://x/mcp","headers":{
            "Authorization":"Bearer hunter2","X-Key":"hunter2","X-Set":"${env:THEIRS}","X-Old":"Bearer ${OLD:-none}"}}}}"#;
        let imported = read(text).unwrap();
        let crm = &imported.servers["my-crm"];
        let headers: Vec<_> = crm.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("Authorization", "Bearer ${env:MY_CRM_TOKEN}"),
                ("X-Key", "${env:MY_CRM_X_KEY}"),
                ("X-Old", "Bearer ${env:OLD}"),
                ("X-Set", "${env:THEIRS}"),
            ]
        );
        assert_eq!(imported.notes.len(), 2, "{:?}", imported.notes);
        assert!(imported.notes[0].contains("MY_CRM_TOKEN") && imported.notes[1].contains("MY_CRM_X_KEY"));
        assert!(!format!("{imported:?}").contains("hunter2"), "no secret in what is written or said");
        assert_eq!(crm.shown["Authorization"].expose(), "Bearer hunter2", "and it is used to ask for the lists");
    }

    /// Field: O8
    #[test]
    fn what_is_started_as_a_command_is_named_with_the_reason_and_nothing_else() {
        let imported = read(
            r#"{"servers":{"fs":{"command":"/usr/bin/npx","args":["--key","hunter2"],"env":{"A":"hunter2"}},
            "odd":{}}}"#,
        )
        .unwrap();
        assert!(imported.servers.is_empty());
        assert!(
            imported.notes[0].starts_with("fs is skipped: it is started as a command (npx)"),
            "{:?}",
            imported.notes
        );
        assert!(imported.notes[1].starts_with("odd is skipped") && !format!("{imported:?}").contains("hunter2"));
    }

    /// Field: H6
    #[test]
    fn a_file_with_comments_and_commas_at_ends_is_read() {
        let text = "// mine\n{\"servers\": {\n/* the // desk */ \"desk\": {\"type\": \"http\", \"url\": \"http://x//mcp\", // here\n },\n}, \"inputs\": [1, ], \"note\": \"a, } // b /* \\\" */\"}\n";
        let imported = read(text).unwrap();
        assert_eq!(imported.servers["desk"].url, "http://x//mcp");
        let kept: Value = serde_json::from_str(&without_comments(text)).unwrap();
        assert_eq!(kept["note"], "a, } // b /* \" */");
        for broken in ["{", "nope", "{}", "{\"servers\": [", "/*", "\"", "{\"mcpServers\": 1}"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn two_names_that_become_one_are_not_merged_silently() {
        let imported = read(r#"{"mcpServers":{"A b":{"url":"http://1/"},"a-b":{"url":"http://2/"}}}"#).unwrap();
        assert_eq!((imported.servers.len(), imported.notes.len()), (1, 1));
    }
}
