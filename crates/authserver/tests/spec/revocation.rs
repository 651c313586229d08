use crate::world::*;

/// Spec: RFC 7009 §2.1
/// Field: A2
#[tokio::test]
async fn either_token_takes_its_installation_with_it_and_no_other() {
    for name in ["refresh_token", "access_token"] {
        let world = World::start().await;
        let (token, neighbour) = (world.logged_in().await, world.logged_in().await);
        let fields = [("client_id", "desk"), ("token", token[name].as_str().unwrap())];
        let epoch = world.store.epoch();
        assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
        assert_eq!(world.events(2).await, ["token_revoked", "installation_ended"], "{name}");
        assert!(world.is_ended(&token).await && world.store.epoch() > epoch);
        assert!(world.installation(&token).await.ended_at.is_some());
        world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
        assert!(!world.is_ended(&neighbour).await);
        world.refresh(&refresh_of(&neighbour)).await.granted();
    }
}

/// Spec: RFC 7009 §2.1
/// Field: A2
#[tokio::test]
async fn an_agent_that_gives_up_a_token_leaves_those_of_its_other_processes_alone() {
    let world = World::start().await;
    let (token, other) = (world.as_agent(&[]).await.granted(), world.as_agent(&[]).await.granted());
    let assertion = world.key.sign_assertion("nightly", ISSUER, world.store.now()).unwrap();
    let fields = [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
        ("token", token["access_token"].as_str().unwrap()),
        ("token_type_hint", "access_token"),
    ];
    let epoch = world.store.epoch();
    assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
    assert!(world.is_ended(&token).await && world.store.epoch() > epoch);
    assert!(!world.is_ended(&other).await);
}

/// Tokens from before there were installations name none.
///
/// Field: A2
#[tokio::test]
async fn an_access_token_without_an_installation_is_one_of_its_own() {
    let world = World::start().await;
    let token = world.logged_in().await;
    let mut claims: model::AccessClaims = serde_json::from_value(claims(&token)).unwrap();
    claims.sid = None;
    let old = store::secrets::AccessSigner::of(&world.store).sign(&claims).unwrap();
    let fields = [("client_id", "desk"), ("token", old.as_str())];
    assert_eq!(world.post("/oauth/revoke", &fields).await.status.as_u16(), 200);
    let standing = world.store.grant_holder(&claims.grant_id, claims.installation().as_ref()).await.unwrap().unwrap();
    assert!(standing.installation_ended && standing.grant.is_live(world.store.now()));
    assert!(!world.is_ended(&token).await);
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
    assert!(other.epoch() > epoch, "the other node knows it already");
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
