//! Two tabs, and buttons that are clicked twice.

use model::ElevationState;
use store::privilege::PrivilegeTx;

use crate::world::*;

const HIGH: &str = "tickets:low tickets.delete_ticket";

fn codes(events: &[String]) -> usize {
    events.iter().filter(|event| *event == "code_issued").count()
}

/// Field: P3
#[tokio::test]
async fn a_consent_page_is_good_after_its_person_logged_in_again_in_another_tab() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    for sign_out in [false, true] {
        if sign_out {
            let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
            browser.post("/logout", &[("csrf", &csrf)]).await;
        } else {
            browser.forget("session");
        }
        assert_eq!(browser.log_in("ada", PASSWORD, "/me").await.location(), "/me");
    }
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    world.redeem(&code).await.granted();
}

/// Field: P3
#[tokio::test]
async fn the_page_that_waits_goes_on_after_its_person_logged_in_again_in_another_tab() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    browser.forget("session");
    assert!(browser.get(&place).await.location().starts_with("/login?next=%2Foauth%2Fwait"), "nobody is logged in");
    browser.log_in("ada", PASSWORD, "/me").await;
    let waits = browser.get(&place).await;
    waits.page(200, "tidying");
    world.approve(&world.elevation("tickets.delete_ticket").await.id).await;
    browser.forget("session");
    browser.log_in("ada", PASSWORD, "/me").await;
    let code = browser.get(&place).await.parameter("code");
    assert_eq!(world.redeem(&code).await.granted()["scope"], HIGH);
}

/// Field: P3
/// Spec: RFC 9700 §4.7
#[tokio::test]
async fn neither_another_person_nor_another_browser_goes_on_with_a_flow() {
    let world = World::start().await;
    let mut ada = world.browser();
    let consent = ada.consent_page(&link(HIGH, &[])).await;
    let place = ada.answer(&consent, "allow", "tidying").await.location().to_owned();
    let unanswered = ada.get(&link("tickets:medium", &[])).await;
    world.approve(&world.elevation("tickets.delete_ticket").await.id).await;
    // Ada elsewhere, and Bob in her very browser.
    let mut elsewhere = world.signed_in("ada").await;
    ada.forget("session");
    let mut bob = ada;
    bob.log_in("bob", PASSWORD, "/me").await;
    for browser in [&mut elsewhere, &mut bob] {
        browser.get(&place).await.page(410, "no longer good");
        let csrf = browser.get(&link("tickets:low", &[])).await.field("csrf");
        for page in [&consent, &unanswered] {
            let ticket = page.field("ticket");
            let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", "allow"), ("reason", "x")];
            browser.post("/oauth/consent", &fields).await.page(410, "no longer good");
        }
    }
    assert_eq!(codes(&world.events(100).await), 0);
}

/// Field: P4
#[tokio::test]
async fn allow_clicked_twice_gives_the_same_code_and_it_is_redeemed_once() {
    let world = World::start().await;
    let mut browser = world.browser();
    for scope in ["tickets:low", "tickets:low tickets:medium"] {
        let page = browser.consent_page(&link(scope, &[])).await;
        let first = browser.answer(&page, "allow", "").await;
        let second = browser.answer(&page, "allow", "").await;
        assert_eq!((first.status.as_u16(), first.location()), (303, second.location()));
        let token = world.redeem(&second.parameter("code")).await.granted();
        assert_eq!(token["scope"], scope);
        browser.answer(&page, "allow", "").await.page(410, "answered before");
        world.redeem(&first.parameter("code")).await.refused(400, "invalid_grant");
        assert!(world.is_ended(&token).await, "as for any code that comes twice");
    }
    let events = world.events(100).await;
    assert_eq!(codes(&events), 2, "{events:?}");
    assert_eq!(events.iter().filter(|event| *event == "consent_given").count(), 2);
}

/// Field: P4
#[tokio::test]
async fn of_eight_clicks_at_once_each_gets_the_one_code() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    let (csrf, ticket) = (page.field("csrf"), page.field("ticket"));
    let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", "allow"), ("reason", "")];
    let answers = world.send_at_once((0..8).map(|_| browser.posting("/oauth/consent", &fields)).collect()).await;
    let mut places: Vec<_> =
        answers.iter().map(|(_, headers)| headers[http::header::LOCATION].to_str().unwrap()).collect();
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
    assert_eq!((codes(&world.events(100).await), world.elevations().await.len()), (1, 1));
}

/// Field: P4
#[tokio::test]
async fn a_code_is_told_again_for_as_long_as_it_lives_and_only_where_it_was_given() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    let first = browser.answer(&page, "allow", "").await.location().to_owned();
    let mut thief = world.signed_in("ada").await;
    let csrf = thief.get(&link("tickets:low", &[])).await.field("csrf");
    let ticket = page.field("ticket");
    let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", "allow")];
    thief.post("/oauth/consent", &fields).await.page(410, "no longer good");
    world.advance(59);
    assert_eq!(browser.answer(&page, "allow", "").await.location(), first);
    world.advance(1);
    browser.answer(&page, "allow", "").await.page(410, "no longer good");
}

/// What was taken away meanwhile is not told again.
///
/// Field: P4
#[tokio::test]
async fn a_code_whose_installation_was_ended_is_not_told_again() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    let installation = world.last_record().await["installation"].as_str().unwrap().parse().unwrap();
    world
        .change(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                PrivilegeTx::of(tx).end_installation(&installation, now).await?;
                done()
            })
        })
        .await;
    browser.answer(&page, "allow", "").await.page(410, "no longer good");
    world.redeem(&code).await.refused(400, "invalid_grant");
}

/// Field: P4, P12
#[tokio::test]
async fn deny_clicked_twice_is_said_twice_and_stays_a_no() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:medium", &[])).await;
    for decision in ["deny", "deny", "allow"] {
        browser.answer(&page, decision, "").await.sent_back("access_denied");
    }
    assert_eq!(world.events(1).await, ["consent_refused"]);
    assert!(world.grants().await.is_empty());
    let page = browser.get(&link("tickets:low", &[])).await;
    browser.answer(&page, "allow", "").await.parameter("code");
    browser.answer(&page, "deny", "").await.page(409, "My agents");
}

/// Field: P4
#[tokio::test]
async fn asking_for_an_approval_twice_leads_to_the_same_page_that_waits() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    assert_eq!(browser.answer(&page, "allow", "tidying").await.location(), place);
    assert_eq!(world.elevations().await.len(), 1);
}

/// Two tabs wait, or the page loads itself again before the browser has left.
///
/// Field: P4
#[tokio::test]
async fn a_wait_that_is_over_gives_the_same_code_until_it_is_redeemed() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    world.approve(&world.elevation("tickets.delete_ticket").await.id).await;
    let first = browser.get(&place).await;
    assert_eq!(browser.get(&place).await.location(), first.location());
    let mut bob = world.signed_in("bob").await;
    bob.get(&place).await.page(410, "no longer good");
    world.redeem(&first.parameter("code")).await.granted();
    browser.get(&place).await.page(410, "no longer good");
    assert_eq!(codes(&world.events(100).await), 1);
}

/// Field: P4
#[tokio::test]
async fn going_on_without_an_approval_twice_gives_one_code_even_when_it_is_approved_in_between() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    let shown = browser.get(&place).await;
    let (csrf, flow) = (shown.field("csrf"), shown.field("flow"));
    let fields = [("csrf", csrf.as_str()), ("flow", &flow)];
    let first = browser.post("/oauth/wait", &fields).await.location().to_owned();
    let elevation = world.elevation("tickets.delete_ticket").await;
    assert_eq!(elevation.state(), ElevationState::Requested);
    world.approve(&elevation.id).await;
    assert_eq!(browser.post("/oauth/wait", &fields).await.location(), first);
    let back = browser.get(&place).await;
    assert_eq!(back.location(), first);
    assert_eq!(world.redeem(&back.parameter("code")).await.granted()["scope"], "tickets:low", "what it was given for");
}

/// Field: P4
#[tokio::test]
async fn a_login_that_is_sent_twice_leads_on_twice() {
    let world = World::start().await;
    let mut browser = world.browser();
    let csrf = browser.get("/login?next=%2Fconsole").await.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("next", "/console"), ("name", "ada"), ("password", PASSWORD)];
    for _ in 0..2 {
        assert_eq!(browser.post("/login", &fields).await.location(), "/console");
    }
    browser.get(&link("tickets:low", &[])).await.page(200, "asks for");
}

/// Field: P4
#[tokio::test]
async fn an_enrolment_that_is_sent_twice_logs_in_twice_with_the_password_it_set_and_with_no_other() {
    let world = World::start().await;
    let ticket = world.offer_enrolment("bob").await;
    let mut browser = world.browser();
    let page = browser.get(&format!("/enrol?ticket={}", ticket.expose())).await;
    let (csrf, chosen) = (page.field("csrf"), "a brand new password");
    assert_eq!(page.field("name"), "bob");
    let with = |name: &'static str, password: &'static str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("ticket", ticket.expose()),
            ("name", name),
            ("password", password),
            ("again", password),
        ];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    async fn send(browser: &mut Browser<'_>, fields: [(String, String); 5]) -> Reply {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post("/enrol", &fields).await
    }
    for _ in 0..2 {
        assert_eq!(send(&mut browser, with("bob", chosen)).await.location(), "/console");
    }
    assert_eq!(world.events(2).await, ["person_enrolled", "login_succeeded"]);
    // Not with another password, for another name, in another browser, or much later.
    for (name, password) in [("bob", "another password of mine"), ("ada", PASSWORD), ("", chosen)] {
        send(&mut browser, with(name, password)).await.page(410, "no longer good");
    }
    let mut other = world.browser();
    let theirs = other.get("/login").await.field("csrf");
    let mut fields = with("bob", chosen);
    fields[0].1 = theirs;
    send(&mut other, fields).await.page(410, "no longer good");
    world.advance(5 * 60);
    send(&mut browser, with("bob", chosen)).await.page(410, "no longer good");
}

/// Field: P3
#[tokio::test]
async fn cookies_that_a_neighbour_sets_under_our_names_lock_nobody_out() {
    let world = World::start().await;
    let mut browser = world.browser();
    for cookie in ["session", "browser", "device"] {
        browser.beside(cookie, "of-a-neighbour");
    }
    assert_eq!(browser.log_in("ada", PASSWORD, "/me").await.location(), "/me");
    let page = browser.consent_page(&link(HIGH, &[])).await;
    let place = browser.answer(&page, "allow", "tidying").await.location().to_owned();
    browser.get(&place).await.page(200, "tidying");
}
