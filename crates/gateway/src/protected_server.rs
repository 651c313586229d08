//! A protected server, with everything about it that does not change from request to request.
//!
//! URLs come from the configured public URL alone, never from what a request says about its host.
//!
//! Spec: RFC 9728 §2, §3.1, RFC 9449 §4.3 (9); MCP basic/authorization (protected resource metadata).

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use crypto::CLIENT_ALGORITHMS;
use http::{HeaderMap, HeaderName, HeaderValue};
use model::{
    CallTarget, Id, Outages, Server, Span, TargetUri, Tier, ToolName,
    config::{Config, LimitsConfig, LongestConfig, ProofConfig, ProofDemand, ServerConfig, TaskAccess},
};
use net::Upstream;
use oauth::metadata::ResourceMetadata;
use policy::Policies;
use store::Store;
use tokio::time::Instant;

use crate::{
    awaited::AwaitedDecisions,
    definitions::{Definitions, Source},
    tool_visibility::omitted::Omitted,
};

/// Why a gateway can not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A server is configured in a way that can not work.
    #[error("server `{server}`: {why}")]
    Server {
        /// Which server.
        server: String,
        /// What is wrong.
        why: String,
    },
}

/// A protected server.
#[derive(Debug)]
pub struct ProtectedServer {
    /// Its name in paths and scopes.
    pub id: Id<Server>,
    /// Its resource identifier: the only audience its tokens may have.
    pub resource: String,
    /// The same as an address: the only one that a proof may be for.
    pub uri: TargetUri,
    /// Where its metadata is.
    pub metadata_url: String,
    /// Its metadata (RFC 9728), as served.
    pub metadata: Bytes,
    /// Its rules.
    pub config: ServerConfig,
    /// May tasks be used, which are everybody's?
    pub tasks: TaskAccess,
    /// How old a token may be for each tier.
    pub longest: LongestConfig,
    /// For which tiers a token has to be bound to a key.
    pub proof: ProofConfig,
    /// Where people decide, and which agents are told so.
    pub awaited_decisions: AwaitedDecisions,
    /// Headers that carry the server's own credentials.
    pub headers: HeaderMap,
    /// What its tools and prompts are.
    pub definitions: Arc<Definitions>,
    /// Which items of its lists were left out.
    pub omitted: Omitted,
    /// What was said lately of calls to it that failed.
    failures: Outages,
    /// How long it may take until it begins to answer.
    pub timeout: Span,
    /// The way to it.
    pub upstream: Upstream,
}

/// How long a connection may take to be made.
const CONNECT: std::time::Duration = std::time::Duration::from_secs(5);

impl ProtectedServer {
    /// Of its configuration.
    pub fn new(
        store: &Store,
        id: &Id<Server>,
        config: &ServerConfig,
        (whole, policies): (&Arc<Config>, &Arc<Policies>),
    ) -> Result<Self, SetupError> {
        let public_url = &whole.public_url;
        let fault = |why: String| SetupError::Server { server: id.to_string(), why };
        let ca = config.ca_file.as_deref().map(read).transpose().map_err(fault)?;
        let source = Source { url: config.url.to_string(), headers: config.headers.clone(), ca: ca.clone() };
        Ok(Self {
            id: id.clone(),
            resource: public_url.resource(id),
            metadata_url: public_url.resource_metadata(id),
            uri: TargetUri::parse(&public_url.resource(id)).ok_or_else(|| fault("it has no address".to_owned()))?,
            metadata: metadata(id, config, whole),
            config: config.clone(),
            tasks: config.tasks,
            longest: config.longest.or(whole.tokens.longest),
            proof: config.proof.or(whole.tokens.proof),
            awaited_decisions: AwaitedDecisions::of(whole.clone()),
            definitions: Definitions::of(store.clone(), id.clone(), (config, policies), source),
            omitted: Omitted::default(),
            failures: Outages::default(),
            timeout: timeout(config, &whole.limits).map_err(fault)?,
            headers: credentials(config).map_err(fault)?,
            upstream: Upstream::new(config.url.clone(), ca.as_deref(), CONNECT)
                .map_err(|error| fault(error.to_string()))?,
        })
    }
}

impl ProtectedServer {
    /// The `tool` as its rules classify it, with what is known of its definition.
    pub fn target(&self, tool: Option<ToolName>) -> CallTarget {
        CallTarget::of(&self.config, tool, |name| self.definitions.pin(name))
    }

    /// A call to it failed in the way `what`: for how many a line is to stand in the log, if one is due.
    ///
    /// Each call has its own record; the log says at once that they fail, and every ten seconds how many.
    pub fn failed(&self, what: &'static str) -> Option<u64> {
        self.failures.fails(what, Instant::now().into_std())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("`{}`: {error}", path.display()))
}

fn timeout(config: &ServerConfig, limits: &LimitsConfig) -> Result<Span, String> {
    let Some(timeout) = config.timeout else { return Ok(limits.upstream_timeout) };
    if timeout.seconds() == 0 || timeout > limits.longest_call {
        let longest = limits.longest_call;
        return Err(format!("`timeout` is {timeout}; write 1s to {longest} (`limits.longest_call`)"));
    }
    Ok(timeout)
}

fn credentials(config: &ServerConfig) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, secret) in &config.headers {
        let wrong = |what: &str| format!("the header `{name}` has {what}");
        let header = HeaderName::try_from(name).map_err(|_| wrong("a name that is no header's"))?;
        let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| wrong("a value that no header can have"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
    }
    Ok(headers)
}

/// The baseline is all it names: clients without a challenge ask for everything that stands here.
fn metadata(id: &Id<Server>, config: &ServerConfig, whole: &Config) -> Bytes {
    let public_url = &whole.public_url;
    let demanded = config.proof.or(whole.tokens.proof).of(Tier::Low);
    let document = ResourceMetadata {
        resource: public_url.resource(id),
        authorization_servers: vec![public_url.as_str().to_owned()],
        scopes_supported: vec![model::Scope::Low(id.clone())],
        bearer_methods_supported: &["header"],
        dpop_signing_alg_values_supported: CLIENT_ALGORITHMS,
        // Not for a tier alone: a client that reads this would leave out what it can have.
        dpop_bound_access_tokens_required: demanded == ProofDemand::Required,
        resource_name: config.title.clone().unwrap_or_else(|| id.to_string()),
    };
    // INVARIANT: strings and lists of them always serialise.
    serde_json::to_vec(&document).unwrap_or_default().into()
}
