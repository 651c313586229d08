//! A gateway on a real store, a clock that moves by hand, and an upstream on loopback that remembers what it got.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod log;
pub mod upstream;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use model::{
    AccessClaims, Agent, AgentKind, AgentState, Approval, Assurance, Block, Clock, Decided, Elevation, Grant,
    ManualClock, Person, Scope, Span, Stage, StepUp, Subject, Target, Timestamp,
    config::{Config, DefinitionTrust},
    event::examples,
};
use portcullis_gateway::{Gateway, GatewayParts, SetupError};
use serde_json::{Value, json};
use store::{Commit, OpenOptions, Store, StoreError, privilege::PrivilegeTx, secrets::AccessSigner};
use upstream::Upstream;

pub const HOST: &str = "127.0.0.1:8420";
pub const RESOURCE: &str = "http://127.0.0.1:8420/mcp/tickets";

pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub gateway: Arc<Gateway>,
    pub upstream: Upstream,
    pub grant: Grant,
    pub signed: Mutex<HashMap<String, String>>,
    pub directory: tempfile::TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// With policies of the operator's own besides the built-in ones.
    pub async fn start_with(policies: &str) -> Self {
        Self::start_at(policies, json!({})).await
    }

    /// With the tasks of the upstream open to everybody.
    pub async fn start_sharing_tasks() -> Self {
        Self::start_at("", json!({"tasks": "shared"})).await
    }

    /// Before an upstream that is somewhere else.
    pub async fn start_before(url: &str) -> Self {
        Self::start_at("", json!({"url": url})).await
    }

    /// With more, or other, settings of the server.
    pub async fn start_configured(server: Value) -> Self {
        Self::start_at("", server).await
    }

    /// With both.
    pub async fn start_at(policies: &str, server: Value) -> Self {
        net::install_crypto_provider();
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = open(directory.path(), clock.clone()).await;
        let upstream = Upstream::start().await;
        let gateway = gateway(&store, &upstream.url(), policies, &server).unwrap();
        let now = clock.now();
        let grant = grant("grt_ada", "tickets", now);
        let signed = Mutex::default();
        let world = Self { clock, store, gateway, upstream, grant: grant.clone(), signed, directory };
        let agent = Agent {
            id: "bot@ada".parse().unwrap(),
            title: "Bot".into(),
            owner: "ada".parse().unwrap(),
            purpose: "to test".into(),
            kind: AgentKind::Delegated,
            client: "https://bot.test/client.json".parse().unwrap(),
            assurance: Assurance::Proven,
            state: AgentState::Active,
            created_at: now,
            sponsor: None,
            eligible_only: false,
        };
        let ada = Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: [].into(), disabled: false };
        let roles = [model::Role::Approver].into();
        let bob = Person { id: "bob".parse().unwrap(), display_name: "Bob".into(), roles, disabled: false };
        let files = self::grant("grt_files", "files", now);
        world
            .store
            .write(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_person(&ada, None).await?;
                    PrivilegeTx::of(tx).put_person(&bob, None).await?;
                    PrivilegeTx::of(tx).put_agent(&agent).await?;
                    PrivilegeTx::of(tx).put_grant(&grant).await?;
                    PrivilegeTx::of(tx).put_grant(&files).await?;
                    Ok::<_, StoreError>(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
        world
    }

    /// Another node of the same installation, before the same upstream.
    pub async fn another_node(&self, server: Value) -> (Store, Arc<Gateway>) {
        let store = open_as("another", self.directory.path(), self.clock.clone()).await;
        let gateway = gateway(&store, &self.upstream.url(), "", &server).unwrap();
        (store, gateway)
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn claims(&self) -> AccessClaims {
        let now = self.clock.now().seconds();
        AccessClaims {
            iss: "http://127.0.0.1:8420".into(),
            aud: RESOURCE.into(),
            sub: match self.grant.person.clone() {
                Some(person) => Subject::Person(person),
                None => Subject::Agent(self.grant.agent.clone()),
            },
            client_id: if self.grant.person.is_some() { "https://bot.test/client.json" } else { "nightly" }
                .parse()
                .unwrap(),
            scope: "tickets:low".parse().unwrap(),
            jti: "at_1".into(),
            iat: now,
            exp: now + 600,
            grant_id: self.grant.id.clone(),
            agent_id: self.grant.agent.clone(),
            sid: Some("ins_ada".parse().unwrap()),
            task: None,
            cnf: None,
        }
    }

    /// The same claims give the same token, so that the gateway knows it when it comes again.
    pub fn sign(&self, claims: &AccessClaims) -> String {
        let mut signed = self.signed.lock().unwrap();
        let sign = || AccessSigner::of(&self.store).sign(claims).unwrap();
        signed.entry(serde_json::to_string(claims).unwrap()).or_insert_with(sign).clone()
    }

    pub fn token(&self) -> String {
        self.sign(&self.claims())
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let response = self.open(method, path, headers, body).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> http::Response<net::Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", HOST);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.gateway.handle(request.body(Full::new(body.into())).unwrap()).await
    }

    /// POST with a good token and media type.
    pub async fn post(&self, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let authorization = format!("Bearer {}", self.token());
        let base = [("authorization", authorization.as_str()), ("content-type", "application/json"), ("accept", BOTH)];
        self.send(Method::POST, "/mcp/tickets", &[&base, headers].concat(), body).await
    }

    pub async fn modern(&self, method: &str, params: Value) -> Answer {
        let (headers, body) = modern(method, params);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post(&headers, body).await
    }

    pub async fn modern_tool(&self, tool: &str) -> Answer {
        self.modern("tools/call", json!({"name": tool, "arguments": {"id": 41}})).await
    }

    pub async fn legacy(&self, method: &str, params: Value, headers: &[(&str, &str)]) -> Answer {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        self.post(&[&[("mcp-protocol-version", "2025-11-25")], headers].concat(), body).await
    }

    pub async fn legacy_tool(&self, tool: &str) -> Answer {
        self.legacy("tools/call", json!({"name": tool, "arguments": {}}), &[]).await
    }

    pub async fn elevate(&self, id: &str, scope: &str, by: StepUp, max_uses: u32) {
        let now = self.clock.now();
        let elevation = Elevation {
            id: id.parse().unwrap(),
            grant: self.grant.id.clone(),
            scope: scope.parse::<Scope>().unwrap(),
            call: None,
            by,
            quorum: Default::default(),
            reason: "to test".into(),
            requested_at: now,
            decide_before: now.after(Span::from_minutes(5)),
            lasts: Span::from_minutes(5),
            max_uses,
            ends_with: Default::default(),
            stage: Stage::Active(Approval {
                decided: Decided { by: "bob".into(), at: now },
                not_after: now.after(Span::from_minutes(5)),
                uses: 0,
            }),
        };
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_elevation(&elevation).await?;
                    Ok::<_, StoreError>(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
    }

    pub async fn end_elevation(&self, id: &str) {
        let id = id.parse().unwrap();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let now = tx.now();
                    assert!(PrivilegeTx::of(tx).end_elevation(&id, now).await?);
                    Ok::<_, StoreError>(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
    }

    pub async fn revoke(&self, kind: &str, name: &str) {
        let block = Block {
            target: Target::parse(kind, name).unwrap(),
            at: self.clock.now(),
            reason: "to test".into(),
            lifted_at: None,
        };
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_block(&block).await?;
                    Ok::<_, StoreError>(Commit::with(examples::any(), ()))
                })
            })
            .await
            .unwrap();
    }

    /// The records of the log, oldest first.
    pub async fn records(&self) -> Vec<Value> {
        let records = self.store.last_records(100).await.unwrap();
        records.into_iter().map(|(_, bytes)| serde_json::from_slice(&bytes).unwrap()).collect()
    }

    /// The last record of this name.
    pub async fn last(&self, event: &str) -> Option<Value> {
        self.records().await.into_iter().rev().find(|record| record["event"] == event)
    }

    /// Waits until a record of this name is there.
    pub async fn eventually(&self, event: &str) -> Value {
        let found = async {
            loop {
                if let Some(record) = self.last(event).await {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), found).await.expect("the record is written")
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// Relayed, with a result.
    #[track_caller]
    pub fn answered(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        assert!(self.json().get("result").is_some(), "{:?}", self.body);
        self
    }

    /// Refused with this status and JSON-RPC code.
    #[track_caller]
    pub fn refused(self, status: u16, code: i64) -> Self {
        assert_eq!(
            (self.status.as_u16(), self.json()["error"]["code"].as_i64()),
            (status, Some(code)),
            "{:?}",
            self.body
        );
        self
    }

    /// Told to step up to exactly these scopes.
    #[track_caller]
    pub fn challenged(self, scope: &str) -> Self {
        assert_eq!(self.status, StatusCode::FORBIDDEN, "{:?}", self.body);
        let challenge = self.header("www-authenticate");
        assert!(challenge.starts_with("Bearer error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
        self
    }

    /// A tool result that says no.
    #[track_caller]
    pub fn tool_error(self, why: &str) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        assert_eq!(self.json()["result"]["isError"], true, "{:?}", self.body);
        assert!(self.text().contains(why), "{:?}", self.body);
        self
    }
}

pub const BOTH: &str = "application/json, text/event-stream";

/// Headers and body of a 2026-07-28 request.
pub fn modern(method: &str, mut params: Value) -> (Vec<(&'static str, String)>, String) {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut headers = vec![("mcp-protocol-version", "2026-07-28".to_owned()), ("mcp-method", method.to_owned())];
    if let Some(name) = params.get("name").or(params.get("uri")).and_then(Value::as_str) {
        headers.push(("mcp-name", name.to_owned()));
    }
    (headers, json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string())
}

async fn open(directory: &Path, clock: Arc<ManualClock>) -> Store {
    open_as("test", directory, clock).await
}

async fn open_as(node: &str, directory: &Path, clock: Arc<ManualClock>) -> Store {
    let options = OpenOptions {
        url: model::config::StoreUrl::sqlite_in(directory),
        data_dir: directory.into(),
        origin: "test/audit".into(),
        clock,
        node: Some(node.into()),
        store_silence: Span::from_seconds(60),
        missing: store::Missing::IsMade,
    };
    Store::open(options).await.unwrap()
}

pub fn gateway(store: &Store, url: &str, policies: &str, server: &Value) -> Result<Arc<Gateway>, SetupError> {
    let tools = json!({"get_*": "low", "create_*": "medium", "delete_*": "high"});
    let resources = json!({
        "docs": {"uri": "file:///docs/*", "tier": "low"},
        "drafts": {"uri": "file:///drafts/*", "tier": "medium"},
        "vault": {"uri": "file:///vault/*", "tier": "high"},
        "keys": {"uri": "file:///keys/*", "tier": "high"},
    });
    let prompts = json!({"summarize": "low", "rewrite_*": "medium", "danger_*": "high"});
    let mut config = json!({
        "public_url": "http://127.0.0.1:8420",
        "allowed_origins": ["https://inspector.test"],
        "limits": {"request_bytes": 4096, "list_bytes": 65536, "upstream_timeout": 1, "longest_call": 7200},
        "servers": {
            "tickets": {"url": url, "tools": tools, "resources": resources, "prompts": prompts,
                "headers": {"x-api-key": "the-servers-own"}, "definitions": "unpinned", "any_arguments": ["*"]},
            "files": {"url": url, "tools": tools, "definitions": "unpinned", "any_arguments": ["*"]},
            "gone": {"url": "http://127.0.0.1:1/mcp", "tools": tools, "definitions": "unpinned"},
        },
    });
    let tickets = config["servers"]["tickets"].as_object_mut().unwrap();
    tickets.extend(server.as_object().unwrap().clone());
    gateway_of(store, policies, config)
}

/// Of a whole configuration.
pub fn gateway_of(store: &Store, policies: &str, config: Value) -> Result<Arc<Gateway>, SetupError> {
    let config: Config = serde_json::from_value(config).unwrap();
    let file = policy::PolicyFile { name: "extra.cedar".into(), text: policies.into() };
    let unpinned = config.servers.iter().filter(|(_, server)| server.definitions == DefinitionTrust::Unpinned);
    let directory = unpinned.fold(policy::Directory::default(), |all, (id, _)| all.with_unpinned(id.clone()));
    let grouped = config.servers.iter();
    let directory =
        grouped.fold(directory, |all, (id, server)| all.with_tool_groups(id.clone(), server.groups.clone()));
    let policies = policy::Policies::load_for(&[file], directory, &policy::Accepted::default());
    let policies = Arc::new(policies.map_err(|error| error.to_string()).unwrap());
    Gateway::new(GatewayParts { config: Arc::new(config), store: store.clone(), policies })
}

fn grant(id: &str, server: &str, now: Timestamp) -> Grant {
    Grant {
        id: id.parse().unwrap(),
        agent: "bot@ada".parse().unwrap(),
        person: Some("ada".parse().unwrap()),
        server: server.parse().unwrap(),
        scopes: format!("{server}:low").parse().unwrap(),
        created_at: now,
        not_after: now.after(Span::from_minutes(60)),
        ended_at: None,
    }
}
