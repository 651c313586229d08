//! The `clients` table: which software may ask people for access.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ChallengeStyle, KnownClient};
use crate::{AuthMethod, ClientId, Id, Secret, Server};

/// Which clients may ask people for access. Nothing here, nobody.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientsConfig {
    /// Hosts whose Client ID Metadata Documents are accepted: `claude.ai`, `*.acme.example`, or `*` for any.
    pub metadata_domains: Vec<String>,
    /// Clients that people use, by name: exactly the metadata document of each is accepted, with what it needs.
    /// `claude`, `claude-code`, `chatgpt`, `codex`, `vscode`, `goose`, `zed`, `opencode`.
    pub known: Vec<KnownClient>,
    /// For tests: a PEM file of certificate authorities to trust when fetching metadata documents.
    pub extra_ca_file: Option<PathBuf>,
    /// For tests: `host` or `host:port` whose metadata documents may live on private or loopback addresses.
    pub exempt_hosts: Vec<String>,
    /// Clients registered by hand, by `client_id`.
    #[schemars(with = "BTreeMap<String, RegisteredClient>")]
    pub registered: BTreeMap<ClientId, RegisteredClient>,
    /// How clients are told that a call needs a consent or an approval: by `client_id`, or by the name of a known client.
    /// `http`, `tool_error` or `both`; what is left out is as is known of the client, as `*` says, and `http` without that.
    pub challenge: BTreeMap<String, ChallengeStyle>,
    /// Accept `client_secret_basic` and `client_secret_post` from registered clients that have a secret.
    pub allow_client_secrets: bool,
}

impl ClientsConfig {
    /// What is known of the client with this id, if the operator allowed it by name.
    pub fn known(&self, client: &ClientId) -> Option<KnownClient> {
        self.known.iter().copied().find(|known| known.facts().client_id == client.as_str())
    }

    /// Are metadata documents accepted at all?
    pub fn accept_documents(&self) -> bool {
        !self.metadata_domains.is_empty() || !self.known.is_empty()
    }
}

/// A client registered by hand.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredClient {
    /// The name on the consent page.
    pub name: String,
    /// Where codes may be sent; the port of a loopback address may vary.
    pub redirect_uris: Vec<String>,
    /// How it authenticates at the token endpoint.
    #[serde(default = "none")]
    #[schemars(with = "String")]
    pub auth: AuthMethod,
    /// Its secret, as `${file:…}` or `${env:…}`; only with `allow_client_secrets`.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Its public keys, for `private_key_jwt`: a JWK or a JWK set.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub public_key: Option<serde_json::Value>,
    /// Pins the client to one server: it may then leave out `resource`.
    #[serde(default)]
    pub server: Option<Id<Server>>,
    /// It gets no token without a proof of a key (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
}

const fn none() -> AuthMethod {
    AuthMethod::None
}
