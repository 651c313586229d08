use axum::body::Body;
use http::header;
use model::{Span, Target};
use store::privilege::PrivilegeTx;

use crate::world::*;

/// Spec: RFC 6749 §4.1.4, RFC 9068 §2.2
#[tokio::test]
async fn a_code_with_its_verifier_is_worth_one_token_set() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.redeem(&code).await.granted();
    assert_eq!((token["token_type"].as_str(), token["expires_in"].as_i64()), (Some("Bearer"), Some(600)));
    let claims = claims(&token);
    assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some(ISSUER), Some(RESOURCE)));
    assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some("person:ada"), Some("desk")));
    assert_eq!(claims["agent_id"], "desk@ada");
    assert_eq!(claims["grant_id"], world.only_grant().await.id.as_str());
    let installation = world.installation(&token).await;
    assert_eq!((installation.client.as_str(), installation.person.unwrap().as_str()), ("desk", "ada"));
    assert_eq!(world.events(1).await, ["token_issued"]);
}

/// Spec: RFC 6749 §4.1.2
/// Field: A2
#[tokio::test]
async fn a_code_replayed_ends_what_it_issued_and_not_what_its_neighbours_hold() {
    let world = World::start().await;
    let neighbour = world.logged_in().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.redeem(&code).await.granted();
    assert_eq!(claims(&neighbour)["grant_id"], claims(&token)["grant_id"], "one client, one person, one grant");
    let epoch = world.store.epoch();
    world.redeem(&code).await.refused(400, "invalid_grant");
    assert_eq!(world.events(3).await, ["code_replayed", "installation_ended", "token_refused"]);
    assert!(world.is_ended(&token).await && world.store.epoch() > epoch);
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert!(!world.is_ended(&neighbour).await);
    world.refresh(&refresh_of(&neighbour)).await.granted();
    world.redeem(&code).await.refused(400, "invalid_grant");
    assert_eq!(world.log().await.matches("installation_ended").count(), 1, "it ended once");
}

/// Spec: OAuth 2.1 §4.1.3 (a replay that proves nothing revokes nothing)
#[tokio::test]
async fn a_replay_that_gets_something_wrong_ends_nothing() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.redeem(&code).await.granted();
    let wrong = "x".repeat(43);
    let fields =
        [("grant_type", "authorization_code"), ("client_id", "desk"), ("code", &code), ("code_verifier", &wrong)];
    world.token(&fields).await.refused(400, "invalid_grant");
    assert!(world.only_grant().await.is_live(world.store.now()));
}

/// Spec: RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2
#[tokio::test]
async fn a_code_is_bound_to_client_verifier_redirect_and_resource() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let wrong = "x".repeat(43);
    let base = [
        ("grant_type", "authorization_code"),
        ("client_id", "desk"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    let with = |name: &'static str, value: &str| {
        let mut fields: Vec<(&str, String)> = base.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value.to_owned()));
        fields
    };
    for (fields, error) in [
        (with("client_id", "native"), "invalid_grant"),
        (with("code", "code_unknown"), "invalid_grant"),
        (with("code_verifier", &wrong), "invalid_grant"),
        (with("code_verifier", ""), "invalid_request"),
        (with("redirect_uri", "https://desk.test/cb/"), "invalid_grant"),
        (with("resource", "https://gw.test/mcp/files"), "invalid_target"),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        world.token(&fields).await.refused(400, error);
    }
    let mut good = base.to_vec();
    good.extend([("redirect_uri", CALLBACK), ("resource", RESOURCE)]);
    world.token(&good).await.granted();
}

/// Spec: RFC 6749 §4.1.2
#[tokio::test]
async fn a_code_is_dead_after_a_minute() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.advance(60);
    world.redeem(&code).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "code_expired");
}

/// Spec: RFC 6749 §3.2 and §5.2, OAuth 2.1 §2.4
#[tokio::test]
async fn a_malformed_request_is_refused_and_recorded() {
    let world = World::start().await;
    let json =
        http::Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/json").body(Body::from("{}"));
    world.send(json.unwrap()).await.refused(400, "invalid_request");
    world.token(&[("client_id", "desk")]).await.refused(400, "invalid_request");
    world.token(&[("grant_type", "password"), ("client_id", "desk")]).await.refused(400, "unsupported_grant_type");
    world
        .token(&[("grant_type", "client_credentials"), ("client_id", "desk")])
        .await
        .refused(400, "unauthorized_client");
    world.token(&[("grant_type", "refresh_token"), ("client_id", "stranger")]).await.refused(401, "invalid_client");
    world.token(&[("grant_type", "refresh_token")]).await.refused(400, "invalid_request");
    let twice = [("grant_type", "refresh_token"), ("client_id", "desk"), ("client_id", "desk")];
    world.token(&twice).await.refused(400, "invalid_request");
    assert_eq!(world.events(6).await, ["token_refused"; 6], "two were malformed and from nobody known");
    assert_eq!(world.get("/oauth/token?grant_type=refresh_token").await.status.as_u16(), 405);
}

/// Spec: RFC 6749 §2.3
#[tokio::test]
async fn a_client_authenticates_by_its_own_method_and_only_one() {
    let world = World::start().await;
    let two =
        [("grant_type", "refresh_token"), ("client_secret", "x"), ("client_assertion", "y"), ("client_id", "desk")];
    world.token(&two).await.refused(400, "invalid_request");
    let secret = [("grant_type", "refresh_token"), ("client_id", "desk"), ("client_secret", "x")];
    world.token(&secret).await.refused(401, "invalid_client");
    let basic = post("/oauth/token").header(header::AUTHORIZATION, "Basic ZGVzazp4");
    let reply = world.send(basic.body(Body::from("grant_type=refresh_token")).unwrap()).await;
    reply.refused(401, "invalid_client");
    assert!(reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
    let public = [("grant_type", "client_credentials"), ("client_id", "nightly")];
    world.token(&public).await.refused(401, "invalid_client");
}

/// Spec: RFC 6749 §2.3.1
#[tokio::test]
async fn a_secret_works_only_when_the_operator_allows_secrets() {
    let world = World::with(|config| {
        config["clients"]["allow_client_secrets"] = true.into();
        config["clients"]["registered"]["desk"]["auth"] = "client_secret_basic".into();
        config["clients"]["registered"]["desk"]["secret"] = "s3cret%".into();
    })
    .await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let body = encode(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)]);
    let with =
        |value: &str| post("/oauth/token").header(header::AUTHORIZATION, value).body(Body::from(body.clone())).unwrap();
    world.send(with("Basic ZGVzazp3cm9uZw==")).await.refused(401, "invalid_client");
    world.send(with("Basic ZGVzazpzM2NyZXQlMjU=")).await.granted();
}

/// Spec: RFC 6749 §6, RFC 8707 §2.2
#[tokio::test]
async fn a_refresh_token_is_bound_to_client_and_resource_and_dies_unused() {
    let world = World::with(|config| config["tokens"] = serde_json::json!({"refresh_idle": 600})).await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let refresh = world.redeem(&code).await.granted()["refresh_token"].as_str().unwrap().to_owned();
    let base = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    world.token(&[base[0], base[1], ("client_id", "native")]).await.refused(400, "invalid_grant");
    let other = [base[0], base[1], ("client_id", "desk"), ("resource", "https://gw.test/mcp/files")];
    world.token(&other).await.refused(400, "invalid_target");
    world.advance(600);
    world.refresh(&refresh).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "refresh_over");
}

#[tokio::test]
async fn a_token_never_outlives_its_grant() {
    let world = World::with(|config| config["tokens"] = serde_json::json!({"grant": 100})).await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.advance(40);
    let token = world.redeem(&code).await.granted();
    assert_eq!(token["expires_in"], 60);
    world.advance(60);
    world.refresh(token["refresh_token"].as_str().unwrap()).await.refused(400, "invalid_grant");
}

#[tokio::test]
async fn what_is_blocked_gets_nothing_and_what_was_issued_before_stays_dead() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let refresh = world.redeem(&code).await.granted()["refresh_token"].as_str().unwrap().to_owned();
    world.advance(5);
    let agent = Target::Agent("desk@ada".parse().unwrap());
    world.block(agent.clone()).await;
    world.refresh(&refresh).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "blocked");
    world.clock.advance(Span::from_seconds(5));
    world
        .change(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                PrivilegeTx::of(tx).lift_block(&agent, now).await?;
                done()
            })
        })
        .await;
    world.refresh(&refresh).await.refused(400, "invalid_grant");
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.redeem(&code).await.granted();
}

#[tokio::test]
async fn a_disabled_persons_agents_get_nothing() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let ada = world.store.person(&"ada".parse().unwrap()).await.unwrap().unwrap();
    world
        .change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&model::Person { disabled: true, ..ada }, None).await?;
                done()
            })
        })
        .await;
    world.redeem(&code).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "person_disabled");
    world.as_agent(&[]).await.refused(400, "invalid_grant");
}

/// Spec: RFC 9700 §4.5
/// Field: A2
#[tokio::test]
async fn of_two_that_redeem_one_code_at_once_one_wins_and_keeps_nothing() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let (one, two) = tokio::join!(world.redeem(&code), world.redeem(&code));
    let won: Vec<_> = [&one, &two].into_iter().filter(|reply| reply.status.is_success()).collect();
    assert_eq!(won.len(), 1);
    assert!(world.is_ended(&won[0].json()).await);
    world.refresh(&refresh_of(&won[0].json())).await.refused(400, "invalid_grant");
}

/// Field: N8
#[tokio::test]
async fn under_a_clock_that_is_behind_nothing_is_issued_and_a_token_can_be_given_back() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let refresh = refresh_of(&world.redeem(&code).await.granted());
    let code = world.browser().code(&link("tickets:low", &[])).await;
    world.clock.set_back(Span::from_minutes(60));
    while world.store.freshness().is_ok() {
        tokio::task::yield_now().await;
    }
    for answer in [world.redeem(&code).await, world.refresh(&refresh).await, world.as_agent(&[]).await] {
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
    let form = [("token", refresh.as_str()), ("client_id", "desk")];
    assert_eq!(world.post("/oauth/revoke", &form).await.status, 200);
}

/// Spec: RFC 6749 §5.1 (expires_in)
#[tokio::test]
async fn a_token_lives_no_longer_than_the_strictest_tier_of_its_scopes() {
    let world = World::with(|config| config["tokens"] = serde_json::json!({"longest": {"medium": 120}})).await;
    let low = world.redeem(&world.browser().code(&link("tickets:low", &[])).await).await.granted();
    assert_eq!(low["expires_in"], 600);
    let medium = world.browser().code(&link("tickets:low tickets:medium", &[])).await;
    let medium = world.redeem(&medium).await.granted();
    assert_eq!(
        (medium["scope"].as_str(), medium["expires_in"].as_i64()),
        (Some("tickets:low tickets:medium"), Some(120))
    );
    let renewed = world.refresh(&refresh_of(&medium)).await.granted();
    assert_eq!((renewed["scope"].as_str(), renewed["expires_in"].as_i64()), (Some("tickets:low"), Some(600)));
}

/// A server may be stricter than the rest.
#[tokio::test]
async fn a_server_says_for_itself_how_old_a_token_may_be() {
    let world = World::with(|config| {
        config["tokens"] = serde_json::json!({"longest": {"low": 300}});
        config["servers"]["tickets"]["longest"] = serde_json::json!({"low": 30});
    })
    .await;
    let token = world.redeem(&world.browser().code(&link("tickets:low", &[])).await).await.granted();
    assert_eq!(token["expires_in"], 30);
    let renewed = world.refresh(&refresh_of(&token)).await.granted();
    assert_eq!(renewed["expires_in"], 30);
}
