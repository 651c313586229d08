//! An approval covers one call: what was refused is what is shown, asked for, and bound to whoever asked.

use model::{AskedCall, ElevationState, Grant, Id, Scope, Span, Task};
use privilege::asked_call;

use crate::world::*;

const HIGH: &str = "tickets.delete_ticket";

async fn exact() -> World {
    World::with(|config| config["servers"]["tickets"]["any_arguments"] = serde_json::json!([])).await
}

/// A call of the high tier was refused under `grant`, with these arguments.
async fn refused(world: &World, grant: &Grant, arguments: &str) -> AskedCall {
    refused_in(world, (grant, None), arguments).await
}

/// The same, of a call that named a task.
async fn refused_in(world: &World, (grant, task): (&Grant, Option<Id<Task>>), arguments: &str) -> AskedCall {
    let scope: Scope = HIGH.parse().unwrap();
    let (store, now) = (&world.store, world.store.now());
    let name = store.name_call((&grant.id, task.as_ref()), &scope, None, arguments);
    let asked = AskedCall {
        id: name.id.clone(),
        grant: grant.id.clone(),
        task,
        scope,
        definition: None,
        arguments: name.arguments,
        salt: name.salt,
        installation: Some("ins_caller".parse().unwrap()),
        asked_at: now,
        not_after: now.after(Span::from_minutes(10)),
        requested_at: None,
    };
    let (sealed, left) = (store.seal_arguments(&asked.id, arguments), asked.clone());
    world
        .change(move |tx| {
            Box::pin(async move {
                assert!(asked_call::leave(tx, &Default::default(), &left, &sealed).await?);
                done()
            })
        })
        .await;
    asked
}

async fn consented(world: &World) -> Grant {
    world.browser().code(&link("tickets:low", &[])).await;
    world.only_grant().await
}

#[tokio::test]
async fn without_a_call_there_is_nothing_to_approve() {
    let world = exact().await;
    let back = world.signed_in("ada").await.get(&link(HIGH, &[])).await;
    back.sent_back("invalid_scope");
    assert!(back.parameter("error_description").contains("first"), "{}", back.parameter("error_description"));
    assert_eq!(world.last_record().await["cause"], "not_called");
    // What a client held once it asks for again and again: it gets what can be had.
    let code = world.browser().code(&link("tickets:low tickets.delete_ticket", &[])).await;
    assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low");
    assert!(world.elevations().await.is_empty());
}

#[tokio::test]
async fn the_consent_page_shows_the_call_and_what_is_asked_for_is_that() {
    let world = exact().await;
    let grant = consented(&world).await;
    refused(&world, &grant, r#"{"id":6}"#).await;
    world.advance(1);
    let asked = refused(&world, &grant, r#"{"id":7,"why":"spam <b>"}"#).await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link(HIGH, &[])).await;
    for part in ["this one call", "spam &#60;b&#62;", "<code>7</code>"] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    let elevation = world.elevation(HIGH).await;
    let call = elevation.call.clone().unwrap();
    assert_eq!((call.asked, call.arguments, elevation.max_uses), (asked.id, asked.arguments, 1));
    world.approve(&elevation.id).await;
    let token = world.redeem(&browser.get(&place).await.parameter("code")).await.granted();
    // Good for the login that asked, and for no other copy of the client.
    assert_eq!(claims(&token)["sid"], *call.installation.unwrap().as_str());
}

/// The call of the page that was answered is asked for, and none that came meanwhile.
#[tokio::test]
async fn a_page_that_showed_another_call_is_shown_again() {
    let world = exact().await;
    let grant = consented(&world).await;
    refused(&world, &grant, r#"{"id":6}"#).await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link(HIGH, &[])).await;
    world.advance(1);
    refused(&world, &grant, r#"{"id":7}"#).await;
    let again = browser.answer(&page, "allow", "tidying").await;
    again.page(200, "has changed since this page was shown");
    assert!(again.body.contains("<code>7</code>") && world.elevations().await.is_empty());
}

#[tokio::test]
async fn a_call_is_asked_for_once_for_each_time_it_was_refused_and_for_ten_minutes() {
    let world = exact().await;
    let grant = consented(&world).await;
    refused(&world, &grant, r#"{"id":7}"#).await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link(HIGH, &[])).await;
    browser.answer(&page, "allow", "tidying").await;
    let elevation = world.elevation(HIGH).await;
    // It waits: the next authorization joins it.
    let page = browser.get(&link(HIGH, &[])).await;
    browser.answer(&page, "allow", "tidying").await;
    assert_eq!(world.elevations().await.len(), 1);
    world.approve(&elevation.id).await;
    world.advance(6 * 60);
    browser.get(&link(HIGH, &[])).await.sent_back("invalid_scope");
    refused(&world, &grant, r#"{"id":7}"#).await;
    browser.get(&link(HIGH, &[])).await.page(200, "this one call");
    world.advance(10 * 60 + 1);
    browser.get(&link(HIGH, &[])).await.sent_back("invalid_scope");
}

/// Field: V6
#[tokio::test]
async fn on_their_own_page_a_person_asks_for_that_very_call() {
    let world = exact().await;
    let grant = consented(&world).await;
    let asked = refused(&world, &grant, r#"{"id":7}"#).await;
    let mut browser = world.signed_in("ada").await;
    let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
    let mut post = async |number: &str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("grant", grant.id.as_str()),
            ("scope", HIGH),
            ("by", "approval"),
            ("asked", number),
            ("reason", "two of a kind"),
        ];
        browser.post("/me/step-up", &fields).await
    };
    post("ask_nobody").await.page(409, "first");
    assert!(world.elevations().await.is_empty());
    assert_eq!(post(asked.id.as_str()).await.location(), "/me");
    let call = world.elevation(HIGH).await.call.unwrap();
    assert_eq!((call.asked, call.installation), (asked.id, asked.installation), "by whoever called");
}

#[tokio::test]
async fn an_agent_with_a_key_calls_first_and_then_asks() {
    let world = exact().await;
    let scope = [("scope", HIGH)];
    let refusal = world.as_agent(&scope).await.refused(400, "invalid_scope");
    assert!(refusal["error_description"].as_str().unwrap().contains("first"), "{refusal}");
    let both = [("scope", "tickets:low tickets.delete_ticket")];
    assert_eq!(world.as_agent(&both).await.granted()["scope"], "tickets:low");
    let grant = world.only_grant().await;
    let asked = refused(&world, &grant, r#"{"id":7}"#).await;
    for _ in 0..2 {
        world.as_agent(&scope).await.refused(400, "authorization_pending");
    }
    let elevation = world.elevation(HIGH).await;
    let call = elevation.call.clone().unwrap();
    assert_eq!((call.asked, call.installation), (asked.id, None), "its tokens are one installation each");
    world.approve(&elevation.id).await;
    assert_eq!(world.as_agent(&scope).await.granted()["scope"], "tickets:low tickets.delete_ticket");
    assert_eq!(world.elevation(HIGH).await.state(), ElevationState::Active);
}

#[tokio::test]
async fn an_agent_that_asks_again_hears_that_it_was_denied() {
    let world = exact().await;
    let scope = [("scope", HIGH)];
    world.as_agent(&[("scope", "tickets:low")]).await.granted();
    refused(&world, &world.only_grant().await, r#"{"id":7}"#).await;
    world.as_agent(&scope).await.refused(400, "authorization_pending");
    world.deny(&world.elevation(HIGH).await.id).await;
    world.as_agent(&scope).await.refused(400, "access_denied");
    world.advance(15 * 60);
    world.as_agent(&scope).await.refused(400, "invalid_scope");
}

/// What a person leaves out is not granted, whatever the client asked for.
#[tokio::test]
async fn the_consent_page_can_leave_out_a_tier() {
    let world = exact().await;
    let grant = consented(&world).await;
    refused(&world, &grant, r#"{"id":7}"#).await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link("tickets:medium tickets.delete_ticket", &[])).await;
    for scope in ["tickets:medium", HIGH] {
        assert!(page.body.contains(&format!("name=\"choice:{scope}\"")), "{}", page.body);
    }
    assert!(!page.body.contains("choice:tickets:low"), "{}", page.body);
    let (csrf, ticket) = (page.field("csrf"), page.field("ticket"));
    let mut answer = async |choices: &[(&str, &str)]| {
        let form = [("csrf", csrf.as_str()), ("ticket", ticket.as_str()), ("decision", "allow"), ("reason", "")];
        browser.post("/oauth/consent", &[&form[..], choices].concat()).await
    };
    // Nothing is left of what another person would have to approve, so nobody asks for a reason.
    let back = answer(&[("choice:tickets:medium", "leave_out"), ("choice:tickets.delete_ticket", "leave_out")]).await;
    assert_eq!(world.redeem(&back.parameter("code")).await.granted()["scope"], "tickets:low");
    assert!(world.elevations().await.is_empty());
}

/// One owner's agents, or all agents together, can not ask for more than people can read.
/// Field: V4
#[tokio::test]
async fn an_inbox_has_an_end() {
    for cap in ["pending_per_owner", "pending"] {
        let world = World::with(|config| config["elevation"] = serde_json::json!({cap: 1})).await;
        world.as_agent(&[("scope", HIGH)]).await.refused(400, "authorization_pending");
        let mut browser = world.browser();
        let page = browser.consent_page(&link("tickets:low tickets.export_all", &[])).await;
        browser.answer(&page, "allow", "tidying").await.sent_back("access_denied");
        assert_eq!(world.last_record().await["cause"], "too_many_pending", "{cap}");
        world.approve(&world.elevation(HIGH).await.id).await;
        let page = browser.get(&link("tickets:low tickets.export_all", &[])).await;
        assert!(browser.answer(&page, "allow", "tidying").await.location().starts_with("/oauth/wait"), "{cap}");
    }
}

/// What is asked for of a call belongs to the task in which it was made, whatever the token belongs to.
#[tokio::test]
async fn a_call_of_a_task_is_asked_for_in_that_task() {
    let world = exact().await;
    let details = r#"[{"type":"io.portcullis/task","purpose":"close 4711"}]"#;
    let token = world.as_agent(&[("scope", "tickets:low"), ("authorization_details", details)]).await.granted();
    let task: Id<Task> = token["authorization_details"][0]["id"].as_str().unwrap().parse().unwrap();
    let grant = world.only_grant().await;
    refused_in(&world, (&grant, Some(task.clone())), r#"{"id":7}"#).await;
    world.as_agent(&[("scope", HIGH)]).await.refused(400, "authorization_pending");
    assert_eq!(world.elevation(HIGH).await.ends_with.task, Some(task.clone()));
    // Nobody asks for what was called in a task that is over.
    world.advance(8 * 60 * 60);
    refused_in(&world, (&grant, Some(task)), r#"{"id":8}"#).await;
    world.as_agent(&[("scope", HIGH)]).await.refused(400, "invalid_scope");
}
