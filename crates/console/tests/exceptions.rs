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
