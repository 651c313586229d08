use crate::world::*;

/// One refusal of each cause may be recorded, and no more within a minute.
const CAUSES: u64 = 8;

#[tokio::test]
async fn strangers_can_not_fill_the_log() {
    let world = World::start().await;
    let size = world.log_size().await;
    for n in 0..40 {
        let name = format!("junk-{n}");
        let url = format!("https://allowed.test/{name}.json");
        for client in [&name, &url] {
            world.token(&[("grant_type", "refresh_token"), ("client_id", client)]).await.refused(401, "invalid_client");
            let revoke = [("client_id", client.as_str()), ("token", "x")];
            world.post("/oauth/revoke", &revoke).await.refused(401, "invalid_client");
            world.get(&link("tickets:low", &[("client_id", client)])).await;
            world.get(&link("tickets:low", &[("client_id", client), ("prompt", "none")])).await;
        }
        world.post("/oauth/revoke", &[("client_id", "desk"), ("token", &name)]).await;
        world.post("/oauth/token", &[("client_id", "a"), ("client_id", "b")]).await.refused(400, "invalid_request");
    }
    for n in 0..8 {
        world.browser().log_in(&format!("junk-{n}"), PASSWORD, "/me").await.page(403, "do not fit");
    }
    let grown = world.log_size().await - size;
    assert!((1..=CAUSES).contains(&grown), "{grown} records");
    assert!(!world.log().await.contains("junk-"), "what strangers call themselves is not written down");
}

#[tokio::test]
async fn the_name_of_a_public_client_is_not_enough_to_fill_the_log() {
    let world = World::start().await;
    let size = world.log_size().await;
    for _ in 0..40 {
        world.refresh("rt_junk").await.refused(400, "invalid_grant");
        let junk = [("grant_type", "client_credentials"), ("client_id", "nightly")];
        world.token(&junk).await.refused(401, "invalid_client");
    }
    assert_eq!(world.log_size().await, size + 2);
    world.advance(60);
    world.refresh("rt_junk").await.refused(400, "invalid_grant");
    let record = world.last_record().await;
    assert_eq!((record["client"].as_str(), record["count"].as_u64()), (Some("desk"), Some(40)));
}

#[tokio::test]
async fn a_client_that_proved_itself_answers_for_every_refusal() {
    let world = World::start().await;
    let size = world.log_size().await;
    for _ in 0..3 {
        world.as_agent(&[("scope", "nonsense")]).await.refused(400, "invalid_scope");
    }
    assert_eq!(world.log_size().await, size + 3);
    let record = world.last_record().await;
    assert_eq!((record["client"].as_str(), record["authenticated"].as_str()), (Some("nightly"), Some("yes")));
}
