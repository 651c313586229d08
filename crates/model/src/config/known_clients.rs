//! Clients that people use, by the one address of each one's metadata document.
//!
//! A name here trusts exactly that address, not its host: some hosts publish a client on the web and one on the
//! person's computer. The document is fetched all the same, and what it says counts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer};

use super::challenge::ChallengeStyle;

/// What is known of one client.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// The name in `clients.known`.
    pub name: &'static str,
    /// The address of its metadata document, which is its `client_id`.
    pub client_id: &'static str,
    /// It signs its assertions for the token endpoint instead of the issuer.
    pub signs_for_token_endpoint: bool,
    /// It runs on somebody else's machines: this installation must be reachable from there, over https.
    pub is_hosted: bool,
    /// How it is told that a call needs more.
    pub challenge: ChallengeStyle,
}

/// Every client that is known.
pub const KNOWN: &[Facts] = &[
    hosted("claude", "https://claude.ai/oauth/mcp-oauth-client-metadata"),
    // It drops a 403 inside of a call, and shows that it has to be authorized again.
    Facts {
        challenge: ChallengeStyle::ToolError,
        ..local("claude-code", "https://claude.ai/oauth/claude-code-client-metadata")
    },
    // It reads the challenge from `_meta` of a result.
    Facts {
        signs_for_token_endpoint: true,
        challenge: ChallengeStyle::Both,
        ..hosted("chatgpt", "https://chatgpt.com/oauth/client.json")
    },
    local("codex", "https://chatgpt.com/oauth/codex/client.json"),
    local("vscode", "https://vscode.dev/oauth/client-metadata.json"),
    local("goose", "https://goose-docs.ai/oauth/client-metadata.json"),
    local("zed", "https://zed.dev/oauth/client-metadata.json"),
    local("opencode", "https://opencode.ai/oauth/opencode/client.json"),
];

const fn hosted(name: &'static str, client_id: &'static str) -> Facts {
    Facts { name, client_id, signs_for_token_endpoint: false, is_hosted: true, challenge: ChallengeStyle::Http }
}

const fn local(name: &'static str, client_id: &'static str) -> Facts {
    Facts { is_hosted: false, ..hosted(name, client_id) }
}

/// One of [`KNOWN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownClient(&'static Facts);

impl KnownClient {
    /// What is known of it.
    pub const fn facts(self) -> &'static Facts {
        self.0
    }
}

impl FromStr for KnownClient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        KNOWN.iter().find(|facts| facts.name == text).map(Self).ok_or_else(|| {
            let names: Vec<&str> = KNOWN.iter().map(|facts| facts.name).collect();
            format!("no client of that name is known; there are {}", names.join(", "))
        })
    }
}

impl fmt::Display for KnownClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl<'de> Deserialize<'de> for KnownClient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for KnownClient {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KnownClient".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = KNOWN.iter().map(|facts| facts.name).collect();
        schemars::json_schema!({"type": "string", "enum": names})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A5
    #[test]
    fn a_name_trusts_one_address_and_only_one_client_signs_for_the_endpoint() {
        for facts in KNOWN {
            let client_id: crate::ClientId = facts.client_id.parse().unwrap();
            assert!(client_id.is_metadata_url(), "{}", facts.name);
            assert_eq!(KNOWN.iter().filter(|other| other.client_id == facts.client_id).count(), 1);
            assert_eq!(facts.signs_for_token_endpoint, facts.name == "chatgpt");
        }
        assert!("claud".parse::<KnownClient>().unwrap_err().contains("claude-code"));
    }
}
