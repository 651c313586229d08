//! A token that is bound to a key is worth nothing without it, and a proof is worth one request.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use crypto::{AgentKey, Digest, NonceKey};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use model::{AccessClaims, Confirmation, Span, StepUp};
use serde_json::{Value, json};
use store::secrets::Vault;
use world::{Answer, BOTH, HOST, RESOURCE, World, modern};

/// An agent with a key, and a token that is bound to it.
struct Holder {
    key: AgentKey,
    token: String,
}

impl Holder {
    fn of(world: &World) -> Self {
        let key = AgentKey::generate();
        let token = world.sign(&AccessClaims { cnf: Some(Confirmation { jkt: key.thumbprint() }), ..world.claims() });
        Self { key, token }
    }

    fn proof(&self, world: &World) -> String {
        self.proof_for(world, ("POST", RESOURCE), None)
    }

    fn proof_for(&self, world: &World, request: (&str, &str), nonce: Option<&str>) -> String {
        self.key.sign_proof(request, Some(&self.token), nonce, world.clock_now()).unwrap()
    }

    /// A proof with one claim that is another; left out when it is `null`.
    fn proof_saying(&self, world: &World, member: &str, value: Value) -> String {
        let mut claims = json!({"jti": crypto::Opaque::mint("jti").expose(), "htm": "POST", "htu": RESOURCE,
            "iat": world.clock_now().seconds(), "ath": Digest::of(&self.token).to_base64url()});
        match value.is_null() {
            true => claims.as_object_mut().unwrap().remove(member),
            false => claims.as_object_mut().unwrap().insert(member.into(), value),
        };
        self.key.sign_proof_claims(&claims).unwrap()
    }

    /// Calls a tool with this proof.
    async fn calls(&self, world: &World, tool: &str, proof: &str) -> Answer {
        self.shows(world, tool, &[("authorization", &format!("DPoP {}", self.token)), ("dpop", proof)]).await
    }

    /// Calls a tool with these headers.
    async fn shows(&self, world: &World, tool: &str, credentials: &[(&str, &str)]) -> Answer {
        let (headers, body) = modern("tools/call", json!({"name": tool, "arguments": {"id": 41}}));
        let mut all = vec![("content-type", "application/json"), ("accept", BOTH)];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        all.extend_from_slice(credentials);
        world.send(Method::POST, "/mcp/tickets", &all, body).await
    }
}

fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!(answer.status, 401, "{:?}", answer.body);
    let challenge = challenges(answer).join(", ");
    assert!(challenge.contains(&format!("DPoP error=\"{error}\"")), "{challenge}");
    assert!(challenge.contains("algs=\"ES256 ES384 EdDSA Ed25519 RS256 PS256\""), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
}

/// Spec: RFC 9449 §7.1; MCP extension dpop-extension
/// Field: D12
#[tokio::test]
async fn a_bound_token_with_a_proof_of_its_key_is_good_and_the_record_says_which_key() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    for _ in 0..3 {
        holder.calls(&world, "get_ticket", &holder.proof(&world)).await.answered();
    }
    let record = world.last("call_decided").await.unwrap();
    assert_eq!(record["key"], holder.key.thumbprint().as_str());
    world.post(&[], "[]").await;
    world.modern_tool("get_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap().get("key"), None, "of a bearer token no key was proved");
}

/// Spec: MCP basic/authorization (token passthrough is forbidden)
#[tokio::test]
async fn neither_token_nor_proof_goes_to_the_server() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let proof = holder.proof(&world);
    holder.calls(&world, "get_ticket", &proof).await.answered();
    let arrived = world.upstream.last();
    for (name, value) in &arrived.headers {
        assert!(!matches!(name.as_str(), "dpop" | "authorization"), "{name}");
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        assert!(!value.contains(&proof) && !value.contains(&holder.token), "{name}");
    }
    let log = format!("{:?}", world.records().await);
    assert!(!log.contains(&proof) && !log.contains(&holder.token));
}

/// Nothing has to be set for a proxy in front of us, and nobody chooses the address by a header.
///
/// Spec: RFC 9449 §4.3 (9)
/// Field: D1
#[tokio::test]
async fn a_proof_is_for_the_configured_address_whatever_the_request_says_of_its_own() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let token = format!("DPoP {}", holder.token);
    let elsewhere = "https://evil.test/mcp/tickets";
    let forwarded = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/svc"),
        ("forwarded", "host=evil.test;proto=https"),
    ];
    let shows = async |proof: &str| {
        let credentials = [&[("authorization", token.as_str()), ("dpop", proof)][..], &forwarded].concat();
        holder.shows(&world, "get_ticket", &credentials).await
    };
    refused(&shows(&holder.proof_for(&world, ("POST", elsewhere), None)).await, "invalid_dpop_proof");
    shows(&holder.proof(&world)).await.answered();
}

/// Spec: RFC 9449 §7.2
/// Field: D2
#[tokio::test]
async fn a_bound_token_is_no_bearer_token_whatever_was_seen_of_it_before() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let bearer = format!("Bearer {}", holder.token);
    for _ in 0..2 {
        let answer = holder.shows(&world, "get_ticket", &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 401);
        assert!(challenges(&answer)[0].starts_with("Bearer realm=\"tickets\", error=\"invalid_token\""));
        assert!(challenges(&answer)[1].starts_with("DPoP resource_metadata="));
        // The gateway knows the token from now on, and asks all the same.
        holder.calls(&world, "get_ticket", &holder.proof(&world)).await.answered();
    }
    let record = world.last("call_refused").await.unwrap();
    assert_eq!(record["reason"], "key_not_proved", "a token without its key is the sign of a thief");
}

/// Spec: RFC 9449 §7.1
#[tokio::test]
async fn a_token_that_is_bound_to_no_key_is_refused_with_a_proof() {
    let world = World::start().await;
    let holder = Holder { key: AgentKey::generate(), token: world.token() };
    let answer = holder.calls(&world, "get_ticket", &holder.proof(&world)).await;
    refused(&answer, "invalid_token");
    world.upstream.got_nothing();
}

/// Spec: RFC 9449 §4.3
/// Field: D11
#[tokio::test]
async fn a_proof_for_anything_else_is_refused_and_nothing_is_called() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let (now, other) = (world.clock_now().seconds(), Holder::of(&world));
    for (member, value) in [
        ("htm", json!("GET")),
        ("htu", json!("http://127.0.0.1:8420/mcp/files")),
        ("htu", json!("http://127.0.0.1:8420/oauth/token")),
        ("htu", json!("http://127.0.0.1/mcp/tickets")),
        ("htu", json!("https://127.0.0.1:8420/mcp/tickets")),
        ("ath", Value::Null),
        ("ath", json!(Digest::of("another.token.text").to_base64url())),
        ("iat", json!(now - 301)),
        ("iat", json!(now + 301)),
        ("jti", json!("")),
        ("jti", Value::Null),
    ] {
        let proof = holder.proof_saying(&world, member, value.clone());
        refused(&holder.calls(&world, "get_ticket", &proof).await, "invalid_dpop_proof");
    }
    for proof in ["x", "a.b.c", &holder.token] {
        refused(&holder.calls(&world, "get_ticket", proof).await, "invalid_dpop_proof");
    }
    let bare = holder.shows(&world, "get_ticket", &[("authorization", &format!("DPoP {}", holder.token))]).await;
    refused(&bare, "invalid_dpop_proof");
    world.upstream.got_nothing();
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "invalid_proof");
    // What is right about the thief's own key is wrong for this token.
    let thief = other.key.sign_proof(("POST", RESOURCE), Some(&holder.token), None, world.clock_now()).unwrap();
    refused(&holder.calls(&world, "get_ticket", &thief).await, "invalid_token");
    world.upstream.got_nothing();
}

/// Spec: RFC 9449 §4.3 (1)
#[tokio::test]
async fn two_proofs_or_two_schemes_are_an_invalid_request() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let (token, bearer) = (format!("DPoP {}", holder.token), format!("Bearer {}", holder.token));
    let proofs = [holder.proof(&world), holder.proof(&world)];
    for credentials in [
        &[("authorization", token.as_str()), ("dpop", &proofs[0]), ("dpop", &proofs[1])][..],
        &[("authorization", &token), ("authorization", &bearer), ("dpop", &proofs[0])],
        &[("authorization", &bearer), ("dpop", &proofs[0])],
    ] {
        let answer = holder.shows(&world, "get_ticket", credentials).await;
        assert_eq!(answer.status, 400);
        assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""));
    }
    world.upstream.got_nothing();
}

/// Spec: RFC 9449 §11.1
/// Field: D3, D5
#[tokio::test]
async fn a_proof_is_worth_one_request_also_one_that_was_refused() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let proof = holder.proof(&world);
    holder.calls(&world, "get_ticket", &proof).await.answered();
    for ahead in [0, 299, 60] {
        world.clock.advance(Span::from_seconds(ahead));
        refused(&holder.calls(&world, "get_ticket", &proof).await, "invalid_dpop_proof");
    }
    assert_eq!(world.upstream.arrived().len(), 1);
    // The same id in a proof that is written in another way is the same id.
    let again = |htu: &str| {
        let claims = json!({"jti": "one", "htm": "POST", "htu": htu, "iat": world.clock_now().seconds(),
            "ath": Digest::of(&holder.token).to_base64url()});
        holder.key.sign_proof_claims(&claims).unwrap()
    };
    holder.calls(&world, "get_ticket", &again(RESOURCE)).await.answered();
    let written_otherwise = again("HTTP://127.0.0.1:8420/mcp/%74ickets?x=1");
    refused(&holder.calls(&world, "get_ticket", &written_otherwise).await, "invalid_dpop_proof");
    // Somebody copies the request that was refused, and waits until its agent may do what it asks for.
    let copied = holder.proof(&world);
    assert_eq!(holder.calls(&world, "delete_ticket", &copied).await.status, 403);
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    refused(&holder.calls(&world, "delete_ticket", &copied).await, "invalid_dpop_proof");
    holder.calls(&world, "delete_ticket", &holder.proof(&world)).await.answered();
}

/// Spec: RFC 9449 §11.1
#[tokio::test]
async fn of_two_nodes_that_get_one_proof_at_once_one_makes_the_call() {
    let world = World::start().await;
    let (store, other) = world.another_node(json!({})).await;
    let holder = Holder::of(&world);
    for _ in 0..8 {
        let before = world.upstream.arrived().len();
        let proof = holder.proof(&world);
        let there = async {
            let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {"id": 41}}));
            let mut request = Request::post("/mcp/tickets").header("host", HOST).header("accept", BOTH);
            request = request.header("content-type", "application/json").header("dpop", &proof);
            request = request.header("authorization", format!("DPoP {}", holder.token));
            let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
            let response = other.handle(request.body(Full::new(bytes::Bytes::from(body))).unwrap()).await;
            let (head, body) = response.into_parts();
            body.collect().await.unwrap();
            head.status
        };
        let here = holder.calls(&world, "get_ticket", &proof);
        let (here, there) = tokio::join!(here, there);
        let mut answers = [here.status.as_u16(), there.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [200, 401]);
        assert_eq!(world.upstream.arrived().len(), before + 1);
    }
    store.close().await;
}

/// Spec: RFC 9449 §7.1, RFC 9110 §11.6.1
#[tokio::test]
async fn who_shows_nothing_is_told_of_both_schemes_and_the_simple_one_first() {
    let world = World::start().await;
    let answer = world.send(Method::POST, "/mcp/tickets", &[], "").await;
    let both = challenges(&answer);
    assert_eq!(both.len(), 2);
    assert!(both[0].starts_with("Bearer realm=\"tickets\", resource_metadata=") && !both[0].contains("error="));
    assert!(both[1].starts_with("DPoP resource_metadata=") && both[1].contains("algs=\"ES256"));
    let demanding = World::start_configured(json!({"proof": {"low": "required"}})).await;
    let answer = demanding.send(Method::POST, "/mcp/tickets", &[], "").await;
    assert!(matches!(challenges(&answer)[..], [one] if one.starts_with("DPoP ")));
}

/// Spec: RFC 9449 §7.1; MCP basic/authorization (scope challenge)
#[tokio::test]
async fn a_step_up_is_told_in_the_scheme_of_the_token() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let answer = holder.calls(&world, "create_ticket", &holder.proof(&world)).await;
    assert_eq!(answer.status, 403);
    assert!(matches!(challenges(&answer)[..],
        [one] if one.starts_with("DPoP error=\"insufficient_scope\", scope=\"tickets:medium\"")));
    assert_eq!(world.last("call_refused").await.unwrap()["key"], holder.key.thumbprint().as_str());
}

/// Spec: RFC 9728 §2, RFC 9449 §5.1
#[tokio::test]
async fn the_metadata_says_how_keys_are_proved_and_whether_they_have_to_be() {
    let required = async |server: Value| {
        let world = World::start_configured(server).await;
        let path = "/.well-known/oauth-protected-resource/mcp/tickets";
        let document = world.send(Method::GET, path, &[], "").await.json();
        let algs = document["dpop_signing_alg_values_supported"].as_array().unwrap().clone();
        assert!(algs.contains(&json!("ES256")) && !algs.iter().any(|alg| alg == "none" || alg == "HS256"));
        document["dpop_bound_access_tokens_required"].as_bool().unwrap()
    };
    assert!(!required(json!({})).await);
    assert!(required(json!({"proof": {"low": "required"}})).await);
    assert!(!required(json!({"proof": {"high": "required"}})).await, "most of it can be had without");
}

/// Spec: RFC 9449 §9
/// Field: D7
#[tokio::test]
async fn where_nonces_are_demanded_a_client_is_given_one_and_goes_on_with_it() {
    let world = World::start().await;
    let config = json!({"public_url": "http://127.0.0.1:8420", "tokens": {"dpop_nonce": "always"},
        "servers": {"tickets": {"url": world.upstream.url(), "tools": {"get_*": "low"}, "definitions": "unpinned"}}});
    let gateway = world::gateway_of(&world.store, "", config).unwrap();
    let world = World { gateway, ..world };
    let holder = Holder::of(&world);
    let told = holder.calls(&world, "get_ticket", &holder.proof(&world)).await;
    refused(&told, "use_dpop_nonce");
    let nonce = told.header("dpop-nonce").to_owned();
    let records = world.records().await.len();
    let with = |nonce: &str| holder.proof_for(&world, ("POST", RESOURCE), Some(nonce));
    let answered = holder.calls(&world, "get_ticket", &with(&nonce)).await.answered();
    assert_eq!(answered.header("dpop-nonce"), nonce, "the next one goes with the answer (RFC 9449 §8.2)");
    assert!(world.records().await.len() > records, "and a nonce that was missing left no record");
    // Of another node, which has the same secret, and of somebody else, who has not.
    let another = NonceKey::of(Vault::of(&world.store).master()).nonce(world.clock_now());
    holder.calls(&world, "get_ticket", &with(&another)).await.answered();
    let forged = NonceKey::of(&crypto::MasterKey::from_bytes([9; 32])).nonce(world.clock_now());
    refused(&holder.calls(&world, "get_ticket", &with(&forged)).await, "use_dpop_nonce");
    world.clock.advance(Span::from_seconds(301));
    refused(&holder.calls(&world, "get_ticket", &with(&nonce)).await, "use_dpop_nonce");
}

/// Spec: docs/decisions/0043-tokens-in-one-pair-of-hands.md
#[tokio::test]
async fn a_tier_that_demands_a_key_is_closed_to_bearers_and_says_what_opens_it() {
    let world = World::start_configured(json!({"proof": {"high": "required"}})).await;
    let holder = Holder::of(&world);
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.modern_tool("get_ticket").await.answered();
    let answer = world.modern_tool("delete_ticket").await;
    refused(&answer, "invalid_token");
    assert!(answer.text().contains("bound to a key"), "{}", answer.text());
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "key_required");
    holder.calls(&world, "delete_ticket", &holder.proof(&world)).await.answered();
}

/// Spec: docs/decisions/0043-tokens-in-one-pair-of-hands.md
#[tokio::test]
async fn a_policy_can_demand_a_key_and_who_has_none_is_told_so() {
    let policy = r#"@id("keys") forbid (principal, action in Action::"call", resource) when { resource.tier == Tier::"medium" && !context.key_proven };"#;
    let world = World::start_with(policy).await;
    let holder = Holder::of(&world);
    refused(&world.modern_tool("create_ticket").await, "invalid_token");
    assert_eq!(world.last("call_refused").await.unwrap()["reason"], "key_required");
    assert_eq!(
        holder.calls(&world, "create_ticket", &holder.proof(&world)).await.status,
        403,
        "the step-up comes next"
    );
    world.modern_tool("get_ticket").await.answered();
    let closed = r#"@id("never") forbid (principal, action in Action::"call", resource) when { resource.tier == Tier::"medium" };"#;
    let world = World::start_with(closed).await;
    world.modern_tool("create_ticket").await.tool_error("a policy forbids");
}

/// Spec: RFC 9449 §7.1 (every request), MCP 2025-11-25 basic/transports (GET and DELETE)
#[tokio::test]
async fn each_method_takes_a_proof_of_its_own() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    let token = format!("DPoP {}", holder.token);
    let version = ("mcp-protocol-version", "2025-11-25");
    for method in [Method::GET, Method::DELETE] {
        let wrong = holder.proof(&world);
        let headers = [("authorization", token.as_str()), ("dpop", &wrong), version, ("accept", BOTH)];
        refused(&world.send(method.clone(), "/mcp/tickets", &headers, "").await, "invalid_dpop_proof");
        let right = holder.proof_for(&world, (method.as_str(), RESOURCE), None);
        let headers = [("authorization", token.as_str()), ("dpop", &right), version, ("accept", BOTH)];
        assert_ne!(world.send(method.clone(), "/mcp/tickets", &headers, "").await.status, 401, "{method}");
    }
}

/// What a stranger sends costs no more than what it is.
#[tokio::test]
async fn proofs_that_prove_nothing_leave_nothing_behind() {
    let world = World::start().await;
    let holder = Holder::of(&world);
    refused(&holder.calls(&world, "get_ticket", "a.b.c").await, "invalid_dpop_proof");
    let before = world.records().await.len();
    for _ in 0..50 {
        let proof = holder.proof_saying(&world, "htm", json!("GET"));
        refused(&holder.calls(&world, "get_ticket", &proof).await, "invalid_dpop_proof");
    }
    assert!(world.records().await.len() <= before + 1, "one a minute for a token whose key is not proved");
}

/// A refusal that leaves its call behind, so that somebody can ask for it, uses the proof up with it.
///
/// Spec: RFC 9449 §11.1
#[tokio::test]
async fn a_proof_of_a_call_that_was_left_behind_is_worth_nothing_for_another_one() {
    let world = World::start_configured(json!({"any_arguments": []})).await;
    let holder = Holder::of(&world);
    let copied = holder.proof(&world);
    assert_eq!(holder.calls(&world, "delete_ticket", &copied).await.status, 403);
    assert!(world.last("call_refused").await.unwrap()["asked"].is_string(), "it was left behind");
    refused(&holder.calls(&world, "get_ticket", &copied).await, "invalid_dpop_proof");
    world.upstream.got_nothing();
}
