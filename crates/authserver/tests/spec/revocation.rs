use crate::world::*;

/// Spec: RFC 7009 §2.1
#[tokio::test]
async fn a_refresh_token_takes_its_grant_with_it() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let refresh = world.redeem(&code).await.granted()["refresh_token"].as_str().unwrap().to_owned();
    let reply = world.post("/oauth/revoke", &[("client_id", "desk"), ("token", &refresh)]).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(world.events(1).await, ["token_revoked"]);
    assert!(!world.only_grant().await.is_live(world.store.now()), "access tokens live by the grant");
    world.refresh(&refresh).await.refused(400, "invalid_grant");
}

/// Spec: RFC 7009 §2.1
#[tokio::test]
async fn an_access_token_takes_its_grant_with_it() {
    let world = World::start().await;
    let token = world.as_agent(&[]).await.granted();
    let assertion = world.key.sign_assertion("nightly", ISSUER, world.store.now()).unwrap();
    let fields = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
        ("token", token["access_token"].as_str().unwrap()),
        ("token_type_hint", "access_token"),
    ];
    let epoch = world.store.epoch();
    assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
    assert!(!world.only_grant().await.is_live(world.store.now()) && world.store.epoch() > epoch);
}

/// Spec: RFC 7009 §2.2
#[tokio::test]
async fn an_unknown_token_is_revoked_already() {
    let world = World::start().await;
    for token in ["rt_unknown", "a.b.c", "x"] {
        let reply = world.post("/oauth/revoke", &[("client_id", "desk"), ("token", token)]).await;
        assert_eq!(reply.status.as_u16(), 200, "{token}");
    }
}

/// Spec: RFC 7009 §2.1
#[tokio::test]
async fn a_client_can_not_revoke_what_is_anothers() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.redeem(&code).await.granted();
    for name in ["access_token", "refresh_token"] {
        let fields = [("client_id", "native"), ("token", token[name].as_str().unwrap())];
        world.post("/oauth/revoke", &fields).await.refused(400, "invalid_grant");
    }
    world.refresh(token["refresh_token"].as_str().unwrap()).await.granted();
    world.post("/oauth/revoke", &[("token", "x")]).await.refused(400, "invalid_request");
    world.post("/oauth/revoke", &[("client_id", "desk")]).await.refused(400, "invalid_request");
}

/// Spec: RFC 7009 §2.1 (the authorization server can not revoke: 503)
#[tokio::test]
async fn a_revocation_is_answered_when_every_node_acts_on_it() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.redeem(&code).await.granted();
    let other = world.another_node("two").await;
    let epoch = other.epoch();
    let fields = [("client_id", "desk"), ("token", token["refresh_token"].as_str().unwrap())];
    assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
    assert!(other.epoch() > epoch && other.epoch() >= world.store.epoch(), "the other node knows it already");
    other.close().await;
}

/// Spec: RFC 7009 §2.2
#[tokio::test]
async fn what_is_dead_already_is_revoked_again_without_a_record() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let token = world.redeem(&code).await.granted();
    let fields = [("client_id", "desk"), ("token", token["refresh_token"].as_str().unwrap())];
    world.post("/oauth/revoke", &fields).await;
    let size = world.log_size().await;
    for _ in 0..3 {
        assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
        assert_eq!(world.post("/oauth/revoke", &[("client_id", "desk"), ("token", "junk")]).await.status.as_u16(), 200);
    }
    assert_eq!(world.log_size().await, size);
}
