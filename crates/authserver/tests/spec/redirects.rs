//! What is compared is what is sent.

use crate::world::*;

const NATIVE: &str = "http://127.0.0.1/callback";

/// Spec: RFC 6749 §4.1.2.1, RFC 8252 §7.3
/// Field: A7
#[tokio::test]
async fn a_loopback_redirect_in_other_words_is_a_page() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    for redirect in [
        "http://0177.0.0.1:5/callback",
        "http://127.1:5/callback",
        "http://0x7f000001:5/callback",
        "http://127.0.0.1.:5/callback",
        "http://127.0.0.1:80/callback",
        "http://127.0.0.1:05/callback",
        "http://[::ffff:127.0.0.1]:5/callback",
        "http://%6cocalhost:5/callback",
        "http://LOCALHOST:5/callback",
        "http://localhost:5/callback",
        "http://me@127.0.0.1:5/callback",
        "http://127.0.0.1:5/callback\t",
        "http://127.0.0.1:5\n/callback",
        "http://127.0.0.1:5/%63allback",
        "http://127.0.0.1:5/callback/",
        "HTTP://127.0.0.1:5/callback",
    ] {
        let native = [("client_id", "native"), ("redirect_uri", redirect)];
        browser.get(&link("tickets:low", &native)).await.page(400, "sent back safely");
    }
}

/// Spec: RFC 8252 §7.3
/// Field: A7
#[tokio::test]
async fn the_port_may_differ_and_location_says_what_was_asked() {
    let world = World::with(|config| {
        let uris =
            serde_json::json!(["http://127.0.0.1/", "http://127.0.0.1:33418/", "https://vscode.dev/redirect", NATIVE]);
        config["clients"]["registered"]["native"]["redirect_uris"] = uris;
    })
    .await;
    for redirect in [
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:61822/",
        "http://127.0.0.1/",
        "http://127.0.0.1:5/callback",
        "https://vscode.dev/redirect",
    ] {
        let mut browser = world.browser();
        let native = [("client_id", "native"), ("redirect_uri", redirect)];
        let page = browser.consent_page(&link("tickets:low", &native)).await;
        let back = browser.answer(&page, "allow", "").await;
        assert!(back.location().starts_with(&format!("{redirect}?code=")), "{}", back.location());
        let code = back.parameter("code");
        let fields = |redirect| {
            [
                ("grant_type", "authorization_code"),
                ("client_id", "native"),
                ("code", code.as_str()),
                ("code_verifier", VERIFIER),
                ("redirect_uri", redirect),
            ]
        };
        world.token(&fields("http://127.0.0.1:9/")).await.refused(400, "invalid_grant");
        world.token(&fields(redirect)).await.granted();
    }
}

/// Field: A7
#[tokio::test]
async fn a_redirect_registered_in_an_odd_way_is_shown_and_sent_in_this_way() {
    let odd = "http://0177.0.0.1:5/cb";
    let world =
        World::with(|config| config["clients"]["registered"]["native"]["redirect_uris"] = serde_json::json!([odd]))
            .await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[("client_id", "native"), ("redirect_uri", odd)])).await;
    assert!(page.body.contains("0177.0.0.1"), "the page and Location name one host");
    let back = browser.answer(&page, "allow", "").await;
    assert!(back.location().starts_with("http://0177.0.0.1:5/cb?code="));
}

/// Field: S10
#[tokio::test]
async fn a_client_that_exists_and_one_that_does_not_are_refused_in_the_same_words() {
    let world = World::with(|config| {
        config["clients"]["allow_client_secrets"] = true.into();
        config["clients"]["registered"]["native"]["auth"] = "client_secret_post".into();
        config["clients"]["registered"]["native"]["secret"] = "s3cret".into();
    })
    .await;
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let stranger = crypto::AgentKey::generate();
    let mut told = std::collections::BTreeSet::new();
    for client in ["nightly", "native", "stranger", "https://allowed.test/c.json", "https://evil.test/c.json"] {
        let assertion = stranger.sign_assertion(client, ISSUER, world.store.now()).unwrap();
        for proof in [
            vec![("client_id", client)],
            vec![("client_id", client), ("client_secret", "wrong")],
            vec![("client_id", client), kind, ("client_assertion", assertion.as_str())],
            vec![("client_id", client), kind, ("client_assertion", "not.a.jwt")],
        ] {
            for (path, more) in [
                ("/oauth/token", vec![("grant_type", "refresh_token"), ("refresh_token", "rt_x")]),
                ("/oauth/revoke", vec![("token", "rt_x")]),
            ] {
                let refused = world.post(path, &[proof.clone(), more].concat()).await.refused(401, "invalid_client");
                told.insert(refused["error_description"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Who signed with the right key is told what else is wrong.
///
/// Field: S10
#[tokio::test]
async fn a_client_that_proved_its_key_is_told_what_else_is_wrong() {
    let world = World::start().await;
    let assertion = world.key.sign_assertion("nightly", "https://gw.test/oauth/token", world.store.now()).unwrap();
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    let refused = world.token(&fields).await.refused(401, "invalid_client");
    assert!(refused["error_description"].as_str().unwrap().contains("aud"));
}

/// A browser client opens a window and waits in the one that opened it. Browsers cut the two apart at any answer with an
/// opener policy, redirects included.
///
/// Field: A8
#[tokio::test]
async fn nothing_on_the_way_from_a_link_back_to_its_client_cuts_off_the_window_that_opened_it() {
    let world = World::start().await;
    let mut browser = world.browser();
    let policy = |reply: &Reply| reply.headers.contains_key("cross-origin-opener-policy");
    let link = link("tickets:low", &[]);
    let begun = browser.get(&link).await;
    let login = browser.get(begun.location()).await;
    let (csrf, next) = (login.field("csrf"), login.field("next"));
    let fields = [("csrf", csrf.as_str()), ("next", &next), ("name", "ada")];
    let wrong = browser.post("/login", &[&fields[..], &[("password", "not it at all")]].concat()).await;
    let entered = browser.post("/login", &[&fields[..], &[("password", PASSWORD)]].concat()).await;
    let consent = browser.get(&link).await;
    let denied = browser.answer(&consent, "deny", "").await;
    denied.sent_back("access_denied");
    let consent = browser.get(&link).await;
    let allowed = browser.answer(&consent, "allow", "").await;
    assert_ne!(allowed.parameter("code"), "");
    for (step, reply) in [begun, login, wrong, entered, consent, denied, allowed].iter().enumerate() {
        assert!(!policy(reply), "step {step}: {} {}", reply.status, reply.location());
    }
    assert!(policy(&browser.get("/me/password").await), "what leads nowhere is kept apart");
}
