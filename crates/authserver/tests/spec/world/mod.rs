//! One installation in a temporary directory, a browser with cookies, and a client without.

mod browser;
mod reply;

use std::sync::{Arc, OnceLock};

use axum::{Router, body::Body};
use crypto::AgentKey;
use http::{HeaderMap, Request, StatusCode, header};
use model::{
    Agent, AgentKind, AgentState, Assurance, Block, Elevation, Grant, Id, Installation, ManualClock, Person, Secret,
    Span, Target, Timestamp,
    config::{Config, RegisteredClient, StoreUrl},
    event::examples,
};
use net::{FetchRules, Fetcher};
use oauth::Challenge;
use policy::{Policies, PolicyFile};
use portcullis_authserver::{AuthServer, AuthServerParts};
use serde_json::{Value, json};
use store::{Commit, OpenOptions, Store, StoreError, privilege::PrivilegeTx};
use tower::ServiceExt;

pub use self::{
    browser::Browser,
    reply::{Reply, claims},
};

pub const ISSUER: &str = "https://gw.test";
pub const RESOURCE: &str = "https://gw.test/mcp/tickets";
pub const VERIFIER: &str = "k3T9mQ2vXw7cR1fZ8bN4hL6yP0sD5gJ-aEuIoVtWqzM";
pub const CALLBACK: &str = "https://desk.test/cb";
pub const PASSWORD: &str = "correct horse battery";

pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub config: Arc<Config>,
    pub key: AgentKey,
    router: Router,
    dir: tempfile::TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Value)) -> Self {
        Self::of(change, FetchRules::default(), "").await
    }

    /// With other fetch rules, and policies besides the built-in ones.
    pub async fn of(change: impl FnOnce(&mut Value), fetch: FetchRules, policies: &str) -> Self {
        net::install_crypto_provider();
        let key = AgentKey::generate();
        let mut config = json!({
            "public_url": ISSUER,
            "servers": {
                "tickets": {"url": "http://127.0.0.1:3001/mcp", "title": "Tickets",
                    "tools": {"get_*": "low", "create_*": "medium", "delete_*": "high", "export_*": "high"},
                    "any_arguments": ["*"]},
                "files": {"url": "http://127.0.0.1:3002/mcp", "tools": {"read_*": "low"}},
            },
            "people": {"ada": {}, "bob": {"roles": ["approver"]}},
            "agents": {"nightly": {"owner": "ada", "purpose": "Closes stale tickets", "servers": ["tickets"],
                "public_key": key.public_jwk()}},
            "clients": {"metadata_domains": ["allowed.test"], "registered": {
                "desk": {"name": "Desk", "redirect_uris": [CALLBACK]},
                "native": {"name": "Native", "redirect_uris": ["http://127.0.0.1/callback"]},
                "pinned": {"name": "Pinned", "redirect_uris": [CALLBACK], "server": "tickets"},
            }},
        });
        change(&mut config);
        let config: Arc<Config> = Arc::new(serde_json::from_value(config).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_374_000)));
        let store = open(&dir, clock.clone(), "one").await;
        let parts = AuthServerParts {
            config: config.clone(),
            store: store.clone(),
            policies: Arc::new(
                Policies::load(&[PolicyFile { name: "test.cedar".into(), text: policies.into() }]).unwrap(),
            ),
            fetcher: Arc::new(Fetcher::new(fetch).unwrap()),
        };
        let router = router(parts);
        let world = Self { clock, store, config, key, router, dir };
        world.seed().await;
        world
    }

    /// A second node on the same database.
    pub async fn another_node(&self, name: &str) -> Store {
        open(&self.dir, self.clock.clone(), name).await
    }

    /// A second node on the same database that serves, with the time of `clock`.
    pub async fn serving_node(&self, name: &str, clock: Arc<ManualClock>) -> Node {
        let store = open(&self.dir, clock, name).await;
        self.serve(store, self.config.clone(), Policies::built_in(), FetchRules::default())
    }

    /// The same installation under other policies.
    pub async fn under(&self, policies: &str, fetch: FetchRules) -> Node {
        let store = open(&self.dir, self.clock.clone(), "under").await;
        let file = PolicyFile { name: "test.cedar".into(), text: policies.into() };
        self.serve(store, self.config.clone(), Policies::load(&[file]).unwrap(), fetch)
    }

    /// The same installation with another configuration.
    pub async fn configured(&self, change: impl FnOnce(&mut Config)) -> Node {
        let store = open(&self.dir, self.clock.clone(), "configured").await;
        let mut config = Config::clone(&self.config);
        change(&mut config);
        self.serve(store, Arc::new(config), Policies::built_in(), FetchRules::default())
    }

    /// The same installation with another registration of `desk`.
    pub async fn with_desk(&self, change: impl FnOnce(&mut RegisteredClient)) -> Node {
        let store = open(&self.dir, self.clock.clone(), "with-desk").await;
        let mut config = Config::clone(&self.config);
        config.clients.allow_client_secrets = true;
        change(config.clients.registered.get_mut(&"desk".parse().unwrap()).unwrap());
        self.serve(store, Arc::new(config), Policies::built_in(), FetchRules::default())
    }

    fn serve(&self, store: Store, config: Arc<Config>, policies: Policies, fetch: FetchRules) -> Node {
        let parts = AuthServerParts {
            config,
            store: store.clone(),
            policies: Arc::new(policies),
            fetcher: Arc::new(Fetcher::new(fetch).unwrap()),
        };
        Node { store, router: router(parts) }
    }

    /// The files of the database, as an intruder would read them.
    pub fn database(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.to_string_lossy().contains("portcullis.db"))
            .map(|path| std::fs::read(path).unwrap())
            .collect()
    }

    /// The installation of a token response.
    pub async fn installation(&self, token: &Value) -> Installation {
        let id = claims(token)["sid"].as_str().unwrap().parse().unwrap();
        self.store.installation(&id).await.unwrap().unwrap()
    }

    /// Does the gateway take this token for one of a login that was ended?
    pub async fn is_ended(&self, token: &Value) -> bool {
        let claims = claims(token);
        let id = claims["sid"].as_str().unwrap().parse().unwrap();
        let grant = claims["grant_id"].as_str().unwrap().parse().unwrap();
        let standing = self.store.grant_holder(&grant, Some(&id)).await.unwrap().unwrap();
        assert!(standing.grant.is_live(self.store.now()), "only a person ends a grant");
        standing.installation_ended
    }

    /// A login of `desk` for ada: what the code was worth.
    pub async fn logged_in(&self) -> Value {
        let code = self.browser().code(&link("tickets:low", &[])).await;
        self.redeem(&code).await.granted()
    }

    async fn seed(&self) {
        static PHC: OnceLock<String> = OnceLock::new();
        let phc = PHC.get_or_init(|| crypto::hash_password(&Secret::new(PASSWORD))).clone();
        let (config, now) = (self.config.clone(), self.store.now());
        self.change(move |tx| {
            Box::pin(async move {
                for (id, person) in &config.people {
                    let person = Person {
                        id: id.clone(),
                        display_name: id.to_string(),
                        roles: person.roles.clone(),
                        disabled: false,
                    };
                    PrivilegeTx::of(tx).put_person(&person, Some(&phc)).await?;
                }
                for (id, agent) in &config.agents {
                    PrivilegeTx::of(tx)
                        .put_agent(&Agent {
                            id: id.clone(),
                            title: id.to_string(),
                            owner: agent.owner.clone(),
                            purpose: agent.purpose.clone(),
                            kind: AgentKind::Autonomous,
                            client: id.as_str().parse().unwrap(),
                            assurance: Assurance::Proven,
                            state: AgentState::Active,
                            created_at: now,
                            sponsor: None,
                            eligible_only: false,
                        })
                        .await?;
                }
                done()
            })
        })
        .await;
    }

    /// Changes something behind the server's back.
    pub async fn change<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut store::Tx<'_>) -> Work<'t, T> + Send + 'static,
    ) -> T {
        self.store.write(work).await.unwrap()
    }

    pub async fn approve(&self, id: &Id<Elevation>) {
        let id = id.clone();
        let lasts = self.config.elevation.approval_lasts;
        let changed = self
            .change(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    let changed = PrivilegeTx::of(tx).activate_elevation(&id, "bob", now, now.after(lasts)).await?;
                    Ok(Commit::with(examples::any(), changed))
                })
            })
            .await;
        assert!(changed, "the elevation waits for a decision");
    }

    pub async fn deny(&self, id: &Id<Elevation>) {
        let id = id.clone();
        self.change(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                PrivilegeTx::of(tx).deny_elevation(&id, "bob", now).await?;
                done()
            })
        })
        .await;
    }

    pub async fn end_grant(&self, id: &Id<Grant>) {
        let id = id.clone();
        self.change(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                PrivilegeTx::of(tx).end_grant(&id, now).await?;
                done()
            })
        })
        .await;
    }

    pub async fn block(&self, target: Target) {
        let at = self.store.now();
        self.change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_block(&Block { target, at, reason: "test".into(), lifted_at: None }).await?;
                done()
            })
        })
        .await;
    }

    /// Those that stand, newest first.
    pub async fn grants(&self) -> Vec<Grant> {
        let standing = self.store.standing_grants(self.store.now(), None, 99).await.unwrap();
        standing.items.into_iter().map(|held| held.grant).collect()
    }

    /// Newest first.
    pub async fn elevations(&self) -> Vec<Elevation> {
        let entries = self.store.elevation_entries(None, 99).await.unwrap();
        entries.items.into_iter().map(|entry| entry.elevation).collect()
    }

    pub async fn only_grant(&self) -> Grant {
        let mut grants = self.grants().await;
        assert_eq!(grants.len(), 1, "one live grant per agent and server");
        grants.remove(0)
    }

    /// The newest elevation of a scope.
    pub async fn elevation(&self, scope: &str) -> Elevation {
        let all = self.elevations().await;
        all.into_iter().find(|elevation| elevation.scope.to_string() == scope).expect("it was asked for")
    }

    /// The names of the last events, oldest first.
    pub async fn events(&self, count: u32) -> Vec<String> {
        let mut records = self.store.last_records(count).await.unwrap();
        records.sort_by_key(|(index, _)| *index);
        let name = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["event"].as_str().unwrap().to_owned();
        records.iter().map(|(_, bytes)| name(bytes)).collect()
    }

    pub async fn last_record(&self) -> Value {
        let records = self.store.last_records(1).await.unwrap();
        serde_json::from_slice(&records[0].1).unwrap()
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser::of(self)
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        send(&self.router, request).await
    }

    /// All of them before any is answered.
    pub async fn send_at_once(&self, requests: Vec<Request<Body>>) -> Vec<(StatusCode, HeaderMap)> {
        let mut tasks = tokio::task::JoinSet::new();
        for request in requests {
            let router = self.router.clone();
            tasks.spawn(async move { router.oneshot(request).await.unwrap() });
        }
        let answers = tasks.join_all().await;
        answers.into_iter().map(|answer| (answer.status(), answer.headers().clone())).collect()
    }

    /// Every record, as one text.
    pub async fn log(&self) -> String {
        let records = self.store.last_records(10_000).await.unwrap();
        records.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }

    pub async fn log_size(&self) -> u64 {
        self.store.log_size().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// A post of a client, without cookies.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.send(post(path).body(Body::from(encode(fields))).unwrap()).await
    }

    pub async fn token(&self, fields: &[(&str, &str)]) -> Reply {
        self.post("/oauth/token", fields).await
    }

    pub async fn redeem(&self, code: &str) -> Reply {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", "desk"),
            ("code", code),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub async fn refresh(&self, refresh: &str) -> Reply {
        self.send(refresh_request("desk", refresh, &[])).await
    }

    /// A token request of the declared agent, with a fresh assertion.
    pub async fn as_agent(&self, fields: &[(&str, &str)]) -> Reply {
        self.send(self.agent_request(fields)).await
    }

    /// The request that [`Self::as_agent`] sends.
    pub fn agent_request(&self, fields: &[(&str, &str)]) -> Request<Body> {
        let assertion = self.key.sign_assertion("nightly", ISSUER, self.store.now()).unwrap();
        let mut all = vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        all.extend_from_slice(fields);
        post("/oauth/token").body(Body::from(encode(&all))).unwrap()
    }

    pub fn advance(&self, seconds: u32) {
        self.clock.advance(Span::from_seconds(seconds));
    }
}

/// A further node.
pub struct Node {
    pub store: Store,
    router: Router,
}

impl Node {
    pub async fn send(&self, request: Request<Body>) -> Reply {
        send(&self.router, request).await
    }
}

async fn send(router: &Router, request: Request<Body>) -> Reply {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Reply { status: head.status, headers: head.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A refresh by a public client, with more fields.
pub fn refresh_request(client: &str, refresh: &str, more: &[(&str, &str)]) -> Request<Body> {
    let mut fields = vec![("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refresh)];
    fields.extend_from_slice(more);
    post("/oauth/token").body(Body::from(encode(&fields))).unwrap()
}

/// The refresh token of a response.
pub fn refresh_of(response: &Value) -> String {
    response["refresh_token"].as_str().unwrap().to_owned()
}

async fn open(dir: &tempfile::TempDir, clock: Arc<ManualClock>, node: &str) -> Store {
    let options = OpenOptions {
        url: StoreUrl::sqlite_in(dir.path()),
        data_dir: dir.path().to_owned(),
        origin: "gw.test/audit".into(),
        clock,
        node: Some(node.into()),
        store_silence: Span::from_seconds(2),
        missing: store::Missing::IsMade,
    };
    Store::open(options).await.unwrap()
}

pub type Work<'t, T> = std::pin::Pin<Box<dyn Future<Output = Result<Commit<T>, StoreError>> + Send + 't>>;

pub fn done() -> Result<Commit<()>, StoreError> {
    Ok(Commit::with(examples::any(), ()))
}

/// The authorization request of `desk` for `scope`, with parameters replaced or added; an empty value removes one.
pub fn link(scope: &str, changes: &[(&str, &str)]) -> String {
    let challenge = Challenge::of_verifier(VERIFIER);
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", "desk"),
        ("redirect_uri", CALLBACK),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("resource", RESOURCE),
        ("scope", scope),
        ("state", "u81Lq"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields.retain(|(_, value)| !value.is_empty());
    format!("/oauth/authorize?{}", encode(&fields))
}

pub fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn post(path: &str) -> http::request::Builder {
    Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

/// The authorization server with the pages by which people come in.
fn router(parts: AuthServerParts) -> Router {
    let login = login::Login::new(parts.config.clone(), parts.store.clone());
    AuthServer::new(parts).unwrap().router().merge(login.router())
}
