//! Exceptions at the gateway: from the moment they are there to the moment they are not.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use model::{Actor, AgentState, Exception, Id, Span, Target};
use privilege::{
    Refused, agent, block,
    exception::{self, ExceptionWish},
    person,
};
use serde_json::json;
use store::{Commit, StoreError};
use world::World;

const FREEZE: &str = r#"
    @id("freeze")
    forbid (principal, action == Action::"call_unlisted", resource)
    unless { context.exceptions.contains("change-freeze") };
"#;

fn wish(name: &str, server: Option<&str>, lasts: u32) -> ExceptionWish {
    ExceptionWish {
        name: name.parse().unwrap(),
        agent: "bot@ada".parse().unwrap(),
        server: server.map(|server| server.parse().unwrap()),
        reason: "the repair of INC-7".into(),
        owner: "bob".parse().unwrap(),
        lasts: Span::from_seconds(lasts),
    }
}

async fn add(world: &World, wish: ExceptionWish) -> Result<Exception, Refused> {
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let (event, exception) = exception::add(tx, wish, Actor::Operator).await?;
                Ok(Commit::with(event, exception))
            })
        })
        .await
}

async fn end(world: &World, id: &Id<Exception>) -> Result<(), Refused> {
    let id = id.clone();
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(exception::end(tx, id, Actor::Operator).await?, ())) })
        })
        .await
}

async fn listed(world: &World) -> bool {
    world.modern("tools/list", json!({})).await.answered().text().contains("get_ticket")
}

/// Field: Y1
#[tokio::test]
async fn a_call_is_allowed_while_the_exception_holds_and_not_a_moment_longer() {
    let world = World::start_with(FREEZE).await;
    world.modern_tool("get_ticket").await.tool_error("policy");
    let exception = add(&world, wish("change-freeze", Some("tickets"), 60)).await.unwrap();
    world.modern_tool("get_ticket").await.answered();
    let decided = world.last("call_decided").await.unwrap();
    assert_eq!(decided["exceptions"], json!([exception.id]));
    world.clock.advance(Span::from_seconds(59));
    world.modern_tool("get_ticket").await.answered();
    // Nothing is written and no epoch begins: time alone ends it, also for what was kept a moment ago.
    let epoch = world.store.epoch();
    world.clock.advance(Span::from_seconds(1));
    world.modern_tool("get_ticket").await.tool_error("policy");
    assert_eq!(world.store.epoch(), epoch);
    let refused = world.last("call_refused").await.unwrap();
    assert_eq!((&refused["exceptions"], &refused["policies"]), (&json!(null), &json!(["freeze"])));
}

/// Field: Y3
#[tokio::test]
async fn ended_by_hand_it_holds_no_more_and_ends_once() {
    let world = World::start_with(FREEZE).await;
    let exception = add(&world, wish("change-freeze", None, 3600)).await.unwrap();
    world.modern_tool("get_ticket").await.answered();
    end(&world, &exception.id).await.unwrap();
    world.modern_tool("get_ticket").await.tool_error("policy");
    let ended = world.last("exception_ended").await.unwrap();
    assert_eq!((&ended["exception"], &ended["cause"]), (&json!(exception.id), &json!("by_hand")));
    assert!(matches!(end(&world, &exception.id).await, Err(Refused::ExceptionOver(_))));
    assert!(matches!(end(&world, &"exc_none".parse().unwrap()).await, Err(Refused::UnknownException(_))));
}

#[tokio::test]
async fn it_is_for_its_name_its_server_and_its_agent_alone() {
    let world = World::start_with(FREEZE).await;
    add(&world, wish("another", None, 3600)).await.unwrap();
    add(&world, wish("change-freeze", Some("files"), 3600)).await.unwrap();
    world.modern_tool("get_ticket").await.tool_error("policy");
    // What no policy asks for is no fact of the decision.
    assert_eq!(world.last("call_refused").await.unwrap()["exceptions"], json!(null));
}

/// Field: Y2
#[tokio::test]
async fn it_ends_with_its_agent_and_with_who_answers_for_it() {
    for cause in ["agent_retired", "owner_disabled", "revoked", "revoked_agent"] {
        let world = World::start_with(FREEZE).await;
        let added = add(&world, wish("change-freeze", None, 3600)).await.unwrap();
        let target = match cause {
            "revoked" => Some(Target::Person("bob".parse().unwrap())),
            "revoked_agent" => Some(Target::Agent("bot@ada".parse().unwrap())),
            _ => None,
        };
        world
            .store
            .write::<_, Refused, _>(move |tx| {
                Box::pin(async move {
                    let (bot, bob) = ("bot@ada".parse().unwrap(), "bob".parse().unwrap());
                    Ok(Commit::with(
                        match (cause, target) {
                            ("agent_retired", _) => {
                                agent::set_state(tx, bot, AgentState::Retired, Actor::Operator).await?
                            }
                            (_, Some(target)) => block::revoke(tx, target, Actor::Operator, "a drill".into()).await?,
                            _ => person::withdraw(tx, &bob).await?.unwrap(),
                        },
                        (),
                    ))
                })
            })
            .await
            .unwrap();
        let held = world.store.exceptions();
        let server = "tickets".parse().unwrap();
        assert_eq!(held.of(&added.agent, &server, world.store.now()).count(), 0, "{cause}: no node holds it");
        let (now_ends, _) = world.store.exception(&added.id).await.unwrap().unwrap().end(world.store.now()).unwrap();
        assert_eq!(now_ends.as_str(), cause.strip_suffix("_agent").unwrap_or(cause));
        if cause.starts_with("revoked") {
            let id = added.id.clone();
            let event = world
                .store
                .write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move { Ok(Commit::with(exception::elapse(tx, &id).await?.unwrap(), ())) })
                })
                .await;
            event.unwrap();
        }
        let said = world.last("exception_ended").await.unwrap();
        assert_eq!(said["cause"], now_ends.as_str());
        if cause == "revoked" || cause == "owner_disabled" {
            world.modern_tool("get_ticket").await.tool_error("policy");
        }
    }
}

/// Field: Y2
#[tokio::test]
async fn what_can_be_no_exception_is_refused_with_what_to_do() {
    let world = World::start_with(FREEZE).await;
    let refused = async |wish| add(&world, wish).await.unwrap_err();
    let like = |change: fn(&mut ExceptionWish)| {
        let mut wish = wish("change-freeze", None, 3600);
        change(&mut wish);
        wish
    };
    assert!(matches!(refused(like(|wish| wish.reason = " ".into())).await, Refused::NoReason));
    assert!(matches!(refused(like(|wish| wish.lasts = Span::from_seconds(0))).await, Refused::BadException(_)));
    let too_long = like(|wish| wish.lasts = Span::from_seconds(90 * 24 * 3600 + 1));
    assert!(matches!(refused(too_long).await, Refused::BadException(_)));
    let nobody = like(|wish| wish.owner = "nobody".parse().unwrap());
    assert!(matches!(refused(nobody).await, Refused::UnknownName { kind: "person", .. }));
    let no_agent = like(|wish| wish.agent = "nobody".parse().unwrap());
    assert!(matches!(refused(no_agent).await, Refused::UnknownName { kind: "agent", .. }));
    let first = add(&world, wish("change-freeze", None, 3600)).await.unwrap();
    assert!(matches!(refused(wish("change-freeze", None, 60)).await, Refused::ExceptionStands(id) if id == first.id));
    for number in 1..exception::OF_AN_AGENT {
        add(&world, wish(&format!("x{number}"), None, 3600)).await.unwrap();
    }
    assert!(matches!(refused(wish("one-too-many", None, 60)).await, Refused::BadException(_)));
    world.revoke("person", "bob").await;
    assert!(matches!(refused(wish("for-bob", None, 60)).await, Refused::OwnerStopped(_)));
}

/// What is listed as usable is usable.
///
/// Field: Y1
#[tokio::test]
async fn a_list_shows_what_the_exception_opens_as_long_as_it_does() {
    let world = World::start_with(FREEZE).await;
    assert!(!listed(&world).await);
    add(&world, wish("change-freeze", None, 60)).await.unwrap();
    assert!(listed(&world).await);
    world.clock.advance(Span::from_seconds(60));
    assert!(!listed(&world).await);
}
