//! A person's account: who they are here, what they may do, and where they are logged in.
#![allow(clippy::unwrap_used)]

#[path = "support/browser.rs"]
mod browser;
#[path = "../../governance/tests/support/mod.rs"]
mod support;

use browser::Browser;
use model::{Span, event::SessionsEnded};
use support::Installation;

/// The sessions that a page offers to end, newest first.
fn offered(html: &str) -> Vec<String> {
    let after = html.split("/me/sessions/").skip(1);
    let named = after.filter_map(|rest| rest.split_once("/end\"").map(|(name, _)| name.to_owned()));
    named.filter(|name| !name.contains('"')).collect()
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.get("/me/account").await.status == 200
}

/// Field: H8
#[tokio::test]
async fn the_page_says_who_i_am_what_i_may_do_and_where_i_am_logged_in() {
    let world = Installation::start().await;
    let desk = world.browser("ada").await;
    world.clock.advance(Span::from_minutes(90));
    let phone = world.browser("ada").await;
    let page = phone.get("/me/account").await.html;
    for part in [
        "Ada",
        "<code>ada</code>",
        "approver",
        r#"href="/me/password""#,
        "this browser",
        "just now",
        "90 min ago",
        "in 8 h",
        "End all others",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(page.matches("this browser").count(), 1, "{page}");
    assert!(!page.contains("auditor") && !page.contains(&desk.cookie), "{page}");
    let stored = crypto::Digest::of(&desk.cookie).to_hex();
    assert!(!page.contains(&stored[..16]), "what the store keeps of a session is not shown either");

    let eve = world.browser("eve").await.get("/me/account").await.html;
    assert!(eve.contains("nowhere else") && !eve.contains("End all others") && !eve.contains("approver"), "{eve}");
}

/// Field: H8
#[tokio::test]
async fn a_person_ends_one_session_of_their_own_and_it_is_on_record() {
    let world = Installation::start().await;
    let (desk, phone) = (world.browser("ada").await, world.browser("ada").await);
    let names = offered(&phone.get("/me/account").await.html);
    let [name] = &names[..] else { panic!("one other: {names:?}") };
    let path = format!("/me/sessions/{name}/end");
    assert_eq!(phone.post(&path, "").await.location, "/me/account");
    assert!(is_signed_in(&phone).await && !is_signed_in(&desk).await);
    let event = world.last_record().await;
    assert_eq!(
        (&event["event"], &event["person"], &event["sessions"]),
        (&SessionsEnded::NAME.into(), &"ada".into(), &1.into())
    );
    assert_eq!(phone.post(&path, "").await.location, "/me/account", "clicked twice");
}

/// Field: H8
#[tokio::test]
async fn a_person_ends_all_sessions_but_this_one_and_nobody_elses() {
    let world = Installation::start().await;
    let (desk, phone, here) = (world.browser("ada").await, world.browser("ada").await, world.browser("ada").await);
    let bob = world.browser("bob").await;
    for _ in 0..2 {
        assert_eq!(here.post("/me/sessions/end-others", "").await.location, "/me/account");
        let event = world.last_record().await;
        assert_eq!((&event["event"], &event["sessions"]), (&"sessions_ended".into(), &2.into()), "recorded once");
    }
    assert!(is_signed_in(&here).await && is_signed_in(&bob).await);
    assert!(!is_signed_in(&desk).await && !is_signed_in(&phone).await);
}

/// Field: H8
#[tokio::test]
async fn nobody_ends_a_session_of_somebody_else_or_with_a_forged_form() {
    let world = Installation::start().await;
    let (ada, phone, bob) = (world.browser("ada").await, world.browser("ada").await, world.browser("bob").await);
    let name = offered(&phone.get("/me/account").await.html).remove(0);
    let path = format!("/me/sessions/{name}/end");
    assert_eq!(bob.post(&path, "").await.location, "/me/account", "none of his, so there is nothing to end");
    for path in [path.as_str(), "/me/sessions/end-others"] {
        assert_eq!(phone.post_from(path, "csrf=x", Some("https://gw.test")).await.status, 403, "a forged form");
        let own = format!("csrf={}", phone.csrf());
        assert_eq!(phone.post_from(path, &own, Some("https://evil.test")).await.status, 403, "another site");
        assert_eq!(world.stranger().post(path, "").await.status, 303, "nobody");
    }
    assert!(is_signed_in(&ada).await);
}
