//! One node: the three roles on one listener, over one store.
//!
//! Requests for an MCP endpoint go straight to the gateway; everything else goes through the
//! router of the authorization server and the console. The roles do not know each other.

pub mod control;
mod logging;
mod misdirected;
pub mod order;
mod reload;
mod seed;
mod sweep;
mod witness;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use axum::{Router, routing};
use http::{Request, Response, StatusCode};
use model::{Clock, SystemClock, config::Config};
use store::{Missing, OpenOptions, Store, StoreSilent};
use tower::ServiceExt;

use crate::config::Settings;

pub use logging::log_to_stderr;
pub use seed::Changes;

/// Everything that serves.
pub struct Node {
    /// What was configured.
    pub config: Arc<Config>,
    /// Where state lives.
    pub store: Store,
    /// What is in force.
    pub policies: Arc<policy::Policies>,
    gateway: Arc<gateway::Gateway>,
    authserver: Arc<authserver::AuthServer>,
    login: Arc<login::Login>,
    router: Router,
    hosts: misdirected::Hosts,
}

impl Node {
    /// Opens the store, writes what the file declares into it, and puts the roles together.
    pub async fn assemble(config: Config, settings: Settings, name: &str) -> Result<Arc<Self>> {
        // What is wrong with them must not cost a store that was made for nothing.
        policies(&config)?;
        let witness = witness(&config)?;
        let store = open_store(&config, Some(name.to_owned()), Missing::IsMade).await?;
        if let Some(mut witness) = witness
            && let Err(error) = witness.show(&store).await
        {
            store.close().await;
            return Err(error).context("audit.witness");
        }
        Self::generation(store, config, settings).await
    }

    /// Puts the roles together over a store that is open, and writes what the file declares into it.
    async fn generation(store: Store, config: Config, mut settings: Settings) -> Result<Arc<Self>> {
        let config = Arc::new(config);
        let policies = Arc::new(policies(&config)?);
        settings.set("policies", policies.fingerprint());
        let fetcher = Arc::new(net::Fetcher::new(fetch_rules(&config)?)?);
        let authserver = authserver::AuthServer::new(authserver::AuthServerParts {
            config: config.clone(),
            store: store.clone(),
            policies: policies.clone(),
            fetcher,
        })?;
        let gateway = gateway::Gateway::new(gateway::GatewayParts {
            config: config.clone(),
            store: store.clone(),
            policies: policies.clone(),
        })?;
        let login = login::Login::new(config.clone(), store.clone());
        let console = governance::Console::new(config.clone(), store.clone(), policies.clone());
        let ready = store.clone();
        let router = Router::new()
            .route("/healthz", routing::get(|| async { "ok" }))
            .route("/readyz", routing::get(move || readiness(ready.clone())))
            .merge(web::assets())
            .merge(authserver.router())
            .merge(login.router())
            .merge(console.router())
            .method_not_allowed_fallback(web::only_forms)
            .fallback(web::nowhere);
        let hosts = misdirected::Hosts::of(&config);
        seed::declared(&store, &config, &settings)
            .await
            .context("what the file declares could not be written to the store")?;
        Ok(Arc::new(Self { config, store, policies, gateway, authserver, login, router, hosts }))
    }

    /// Binds the configured address, or says why not.
    pub async fn bind(&self) -> Result<net::Listener> {
        Ok(net::Listener::bind(self.config.listen, certificate(&self.config)?).await?)
    }

    /// Serves until `shutdown`. With a `file`, a hangup reads it again.
    ///
    /// # Errors
    /// When the store does not go on: only a new process can, and whoever watches over this one has to know.
    pub async fn serve(
        self: Arc<Self>,
        listener: net::Listener,
        file: Option<PathBuf>,
        shutdown: impl Future,
    ) -> Result<()> {
        let configured = &self.config.limits;
        let limits = net::ListenLimits {
            connections: configured.connections,
            per_address: configured.connections_per_address.map_or(net::PerAddress::Quarter, net::PerAddress::AtMost),
            always_open,
            ..Default::default()
        };
        let sweeper = tokio::spawn(sweep::ended_elevations(self.store.clone()));
        let witness = witness(&self.config)?.map(|witness| tokio::spawn(witness.keep_shown(self.store.clone())));
        let current = Arc::new(ArcSwap::from(self.clone()));
        let control = tokio::spawn(control::serve(current.clone()));
        let counter = tokio::spawn(sweep::counted_refusals(current.clone()));
        let reloader = match (file, reload::hangups()) {
            (Some(file), Ok(hangups)) => {
                Some(tokio::spawn(reload::on_hangup(hangups, file, current.clone(), listener.tls())))
            }
            _ => None,
        };
        let nodes = current.clone();
        let service = move |request| {
            let node = nodes.load_full();
            async move { node.respond(request).await }
        };
        let mut gone = false;
        let ended = async {
            tokio::select! {
                _ = shutdown => {}
                () = self.store.closed() => gone = true,
            }
        };
        listener.serve(limits, service, ended).await;
        sweeper.abort();
        counter.abort();
        control.abort();
        witness.iter().for_each(tokio::task::JoinHandle::abort);
        reloader.iter().for_each(tokio::task::JoinHandle::abort);
        let last = current.load_full();
        last.gateway.write_counted(true).await;
        last.authserver.write_counted(true).await;
        last.login.write_counted(true).await;
        self.store.clone().close().await;
        anyhow::ensure!(!gone, "the store does not go on; what was logged before says why");
        Ok(())
    }

    async fn respond(&self, request: Request<net::Inbound>) -> Response<net::Body> {
        if gateway::Gateway::owns(request.uri().path()) {
            return self.gateway.handle(request).await;
        }
        if let Err(misdirected) = self.hosts.check(&request) {
            return misdirected.response();
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => response.map(net::boxed),
            Err(never) => match never {},
        }
    }
}

/// What the next start would change in this store; nothing is changed.
pub async fn foreseen(store: &Store, config: &Config, mut settings: Settings) -> Result<Changes> {
    settings.set("policies", policies(config)?.fingerprint());
    Ok(seed::foreseen(store, config, &settings).await?)
}

/// The certificate and key that are configured, read now.
pub fn certificate(config: &Config) -> Result<Option<net::Tls>> {
    let Some(files) = &config.tls else { return Ok(None) };
    let read = |file: &PathBuf| std::fs::read(file).with_context(|| format!("tls: {} can not be read", file.display()));
    let tls = net::Tls::from_pem(&read(&files.certificate_file)?, &read(&files.key_file)?);
    tls.map(Some).with_context(|| format!("tls: {} and {}", files.certificate_file.display(), files.key_file.display()))
}

/// Answered when everything else finds no room: whether this node is well, and the control plane. An agent that takes
/// every connection must not keep people from stopping it.
fn always_open(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/healthz", "/readyz", "/login", "/logout", "/console", "/me", "/assets"].into_iter().any(below)
}

/// Opens the store of this configuration; `node` is `None` for a command that only visits.
pub async fn open_store(config: &Config, node: Option<String>, missing: Missing) -> Result<Store> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = OpenOptions {
        url: config.store.clone(),
        data_dir: config.data_dir.clone(),
        origin: format!("{}/audit", config.public_url.authority()),
        clock,
        node,
        store_silence: config.limits.store_silence,
        missing,
    };
    Store::open(options).await.context("the store")
}

/// The built-in pack and the operator's own `*.cedar` files.
pub fn policies(config: &Config) -> Result<policy::Policies> {
    let Some(directory) = &config.policies else { return Ok(policy::Policies::built_in()) };
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("policies: the directory {} can not be read", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("policies: {}", directory.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("policies: {} can not be read", path.display()))?;
            files.push(policy::PolicyFile { name: path.display().to_string(), text });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(policy::Policies::load(&files)?)
}

/// Who outside watches over the log, if anybody does.
fn witness(config: &Config) -> Result<Option<witness::Witness>> {
    config.audit.witness.as_ref().map(witness::Witness::new).transpose()
}

/// How metadata documents may be fetched.
pub fn fetch_rules(config: &Config) -> Result<net::FetchRules> {
    let extra_ca_pem = match &config.clients.extra_ca_file {
        None => None,
        Some(file) => Some(
            std::fs::read(file)
                .with_context(|| format!("clients.extra_ca_file: {} can not be read", file.display()))?,
        ),
    };
    Ok(net::FetchRules { extra_ca_pem, exempt_hosts: config.clients.exempt_hosts.clone() })
}

async fn readiness(store: Store) -> (StatusCode, &'static str) {
    match store.freshness() {
        Ok(()) if store.commits() => (StatusCode::OK, "ready"),
        Ok(()) => (StatusCode::SERVICE_UNAVAILABLE, "the last write to the store failed"),
        Err(StoreSilent::Denied) => (StatusCode::SERVICE_UNAVAILABLE, "told to deny everything"),
        Err(StoreSilent::Clock) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the clock can not be right: set it, or see `portcullis clock accept`")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"),
    }
}
