//! One more server in a file that somebody has been editing: what stands there stays as it is, byte for byte.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use model::config::Config;

/// `text` with these entries at the end of its `servers`.
pub fn to(text: &str, entries: &[(String, String)]) -> Result<String> {
    let before: Config =
        serde_saphyr::from_str(text).map_err(|_| anyhow::anyhow!("can not be read; see `portcullis check`"))?;
    for (name, _) in entries {
        if before.servers.keys().any(|known| known.as_str() == name) {
            bail!("has a server `{name}` already; choose another name with --server NAME=URL");
        }
    }
    let before_has_crlf = text.contains("\r\n");
    let added: String = entries.iter().map(|(_, entry)| entry.as_str()).collect();
    let paste = || format!("`servers` is written in a way that nothing can be added to; add this by hand:\n{added}");
    let mut lines: Vec<&str> = text.lines().collect();
    let is_top = |line: &str| !line.is_empty() && !line.starts_with([' ', '\t', '#']);
    let at = lines.iter().position(|line| line.split('#').next().unwrap_or_default().trim_end() == "servers:");
    let empty = lines.iter().position(|line| line.starts_with("servers:") && line[8..].trim() == "{}");
    match (at, empty) {
        (Some(at), _) => {
            let end = lines[at + 1..].iter().position(|line| is_top(line)).map_or(lines.len(), |next| at + 1 + next);
            // Comments and blank lines before the next table belong to it.
            let end =
                (at + 1..end).rev().find(|line| lines[*line].starts_with([' ', '\t'])).map_or(at + 1, |last| last + 1);
            lines.insert(end, added.trim_end());
        }
        (None, Some(empty)) => {
            lines[empty] = "servers:";
            lines.insert(empty + 1, added.trim_end());
        }
        (None, None) if before.servers.is_empty() => lines.extend(["", "servers:", added.trim_end()]),
        (None, None) => bail!(paste()),
    }
    let text = lines.join("\n") + "\n";
    let text = if before_has_crlf { text.replace('\n', "\r\n") } else { text };
    let after: Config = serde_saphyr::from_str(&text).ok().with_context(paste)?;
    let names = |config: &Config| config.servers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
    let mut expected = names(&before);
    expected.extend(entries.iter().map(|(name, _)| name.clone()));
    if names(&after) != expected {
        bail!(paste());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> Result<String> {
        to(text, &[("new".into(), "  new:\n    url: \"http://127.0.0.1:2/mcp\"\n    tools: {}\n".into())])
    }

    /// Field: H6
    #[test]
    fn a_server_is_added_and_everything_else_stays_as_it_was_written() {
        for text in [
            "public_url: https://a.test\n",
            "public_url: https://a.test\nservers: {}\npeople: {}\n",
            "# mine\npublic_url: https://a.test\nservers:  # all of them\n  old:\n    url: http://127.0.0.1:1/mcp\n    # careful\n    tools: { x: low }\n\n# who\npeople: {}\n",
            "servers:\n  old: { url: \"http://127.0.0.1:1/mcp\" }\npublic_url: https://a.test",
        ] {
            let new = added(text).unwrap();
            let config: Config = serde_saphyr::from_str(&new).unwrap();
            assert_eq!(config.servers.contains_key(&"old".parse().unwrap()), text.contains("old"));
            for line in text.lines().filter(|line| !line.starts_with("servers: {}")) {
                assert!(new.lines().any(|kept| kept == line), "{line:?} of\n{new}");
            }
        }
        let kept = added(
            "public_url: https://a.test\nservers:\n  old: { url: \"http://127.0.0.1:1/mcp\" }\n\n# who\npeople: {}\n",
        )
        .unwrap();
        assert!(kept.ends_with("tools: {}\n\n# who\npeople: {}\n"), "{kept}");
        let windows = added("public_url: https://a.test\r\nservers: {}\r\n").unwrap();
        assert_eq!(windows.matches('\n').count(), windows.matches("\r\n").count(), "{windows:?}");
    }

    /// Field: H6
    #[test]
    fn what_can_not_be_added_to_is_left_alone_and_the_entry_is_shown() {
        let taken = added("public_url: https://a.test\nservers:\n  new: { url: \"http://127.0.0.1:1/mcp\" }\n");
        assert!(taken.unwrap_err().to_string().contains("`new` already"));
        let flow = added("public_url: https://a.test\nservers: { old: { url: \"http://127.0.0.1:1/mcp\" } }\n");
        assert!(flow.unwrap_err().to_string().contains("add this by hand:\n  new:"));
        assert!(added("public_url: [").is_err());
    }
}
