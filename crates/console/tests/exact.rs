//! One exact call on pages: where it is asked for, by whom, and what the person reads who decides on it.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use model::{
    Actor, AskedCall, ExactCall, Id, Scope, Span, StepUp,
    config::ElevationConfig,
    event::{CallRefused, examples},
};
use privilege::{
    Refused, asked_call,
    elevation::open::{self, Asking, ElevationWish, Opened},
};
use store::{Commit, privilege::PrivilegeTx};
use support::{CLAUDE, Installation};

const HIGH: &str = "tickets.delete_ticket";

/// An installation in which an approval covers one call.
async fn exact() -> Installation {
    let mut world = Installation::start().await;
    let config = Arc::get_mut(&mut world.config).unwrap();
    config.servers.get_mut(&"tickets".parse().unwrap()).unwrap().any_arguments.clear();
    world
}

/// A call of ada's client was refused and left behind.
async fn refused(world: &Installation, arguments: &str) -> AskedCall {
    let (store, now) = (&world.store, world.now());
    let (grant, scope) = ("grt_claude".parse::<Id<model::Grant>>().unwrap(), HIGH.parse::<Scope>().unwrap());
    let name = store.name_call((&grant, None), &scope, None, arguments);
    let asked = AskedCall {
        id: name.id,
        grant,
        task: None,
        scope,
        definition: None,
        arguments: name.arguments,
        salt: name.salt,
        installation: Some("ins_1".parse().unwrap()),
        asked_at: now,
        not_after: now.after(Span::from_minutes(10)),
        requested_at: None,
    };
    let event = CallRefused {
        agent: CLAUDE.parse().unwrap(),
        grant: asked.grant.clone(),
        by: Some(StepUp::Approval),
        scope: Some(HIGH.to_owned()),
        asked: Some(asked.id.clone()),
        ..examples::call_refused()
    };
    let event = event.by(Actor::Agent(CLAUDE.parse().unwrap()));
    let (sealed, left) = (store.seal_arguments(&asked.id, arguments), asked.clone());
    store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                assert!(asked_call::leave(tx, &ElevationConfig::default(), &left, &sealed).await?);
                Ok(Commit::with(event, ()))
            })
        })
        .await
        .unwrap();
    asked
}

/// Ada asks for it.
async fn request(world: &Installation, asked: &AskedCall) -> String {
    let (agent, grant) = (world.store.agent(&CLAUDE.parse().unwrap()).await.unwrap().unwrap(), asked.grant.clone());
    let grant = world.store.grant(&grant).await.unwrap().unwrap();
    let (call, scope) = (ExactCall::from(asked), asked.scope.clone());
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let by = StepUp::Approval;
                let wish = ElevationWish {
                    agent: &agent,
                    grant: &grant,
                    scope: &scope,
                    call: Some(&call),
                    by,
                    reason: "a spill",
                    task: None,
                };
                let (config, policies) = (ElevationConfig::default(), policy::Policies::built_in());
                let asking = Asking { config: &config, approvals: config.approvals, policies: &policies };
                let opened = open::request(asking, tx, wish, Actor::Person("ada".parse().unwrap())).await?;
                let Opened::New(elevation, event) = opened else { panic!("{opened:?}") };
                Ok(Commit::with(event, elevation.id.to_string()))
            })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn the_person_it_acts_for_sees_the_call_that_was_refused_and_can_ask_for_it() {
    let world = exact().await;
    let asked = refused(&world, r#"{"id":7,"to":"a\u200bb"}"#).await;
    let ada = world.browser("ada").await;
    for page in ["/me".to_owned(), format!("/me/asked/{}", asked.id)] {
        let html = ada.get(&page).await.html;
        for part in [
            format!(r#"name="asked" value="{}""#, asked.id),
            "<code>7</code>".to_owned(),
            "a[U+200B]b".to_owned(),
            "Ask for approval".to_owned(),
            "Why is it needed".to_owned(),
        ] {
            assert!(html.contains(&part), "{part} in {html}");
        }
    }
    world.clock.advance(Span::from_minutes(11));
    for page in ["/me".to_owned(), format!("/me/asked/{}", asked.id)] {
        let html = ada.get(&page).await.html;
        assert!(!html.contains("Ask for approval") && html.contains("came too long ago"), "{html}");
    }
}

/// It waits further down, and a page that said "too long ago" of it would be wrong.
#[tokio::test]
async fn what_was_asked_for_is_not_listed_as_refused_any_more() {
    let world = exact().await;
    let asked = refused(&world, r#"{"id":7}"#).await;
    let elevation = request(&world, &asked).await;
    let html = world.browser("ada").await.get("/me").await.html;
    assert!(html.contains(&format!("/console/approvals/{elevation}")), "{html}");
    assert!(!html.contains("Refused just now") && !html.contains("came too long ago"), "{html}");
}

/// A number that leaves with a refusal gives nothing to whoever finds it.
/// Field: V5, U4
#[tokio::test]
async fn nobody_else_learns_anything_from_the_address_of_a_call() {
    let world = exact().await;
    let asked = refused(&world, r#"{"id":7}"#).await;
    for name in ["bob", "carol", "dan", "eve"] {
        let theirs = world.browser(name).await.get(&format!("/me/asked/{}", asked.id)).await;
        let nobodys = world.browser(name).await.get("/me/asked/ask_nothing").await;
        assert_eq!((theirs.status.as_u16(), nobodys.status.as_u16()), (404, 404), "{name}");
        assert!(!theirs.html.contains("delete_ticket"), "{}", theirs.html);
    }
}

/// Field: V1
#[tokio::test]
async fn who_decides_reads_the_call_and_what_differs_from_the_last_one() {
    let world = exact().await;
    let first = refused(&world, r#"{"id":7,"to":"ada"}"#).await;
    let elevation = request(&world, &first).await;
    let bob = world.browser("bob").await;
    let inbox = bob.get("/console").await.html;
    assert!(inbox.contains("See the call and decide") && !inbox.contains(r#"value="approve""#), "{inbox}");
    let page = bob.get(&format!("/console/approvals/{elevation}")).await.html;
    for part in ["What would be done", "<code>7</code>", "make this one call, once", "a spill"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    bob.post(&format!("/console/approvals/{elevation}"), "decision=approve").await;
    // It was asked for: ada is not asked whether she wants to again.
    let ada = world.browser("ada").await.get(&format!("/me/asked/{}", first.id)).await;
    assert!(ada.location.ends_with(&elevation), "{:?}", ada.location);
    world.clock.advance(Span::from_minutes(1));
    let second = refused(&world, r#"{"id":8,"all":true}"#).await;
    let elevation = request(&world, &second).await;
    let page = bob.get(&format!("/console/approvals/{elevation}")).await.html;
    for part in ["was <code>7</code>", "not in the last approved call", "left out"] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// Whoever can write into the database shows nobody another call than the one that will run.
#[tokio::test]
async fn a_call_whose_arguments_were_exchanged_can_not_be_looked_at() {
    let world = exact().await;
    let asked = refused(&world, r#"{"id":7}"#).await;
    let elevation = request(&world, &asked).await;
    let sealed = world.store.seal_arguments(&asked.id, r#"{"id":8}"#);
    world
        .store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_asked_call(&asked, &sealed).await?;
                Ok(Commit::with(examples::any(), ()))
            })
        })
        .await
        .unwrap();
    let page = world.browser("bob").await.get(&format!("/console/approvals/{elevation}")).await;
    assert!(page.status.is_server_error() && !page.html.contains("value=\"approve\""), "{}", page.html);
}

/// Whoever decides may let some of the call differ; who says nothing approves exactly that, once.
#[tokio::test]
async fn an_approver_lets_some_of_the_call_differ_and_what_is_no_choice_changes_nothing() {
    let world = exact().await;
    let asked = refused(&world, r#"{"amount":500,"note":"spill","to":{"iban":"DE1"}}"#).await;
    let elevation = request(&world, &asked).await;
    let (bob, at) = (world.browser("bob").await, format!("/console/approvals/{elevation}"));
    let page = bob.get(&at).await.html;
    for part in [r#"value="at_most:amount""#, r#"value="any:note""#, r#"value="any:to""#, "Let some of it differ"] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert!(!page.contains("at_most:note") && !page.contains("at_most:to"), "{page}");
    for (form, status) in [
        ("decision=approve&differ.0=everything", 400),
        ("decision=approve&differ.0=any:nothing", 409),
        ("decision=approve&differ.0=at_most:note", 409),
        ("decision=approve&differ.0=any:note&uses=21", 409),
        ("decision=approve&differ.0=any:note&uses=many", 400),
    ] {
        assert_eq!(bob.post(&at, form).await.status, status, "{form}");
    }
    assert!(bob.get(&at).await.html.contains(r#"value="approve""#), "it waits");
    let approved = bob.post(&at, "decision=approve&differ.0=at_most:amount&differ.1=any:note&differ.2=&uses=3").await;
    assert_eq!(approved.status, 303, "{}", approved.html);
    let page = bob.get(&at).await.html;
    assert!(page.contains("let it differ: note may be anything; amount at most 500"), "{page}");
    assert!(page.contains("or after 3 calls"), "{page}");
    let elevation = world.store.elevation(&elevation.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(elevation.max_uses, 3);
}
