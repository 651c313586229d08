//! The roles over one store, as one configuration has them. A reload makes another one over the same store.
//!
//! Requests for an MCP endpoint go straight to the gateway; everything else goes through the router of the authorization
//! server and the console. The roles do not know each other.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::{Router, routing};
use governance::notify::{self, Notifier};
use http::{Request, Response};
use model::config::Config;
use store::{Missing, Store};
use tower::ServiceExt;

use super::{
    configured::{certificate, fetch_rules, open_store, policies, policies_for, receivers, witness},
    misdirected,
    readiness::Readiness,
    seed::{self, Changes},
};
use crate::config::Settings;

/// Everything that serves.
pub struct Node {
    /// What was configured.
    pub config: Arc<Config>,
    /// Where state lives.
    pub store: Store,
    /// What is in force.
    pub policies: Arc<policy::Policies>,
    /// Who tells whom.
    pub notifier: Notifier,
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
        receivers(&config)?;
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
    pub(super) async fn generation(store: Store, config: Config, mut settings: Settings) -> Result<Arc<Self>> {
        let config = Arc::new(config);
        let policies = Arc::new(policies_for(&config, &store).await?);
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
        let console = console::Console::new(config.clone(), store.clone(), policies.clone());
        let ready = Readiness::of(&store, &policies, &settings);
        let router = Router::new()
            .route("/healthz", routing::get(|| async { "ok" }))
            .route("/readyz", routing::get(move || ready.clone().answer()))
            .merge(web::assets())
            .merge(authserver.router())
            .merge(login.router())
            .merge(console.router())
            .method_not_allowed_fallback(web::only_forms)
            .fallback(web::nowhere);
        let hosts = misdirected::Hosts::of(&config);
        let notifier = Notifier::new(store.clone(), Arc::new(receivers(&config)?));
        seed::declared(&store, &config, &settings, &policies)
            .await
            .context("what the file declares could not be written to the store")?;
        store.tell(notify::subscriptions::of(&config));
        Ok(Arc::new(Self { config, store, policies, notifier, gateway, authserver, login, router, hosts }))
    }

    /// Binds the configured address, or says why not.
    pub async fn bind(&self) -> Result<net::Listener> {
        Ok(net::Listener::bind(self.config.listen, certificate(&self.config)?).await?)
    }

    pub(super) async fn respond(&self, request: Request<net::Inbound>) -> Response<net::Body> {
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

    /// Asks every server what it offers.
    pub(super) async fn list_servers(&self) {
        self.gateway.list_servers().await;
    }

    /// Records the refusals that were only counted and whose minute is over; all of them, when it is the `last` time.
    pub(super) async fn write_counted(&self, last: bool) {
        self.gateway.write_counted(last).await;
        self.authserver.write_counted(last).await;
        self.login.write_counted(last).await;
    }
}

/// What the next start would change in this store; nothing is changed.
pub async fn foreseen(store: &Store, config: &Config, mut settings: Settings) -> Result<Changes> {
    let policies = policies_for(config, store).await?;
    settings.set("policies", policies.fingerprint());
    Ok(seed::foreseen(store, config, &settings, &policies).await?)
}
