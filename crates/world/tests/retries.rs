//! A retry is not a theft: what clients do when they renew at once, and what a thief finds.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::time::Duration;

use portcullis_world::{Driver, Era, Finished, Node, REDIRECT_URI, Sdk, World, WorldConfig, skipped};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::Command;

/// Field: A1
#[tokio::test]
async fn typescript_with_calls_at_once_keeps_its_login_when_its_token_ends() {
    let extra = "tokens: { access: 2s }\n".to_owned();
    let world = World::start_with(WorldConfig { extra, ..WorldConfig::default() }).await;
    let Some(mut client) = Driver::start(&Sdk::TypeScript, Era::Stateless, &world) else { return };
    let mut ada = world.person("ada");
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();
    for times in [2, 4] {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let answers = client.calls(times, "get_ticket", json!({"id": "T-1041"})).await.done();
        assert_eq!(answers.as_array().map(Vec::len), Some(times as usize), "{answers}");
    }
    let log = world.run(&["audit", "tail", "-n", "50"]).await.succeeded();
    assert!(!log.contains("refresh_replayed") && !log.contains("installation_ended"), "{log}");
}

/// Field: A1, A2
#[tokio::test]
async fn on_two_nodes_of_one_sqlite_database() {
    retries(WorldConfig::default()).await;
}

/// Field: A1, A2
#[tokio::test]
async fn on_two_nodes_of_one_postgresql_database() {
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
        return skipped("PORTCULLIS_TEST_POSTGRES is not set");
    };
    let name = format!("retries_{}", std::process::id());
    sql(&server, &format!("CREATE DATABASE {name}")).await;
    let (base, _) = server.rsplit_once('/').unwrap();
    retries(WorldConfig { store: Some(format!("{base}/{name}")), ..WorldConfig::default() }).await;
    sql(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}

async fn retries(config: WorldConfig) {
    let extra = "tokens: { refresh_reuse: 3s }\n".to_owned();
    let world = World::start_with(WorldConfig { extra, ..config }).await;
    let node = world.another_node().await;
    let copies = Copies::of(&world, &node);
    let (mut mine, neighbour) = (copies.log_in().await, copies.log_in().await);

    // Eight processes renew the one stored token at once, on both nodes, again and again.
    for _ in 0..5 {
        let answers = copies.refresh_at_once(&mine, 8).await;
        let successors: Vec<&Value> = answers.iter().map(|answer| &answer["refresh_token"]).collect();
        assert!(successors.iter().all(|next| *next == successors[0] && **next != mine["refresh_token"]), "{answers:?}");
        for answer in &answers {
            assert_eq!(copies.call(&world, answer).await, (200, 200), "{answer}");
        }
        mine = answers[0].clone();
    }

    // A thief who comes after the window ends this copy on both nodes, and no other.
    let stolen = mine.clone();
    mine = copies.refresh_at_once(&mine, 1).await.remove(0);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(copies.refresh(node.url(), &stolen).await["error"], "invalid_grant");
    settled(async || copies.call(&world, &mine).await == (401, 401)).await;
    assert_eq!(copies.refresh(world.url().to_owned(), &mine).await["error"], "invalid_grant");
    assert_eq!(copies.call(&world, &neighbour).await, (200, 200));

    // The operator ends one login by its name.
    let other = copies.log_in().await;
    let name = sid(&neighbour);
    let revoke = async |name: &str| -> Finished {
        world.run(&["revoke", "installation", name, "--reason", "a lost laptop"]).await
    };
    revoke(&name).await.succeeded();
    assert_eq!(copies.call(&world, &neighbour).await, (401, 401), "`revoke` returns when every node refuses");
    assert_eq!(copies.refresh(node.url(), &neighbour).await["error"], "invalid_grant");
    assert_eq!(copies.call(&world, &other).await, (200, 200));
    assert!(!revoke("ins_nobody").await.status.success());
    assert!(!revoke(&name).await.status.success());
    world.run(&["audit", "verify"]).await.succeeded();
}

/// Copies of one client, of one person, without any SDK.
struct Copies<'w> {
    world: &'w World,
    node: &'w Node,
    client: String,
    web: Client,
}

const VERIFIER: &str = "k3T9mQ2vXw7cR1fZ8bN4hL6yP0sD5gJ-aEuIoVtWqzM";

impl<'w> Copies<'w> {
    fn of(world: &'w World, node: &'w Node) -> Self {
        let web = Client::builder().no_proxy().build().unwrap();
        Self { world, node, client: world.documents.client_id("other"), web }
    }

    async fn log_in(&self) -> Value {
        let challenge = oauth::Challenge::of_verifier(VERIFIER);
        let resource = self.world.mcp("tickets");
        let mut link = url::Url::parse(&format!("{}/oauth/authorize", self.world.url())).unwrap();
        link.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("resource", &resource),
        ]);
        let back = self.world.person("ada").allow(link.as_str()).await;
        let (_, code) = back.query_pairs().find(|(name, _)| name == "code").expect("a code");
        let form = [("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)];
        self.ask(self.world.url().to_owned(), &form).await
    }

    async fn refresh(&self, at: String, token: &Value) -> Value {
        let refresh = token["refresh_token"].as_str().expect("a refresh token");
        self.ask(at, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    /// So many at once, half of them at each node.
    async fn refresh_at_once(&self, token: &Value, times: usize) -> Vec<Value> {
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..times {
            let at = if number % 2 == 0 { self.world.url().to_owned() } else { self.node.url() };
            let form = [
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", self.client.clone()),
                ("refresh_token", token["refresh_token"].as_str().expect("a refresh token").to_owned()),
            ];
            let request = self.web.post(format!("{at}/oauth/token")).form(&form);
            asking.spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
        }
        asking.join_all().await
    }

    async fn ask(&self, at: String, form: &[(&str, &str)]) -> Value {
        let form = [form, &[("client_id", self.client.as_str())]].concat();
        self.web.post(format!("{at}/oauth/token")).form(&form).send().await.unwrap().json().await.unwrap()
    }

    /// The status of a call with this token at either node.
    async fn call(&self, world: &World, token: &Value) -> (u16, u16) {
        let bearer = token["access_token"].as_str().unwrap_or_else(|| panic!("no token: {token}"));
        let arguments = json!({"id": "T-1041"});
        let here = world.raw("tickets", bearer).call("get_ticket", arguments.clone()).await.status;
        (here, self.node.raw("tickets", bearer).call("get_ticket", arguments).await.status)
    }
}

/// The name of the installation, as the token says it.
fn sid(token: &Value) -> String {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = token["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["sid"].as_str().expect("a token names its installation").to_owned()
}

/// What another node does is known within its next look.
async fn settled(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..50 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not come to be so");
}

async fn sql(server: &str, statement: &str) {
    let done = Command::new("psql").args([server, "--quiet", "--command", statement]).status().await;
    assert!(done.expect("psql, which comes with PostgreSQL").success(), "{statement}");
}
