//! A person changes their own password: with the one before, under the rules of an enrolment, and nobody else does.

use model::Target;

use crate::world::*;

const NEW: &str = "a brand new password";

/// Sends the form as the page of this browser has it.
async fn change(browser: &mut Browser<'_>, current: &str, password: &str, again: &str) -> Reply {
    let csrf = browser.get("/me/password").await.field("csrf");
    browser.post("/me/password", &filled(&csrf, current, password, again)).await
}

fn filled<'a>(csrf: &'a str, current: &'a str, password: &'a str, again: &'a str) -> [(&'a str, &'a str); 4] {
    [("csrf", csrf), ("current", current), ("password", password), ("again", again)]
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/me/password").await.status == 200
}

async fn stored(world: &World) -> String {
    world.store.password_phc(&"ada".parse().unwrap()).await.unwrap().unwrap()
}

/// Spec: OWASP authentication (change password), OWASP session management (renewal)
/// Field: H8
#[tokio::test]
async fn a_changed_password_ends_every_other_session_and_goes_on_here_with_a_new_one() {
    let world = World::start().await;
    let (mut here, mut phone, mut bob) =
        (world.signed_in("ada").await, world.signed_in("ada").await, world.signed_in("bob").await);
    let before = here.cookie("session").to_owned();

    assert_eq!(change(&mut here, PASSWORD, NEW, NEW).await.location(), "/me/account");
    let record = world.last_record().await;
    assert_eq!(
        (&record["event"], &record["person"], &record["sessions"]),
        (&"password_changed".into(), &"ada".into(), &1.into())
    );
    assert!(is_signed_in(&mut here).await && here.cookie("session") != before);
    assert!(!is_signed_in(&mut phone).await);
    assert!(is_signed_in(&mut bob).await, "somebody else's");
    here.bring("session", &before);
    assert!(!is_signed_in(&mut here).await, "nor the session it was changed with");

    world.browser().log_in("ada", PASSWORD, "/me").await.page(403, "do not fit together");
    assert_eq!(world.browser().log_in("ada", NEW, "/me").await.location(), "/me");
}

/// Field: H8
#[tokio::test]
async fn without_the_password_before_nothing_changes_and_the_try_is_on_record() {
    let world = World::start().await;
    let (mut browser, before) = (world.signed_in("ada").await, stored(&world).await);
    for current in ["not it at all", "", NEW] {
        change(&mut browser, current, NEW, NEW).await.page(403, "not your current password");
    }
    let record = world.last_record().await;
    assert_eq!((&record["event"], &record["cause"]), (&"login_refused".into(), &"wrong_current_password".into()));
    assert!(stored(&world).await == before && is_signed_in(&mut browser).await);
}

/// Field: H8
#[tokio::test]
async fn whoever_finds_the_browser_open_can_not_try_passwords_without_end() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    for _ in 0..5 {
        change(&mut browser, "not it at all", NEW, NEW).await.page(403, "not your current password");
    }
    let refused = change(&mut browser, PASSWORD, NEW, NEW).await;
    refused.page(429, "Too many attempts");
    assert!(refused.headers.contains_key(http::header::RETRY_AFTER));
    world.advance(31);
    assert_eq!(change(&mut browser, PASSWORD, NEW, NEW).await.location(), "/me/account");
}

/// Field: H8
#[tokio::test]
async fn a_new_password_follows_the_rules_of_an_enrolment() {
    let world = World::start().await;
    let (mut browser, before) = (world.signed_in("ada").await, stored(&world).await);
    for (password, again, words) in [
        ("short", "short", "too short"),
        ("", "", "too short"),
        (NEW, "a brand new passwore", "passwords differ"),
        (NEW, "", "passwords differ"),
    ] {
        change(&mut browser, PASSWORD, password, again).await.page(422, words);
    }
    assert!(stored(&world).await == before && is_signed_in(&mut browser).await);
}

/// Field: H8
#[tokio::test]
async fn a_forged_form_and_a_stranger_change_nothing() {
    let world = World::start().await;
    let (mut browser, mut bob, before) =
        (world.signed_in("ada").await, world.signed_in("bob").await, stored(&world).await);
    let theirs = bob.get("/me/password").await.field("csrf");
    for csrf in ["", "x", &theirs] {
        browser.post("/me/password", &filled(csrf, PASSWORD, NEW, NEW)).await.page(403, "another site");
    }
    let stranger = world.post("/me/password", &filled(&theirs, PASSWORD, NEW, NEW)).await;
    assert_eq!(stranger.location(), "/login?next=%2Fme%2Faccount");
    assert_eq!(world.get("/me/password").await.location(), "/login?next=%2Fme%2Fpassword");
    assert_eq!(stored(&world).await, before);
}

/// Two changes at once: the session of the later one ended with the first.
///
/// Field: H8
#[tokio::test]
async fn of_two_changes_with_one_session_the_first_one_counts() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    let csrf = browser.get("/me/password").await.field("csrf");
    let post = |new| browser.posting("/me/password", &filled(&csrf, PASSWORD, new, new));
    let answers = world.send_at_once(vec![post(NEW), post("another new password")]).await;
    let mut to: Vec<_> = answers.iter().map(|(_, headers)| headers[http::header::LOCATION].to_str().unwrap()).collect();
    to.sort_unstable();
    assert_eq!(to, ["/login?next=%2Fme%2Faccount", "/me/account"]);
    let events = world.events(5).await;
    assert_eq!(events.iter().filter(|event| *event == "password_changed").count(), 1, "{events:?}");
}

/// Field: H8
#[tokio::test]
async fn a_blocked_person_changes_nothing() {
    let world = World::start().await;
    let (mut browser, before) = (world.signed_in("ada").await, stored(&world).await);
    let csrf = browser.get("/me/password").await.field("csrf");
    world.block(Target::Person("ada".parse().unwrap())).await;
    let reply = browser.post("/me/password", &filled(&csrf, PASSWORD, NEW, NEW)).await;
    assert_ne!(reply.location(), "/me/account");
    assert_eq!(stored(&world).await, before);
}

/// The next start would put it back.
///
/// Field: H8
#[tokio::test]
async fn a_password_of_the_file_is_changed_in_the_file() {
    let world = World::with(|config| config["people"]["ada"] = serde_json::json!({"password": PASSWORD})).await;
    let (mut browser, before) = (world.signed_in("ada").await, stored(&world).await);
    let page = browser.get("/me/password").await;
    page.page(200, "set in the configuration file");
    assert!(!page.body.contains(r#"name="current""#), "{}", page.body);
    let csrf = page.field("csrf");
    browser.post("/me/password", &filled(&csrf, PASSWORD, NEW, NEW)).await.page(409, "set in the configuration file");
    assert_eq!(stored(&world).await, before);
}

/// Field: H8
#[tokio::test]
async fn a_link_that_could_still_set_a_password_is_void_after_a_change() {
    let world = World::start().await;
    let ticket = world.offer_enrolment("ada").await;
    let path = format!("/enrol?ticket={}", ticket.expose());
    world.get(&path).await.page(200, "Choose a password");
    change(&mut world.signed_in("ada").await, PASSWORD, NEW, NEW).await;
    world.get(&path).await.page(410, "no longer good");
}
