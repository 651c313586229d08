//! Exceptions on pages: who sees them, and who ends them.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use governance::orders;
use model::{Actor, Exception, Span};
use privilege::exception::ExceptionWish;
use support::{Installation, NIGHTLY};

async fn added(world: &Installation) -> Exception {
    let wish = ExceptionWish {
        name: "change-freeze".parse().unwrap(),
        agent: NIGHTLY.parse().unwrap(),
        server: None,
        reason: "repair <b>INC-7</b>".into(),
        owner: "ada".parse().unwrap(),
        lasts: Span::from_minutes(60),
    };
    orders::add_exception(&world.store, wish, Actor::Operator).await.unwrap()
}

async fn stands(world: &Installation, exception: &Exception) -> bool {
    world.store.exception(&exception.id).await.unwrap().unwrap().end(world.now()).is_none()
}

#[tokio::test]
async fn an_auditor_reads_all_of_them_and_ends_none() {
    let world = Installation::start().await;
    let exception = added(&world).await;
    let carol = world.browser("carol").await;
    let end = format!("/console/exceptions/{}/end", exception.id);
    for page in ["/console/exceptions".to_owned(), format!("/console/agents/{NIGHTLY}")] {
        let html = carol.get(&page).await.html;
        assert!(html.contains("change-freeze") && html.contains("repair &#60;b&#62;INC-7&#60;/b&#62;"), "{html}");
        assert!(!html.contains(&end), "{html}");
    }
    assert_eq!(carol.post(&end, "").await.status, 403);
    assert_eq!(world.browser("bob").await.get("/console/exceptions").await.status, 403);
    assert!(stands(&world, &exception).await);
}

#[tokio::test]
async fn an_administrator_ends_one_and_a_second_click_changes_nothing() {
    let world = Installation::start().await;
    let exception = added(&world).await;
    let dan = world.browser("dan").await;
    let end = format!("/console/exceptions/{}/end", exception.id);
    assert!(dan.get("/console/exceptions").await.html.contains(&end));
    for _ in 0..2 {
        let page = dan.post(&end, "").await;
        assert_eq!((page.status.as_u16(), page.location.as_str()), (303, "/console/exceptions"));
        assert!(!stands(&world, &exception).await);
    }
    let html = dan.get("/console/exceptions").await.html;
    assert!(html.contains("ended: by hand") && !html.contains(&end), "{html}");
    assert_eq!(world.last_record().await["actor"], "person:dan");
    assert_eq!(dan.post("/console/exceptions/exc_none/end", "").await.status, 404);
}

/// Under a policy that asks for `change-freeze`.
async fn frozen() -> Installation {
    let mut world = Installation::start().await;
    let text = r#"@id("freeze") forbid (principal, action in Action::"call", resource) when { resource.tier == Tier::"high" }
                  unless { context.exceptions.contains("change-freeze") };"#;
    let file = policy::PolicyFile { name: "own.cedar".into(), text: text.into() };
    world.policies = std::sync::Arc::new(policy::Policies::load(&[file]).unwrap());
    world
}

#[tokio::test]
async fn an_administrator_adds_one_that_a_policy_asks_for_and_a_second_click_adds_no_second() {
    let world = frozen().await;
    let dan = world.browser("dan").await;
    let page = dan.get("/console/exceptions").await.html;
    assert!(page.contains("<option>change-freeze</option>") && page.contains("Add the exception"), "{page}");
    let form = "name=change-freeze&agent=nightly&server=tickets&reason=INC-7&owner=ada&hours=8";
    for _ in 0..2 {
        let added = dan.post("/console/exceptions", form).await;
        assert_eq!((added.status.as_u16(), added.location.as_str()), (303, "/console/exceptions"), "{}", added.html);
    }
    let page = world.store.exceptions_page(None, 10).await.unwrap();
    assert_eq!(page.items.len(), 1);
    let exception = &page.items[0];
    assert_eq!((exception.owner.as_str(), exception.server.as_ref().unwrap().as_str()), ("ada", "tickets"));
    assert_eq!(exception.not_after, world.now().after(Span::from_minutes(480)));
    assert_eq!(world.last_record().await["actor"], "person:dan");
    assert!(world.browser("carol").await.get("/console/exceptions").await.html.contains("INC-7"));
}

#[tokio::test]
async fn what_would_change_nothing_last_for_ever_or_has_nobody_behind_it_is_not_added() {
    let world = frozen().await;
    let dan = world.browser("dan").await;
    for (form, words) in [
        ("name=other&agent=nightly&reason=r&owner=ada&hours=8", "No policy asks for"),
        ("name=change-freeze&agent=nobody&reason=r&owner=ada&hours=8", "nobody"),
        ("name=change-freeze&agent=a%20b&reason=r&owner=ada&hours=8", "not the name of an agent"),
        ("name=change-freeze&agent=nightly&server=other&reason=r&owner=ada&hours=8", "no such server"),
        ("name=change-freeze&agent=nightly&reason=%20&owner=ada&hours=8", "reason"),
        ("name=change-freeze&agent=nightly&reason=r&owner=nobody&hours=8", "nobody"),
        ("name=change-freeze&agent=nightly&reason=r&owner=ada&hours=2161", "ninety days"),
        ("name=change-freeze&agent=nightly&reason=r&owner=ada&hours=0", "ninety days"),
        ("name=change-freeze&agent=nightly&reason=r&owner=ada&hours=-1", "ninety days"),
    ] {
        let refused = dan.post("/console/exceptions", form).await;
        assert!(refused.status.is_client_error() && refused.html.contains(words), "{form}: {}", refused.html);
    }
    for name in ["carol", "bob", "eve"] {
        let form = "name=change-freeze&agent=nightly&reason=r&owner=ada&hours=8";
        assert_eq!(world.browser(name).await.post("/console/exceptions", form).await.status, 403, "{name}");
    }
    assert!(world.store.exceptions_page(None, 10).await.unwrap().items.is_empty());
    let without = Installation::start().await;
    let page = without.browser("dan").await.get("/console/exceptions").await.html;
    assert!(page.contains("No policy asks for an exception") && !page.contains("Add the exception"), "{page}");
}
