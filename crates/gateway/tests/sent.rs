//! A call that was sent is never answered "not done, try again".
//!
//! Each case is tried in both eras, answered in JSON and as a stream of events.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::{Method, Response};
use http_body_util::BodyExt;
use model::{AccessClaims, Actor, Exception, Id, Span, StepUp, event::examples};
use privilege::{
    Refused,
    exception::{self, ExceptionWish},
};
use serde_json::{Value, json};
use store::{Commit, StoreError, privilege::PrivilegeTx};
use world::{Answer, World, modern, upstream::reply};

/// How a case is tried: in which era, and how the upstream answers.
#[derive(Clone, Copy, Debug)]
struct Way {
    modern: bool,
    events: bool,
}

const WAYS: [Way; 4] = [
    Way { modern: true, events: false },
    Way { modern: true, events: true },
    Way { modern: false, events: false },
    Way { modern: false, events: true },
];

impl Way {
    /// Calls `tool`; `meanwhile` happens after it arrived and before the upstream answers.
    async fn call(self, world: &World, tool: &str, meanwhile: impl Future<Output = ()>) -> Answer {
        self.answered_after(world, tool, async {
            meanwhile.await;
            // Something that concerns somebody else makes everything under way look at what it rests on.
            world.revoke("agent", "another").await;
            world.upstream.goes_on();
        })
        .await
    }

    /// The same, and the upstream never answers.
    async fn cut(self, world: &World, tool: &str, meanwhile: impl Future<Output = ()>) -> Answer {
        self.answered_after(world, tool, meanwhile).await
    }

    async fn answered_after(self, world: &World, tool: &str, meanwhile: impl Future<Output = ()>) -> Answer {
        if self.events {
            world.upstream.answers(|arrived| {
                let message: Value = serde_json::from_slice(&arrived.body).unwrap();
                let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": {"content": []}});
                Some(reply(200, &[("content-type", "text/event-stream")], format!("data: {answer}\n\n")))
            });
        }
        world.upstream.holds();
        let between = async {
            world.upstream.first().await;
            meanwhile.await;
        };
        let call = async {
            match self.modern {
                true => world.modern_tool(tool).await,
                false => world.legacy_tool(tool).await,
            }
        };
        let (mut answer, ()) = tokio::join!(call, between);
        let text = answer.text();
        if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
            answer.body = data.to_owned().into();
        }
        answer
    }
}

#[track_caller]
fn executed_once(world: &World) {
    assert_eq!(world.upstream.arrived().len(), 1);
}

/// Field: G1, G2
#[tokio::test]
async fn a_call_that_began_in_time_is_answered_after_its_token_expired() {
    for way in WAYS {
        let world = World::start().await;
        way.call(&world, "get_ticket", async { world.clock.advance(Span::from_minutes(11)) }).await.answered();
        executed_once(&world);
        assert_eq!(world.eventually("call_ended").await["done"], "answered", "{way:?}");
    }
}

/// Field: G1, G2
#[tokio::test]
async fn a_call_that_began_in_time_is_answered_after_its_grant_expired() {
    for way in WAYS {
        let world = World::start().await;
        way.call(&world, "get_ticket", async { world.clock.advance(Span::from_minutes(61)) }).await.answered();
    }
}

/// The sweep writes down that the elevation's time is over: nobody took it away.
///
/// Field: G3
#[tokio::test]
async fn an_approved_call_is_answered_after_its_elevation_expired_and_the_approval_is_spent() {
    for way in WAYS {
        let world = World::start().await;
        world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 2).await;
        let meanwhile = async {
            world.clock.advance(Span::from_minutes(6));
            world.end_elevation("elv_1").await;
        };
        way.call(&world, "delete_ticket", meanwhile).await.answered();
        executed_once(&world);
        world.modern_tool("delete_ticket").await.challenged("tickets.delete_ticket");
    }
}

/// Field: G1, G2, G3
#[tokio::test]
async fn what_a_person_takes_away_cuts_a_call_and_says_that_it_may_have_been_done() {
    for way in WAYS {
        for (kind, name, why) in [
            ("agent", "bot@ada", "access was revoked"),
            ("person", "ada", "access was revoked"),
            ("client", "https://bot.test/client.json", "access was revoked"),
            ("installation", "ins_ada", "access was revoked"),
            ("server", "tickets", "access was revoked"),
            ("all", "", "access was revoked"),
            ("tool", "tickets.delete_ticket", "the tool was switched off"),
        ] {
            let world = World::start().await;
            world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 2).await;
            let answer = way.cut(&world, "delete_ticket", world.revoke(kind, name)).await.refused(200, -31001);
            let error = &answer.json()["error"];
            assert_eq!((&answer.json()["id"], &error["data"]["mayHaveBeenDone"]), (&json!(1), &json!(true)));
            assert!(error["message"].as_str().unwrap().contains(why), "{kind}: {error}");
            assert!(answer.headers.get("www-authenticate").is_none(), "nothing that sends the client for a token");
            let ended = world.eventually("call_ended").await;
            assert_eq!((&ended["outcome"], &ended["done"]), (&json!("authority_ended"), &json!("unknown")));
            executed_once(&world);
        }
    }
}

/// Field: G3, K2
#[tokio::test]
async fn an_elevation_or_a_grant_ended_by_hand_cuts_a_call() {
    for way in WAYS {
        let world = World::start().await;
        world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 2).await;
        way.cut(&world, "delete_ticket", world.end_elevation("elv_1")).await.refused(200, -31001);
        let world = World::start().await;
        way.cut(&world, "get_ticket", end_grant(&world)).await.refused(200, -31001);
    }
}

const FREEZE: &str = r#"forbid (principal, action == Action::"call_unlisted", resource)
    unless { context.exceptions.contains("change-freeze") };"#;

async fn spared(world: &World) -> Id<Exception> {
    let wish = ExceptionWish {
        name: "change-freeze".parse().unwrap(),
        agent: "bot@ada".parse().unwrap(),
        server: None,
        reason: "the repair of INC-7".into(),
        owner: "bob".parse().unwrap(),
        lasts: Span::from_minutes(1),
    };
    let added = world.store.write::<_, Refused, _>(move |tx| {
        Box::pin(async move {
            let (event, exception) = exception::add(tx, wish, Actor::Operator).await?;
            Ok(Commit::with(event, exception.id))
        })
    });
    added.await.unwrap()
}

/// Field: Y3
#[tokio::test]
async fn an_exception_ended_by_hand_cuts_a_call_that_was_decided_with_it_and_its_time_does_not() {
    for way in WAYS {
        let world = World::start_with(FREEZE).await;
        let id = spared(&world).await;
        let end = async {
            let end = world.store.write::<_, Refused, _>(move |tx| {
                Box::pin(async move { Ok(Commit::with(exception::end(tx, id, Actor::Operator).await?, ())) })
            });
            end.await.unwrap();
        };
        let answer = way.cut(&world, "get_ticket", end).await.refused(200, -31001);
        assert!(answer.text().contains("access was revoked"), "{}", answer.text());
        assert_eq!(world.eventually("call_ended").await["outcome"], "authority_ended");
        let world = World::start_with(FREEZE).await;
        spared(&world).await;
        let passes = async { world.clock.advance(Span::from_minutes(1)) };
        assert_eq!(way.call(&world, "get_ticket", passes).await.status, 200);
        assert_eq!(world.eventually("call_ended").await["outcome"], "complete");
    }
}

async fn end_grant(world: &World) {
    let id = world.grant.id.clone();
    let ended = world.store.write(move |tx| {
        Box::pin(async move {
            let now = tx.now();
            assert!(PrivilegeTx::of(tx).end_grant(&id, now).await?);
            Ok::<_, StoreError>(Commit::with(examples::any(), ()))
        })
    });
    ended.await.unwrap();
}

/// Spec: docs/decisions/0006-a-call-that-was-sent.md
#[tokio::test]
async fn a_call_that_takes_longer_than_any_may_is_cut() {
    for modern in [true, false] {
        let world = World::start().await;
        world.upstream.holds();
        let passes = async {
            world.upstream.first().await;
            world.clock.advance(Span::from_minutes(120));
            world.revoke("agent", "another").await;
        };
        let call = async {
            match modern {
                true => world.modern_tool("get_ticket").await,
                false => world.legacy_tool("get_ticket").await,
            }
        };
        let (answer, ()) = tokio::join!(call, passes);
        let answer = answer.refused(200, -31001);
        assert!(answer.text().contains("the call took longer than any may: it may have been done"));
    }
}

/// Field: G1
#[tokio::test]
async fn a_notification_that_may_have_arrived_is_not_asked_for_again() {
    let world = World::start().await;
    world.upstream.hangs();
    let note = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}).to_string();
    let answer = world.post(&[("mcp-protocol-version", "2025-11-25")], note).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (202, ""));
}

/// Field: G9
#[tokio::test]
async fn a_connection_that_breaks_after_the_request_may_have_carried_it() {
    let world = World::start().await;
    // An answer that ends in the middle of its head.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let broken = World::start_before(&format!("http://{}/mcp", listener.local_addr().unwrap())).await;
    drop(world);
    let breaks = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await.unwrap();
    };
    let (answer, ()) = tokio::join!(broken.modern_tool("get_ticket"), breaks);
    let answer = answer.refused(200, -31001);
    assert!(answer.text().contains("broke before it answered: it may have been done"), "{}", answer.text());
}

/// Nothing left, so the approval is not spent, and the next try asks nobody.
///
/// Field: G4
#[tokio::test]
async fn a_use_of_a_call_that_never_left_is_given_back() {
    let world = World::start_before("http://127.0.0.1:1/mcp").await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    for _ in 0..3 {
        world.modern_tool("delete_ticket").await.refused(502, 502);
        let elevation = world.store.elevation(&"elv_1".parse().unwrap()).await.unwrap().unwrap();
        assert!(elevation.is_live(world.clock_now()), "{elevation:?}");
        assert_eq!(elevation.uses(), 0);
    }
    let records = world.records().await;
    let count = |event: &str| records.iter().filter(|record| record["event"] == event).count();
    assert_eq!((count("call_decided"), count("elevation_use_returned")), (3, 3));
    let ended = world.eventually("call_ended").await;
    assert_eq!((&ended["outcome"], &ended["done"]), (&json!("unreachable"), &json!("not_sent")));
}

/// Field: G4, N7
#[tokio::test]
async fn a_call_that_was_decided_before_a_revocation_and_recorded_after_it_takes_no_use_and_is_not_sent() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.modern_tool("get_ticket").await.answered();
    // Decided before the block takes effect, and recorded after it. When the block is faster than the decision, what
    // it ended is missed first.
    let (answer, ()) = tokio::join!(world.modern_tool("delete_ticket"), world.revoke("tool", "tickets.delete_ticket"));
    match answer.status.as_u16() {
        403 => answer.challenged("tickets.delete_ticket"),
        _ => answer.tool_error("switched off"),
    };
    assert_eq!(world.upstream.arrived().len(), 1);
    let elevation = world.store.elevation(&"elv_1".parse().unwrap()).await.unwrap().unwrap();
    assert!(!elevation.is_live(world.clock_now()), "what was taken away since comes back for nobody");
    assert_eq!(elevation.uses(), 0);
}

/// Field: G4
#[tokio::test]
async fn a_use_is_given_back_when_the_client_leaves_before_the_call_does() {
    let world = World::start().await;
    world.elevate("elv_1", "tickets.delete_ticket", StepUp::Approval, 1).await;
    world.modern_tool("get_ticket").await.answered();
    {
        let mut call = std::pin::pin!(world.modern_tool("delete_ticket"));
        while world.store.elevation(&"elv_1".parse().unwrap()).await.unwrap().unwrap().uses() == 0 {
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
            assert!(first);
            if world.upstream.arrived().len() > 1 {
                return; // It left before anybody could leave.
            }
        }
    }
    let of = async || world.records().await.into_iter().rev().find(|record| record["event"] == "call_ended").unwrap();
    let first = of().await["request"].clone();
    while of().await["request"] == first {
        tokio::task::yield_now().await;
    }
    if of().await["done"] == "unknown" {
        return; // It was on its way to the upstream.
    }
    world.eventually("elevation_use_returned").await;
    let elevation = world.store.elevation(&"elv_1".parse().unwrap()).await.unwrap().unwrap();
    assert!(elevation.is_live(world.clock_now()));
}

/// Spec: MCP 2025-11-25 basic/transports (listening for messages from the server)
#[tokio::test]
async fn a_stream_that_only_listens_ends_with_its_token_and_without_a_word() {
    let world = World::start().await;
    let session = world.legacy("initialize", json!({}), &[]).await.header("mcp-session-id").to_owned();
    let (upstream, response) = world::upstream::stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    let bearer = format!("Bearer {}", world.token());
    let headers = [("authorization", bearer.as_str()), ("mcp-session-id", session.as_str())];
    let response: Response<net::Body> = world.open(Method::GET, "/mcp/tickets", &headers, "").await;
    let mut body = response.into_body();
    upstream.send("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n".into()).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    world.clock.advance(Span::from_minutes(10));
    upstream.send("data: {}\n\n".into()).unwrap();
    assert!(body.frame().await.is_none());
    let expired = async {
        while !world.records().await.iter().any(|record| record["outcome"] == "expired") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), expired).await.expect("the end is on record");
}

/// Half an answer must not look whole.
#[tokio::test]
async fn a_json_answer_that_is_cut_breaks_off() {
    let world = World::start().await;
    world.upstream.answers(|_| {
        let first = futures_util::stream::iter([Ok::<_, std::convert::Infallible>("{\"jsonrpc\":\"2.0\",")]);
        let rest = futures_util::StreamExt::chain(first, futures_util::stream::pending());
        Some(reply(200, &[("content-type", "application/json")], axum::body::Body::from_stream(rest)))
    });
    let bearer = format!("Bearer {}", world.token());
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket"}));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    let mut body = world.open(Method::POST, "/mcp/tickets", &headers, body).await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let (cut, ()) = tokio::join!(body.frame(), world.revoke("agent", "bot@ada"));
    assert!(cut.unwrap().is_err());
}

/// An event that was half relayed is ended first, or the client would read both as one.
#[tokio::test]
async fn a_stream_that_is_cut_in_the_middle_of_an_event_ends_it_first() {
    let world = World::start().await;
    let (upstream, response) = world::upstream::stream();
    let mut response = Some(response);
    world.upstream.answers(move |_| response.take());
    let bearer = format!("Bearer {}", world.sign(&AccessClaims { jti: "at_2".into(), ..world.claims() }));
    let (headers, body) = modern("tools/call", json!({"name": "get_ticket"}));
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
    let mut body = world.open(Method::POST, "/mcp/tickets", &headers, body).await.into_body();
    upstream.send("data: {\"half".into()).unwrap();
    assert!(body.frame().await.unwrap().is_ok());
    let (cut, ()) = tokio::join!(body.frame(), world.revoke("agent", "bot@ada"));
    let cut = cut.unwrap().unwrap().into_data().unwrap();
    assert!(cut.starts_with(b"\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"error\":"), "{cut:?}");
}

/// The database is away when a call ends.
///
/// Field: N14
#[tokio::test]
async fn the_end_of_a_call_is_written_when_the_store_takes_it_again() {
    let log = world::log::Log::begin();
    let world = World::start().await;
    world.upstream.holds();
    let (held, holding) = tokio::sync::oneshot::channel::<()>();
    let answer = async {
        world.upstream.first().await;
        // A change that does not end: whatever else is to be written is withdrawn.
        let store = world.store.clone();
        let busy = tokio::spawn(async move {
            store
                .write::<_, StoreError, _>(move |_| {
                    Box::pin(async move {
                        let _ = holding.await;
                        Ok(Commit::nothing(()))
                    })
                })
                .await
        });
        tokio::task::yield_now().await;
        world.upstream.goes_on();
        Some(busy)
    };
    let (answer, busy) = tokio::join!(world.modern_tool("get_ticket"), answer);
    answer.answered();
    while log.of("record_failed").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(world.last("call_ended").await, None);
    drop(held);
    busy.unwrap().await.unwrap().unwrap();
    let end = world.eventually("call_ended").await;
    assert_eq!((&end["done"], &end["outcome"]), (&"answered".into(), &"complete".into()));
    assert_eq!(log.of("record_failed").len(), 1);
}
