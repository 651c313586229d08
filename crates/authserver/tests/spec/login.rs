use model::{Span, Target, event::examples};
use store::{Commit, privilege::PrivilegeTx};

use crate::world::*;

/// Spec: RFC 9700 §4.12
#[tokio::test]
async fn a_login_leads_on_to_a_local_path_by_303() {
    let world = World::start().await;
    let mut browser = world.browser();
    let reply = browser.log_in("ada", PASSWORD, "/console?x=1").await;
    assert_eq!((reply.status.as_u16(), reply.location()), (303, "/console?x=1"));
    let cookie = reply.headers[http::header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-") && cookie.contains("HttpOnly") && cookie.contains("Secure"), "{cookie}");
    assert_eq!(world.events(1).await, ["login_succeeded"]);
}

/// Spec: RFC 9700 §4.11
#[tokio::test]
async fn a_login_never_leads_to_another_host() {
    let world = World::start().await;
    for next in ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:x"] {
        let reply = world.browser().log_in("ada", PASSWORD, next).await;
        assert_eq!(reply.location(), "/me", "{next}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let world = World::start().await;
    let wrong = world.browser().log_in("ada", "not it at all", "/me").await;
    wrong.page(403, "do not fit together");
    let unknown = world.browser().log_in("nobody", PASSWORD, "/me").await;
    unknown.page(403, "do not fit together");
    assert_eq!(world.events(2).await, ["login_refused", "login_refused"]);
}

/// Spec: OWASP authentication (enumeration)
#[tokio::test]
async fn a_wrong_login_is_answered_on_the_beat_whoever_it_was() {
    let world = World::start().await;
    let mut browser = world.browser();
    let csrf = browser.get("/login").await.field("csrf");
    for name in ["ada", "nobody", "nobody"] {
        let fields = [("csrf", csrf.as_str()), ("name", name), ("password", "not it at all")];
        let began = std::time::Instant::now();
        browser.post("/login", &fields).await.page(403, "do not fit");
        assert!(began.elapsed().as_millis() >= 250, "{name} {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn too_many_wrong_passwords_have_to_wait_even_for_an_unknown_name() {
    let world = World::start().await;
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            world.browser().log_in(name, "not it at all", "/me").await.page(403, "do not fit");
        }
        world.browser().log_in(name, PASSWORD, "/me").await.page(429, "Too many attempts");
    }
    world.advance(31);
    assert_eq!(world.browser().log_in("ada", PASSWORD, "/me").await.location(), "/me");
}

#[tokio::test]
async fn a_blocked_or_disabled_person_can_not_log_in() {
    let world = World::start().await;
    world.block(Target::Person("ada".parse().unwrap())).await;
    world.browser().log_in("ada", PASSWORD, "/me").await.page(403, "do not fit together");
    let bob = world.store.person(&"bob".parse().unwrap()).await.unwrap().unwrap();
    world
        .change(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&model::Person { disabled: true, ..bob }, None).await?;
                done()
            })
        })
        .await;
    world.browser().log_in("bob", PASSWORD, "/me").await.page(403, "do not fit together");
}

#[tokio::test]
async fn a_login_form_from_another_site_or_browser_is_refused() {
    let world = World::start().await;
    let theirs = world.browser().get("/login").await;
    let mut victim = world.browser();
    victim.get("/login").await;
    let csrf = theirs.field("csrf");
    victim.post("/login", &[("csrf", &csrf), ("name", "ada"), ("password", PASSWORD)]).await.page(403, "another site");
    victim.post("/login", &[("name", "ada"), ("password", PASSWORD)]).await.page(403, "another site");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    let csrf = page.field("csrf");
    assert_eq!(browser.post("/logout", &[("csrf", &csrf)]).await.location(), "/login");
    assert_eq!(world.events(1).await, ["logged_out"]);
    assert!(browser.get(&link("tickets:low", &[])).await.location().starts_with("/login?next="));
}

#[tokio::test]
async fn an_enrolment_link_sets_a_password_once() {
    let world = World::start().await;
    let ticket = world.offer_enrolment("bob").await;
    let mut browser = world.browser();
    let page = browser.get(&format!("/enrol?ticket={}", ticket.expose())).await;
    page.page(200, "Choose a password");
    let csrf = page.field("csrf");
    let fields = |password: &'static str| {
        [
            ("csrf", csrf.clone()),
            ("ticket", ticket.expose().to_owned()),
            ("password", password.into()),
            ("again", password.into()),
        ]
    };
    let send = |fields: [(&'static str, String); 4]| fields.map(|(name, value)| (name, value));
    let short = send(fields("short"));
    browser.post("/enrol", &short.each_ref().map(|(n, v)| (*n, v.as_str()))).await.page(422, "too short");
    let good = send(fields("a brand new password"));
    let good = good.each_ref().map(|(n, v)| (*n, v.as_str()));
    assert_eq!(browser.post("/enrol", &good).await.location(), "/console");
    assert_eq!(world.events(1).await, ["person_enrolled"]);
    browser.post("/enrol", &good).await.page(410, "no longer good");
    assert_eq!(world.browser().log_in("bob", "a brand new password", "/me").await.location(), "/me");
    world.browser().log_in("bob", PASSWORD, "/me").await.page(403, "do not fit together");
}

#[tokio::test]
async fn an_expired_or_unknown_enrolment_link_is_refused() {
    let world = World::start().await;
    world.get("/enrol?ticket=enr_unknown").await.page(410, "no longer good");
    world.get("/enrol").await.page(400, "missing");
}

/// Spec: OWASP authentication (throttling)
#[tokio::test]
async fn tries_that_come_at_once_are_not_all_admitted_by_the_same_count() {
    let world = World::start().await;
    let mut browser = world.browser();
    let csrf = browser.get("/login").await.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("name", "ada"), ("password", "not it at all")];
    let answers = world.send_at_once((0..20).map(|_| browser.posting("/login", &fields)).collect()).await;
    let with = |status: u16| answers.iter().filter(|(got, _)| got.as_u16() == status).count();
    assert_eq!((with(403), with(429)), (5, 15));
}

#[tokio::test]
async fn a_flood_of_logins_is_turned_away_instead_of_queued() {
    let world = World::start().await;
    let mut browser = world.browser();
    let csrf = browser.get("/login").await.field("csrf");
    let names: Vec<String> = (0..60).map(|n| format!("nobody-{n}")).collect();
    let flood =
        |name: &String| browser.posting("/login", &[("csrf", &csrf), ("name", name), ("password", "not it at all")]);
    let answers = world.send_at_once(names.iter().map(flood).collect()).await;
    let turned_away: Vec<_> = answers.iter().filter(|(status, _)| status.as_u16() == 503).collect();
    assert!(!turned_away.is_empty() && turned_away.len() < 60, "{}", turned_away.len());
    assert!(turned_away.iter().all(|(_, headers)| headers[http::header::RETRY_AFTER] == "5"));
    assert_eq!(world.browser().log_in("ada", PASSWORD, "/me").await.location(), "/me");
}

#[tokio::test]
async fn what_was_typed_is_recorded_only_when_it_is_somebodys_name() {
    let world = World::start().await;
    let long = "x".repeat(129);
    for typed in ["my-secret-passphrase", "evil\u{202e}name", &long] {
        world.browser().log_in(typed, "not it at all", "/me").await.page(403, "do not fit together");
    }
    assert!(!world.log().await.contains("passphrase") && !world.log().await.contains("evil"));
    assert!(!world.log().await.contains(&long));
    world.browser().log_in("ada", "not it at all", "/me").await;
    assert_eq!(world.last_record().await["person"], "ada");
}

#[tokio::test]
async fn an_enrolment_link_of_a_blocked_person_is_no_longer_good() {
    let world = World::start().await;
    let ticket = world.offer_enrolment("bob").await;
    let mut browser = world.browser();
    let path = format!("/enrol?ticket={}", ticket.expose());
    let csrf = browser.get(&path).await.field("csrf");
    world.block(Target::Person("bob".parse().unwrap())).await;
    browser.get(&path).await.page(410, "no longer good");
    let password = "a brand new password";
    let fields = [("csrf", csrf.as_str()), ("ticket", ticket.expose()), ("password", password), ("again", password)];
    let reply = browser.post("/enrol", &fields).await;
    reply.page(410, "no longer good");
    assert!(reply.headers.get(http::header::SET_COOKIE).is_none());
}

/// A stranger who tries passwords for a name spends tries of its own, not those of a browser that is known.
///
/// Field: P2
#[tokio::test]
async fn a_browser_that_logged_in_before_gets_in_while_a_stranger_tries_passwords() {
    let world = World::start().await;
    let mut known = world.signed_in("ada").await;
    known.forget("session");
    let mut stranger = world.browser();
    let csrf = stranger.get("/login").await.field("csrf");
    for _ in 0..12 {
        stranger.post("/login", &[("csrf", &csrf), ("name", "ada"), ("password", "not it at all")]).await;
    }
    let refused = stranger.post("/login", &[("csrf", &csrf), ("name", "ada"), ("password", PASSWORD)]).await;
    refused.page(429, "Too many attempts");
    assert!(refused.headers.contains_key(http::header::RETRY_AFTER));
    for _ in 0..3 {
        assert_eq!(known.log_in("ada", PASSWORD, "/me").await.location(), "/me");
        known.forget("session");
    }
    // Nor those of a browser that is new, at the same address: it has a mark of its own, and waits two seconds.
    world.advance(2);
    assert_eq!(world.browser().log_in("ada", PASSWORD, "/me").await.location(), "/me");
}

/// Being known is for the name one logged in with, opens nothing, and is no way to try without end.
///
/// Field: P2
#[tokio::test]
async fn a_known_browser_has_a_line_of_its_own_and_no_more() {
    let world = World::start().await;
    let mut known = world.signed_in("ada").await;
    known.forget("session");
    assert!(known.get(&link("tickets:low", &[])).await.location().starts_with("/login?next="));
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(known.log_in("ada", "not it at all", "/me").await.status.as_u16());
    }
    assert_eq!(codes, [403, 403, 403, 403, 403, 429]);
    // A cookie that is not ours counts for nothing, and two people can be known on one browser.
    let mut forger = world.browser();
    forger.bring("device", &"A".repeat(48));
    assert_eq!(forger.log_in("bob", PASSWORD, "/me").await.location(), "/me");
    forger.forget("session");
    world.advance(2);
    assert_eq!(forger.log_in("ada", PASSWORD, "/me").await.location(), "/me");
    assert_eq!(forger.cookie("device").split('.').count(), 3, "bob, ada, and what was there");
}

/// Field: P2
#[tokio::test]
async fn wrong_passwords_are_recorded_one_by_one_at_first_and_then_counted() {
    let world = World::start().await;
    for _ in 0..30 {
        world.browser().log_in("ada", "not it at all", "/me").await;
        world.clock.advance(Span::from_seconds(2));
    }
    let refused = world.events(100).await.into_iter().filter(|event| event == "login_refused").count();
    assert_eq!(refused, 20);
}

/// Spec: RFC 8265 §4.2
/// Field: P6
#[tokio::test]
async fn a_password_is_good_from_every_keyboard() {
    let world = World::start().await;
    let (composed, apart) = ("Gr\u{fc}\u{df}e aus K\u{f6}ln", "Gru\u{308}\u{df}e aus\u{a0}Ko\u{308}ln");
    for set in [composed, apart] {
        let phc = crypto::hash_password(&model::Secret::new(set));
        world
            .change(move |tx| {
                Box::pin(async move {
                    tx.set_password(&"ada".parse().unwrap(), &phc).await?;
                    done()
                })
            })
            .await;
        for typed in [composed, apart] {
            assert_eq!(world.browser().log_in("ada", typed, "/me").await.location(), "/me", "{typed}");
        }
        world.browser().log_in("ada", "Grusse aus Koln", "/me").await.page(403, "do not fit");
    }
}

/// [`PASSWORD`], with less memory and fewer passes than hashes have today.
const OLD_HASH: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$ev5nSQg36GLzqT5x3PfIWA$9qnAEdqs7UDya9uqybXAVJO8vWwI6gSdGacfFHqLj20";

/// Spec: OWASP password storage (upgrading the work factor)
/// Field: H8
#[tokio::test]
async fn an_old_hash_is_made_anew_at_the_next_login_with_the_right_password() {
    let world = World::start().await;
    world
        .change(|tx| {
            Box::pin(async move {
                tx.set_password(&"ada".parse().unwrap(), OLD_HASH).await?;
                Ok(Commit::with(examples::any(), ()))
            })
        })
        .await;
    let stored = async || world.store.password_phc(&"ada".parse().unwrap()).await.unwrap().unwrap();
    let mut browser = world.browser();
    let csrf = browser.get("/login").await.field("csrf");
    browser.post("/login", &[("csrf", &csrf), ("name", "ada"), ("password", "not it at all")]).await;
    assert_eq!(stored().await, OLD_HASH, "a wrong password changes nothing");

    assert_eq!(world.browser().log_in("ada", PASSWORD, "/me").await.location(), "/me");
    assert_eq!(world.last_record().await["password"], "rehashed");
    let renewed = stored().await;
    assert!(crypto::is_of_today(&renewed), "{renewed}");

    assert_eq!(world.browser().log_in("ada", PASSWORD, "/me").await.location(), "/me");
    assert_eq!((stored().await, world.last_record().await.get("password")), (renewed, None), "once");
}
