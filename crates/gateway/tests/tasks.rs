//! Calls that name the task that they belong to.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

mod world;

use http::Method;
use model::{Actor, Elevation, Span, StepUp, Task};
use privilege::{
    Refused,
    elevation::open::{self, ElevationWish, Opened},
    task::{
        end::end,
        open::{TaskWish, open},
    },
};
use serde_json::{Value, json};
use store::{Commit, StoreError};
use world::{Answer, World, modern};

async fn opened(world: &World, wish: TaskWish) -> Task {
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let (event, task) = open(tx, wish, Actor::Operator).await?;
                Ok(Commit::with(event, task))
            })
        })
        .await
        .unwrap()
}

fn wish() -> TaskWish {
    TaskWish {
        agent: "bot@ada".parse().unwrap(),
        grant: None,
        purpose: "close ticket 4711".into(),
        lasts: TaskWish::LASTS,
        idle: TaskWish::IDLE,
        uses: None,
    }
}

async fn ended(world: &World, task: &Task) {
    let id = task.id.clone();
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(end(tx, id, Actor::Operator).await?, ())) })
        })
        .await
        .unwrap();
}

/// With consent, for `task`.
async fn elevated(world: &World, scope: &str, task: Option<&Task>) -> Elevation {
    let (grant, scope, task) = (world.grant.clone(), scope.parse().unwrap(), task.cloned());
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let agent = tx.agent(&grant.agent).await?.unwrap();
                let by = StepUp::Consent;
                let wanted = ElevationWish {
                    agent: &agent,
                    grant: &grant,
                    scope: &scope,
                    call: None,
                    by,
                    reason: "why",
                    task: task.as_ref(),
                };
                let opened = open::consent(&Default::default(), tx, wanted, &agent.owner).await?;
                let Opened::New(elevation, event) = opened else { panic!("{opened:?}") };
                Ok(Commit::with(event, elevation))
            })
        })
        .await
        .unwrap()
}

async fn call(world: &World, tool: &str, task: &str) -> Answer {
    let params = json!({"name": tool, "arguments": {"id": 41}, "_meta": {"io.portcullis/task": task}});
    world.legacy("tools/call", params, &[]).await
}

#[tokio::test]
async fn a_call_of_a_task_is_recorded_with_it_and_the_upstream_never_hears_of_it() {
    let world = World::start().await;
    let task = opened(&world, wish()).await;
    call(&world, "get_ticket", task.id.as_str()).await.answered();
    let record = world.last("call_decided").await.unwrap();
    assert_eq!(record["task"], task.id.as_str());
    assert_eq!(record["task_digest"], task.digest.as_str());
    assert_eq!(record["stop"], format!("portcullis task end {}", task.id));
    let arrived: Value = serde_json::from_slice(&world.upstream.last().body).unwrap();
    assert_eq!(arrived["params"]["_meta"], json!({}));
    assert_eq!(arrived["params"]["arguments"], json!({"id": 41}));
    call(&world, "create_ticket", task.id.as_str()).await.challenged("tickets:low tickets:medium");
    assert_eq!(world.last("call_refused").await.unwrap()["stop"], record["stop"]);
}

/// Field: K4, K6, K7
#[tokio::test]
async fn privilege_counts_in_the_task_it_was_given_for_and_nowhere_else() {
    let world = World::start().await;
    let (one, two) = (opened(&world, wish()).await, opened(&world, wish()).await);
    elevated(&world, "tickets:medium", Some(&one)).await;
    call(&world, "create_ticket", one.id.as_str()).await.answered();
    call(&world, "create_ticket", two.id.as_str()).await.challenged("tickets:low tickets:medium");
    world.legacy_tool("create_ticket").await.challenged("tickets:low tickets:medium");
    let alone = elevated(&world, "tickets:medium", None).await;
    world.legacy_tool("create_ticket").await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["elevation"], alone.id.as_str());
    call(&world, "create_ticket", two.id.as_str()).await.challenged("tickets:low tickets:medium");
}

/// Field: K1, K13
#[tokio::test]
async fn nothing_is_called_in_a_task_after_its_end_however_it_ended() {
    let world = World::start().await;
    let by_hand = opened(&world, wish()).await;
    elevated(&world, "tickets:medium", Some(&by_hand)).await;
    ended(&world, &by_hand).await;
    call(&world, "create_ticket", by_hand.id.as_str()).await.tool_error("is over (by_hand)");
    let record = world.last("call_refused").await.unwrap();
    assert_eq!((&record["reason"], &record["task"]), (&json!("task"), &json!(by_hand.id.as_str())));

    let idle = opened(&world, TaskWish { idle: Span::from_seconds(60), ..wish() }).await;
    world.clock.advance(Span::from_seconds(59));
    call(&world, "get_ticket", idle.id.as_str()).await.answered();
    world.clock.advance(Span::from_seconds(59));
    call(&world, "get_ticket", idle.id.as_str()).await.answered();
    world.clock.advance(Span::from_seconds(60));
    call(&world, "get_ticket", idle.id.as_str()).await.tool_error("is over (idle)");

    let once = opened(&world, TaskWish { uses: Some(1), ..wish() }).await;
    call(&world, "get_ticket", once.id.as_str()).await.answered();
    assert_eq!(world.last("task_ended").await.unwrap()["cause"], "used_up");
    call(&world, "get_ticket", once.id.as_str()).await.tool_error("is over (used_up)");

    let short = opened(&world, TaskWish { lasts: Span::from_seconds(10), ..wish() }).await;
    world.clock.advance(Span::from_seconds(10));
    call(&world, "get_ticket", short.id.as_str()).await.tool_error("is over (deadline)");
}

#[tokio::test]
async fn a_task_of_somebody_else_is_as_unknown_as_none() {
    let world = World::start().await;
    let task = opened(&world, wish()).await;
    for named in ["tsk_nothing", "no name at all", ""] {
        call(&world, "get_ticket", named).await.tool_error("this agent has no task");
    }
    let mut claims = world.claims();
    claims.task = Some(task.id.clone());
    let bearer = format!("Bearer {}", world.sign(&claims));
    let of_token = async |meta: Value| {
        let (headers, body) = modern("tools/call", json!({"name": "get_ticket", "arguments": {}, "_meta": meta}));
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
        world.send(Method::POST, "/mcp/tickets", &headers, body).await
    };
    let other = opened(&world, wish()).await;
    call(&world, "get_ticket", other.id.as_str()).await.answered();
    of_token(json!({})).await.answered();
    assert_eq!(world.last("call_decided").await.unwrap()["task"], task.id.as_str());
    world
        .legacy("tools/call", json!({"name": "get_ticket", "_meta": {"io.portcullis/task": 7}}), &[])
        .await
        .refused(400, -32602);
}

/// Field: K2
#[tokio::test]
async fn a_task_that_is_ended_cuts_the_call_that_is_under_way() {
    let world = World::start().await;
    let task = opened(&world, TaskWish { uses: Some(1), ..wish() }).await;
    world.upstream.holds();
    let by_itself = async {
        world.upstream.first().await;
        // Its last use ended it: what was allowed in time goes on.
        world.revoke("agent", "another").await;
        world.upstream.goes_on();
    };
    let (answer, ()) = tokio::join!(call(&world, "get_ticket", task.id.as_str()), by_itself);
    answer.answered();

    let world = World::start().await;
    let task = opened(&world, wish()).await;
    world.upstream.holds();
    let by_hand = async {
        world.upstream.first().await;
        ended(&world, &task).await;
    };
    let (answer, ()) = tokio::join!(call(&world, "get_ticket", task.id.as_str()), by_hand);
    let answer = answer.refused(200, -31001);
    assert!(answer.text().contains("the task was ended while the call was under way"), "{}", answer.text());
}

/// The client names no task: it knows nothing but tokens, and a refresh gives it one that belongs to none.
///
/// Spec: RFC 6750 §3.1 (invalid_token)
/// Field: K18
#[tokio::test]
async fn a_token_of_a_task_that_is_over_is_told_to_be_renewed() {
    let world = World::start().await;
    let task = opened(&world, wish()).await;
    let mut claims = world.claims();
    claims.task = Some(task.id.clone());
    let bearer = format!("Bearer {}", world.sign(&claims));
    ended(&world, &task).await;
    let of_token = async |method: &str, params: Value, named: Option<&str>| {
        let (headers, body) = modern(method, params);
        let mut body: Value = serde_json::from_str(&body).unwrap();
        if let Some(named) = named {
            body["params"]["_meta"]["io.portcullis/task"] = named.into();
        }
        let body = body.to_string();
        let mut headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend([("authorization", bearer.as_str()), ("content-type", "application/json")]);
        world.send(Method::POST, "/mcp/tickets", &headers, body).await
    };
    for (method, params) in [("tools/call", json!({"name": "get_ticket", "arguments": {}})), ("tools/list", json!({}))]
    {
        let refused = of_token(method, params, None).await;
        assert_eq!(refused.status, 401, "{method}: {}", refused.text());
        let challenge = refused.header("www-authenticate");
        assert!(challenge.contains("invalid_token") && challenge.contains("is over"), "{challenge}");
    }
    // Whoever names it as well is told by the call.
    let params = json!({"name": "get_ticket", "arguments": {}});
    of_token("tools/call", params, Some(task.id.as_str())).await.tool_error("is over (by_hand)");
    assert_eq!(world.upstream.arrived().len(), 0);
}

/// Spec: docs/decisions/0034-privilege-belongs-to-a-task.md
#[tokio::test]
async fn what_a_call_in_a_task_lacked_is_kept_for_whoever_asks_for_it_next() {
    let world = World::start().await;
    let task = opened(&world, wish()).await;
    let lacked = async || {
        let who = (&world.grant.agent, world.grant.person.as_ref());
        let scopes = "tickets:low tickets:medium".parse().unwrap();
        world.store.task_that_lacked(who, &scopes, world.clock_now().before(Span::from_minutes(10))).await.unwrap()
    };
    call(&world, "get_ticket", task.id.as_str()).await.answered();
    world.legacy_tool("create_ticket").await.challenged("tickets:low tickets:medium");
    assert_eq!(lacked().await, None, "that call was made in no task");
    call(&world, "create_ticket", task.id.as_str()).await.challenged("tickets:low tickets:medium");
    let kept = lacked().await.unwrap();
    assert_eq!((&kept.task.id, kept.lacked.to_string().as_str(), kept.by_token), (&task.id, "tickets:medium", false));
    ended(&world, &task).await;
    assert_eq!(lacked().await, None);
}
