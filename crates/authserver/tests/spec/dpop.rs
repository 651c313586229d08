//! Tokens that are bound to a key: what the token endpoint takes for a proof, and what it gives for one.

use axum::body::Body;
use crypto::{AgentKey, NonceKey};
use http::Request;
use model::{Span, Timestamp};
use serde_json::{Value, json};
use store::secrets::Vault;

use crate::world::*;

const TOKEN: &str = "https://gw.test/oauth/token";

/// A world without nonces, so that each test is about one thing.
async fn start() -> World {
    World::with(|config| config["tokens"]["dpop_nonce"] = json!("off")).await
}

fn proof(key: &AgentKey, world: &World) -> String {
    key.sign_proof(("POST", TOKEN), None, None, world.store.now()).unwrap()
}

fn with_proof(mut request: Request<Body>, proof: &str) -> Request<Body> {
    request.headers_mut().append("dpop", proof.parse().unwrap());
    request
}

fn redeem_request(code: &str) -> Request<Body> {
    let fields =
        [("grant_type", "authorization_code"), ("client_id", "desk"), ("code", code), ("code_verifier", VERIFIER)];
    post("/oauth/token").body(Body::from(encode(&fields))).unwrap()
}

async fn logged_in(world: &World, key: &AgentKey) -> Value {
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.send(with_proof(redeem_request(&code), &proof(key, world))).await.granted()
}

async fn refresh(world: &World, token: &Value, key: Option<&AgentKey>) -> Reply {
    let request = refresh_request("desk", &refresh_of(token), &[]);
    match key {
        Some(key) => world.send(with_proof(request, &proof(key, world))).await,
        None => world.send(request).await,
    }
}

/// Spec: RFC 9449 §5, §6.1
#[tokio::test]
async fn a_proof_binds_what_is_issued_to_its_key() {
    let (world, key) = (start().await, AgentKey::generate());
    let token = logged_in(&world, &key).await;
    assert_eq!(token["token_type"], "DPoP");
    assert_eq!(claims(&token)["cnf"], json!({"jkt": key.thumbprint()}));
    assert_eq!(world.last_record().await["key"], key.thumbprint().as_str());
    let bearer = world.logged_in().await;
    assert_eq!((bearer["token_type"].as_str(), claims(&bearer).get("cnf")), (Some("Bearer"), None));
}

/// Spec: RFC 9449 §5, RFC 6749 §4.4
#[tokio::test]
async fn an_autonomous_agent_may_prove_a_key_besides_the_one_it_authenticates_with() {
    let (world, key) = (start().await, AgentKey::generate());
    let request = with_proof(world.agent_request(&[]), &proof(&key, &world));
    let token = world.send(request).await.granted();
    assert_eq!((token["token_type"].as_str(), &claims(&token)["cnf"]["jkt"]), (Some("DPoP"), &json!(key.thumbprint())));
}

/// Spec: RFC 9449 §5
#[tokio::test]
async fn a_proof_that_proves_nothing_is_refused_and_the_code_is_not_lost() {
    let (world, key) = (start().await, AgentKey::generate());
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let now = world.store.now();
    let sign = |request: (&str, &str), at: Timestamp| key.sign_proof(request, None, None, at).unwrap();
    let good = proof(&key, &world);
    for wrong in [
        "x".to_owned(),
        "a.b.c".to_owned(),
        sign(("GET", TOKEN), now),
        sign(("POST", "https://gw.test/mcp/tickets"), now),
        sign(("POST", "https://evil.test/oauth/token"), now),
        sign(("POST", TOKEN), now.before(Span::from_seconds(301))),
        sign(("POST", TOKEN), now.after(Span::from_seconds(301))),
        format!("{good}A"),
    ] {
        world.send(with_proof(redeem_request(&code), &wrong)).await.refused(400, "invalid_dpop_proof");
    }
    let twice = with_proof(with_proof(redeem_request(&code), &good), &proof(&key, &world));
    world.send(twice).await.refused(400, "invalid_dpop_proof");
    assert_eq!(world.last_record().await["cause"], "proof");
    world.send(with_proof(redeem_request(&code), &good)).await.granted();
}

/// Spec: RFC 9449 §11.1
/// Field: D5
#[tokio::test]
async fn a_proof_is_worth_one_request_on_all_nodes() {
    let (world, key) = (start().await, AgentKey::generate());
    let other = world.serving_node("two", world.clock.clone()).await;
    let token = logged_in(&world, &key).await;
    let one = proof(&key, &world);
    let request = || with_proof(refresh_request("desk", &refresh_of(&token), &[]), &one);
    world.send(request()).await.granted();
    other.send(request()).await.refused(400, "invalid_dpop_proof");
    world.send(request()).await.refused(400, "invalid_dpop_proof");
    assert_eq!(world.last_record().await["cause"], "proof_replayed");
    other.store.close().await;
}

/// Spec: RFC 9449 §5 (refresh tokens of public clients)
#[tokio::test]
async fn a_stolen_refresh_token_is_worth_nothing_without_its_key() {
    let (world, key, thief) = (start().await, AgentKey::generate(), AgentKey::generate());
    let token = logged_in(&world, &key).await;
    refresh(&world, &token, None).await.refused(400, "invalid_dpop_proof");
    refresh(&world, &token, Some(&thief)).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "other_key");
    assert!(!world.is_ended(&token).await, "and nobody is logged out by it");
    let renewed = refresh(&world, &token, Some(&key)).await.granted();
    assert_eq!(
        (renewed["token_type"].as_str(), &claims(&renewed)["cnf"]["jkt"]),
        (Some("DPoP"), &json!(key.thumbprint()))
    );
}

/// Whoever shares a stored token can use it at any time: it is not the token that proves.
///
/// Spec: RFC 9449 §5, OAuth 2.1 §4.3.1 (sender-constrained or rotated)
/// Field: A1
#[tokio::test]
async fn a_bound_refresh_token_is_not_rotated_and_has_no_window() {
    let (world, key) = (start().await, AgentKey::generate());
    let token = logged_in(&world, &key).await;
    for _ in 0..24 {
        world.advance(3600);
        assert_eq!(refresh_of(&refresh(&world, &token, Some(&key)).await.granted()), refresh_of(&token));
    }
}

/// Spec: RFC 9449 §5
#[tokio::test]
async fn a_client_that_begins_to_prove_a_key_has_its_next_refresh_token_bound_to_it() {
    let (world, key, thief) = (start().await, AgentKey::generate(), AgentKey::generate());
    let bearer = world.logged_in().await;
    let bound = refresh(&world, &bearer, Some(&key)).await.granted();
    assert_ne!(refresh_of(&bound), refresh_of(&bearer));
    refresh(&world, &bound, Some(&thief)).await.refused(400, "invalid_grant");
    // The answer of the window is not told again to another key, or to none.
    refresh(&world, &bearer, Some(&thief)).await.refused(400, "invalid_grant");
    refresh(&world, &bearer, None).await.refused(400, "invalid_grant");
    assert_eq!(refresh_of(&refresh(&world, &bearer, Some(&key)).await.granted()), refresh_of(&bound));
}

/// Spec: RFC 9449 §5 ("confidential clients … are not bound")
#[tokio::test]
async fn a_client_that_authenticates_may_change_its_key_between_refreshes() {
    let (world, one, other) = (start().await, AgentKey::generate(), AgentKey::generate());
    let node = world
        .with_desk(|desk| {
            desk.auth = model::AuthMethod::ClientSecretPost;
            desk.secret = Some(model::Secret::new("a-secret-of-desk"));
        })
        .await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let secret = [("client_secret", "a-secret-of-desk")];
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "desk"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        secret[0],
    ];
    let request = post("/oauth/token").body(Body::from(encode(&fields))).unwrap();
    let token = node.send(with_proof(request, &proof(&one, &world))).await.granted();
    let request = refresh_request("desk", &refresh_of(&token), &secret);
    let renewed = node.send(with_proof(request, &proof(&other, &world))).await.granted();
    assert_eq!(claims(&renewed)["cnf"]["jkt"], json!(other.thumbprint()));
    node.store.close().await;
}

/// Spec: RFC 9449 §10
#[tokio::test]
async fn a_code_that_was_asked_for_with_a_key_is_redeemed_with_it_alone() {
    let (world, key, thief) = (start().await, AgentKey::generate(), AgentKey::generate());
    let thumbprint = key.thumbprint();
    let code = world.browser().code(&link("tickets:low", &[("dpop_jkt", thumbprint.as_str())])).await;
    world.redeem(&code).await.refused(400, "invalid_dpop_proof");
    world.send(with_proof(redeem_request(&code), &proof(&thief, &world))).await.refused(400, "invalid_grant");
    world.send(with_proof(redeem_request(&code), &proof(&key, &world))).await.granted();
}

/// Spec: RFC 9449 §10
#[tokio::test]
async fn a_dpop_jkt_that_names_no_key_is_an_invalid_request() {
    let world = start().await;
    let mut browser = world.signed_in("ada").await;
    for wrong in ["x", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J", "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I="] {
        browser.get(&link("tickets:low", &[("dpop_jkt", wrong)])).await.sent_back("invalid_request");
    }
}

/// Spec: RFC 9449 §5.2
#[tokio::test]
async fn a_client_that_said_it_always_proves_a_key_gets_nothing_without() {
    let (world, key) = (start().await, AgentKey::generate());
    let node = world.with_desk(|desk| desk.dpop_bound_access_tokens = true).await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    node.send(redeem_request(&code)).await.refused(400, "invalid_dpop_proof");
    let token = node.send(with_proof(redeem_request(&code), &proof(&key, &world))).await.granted();
    assert_eq!(token["token_type"], "DPoP");
    node.store.close().await;
}

/// Spec: RFC 9449 §8, §8.2
/// Field: D7
#[tokio::test]
async fn without_a_nonce_a_client_is_given_one_and_loses_nothing() {
    let (world, key) = (World::start().await, AgentKey::generate());
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let told = world.send(with_proof(redeem_request(&code), &proof(&key, &world))).await;
    told.refused(400, "use_dpop_nonce");
    let nonce = told.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let sign = |nonce: &str| key.sign_proof(("POST", TOKEN), None, Some(nonce), world.store.now()).unwrap();
    let granted = world.send(with_proof(redeem_request(&code), &sign(&nonce))).await;
    assert_eq!(granted.headers["dpop-nonce"], nonce, "the next one goes with the answer");
    let token = granted.granted();
    assert_eq!(token["token_type"], "DPoP");
    // Made in advance by whoever had the key for a moment: with the token of a week it would be a login for a week.
    world.advance(3600);
    let request = refresh_request("desk", &refresh_of(&token), &[]);
    world.send(with_proof(request, &sign(&nonce))).await.refused(400, "use_dpop_nonce");
    let forged = NonceKey::of(&crypto::MasterKey::from_bytes([9; 32])).nonce(world.store.now());
    let request = refresh_request("desk", &refresh_of(&token), &[]);
    world.send(with_proof(request, &sign(&forged))).await.refused(400, "use_dpop_nonce");
    let another_nodes = NonceKey::of(Vault::of(&world.store).master()).nonce(world.store.now());
    let request = refresh_request("desk", &refresh_of(&token), &[]);
    world.send(with_proof(request, &sign(&another_nodes))).await.granted();
}

/// Clients sign another proof for the nonce, and send the same assertion with it.
///
/// Spec: RFC 9449 §8, RFC 7523 §3
#[tokio::test]
async fn an_assertion_that_came_without_the_nonce_is_still_worth_its_one_request() {
    let (world, key) = (World::start().await, AgentKey::generate());
    let assertion = world.key.sign_assertion("nightly", ISSUER, world.store.now()).unwrap();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let request = || post("/oauth/token").body(Body::from(encode(&fields))).unwrap();
    let told = world.send(with_proof(request(), &proof(&key, &world))).await;
    told.refused(400, "use_dpop_nonce");
    let nonce = told.headers["dpop-nonce"].to_str().unwrap().to_owned();
    let sign = || key.sign_proof(("POST", TOKEN), None, Some(&nonce), world.store.now()).unwrap();
    world.send(with_proof(request(), &sign())).await.granted();
    world.send(with_proof(request(), &sign())).await.refused(401, "invalid_client");
}

/// Spec: docs/decisions/0043-tokens-in-one-pair-of-hands.md
#[tokio::test]
async fn what_takes_a_key_is_issued_to_no_bearer() {
    let demand = |tier: &'static str| {
        World::with(move |config| {
            config["tokens"]["dpop_nonce"] = json!("off");
            config["servers"]["tickets"]["proof"] = json!({tier: "required"});
        })
    };
    let key = AgentKey::generate();
    let world = demand("low").await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.redeem(&code).await.refused(400, "invalid_dpop_proof");
    world.send(with_proof(redeem_request(&code), &proof(&key, &world))).await.granted();
    let world = demand("medium").await;
    let scopes = [("scope", "tickets:low tickets:medium")];
    let code = world.browser().code(&link(scopes[0].1, &[])).await;
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low", "what is left is had");
    let code = world.browser().code(&link(scopes[0].1, &[])).await;
    let bound = world.send(with_proof(redeem_request(&code), &proof(&key, &world))).await.granted();
    assert_eq!(bound["scope"], "tickets:low tickets:medium");
}

/// Spec: docs/decisions/0043-tokens-in-one-pair-of-hands.md
#[tokio::test]
async fn a_policy_that_demands_a_key_is_heard_when_tokens_are_issued() {
    let policy =
        r#"@id("keys") forbid (principal, action == Action::"connect", resource) when { !context.key_proven };"#;
    let off = |config: &mut Value| config["tokens"]["dpop_nonce"] = json!("off");
    let world = World::of(off, net::FetchRules::default(), policy).await;
    let key = AgentKey::generate();
    world.as_agent(&[]).await.refused(400, "invalid_dpop_proof");
    world.send(with_proof(world.agent_request(&[]), &proof(&key, &world))).await.granted();
}

/// Spec: RFC 9449 §5.1
#[tokio::test]
async fn the_metadata_lists_what_verifies() {
    let world = start().await;
    let document: Value =
        serde_json::from_str(&world.get("/.well-known/oauth-authorization-server").await.body).unwrap();
    let algs = document["dpop_signing_alg_values_supported"].as_array().unwrap();
    assert_eq!(json!(algs), json!(crypto::CLIENT_ALGORITHMS));
    assert!(!algs.iter().any(|alg| alg == "none" || alg.as_str().unwrap().starts_with("HS")));
}

/// Spec: Fetch (CORS)
#[tokio::test]
async fn a_page_may_send_a_proof_and_read_the_nonce() {
    let world = World::start().await;
    let request = Request::options("/oauth/token").body(Body::empty()).unwrap();
    let reply = world.send(request).await;
    assert!(reply.headers["access-control-allow-headers"].to_str().unwrap().contains("dpop"));
    assert!(reply.headers["access-control-expose-headers"].to_str().unwrap().contains("dpop-nonce"));
}
