//! Which clients may ask people for access: whom somebody named, or those that can reach this installation at all.

use std::{fmt::Write, io::IsTerminal};

use anyhow::{Result, bail};
use model::config::{KNOWN, PublicUrl};

use super::yaml::quoted;
use crate::output;

/// A client that publishes no metadata document: it is registered by hand.
struct ByHand {
    name: &'static str,
    title: &'static str,
    redirects: &'static [&'static str],
}

const BY_HAND: &[ByHand] = &[ByHand {
    name: "cursor",
    title: "Cursor",
    redirects: &["http://localhost:8787/callback", "https://www.cursor.com/agents/mcp/oauth/callback"],
}];

/// The clients that may ask.
#[derive(Debug, PartialEq, Eq)]
pub struct Who(Vec<String>);

impl Who {
    /// Those that somebody named; asked for at a terminal. Without an answer, those that can get here.
    pub fn of(named: &[String], public_url: &PublicUrl) -> Result<Self> {
        let mut named = named.to_vec();
        if named.is_empty() && std::io::stdin().is_terminal() {
            output::warn(format!("Which clients will people use? Names with blanks between: {}", names().join(" ")));
            output::warn("(nothing: those that can reach this address)");
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            named = line.split([' ', ',', '\n']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }
        if named.is_empty() {
            let who = Self::default_for(public_url);
            output::warn(format!(
                "clients: nobody named any, so {} may ask people for access; take out of `clients` whom you do not use, or \
                 run `init --client NAME`",
                who.0.join(", ")
            ));
            return Ok(who);
        }
        if let Some(unknown) = named.iter().find(|name| !names().contains(&name.as_str())) {
            bail!("--client {unknown}: there are {}", names().join(", "));
        }
        Ok(Self(named))
    }

    /// Those that run on the person's own computer, and over https the hosted ones too.
    pub fn default_for(public_url: &PublicUrl) -> Self {
        let reaches = KNOWN.iter().filter(|facts| public_url.is_https() || !facts.is_hosted);
        Self(reaches.map(|facts| facts.name.to_owned()).collect())
    }

    /// The `clients` table.
    pub fn table(&self) -> String {
        let by_hand = |name: &String| BY_HAND.iter().find(|client| client.name == name);
        let known: Vec<&str> = self.0.iter().filter(|name| by_hand(name).is_none()).map(String::as_str).collect();
        let mut out = format!(
            "# Which clients may ask people for access: each name stands for exactly one published client\n\
             # (`portcullis check --client NAME` says why one would fail).\n\
             clients:\n  known: [{}]\n",
            known.join(", ")
        );
        let registered: Vec<&ByHand> = self.0.iter().filter_map(by_hand).collect();
        if !registered.is_empty() {
            out.push_str("  # These publish no document; they have to be given this client id.\n  registered:\n");
        }
        for client in registered {
            let redirects: Vec<String> = client.redirects.iter().map(|uri| quoted(uri)).collect();
            let _ = writeln!(
                out,
                "    {}: {{ name: {}, redirect_uris: [{}] }}",
                client.name,
                client.title,
                redirects.join(", ")
            );
        }
        out
    }
}

/// The names that can be named.
fn names() -> Vec<&'static str> {
    KNOWN.iter().map(|facts| facts.name).chain(BY_HAND.iter().map(|client| client.name)).collect()
}

#[cfg(test)]
mod tests {
    use model::config::Config;

    use super::*;

    fn url(text: &str) -> PublicUrl {
        PublicUrl::try_from(text.to_owned()).unwrap()
    }

    fn config(who: &Who) -> Config {
        serde_saphyr::from_str(&format!("public_url: https://a.test\n{}", who.table())).unwrap()
    }

    #[test]
    fn without_an_answer_whoever_can_reach_this_place_has_a_way_in() {
        let here = Who::default_for(&url("http://localhost:8420"));
        let names: Vec<_> = config(&here).clients.known.iter().map(ToString::to_string).collect();
        assert!(names.contains(&"claude-code".into()) && !names.contains(&"claude".into()), "{names:?}");
        let everywhere = config(&Who::default_for(&url("https://a.test")));
        assert!(everywhere.clients.accept_documents() && everywhere.clients.known.len() == KNOWN.len());
    }

    #[test]
    fn whom_somebody_named_may_ask_and_nobody_else() {
        let who = Who::of(&["vscode".into(), "cursor".into()], &url("https://a.test")).unwrap();
        let clients = config(&who).clients;
        assert_eq!(clients.known.iter().map(ToString::to_string).collect::<Vec<_>>(), ["vscode"]);
        assert_eq!(clients.registered.len(), 1);
        let error = Who::of(&["clippy".into()], &url("https://a.test")).unwrap_err().to_string();
        assert!(error.contains("clippy") && error.contains("claude-code") && error.contains("cursor"), "{error}");
    }
}
