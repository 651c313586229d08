//! Retries are not thefts, and thefts are not waited out.

use std::sync::Arc;

use futures_util::future::join_all;
use model::{ManualClock, Span, Target};
use serde_json::{Value, json};

use crate::world::*;

/// Spec: OAuth 2.1 §4.3, RFC 9700 §4.14.2
/// Field: A1
#[tokio::test]
async fn of_eight_that_refresh_at_once_all_get_the_one_successor() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    let replies = join_all((0..8).map(|_| world.refresh(&first))).await;
    let tokens: Vec<Value> = replies.iter().map(Reply::granted).collect();
    let successors: Vec<String> = tokens.iter().map(refresh_of).collect();
    assert!(successors.iter().all(|successor| *successor == successors[0] && *successor != first));
    let mut ids: Vec<String> = tokens.iter().map(|token| claims(token)["jti"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8, "each has an access token of its own");
    assert!(tokens.iter().all(|token| token["scope"] == "tickets:low"));
    world.refresh(&successors[0]).await.granted();
    assert!(!world.is_ended(&tokens[0]).await);
}

/// Field: A1
#[tokio::test]
async fn eight_that_refresh_at_once_on_two_nodes_lose_nothing() {
    let world = World::start().await;
    let other = world.serving_node("two", world.clock.clone()).await;
    let mut newest = refresh_of(&world.logged_in().await);
    for _ in 0..3 {
        let requests = (0..8).map(|_| refresh_request("desk", &newest, &[]));
        let replies = join_all(requests.enumerate().map(async |(number, request)| match number % 2 {
            0 => world.send(request).await,
            _ => other.send(request).await,
        }));
        let successors: Vec<String> = replies.await.iter().map(|reply| refresh_of(&reply.granted())).collect();
        assert!(successors.iter().all(|successor| *successor == successors[0]));
        newest = successors[0].clone();
        world.advance(600);
    }
    other.store.close().await;
}

/// Field: A1
#[tokio::test]
async fn a_lost_answer_is_given_again_until_the_window_ends() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    let lost = world.refresh(&first).await.granted();
    world.advance(29);
    let again = world.refresh(&first).await.granted();
    assert_eq!(refresh_of(&again), refresh_of(&lost));
    assert_eq!(claims(&again)["exp"], claims(&lost)["exp"], "it never ends later than the first one");
    assert_eq!(again["expires_in"], 571);
    assert_eq!(claims(&again)["sid"], claims(&lost)["sid"]);
    world.advance(500);
    world.refresh(&refresh_of(&again)).await.granted();
}

/// Field: A1, A2
#[tokio::test]
async fn after_the_window_the_installation_ends_and_its_neighbours_do_not() {
    let world = World::start().await;
    let (token, neighbour) = (world.logged_in().await, world.logged_in().await);
    let owner = world.refresh(&refresh_of(&token)).await.granted();
    world.advance(30);
    let epoch = world.store.epoch();
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert_eq!(world.events(3).await, ["refresh_replayed", "installation_ended", "token_refused"]);
    assert!(world.store.epoch() > epoch);
    for dead in [&token, &owner] {
        assert!(world.is_ended(dead).await);
        world.refresh(&refresh_of(dead)).await.refused(400, "invalid_grant");
    }
    assert!(world.installation(&token).await.ended_at.is_some());
    assert!(!world.is_ended(&neighbour).await);
    world.refresh(&refresh_of(&neighbour)).await.granted();
}

/// Field: A1
#[tokio::test]
async fn two_windows_that_share_a_stored_token_go_on_for_a_day() {
    let world = World::start().await;
    let mut stored = refresh_of(&world.logged_in().await);
    for _ in 0..24 {
        world.advance(3600);
        let one = refresh_of(&world.refresh(&stored).await.granted());
        world.advance(2);
        let other = refresh_of(&world.refresh(&stored).await.granted());
        assert_eq!(one, other);
        stored = one;
    }
}

/// Field: A1
#[tokio::test]
async fn a_successor_in_use_is_not_told_again_and_nothing_ends() {
    let world = World::start().await;
    let token = world.logged_in().await;
    let second = refresh_of(&world.refresh(&refresh_of(&token)).await.granted());
    world.advance(1);
    let third = refresh_of(&world.refresh(&second).await.granted());
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "refresh_used");
    assert!(!world.is_ended(&token).await);
    assert_eq!(refresh_of(&world.refresh(&second).await.granted()), third, "the newest pair is still answered");
    world.refresh(&third).await.granted();
}

/// Field: A1
#[tokio::test]
async fn one_token_is_answered_again_sixteen_times_and_then_refused() {
    let world = World::start().await;
    let token = world.logged_in().await;
    for _ in 0..17 {
        world.refresh(&refresh_of(&token)).await.granted();
    }
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert!(!world.is_ended(&token).await);
}

/// Field: A1
#[tokio::test]
async fn an_answer_that_comes_when_the_first_token_is_over_still_tells_the_refresh_token() {
    let world = World::with(|config| config["tokens"] = json!({"access": "10s"})).await;
    let first = refresh_of(&world.logged_in().await);
    let lost = world.refresh(&first).await.granted();
    world.advance(15);
    let again = world.refresh(&first).await.granted();
    assert_eq!((claims(&again)["exp"].clone(), again["expires_in"].as_i64()), (claims(&lost)["exp"].clone(), Some(0)));
    assert_eq!(world.refresh(&refresh_of(&again)).await.granted()["expires_in"], 10);
}

/// Field: A1, A3
#[tokio::test]
async fn nothing_above_the_baseline_is_ever_repeated() {
    let world = World::start().await;
    let code = world.browser().code(&link("tickets:medium", &[])).await;
    let token = world.redeem(&code).await.granted();
    assert_eq!(token["scope"], "tickets:low tickets:medium");
    for _ in 0..2 {
        let wide = refresh_request("desk", &refresh_of(&token), &[("scope", "tickets:low tickets:medium")]);
        assert_eq!(world.send(wide).await.granted()["scope"], "tickets:low");
    }
}

/// Field: A1
#[tokio::test]
async fn a_repetition_is_checked_as_a_first_use_is_and_ends_nothing() {
    let world = World::start().await;
    let token = world.logged_in().await;
    let first = refresh_of(&token);
    world.refresh(&first).await.granted();
    for (request, error) in [
        (refresh_request("native", &first, &[]), "invalid_grant"),
        (refresh_request("desk", &first, &[("resource", "https://gw.test/mcp/files")]), "invalid_target"),
        (refresh_request("desk", &first, &[("scope", "tickets.delete_ticket")]), "invalid_scope"),
        (refresh_request("desk", &first, &[("client_secret", "x")]), "invalid_client"),
    ] {
        world.send(request).await.refused(if error == "invalid_client" { 401 } else { 400 }, error);
    }
    assert!(!world.is_ended(&token).await);
    world.refresh(&first).await.granted();
    world.block(Target::Server("tickets".parse().unwrap())).await;
    world.refresh(&first).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "blocked");
}

/// Field: A1
#[tokio::test]
async fn a_client_that_authenticates_otherwise_gets_nothing_again() {
    let world = World::start().await;
    let token = world.logged_in().await;
    world.refresh(&refresh_of(&token)).await.granted();
    let secret = world
        .with_desk(|desk| {
            desk.auth = model::AuthMethod::ClientSecretPost;
            desk.secret = Some(model::Secret::new("s3cret"));
        })
        .await;
    let with_secret = |token: &str| refresh_request("desk", token, &[("client_secret", "s3cret")]);
    secret.send(with_secret(&refresh_of(&token))).await.refused(400, "invalid_grant");
    assert!(!world.is_ended(&token).await);
    // A client with a secret rotates and has its window like any other.
    let newest = refresh_of(&world.refresh(&refresh_of(&token)).await.granted());
    let first = refresh_of(&secret.send(with_secret(&newest)).await.granted());
    assert_eq!(refresh_of(&secret.send(with_secret(&newest)).await.granted()), first);
    secret.store.close().await;
}

/// Field: A1
#[tokio::test]
async fn what_was_taken_away_is_not_given_again() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    world.refresh(&first).await.granted();
    world.end_grant(&world.only_grant().await.id).await;
    world.refresh(&first).await.refused(400, "invalid_grant");
    assert_eq!(world.last_record().await["cause"], "refresh_over");
}

/// Spec: RFC 9700 §4.14.2
/// Field: A1
#[tokio::test]
async fn without_a_window_the_first_repetition_ends_the_installation() {
    let world = World::with(|config| config["tokens"] = json!({"refresh_reuse": 0})).await;
    let (token, neighbour) = (world.logged_in().await, world.logged_in().await);
    world.refresh(&refresh_of(&token)).await.granted();
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert!(world.is_ended(&token).await && !world.is_ended(&neighbour).await);
}

/// Field: A1
#[tokio::test]
async fn without_a_window_a_clock_that_is_behind_does_not_open_one() {
    let world = World::with(|config| config["tokens"] = json!({"refresh_reuse": 0})).await;
    let other = world.serving_node("behind", Arc::new(ManualClock::at(world.store.now()))).await;
    let token = world.logged_in().await;
    world.advance(50);
    world.refresh(&refresh_of(&token)).await.granted();
    other.send(refresh_request("desk", &refresh_of(&token), &[])).await.refused(400, "invalid_grant");
    assert!(world.is_ended(&token).await);
    other.store.close().await;
}

/// Field: A1
#[tokio::test]
async fn a_node_whose_clock_is_behind_takes_a_use_in_the_future_for_one_just_now() {
    let world = World::start().await;
    let behind = Arc::new(ManualClock::at(world.store.now()));
    let other = world.serving_node("behind", behind.clone()).await;
    let first = refresh_of(&world.logged_in().await);
    world.advance(50);
    let lost = world.refresh(&first).await.granted();
    let again = other.send(refresh_request("desk", &first, &[])).await.granted();
    assert_eq!(refresh_of(&again), refresh_of(&lost));
    assert_eq!(again["expires_in"], 600, "its own clock, its own life");
    behind.advance(Span::from_seconds(79));
    other.send(refresh_request("desk", &first, &[])).await.granted();
    behind.advance(Span::from_seconds(1));
    other.send(refresh_request("desk", &first, &[])).await.refused(400, "invalid_grant");
    other.store.close().await;
}

/// Spec: RFC 9700 §2.2.2 (sender-constrained or rotated)
/// Field: A1
#[tokio::test]
async fn a_client_that_proves_a_key_keeps_its_refresh_token() {
    let key = crypto::AgentKey::generate();
    let public = key.public_jwk();
    let world = World::with(|config| {
        config["tokens"] = json!({"refresh_idle": "1h"});
        config["clients"]["registered"]["desk"]["auth"] = "private_key_jwt".into();
        config["clients"]["registered"]["desk"]["public_key"] = public;
    })
    .await;
    let send = async |fields: &[(&str, &str)]| {
        let assertion = key.sign_assertion("desk", ISSUER, world.store.now()).unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let proof = [("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
        world.token(&[fields, &proof].concat()).await
    };
    let code = world.browser().code(&link("tickets:low", &[])).await;
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
    let token = send(&fields).await.granted();
    let kept = refresh_of(&token);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", kept.as_str())];
    for _ in 0..5 {
        world.advance(3000);
        assert_eq!(refresh_of(&send(&refresh).await.granted()), kept);
    }
    assert!(!world.log().await.contains("refresh_reused"));
    world.refresh(&kept).await.refused(401, "invalid_client");
    assert_eq!(world.installation(&token).await.last_refresh, Some(world.store.now()));
    world.advance(3600);
    send(&refresh).await.refused(400, "invalid_grant");
}

/// Field: A1
#[tokio::test]
async fn a_login_ends_after_ninety_days_however_often_it_is_refreshed() {
    const DAY: u32 = 24 * 3600;
    let world = World::with(|config| config["tokens"] = json!({"grant": "400d", "refresh_idle": "60d"})).await;
    let mut token = world.logged_in().await;
    for _ in 0..2 {
        world.advance(44 * DAY);
        token = world.refresh(&refresh_of(&token)).await.granted();
    }
    world.advance(2 * DAY - 1);
    token = world.refresh(&refresh_of(&token)).await.granted();
    world.advance(1);
    world.refresh(&refresh_of(&token)).await.refused(400, "invalid_grant");
    assert!(world.only_grant().await.is_live(world.store.now()), "the next login uses the same grant");
}

/// Field: A1
#[tokio::test]
async fn a_repetition_is_recorded_and_more_than_three_a_day_are_noticed() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    world.refresh(&first).await.granted();
    world.refresh(&first).await.granted();
    assert_eq!(world.events(2).await, ["refresh_reused", "token_issued"]);
    for _ in 0..2 {
        world.refresh(&first).await.granted();
    }
    assert!(!world.log().await.contains("refresh_reuse_noticed"));
    world.refresh(&first).await.granted();
    assert_eq!(world.events(3).await, ["refresh_reused", "token_issued", "refresh_reuse_noticed"]);
    assert_eq!(world.last_record().await["cause"], "often");
    world.refresh(&first).await.granted();
    assert_eq!(world.events(2).await, ["refresh_reused", "token_issued"], "once is enough");
}

/// Field: A1
#[tokio::test]
async fn a_repetition_from_another_network_is_noticed() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    let from = async |address: &str| {
        let mut request = refresh_request("desk", &first, &[]);
        request.extensions_mut().insert(net::Peer(address.parse().unwrap()));
        world.send(request).await.granted();
    };
    from("192.0.2.7").await;
    from("192.0.2.9").await;
    assert!(!world.log().await.contains("refresh_reuse_noticed"));
    from("198.51.100.1").await;
    let record = world.last_record().await;
    assert_eq!(
        (record["event"].as_str(), record["cause"].as_str()),
        (Some("refresh_reuse_noticed"), Some("another_network"))
    );
    assert!(!world.log().await.contains("192.0.2") && !world.log().await.contains("198.51"));
}

/// Field: A1
#[tokio::test]
async fn no_token_is_in_the_database_or_in_the_log() {
    let world = World::start().await;
    let first = refresh_of(&world.logged_in().await);
    let second = refresh_of(&world.refresh(&first).await.granted());
    world.refresh(&first).await.granted();
    let log = world.log().await;
    assert!(!log.contains(&first) && !log.contains(&second));
    for bytes in world.database() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&first) && !text.contains(&second));
    }
}
