use model::{AgentState, Target};
use store::privilege::PrivilegeTx;

use crate::world::*;

const DELETE: (&str, &str) = ("scope", "tickets.delete_ticket");

/// Spec: RFC 6749 §4.4.3, RFC 9068 §2.2
#[tokio::test]
async fn a_declared_agent_gets_its_baseline_and_no_refresh_token() {
    let world = World::start().await;
    let token = world.as_agent(&[("resource", RESOURCE), ("scope", "tickets:low")]).await.granted();
    assert!(token.get("refresh_token").is_none());
    assert_eq!((token["scope"].as_str(), token["expires_in"].as_i64()), (Some("tickets:low"), Some(300)));
    let claims = claims(&token);
    assert_eq!((claims["sub"].as_str(), claims["aud"].as_str()), (Some("agent:nightly"), Some(RESOURCE)));
    assert_eq!(world.events(2).await, ["grant_made", "token_issued"]);
    world.as_agent(&[]).await.granted();
    assert_eq!(world.only_grant().await.person, None);
}

/// Spec: RFC 7523 §3
#[tokio::test]
async fn an_assertion_works_once_even_when_it_was_refused_the_first_time() {
    let world = World::start().await;
    let assertion = world.key.sign_assertion("nightly", ISSUER, world.store.now()).unwrap();
    let send = async |scope: &str| {
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
            ("scope", scope),
        ];
        world.token(&fields).await
    };
    send("nonsense").await.refused(400, "invalid_scope");
    send("tickets:low").await.refused(401, "invalid_client");
    assert_eq!(world.last_record().await["cause"], "assertion_replayed");
    let size = world.log_size().await;
    send("tickets:low").await.refused(401, "invalid_client");
    assert_eq!(world.log_size().await, size, "whoever caught an assertion does not fill the log with it");
}

/// Spec: RFC 7523 §3, draft-ietf-oauth-rfc7523bis
#[tokio::test]
async fn an_assertion_for_another_audience_or_by_another_key_proves_nothing() {
    let world = World::start().await;
    let now = world.store.now();
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let stranger = crypto::AgentKey::generate();
    for assertion in [
        world.key.sign_assertion("nightly", "https://gw.test/oauth/token", now).unwrap(),
        stranger.sign_assertion("nightly", ISSUER, now).unwrap(),
        "not.a.jwt".to_owned(),
    ] {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", &assertion),
            ("client_id", "nightly"),
        ];
        world.token(&fields).await.refused(401, "invalid_client");
    }
    let good = world.key.sign_assertion("nightly", ISSUER, now).unwrap();
    let other = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", kind),
        ("client_assertion", &good),
        ("client_id", "desk"),
    ];
    world.token(&other).await.refused(401, "invalid_client");
    let untyped =
        [("grant_type", "client_credentials"), ("client_assertion_type", "saml"), ("client_assertion", &good)];
    world.token(&untyped).await.refused(400, "invalid_request");
}

#[tokio::test]
async fn more_than_the_baseline_waits_for_a_person_and_then_comes() {
    let world = World::start().await;
    let pending = world.as_agent(&[DELETE, ("reason", "stale since 2019")]).await.refused(400, "authorization_pending");
    let elevation = world.elevation("tickets.delete_ticket").await;
    assert_eq!(
        (pending["elevation_id"].as_str(), pending["interval"].as_i64()),
        (Some(elevation.id.as_str()), Some(2))
    );
    assert_eq!(elevation.reason, "stale since 2019");
    let again = world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
    assert_eq!(again["elevation_id"], pending["elevation_id"]);
    world.approve(&elevation.id).await;
    let token = world.as_agent(&[DELETE]).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets.delete_ticket");
    assert_eq!(world.last_record().await["elevation"], elevation.id.as_str());
}

#[tokio::test]
async fn medium_of_an_agent_without_a_person_waits_as_well() {
    let world = World::start().await;
    world.as_agent(&[("scope", "tickets:medium")]).await.refused(400, "authorization_pending");
    let elevation = world.elevation("tickets:medium").await;
    assert_eq!((elevation.by, elevation.reason.as_str()), (model::StepUp::Consent, "Closes stale tickets"));
}

#[tokio::test]
async fn a_denied_request_stays_denied_for_a_while() {
    let world = World::start().await;
    world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
    let elevation = world.elevation("tickets.delete_ticket").await;
    world.deny(&elevation.id).await;
    let denied = world.as_agent(&[DELETE]).await.refused(400, "access_denied");
    assert_eq!(denied["elevation_id"], elevation.id.as_str());
    world.as_agent(&[("scope", "tickets:low")]).await.granted();
    world.advance(15 * 60);
    world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
}

#[tokio::test]
async fn an_agent_can_not_flood_the_approvers() {
    let world = World::with(|config| config["elevation"] = serde_json::json!({"pending_per_agent": 1})).await;
    world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
    world.as_agent(&[("scope", "tickets.export_customers")]).await.refused(400, "access_denied");
    assert_eq!(world.store.count_pending(world.store.now()).await.unwrap(), 1);
}

#[tokio::test]
async fn an_agent_whose_grant_ended_keeps_its_denials() {
    let world = World::start().await;
    world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
    let elevation = world.elevation("tickets.delete_ticket").await;
    world.deny(&elevation.id).await;
    world.end_grant(&world.only_grant().await.id).await;
    let denied = world.as_agent(&[DELETE]).await.refused(400, "access_denied");
    assert_eq!(denied["elevation_id"], elevation.id.as_str());
}

#[tokio::test]
async fn an_agent_whose_grant_ended_keeps_its_place_in_the_queue() {
    let world = World::with(|config| config["elevation"] = serde_json::json!({"pending_per_agent": 1})).await;
    world.as_agent(&[DELETE]).await.refused(400, "authorization_pending");
    world.end_grant(&world.only_grant().await.id).await;
    world.as_agent(&[("scope", "tickets.export_customers")]).await.refused(400, "access_denied");
    world.advance(15 * 60);
    world.as_agent(&[("scope", "tickets.export_customers")]).await.refused(400, "authorization_pending");
}

/// Spec: RFC 8707 §2.2, RFC 6749 §5.2
#[tokio::test]
async fn an_agent_gets_only_the_servers_and_scopes_that_exist_for_it() {
    let world = World::start().await;
    world.as_agent(&[("resource", "https://gw.test/mcp/files")]).await.refused(400, "invalid_target");
    world.as_agent(&[("resource", "https://evil.test/mcp/tickets")]).await.refused(400, "invalid_target");
    world.as_agent(&[("resource", RESOURCE), ("resource", RESOURCE)]).await.refused(400, "invalid_target");
    world.as_agent(&[("scope", "files:low")]).await.refused(400, "invalid_scope");
    world.as_agent(&[("scope", "tickets.drop_table")]).await.refused(400, "invalid_scope");
    world.as_agent(&[("scope", "tickets.get_ticket")]).await.refused(400, "invalid_scope");
    assert!(world.grants().await.is_empty());
}

#[tokio::test]
async fn a_blocked_or_suspended_agent_gets_nothing() {
    let world = World::start().await;
    let id: model::Id<model::Agent> = "nightly".parse().unwrap();
    let suspended = id.clone();
    world
        .change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).set_agent_state(&suspended, AgentState::Suspended).await?;
                done()
            })
        })
        .await;
    world.as_agent(&[]).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "agent_not_active");
    world
        .change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).set_agent_state(&id, AgentState::Active).await?;
                done()
            })
        })
        .await;
    world.as_agent(&[]).await.granted();
    world.block(Target::All).await;
    world.as_agent(&[]).await.refused(400, "invalid_grant");
}

/// Spec: RFC 9396 §5, §7
/// Field: K9
#[tokio::test]
async fn a_token_belongs_to_the_task_that_its_agent_opened_and_gets_no_other_ones_privilege() {
    let world = World::start().await;
    let details = r#"[{"type":"io.portcullis/task","purpose":"close ticket 4711","lasts":"1h"}]"#;
    let token = world.as_agent(&[("resource", RESOURCE), ("authorization_details", details)]).await.granted();
    let granted = &token["authorization_details"][0];
    let id = granted["id"].as_str().unwrap();
    assert_eq!((&granted["type"], &granted["purpose"]), (&"io.portcullis/task".into(), &"close ticket 4711".into()));
    assert_eq!(claims(&token)["task"], id);
    assert_eq!(world.events(3).await, ["grant_made", "task_opened", "token_issued"]);
    let same = format!(r#"[{{"type":"io.portcullis/task","id":"{id}"}}]"#);
    let again = world.as_agent(&[("resource", RESOURCE), ("authorization_details", &same)]).await.granted();
    assert_eq!(claims(&again)["task"], id);
    world.as_agent(&[DELETE, ("authorization_details", &same)]).await.refused(400, "authorization_pending");
    let asked = world.elevation(DELETE.1).await;
    assert_eq!((asked.ends_with.task.unwrap().as_str(), asked.reason.as_str()), (id, "close ticket 4711"));
    for wrong in [
        r#"[{"type":"payment"}]"#,
        r#"[{"type":"io.portcullis/task"}]"#,
        r#"[{"type":"io.portcullis/task","id":"tsk_of_another"}]"#,
        r#"[{"type":"io.portcullis/task","purpose":" "}]"#,
        r#"[{"type":"io.portcullis/task","purpose":"w","lasts":"9h"}]"#,
        "all of it",
    ] {
        let answer = world.as_agent(&[("resource", RESOURCE), ("authorization_details", wrong)]).await;
        answer.refused(400, "invalid_authorization_details");
    }
    world.clock.advance(model::Span::from_minutes(61));
    let late = world.as_agent(&[("resource", RESOURCE), ("authorization_details", &same)]).await;
    late.refused(400, "invalid_authorization_details");
}
