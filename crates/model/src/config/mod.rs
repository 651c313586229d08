//! The configuration file, defined once: this is its schema, its defaults and its manual.
//!
//! The types only hold what was written and refuse what makes no sense. Reading files,
//! `${file:…}` and `${env:…}` is the binary's business. Unknown keys are refused everywhere,
//! and a missing table never opens anything.

mod answer_bytes;
mod approvals;
mod audit;
mod challenge;
mod clients;
mod how_told;
mod known_clients;
mod lifetimes;
mod notify;
mod people;
mod proof;
mod servers;
mod tool_groups;
mod trusted_idps;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use answer_bytes::AnswerBytes;
pub use approvals::{ApprovalRules, Approvals};
pub use audit::{AuditConfig, WitnessConfig};
pub use challenge::ChallengeStyle;
pub use clients::{ClientsConfig, RegisteredClient};
pub use known_clients::{Facts, KNOWN, KnownClient};
pub use lifetimes::{ElevationConfig, LimitsConfig, LongestConfig, NumberMatching, PerGrantConfig, TokensConfig};
pub use notify::{MailConfig, NotifyConfig, WebhookConfig};
pub use people::{AgentConfig, PersonConfig, WhilePending};
pub use proof::{DpopNonce, ProofConfig, ProofDemand};
pub use servers::{DefinitionTrust, ServerConfig, TaskAccess};
pub use tool_groups::{ToolGroups, named_group, pattern_name};
pub use trusted_idps::TrustedIdp;

use crate::{Agent, Id, Person, Server};

/// `portcullis.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The base of every URL and the issuer: `https://mcp.acme.example`. No trailing slash.
    ///
    /// Plain http is accepted only for `localhost`, `127.0.0.1` and `[::1]`.
    pub public_url: PublicUrl,
    /// The address to listen on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Further `Host` values that requests may carry, such as a load balancer's probe name.
    #[serde(default)]
    pub extra_hosts: Vec<String>,
    /// Browser origins besides `public_url` that may call the MCP endpoints.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Certificate and key; without them the listener speaks plain http and belongs behind a TLS terminator.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// Where state lives: `sqlite:DIRECTORY` or `postgres://user@host/database`.
    #[serde(default = "default_store")]
    pub store: StoreUrl,
    /// The directory of the master key, and of the database when it is SQLite.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    /// Which environment this is, for rules that give a tool a tier for each: `delete_*: {prod: high, dev: low}`.
    #[serde(default)]
    pub environment: Option<String>,
    /// The protected MCP servers, by name.
    #[serde(default)]
    pub servers: BTreeMap<Id<Server>, ServerConfig>,
    /// People, by login name.
    #[serde(default)]
    pub people: BTreeMap<Id<Person>, PersonConfig>,
    /// Autonomous agents, by name. The name is the `client_id`.
    #[serde(default)]
    pub agents: BTreeMap<Id<Agent>, AgentConfig>,
    /// Which clients may ask people for access.
    #[serde(default)]
    pub clients: ClientsConfig,
    /// Identity providers whose assertions about people (ID-JAG) are honoured, by name.
    #[serde(default)]
    pub trusted_idps: BTreeMap<String, TrustedIdp>,
    /// A directory of `*.cedar` files that are evaluated together with the built-in pack.
    #[serde(default)]
    pub policies: Option<PathBuf>,
    /// How long privilege above the baseline lasts.
    #[serde(default)]
    pub elevation: ElevationConfig,
    /// How long tokens, codes and sessions last.
    #[serde(default)]
    pub tokens: TokensConfig,
    /// Bounds on what comes from outside.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Who outside watches over the audit log.
    #[serde(default)]
    pub audit: AuditConfig,
    /// Who outside is told of what happens here.
    #[serde(default)]
    pub notify: NotifyConfig,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain, leaf first.
    pub certificate_file: PathBuf,
    /// The private key.
    pub key_file: PathBuf,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8420))
}

fn default_store() -> StoreUrl {
    StoreUrl("sqlite:./portcullis-data".into())
}

fn default_data_dir() -> PathBuf {
    "./portcullis-data".into()
}

/// The base of every URL that leaves this product. Never taken from `Host`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The issuer, and the prefix of every URL; no trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource identifier of a server: its MCP endpoint.
    pub fn resource(&self, server: &Id<Server>) -> String {
        format!("{}/mcp/{server}", self.0)
    }

    /// Where the protected resource metadata of a server is (RFC 9728 §3.1).
    pub fn resource_metadata(&self, server: &Id<Server>) -> String {
        format!("{}/.well-known/oauth-protected-resource/mcp/{server}", self.0)
    }

    /// `host` or `host:port`, as the `Host` header of a request to it reads.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, rest)| rest)
    }

    /// The port, when it is not the one that its scheme implies.
    pub fn unusual_port(&self) -> Option<u16> {
        let (_, port) = self.authority().rsplit_once(':')?;
        let port = port.parse().ok()?;
        (port != if self.is_https() { 443 } else { 80 }).then_some(port)
    }

    /// Is it https? Then cookies are `Secure` with the `__Host-` prefix.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // The text itself is not repeated: it may hold a credential that stands in the wrong place.
        let say = |why: &str| format!("public_url {why}");
        let url = url::Url::parse(&text).map_err(|_| say("is not a URL; write it like https://mcp.acme.example"))?;
        if text.ends_with('/') {
            return Err(say("must not end with a slash: clients compare the issuer byte for byte"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(say("must be scheme, host and port only"));
        }
        let https = url.scheme() == "https";
        if !https && !crate::loopback::is_loopback_url(&text) {
            return Err(say("must be https; plain http works only for localhost, 127.0.0.1 and [::1]"));
        }
        if url.as_str().trim_end_matches('/') != text {
            return Err(say("is not in normal form; write scheme and host in small letters, without the default port"));
        }
        Ok(Self(text))
    }
}

impl From<PublicUrl> for String {
    fn from(url: PublicUrl) -> Self {
        url.0
    }
}

/// Where state lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct StoreUrl(String);

/// Without the password.
impl From<StoreUrl> for String {
    fn from(url: StoreUrl) -> Self {
        url.shown()
    }
}

impl StoreUrl {
    /// A SQLite database `portcullis.db` in `directory`.
    pub fn sqlite_in(directory: &std::path::Path) -> Self {
        Self(format!("sqlite:{}", directory.display()))
    }

    /// The directory of the SQLite database, or `None` when it is PostgreSQL.
    pub fn sqlite_directory(&self) -> Option<PathBuf> {
        self.0.strip_prefix("sqlite:").map(PathBuf::from)
    }

    /// The URL with its password: for the driver only, never for a person.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Where it is, for a person: without password and parameters, which may hold one. Of what can not be read as a
    /// URL only the scheme is shown, because a password may be what makes it unreadable.
    pub fn shown(&self) -> String {
        if self.sqlite_directory().is_some() {
            return self.0.clone();
        }
        match url::Url::parse(&self.0) {
            Ok(url) if url.host_str().is_some_and(|host| !host.is_empty()) && url.fragment().is_none() => {
                let user = if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                format!("{}://{user}{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            _ => "postgres://…".into(),
        }
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", rest)) if !rest.is_empty() => Ok(Self(text)),
            Some(("postgres" | "postgresql", _)) => Ok(Self(text)),
            // A reference; read by whoever reads secrets, and parsed again.
            Some(("${file" | "${env", _)) => Ok(Self(text)),
            _ => Err("store must be `sqlite:DIRECTORY` or `postgres://user@host/database`".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Result<Config, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn one_line_is_a_configuration_that_opens_nothing() {
        let config = config(r#"{"public_url":"https://mcp.acme.example"}"#).unwrap();
        assert!(config.servers.is_empty() && config.people.is_empty());
        assert!(config.clients.metadata_domains.is_empty() && config.clients.exempt_hosts.is_empty());
        assert!(config.listen.ip().is_loopback());
    }

    #[test]
    fn a_public_url_that_clients_could_not_compare_is_refused() {
        for bad in [
            "https://a.test/",
            "http://a.test",
            "https://a.test/x",
            "https://A.test",
            "https://a.test:443",
            "a.test",
            "https://u@a.test",
        ] {
            assert!(PublicUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        for good in
            ["https://a.test", "https://a.test:8443", "http://localhost:8420", "http://127.0.0.1:1", "http://[::1]:1"]
        {
            assert!(PublicUrl::try_from(good.to_owned()).is_ok(), "{good}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = config(r#"{"public_url":"https://a.test","severs":{}}"#).unwrap_err();
        assert!(error.contains("severs"), "{error}");
    }

    /// Field: O5
    #[test]
    fn the_password_of_a_store_is_not_shown() {
        let url = StoreUrl::try_from("postgres://p:hunter2@db/portcullis".to_owned()).unwrap();
        assert_eq!(url.shown(), "postgres://p@db/portcullis");
        for text in [
            "postgres://p:hunt#er2@db/portcullis",
            "postgres://p:hunt/er2@db/portcullis",
            "postgres://p:hunt?er2@db/portcullis",
            "postgres://p:hunt@er2@db/portcullis",
            "postgres://db/portcullis?user=p&password=hunter2",
            "postgres://db/portcullis?sslpassword=hunter2#hunter2",
            "postgres:hunter2",
            "postgres:///portcullis?host=/run&password=hunter2",
        ] {
            let shown = StoreUrl::try_from(text.to_owned()).unwrap().shown();
            assert!(!shown.contains("er2"), "{text}: {shown}");
        }
        assert!(StoreUrl::try_from("mysql://x".to_owned()).is_err());
    }
}
