use model::Target;

use crate::world::*;

/// Spec: RFC 6749 §4.1.2, RFC 9207 §2
#[tokio::test]
async fn a_consented_request_comes_back_with_code_state_and_issuer() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    let back = browser.answer(&page, "allow", "").await;
    assert!(back.location().starts_with(CALLBACK));
    assert!(!back.parameter("code").is_empty());
    assert_eq!((back.parameter("state").as_str(), back.parameter("iss").as_str()), ("u81Lq", ISSUER));
    let events = world.events(4).await;
    assert_eq!(events, ["consent_given", "agent_registered", "grant_made", "code_issued"]);
    let agent = world.store.agent(&"desk@ada".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((agent.owner.as_str(), agent.client.as_str()), ("ada", "desk"));
}

/// Spec: MCP security best practices (consent UI requirements)
#[tokio::test]
async fn the_consent_page_says_who_gets_what_and_where_it_goes() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low tickets:medium tickets.delete_ticket", &[])).await;
    for words in [
        "Desk",
        "desk.test",
        RESOURCE,
        "tickets.delete_ticket",
        "15 minutes",
        "20 calls",
        "one call",
        "name=\"reason\"",
        "Another person has to approve",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(!page.body.contains("Any program"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (localhost redirects)
#[tokio::test]
async fn a_client_on_this_computer_comes_with_a_warning_and_any_port() {
    let world = World::start().await;
    let mut browser = world.browser();
    let native = [("client_id", "native"), ("redirect_uri", "http://127.0.0.1:53117/callback")];
    let page = browser.consent_page(&link("tickets:low", &native)).await;
    page.page(200, "Any program");
    let back = browser.answer(&page, "allow", "").await;
    assert!(back.location().starts_with("http://127.0.0.1:53117/callback?code="), "{}", back.location());
}

/// Spec: RFC 6749 §4.1.2.1 (no redirect to an unverified URI)
#[tokio::test]
async fn a_wrong_client_or_redirect_is_a_page_and_never_a_redirect() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    for redirect in [
        "https://evil.test/cb",
        "https://desk.test/cb/",
        "https://desk.test/cb?x=1",
        "https://desk.test/cb#f",
        "https://desk.test@evil.test/cb",
        "http://desk.test/cb",
        "javascript:alert(1)",
    ] {
        browser.get(&link("tickets:low", &[("redirect_uri", redirect)])).await.page(400, "sent back safely");
    }
    browser.get(&link("tickets:low", &[("redirect_uri", "")])).await.page(400, "sent back safely");
    browser.get(&link("tickets:low", &[("client_id", "")])).await.page(400, "client_id");
    browser.get(&link("tickets:low", &[("client_id", "stranger")])).await.page(403, "not registered");
    let record = world.last_record().await;
    assert_eq!((record["event"].as_str(), record["person"].as_str()), (Some("client_refused"), Some("ada")));
    browser.get(&link("tickets:low", &[("client_id", "nightly")])).await.page(400, "sent back safely");
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (SSRF)
#[tokio::test]
async fn a_metadata_url_on_a_host_nobody_allowed_is_refused_without_a_fetch() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    let page = browser.get(&link("tickets:low", &[("client_id", "https://evil.test/client.json")])).await;
    page.page(403, "has not allowed clients from");
    assert!(world.last_record().await["reason"].as_str().unwrap().contains("evil.test"));
    for bad in
        ["https://allowed.test/", "https://allowed.test/a/../c", "https://u@allowed.test/c", "https://allowed.test/c#f"]
    {
        browser.get(&link("tickets:low", &[("client_id", bad)])).await.page(403, "not usable as the URL");
    }
}

/// Spec: RFC 6749 §3.1
#[tokio::test]
async fn a_repeated_parameter_is_a_page() {
    let world = World::start().await;
    for name in ["client_id", "redirect_uri", "scope", "state", "code_challenge", "response_type"] {
        let twice = format!("{}&{name}=x", link("tickets:low", &[]));
        world.get(&twice).await.page(400, "more than once");
    }
}

/// Spec: OAuth 2.1 §7.13.2
#[tokio::test]
async fn an_error_goes_back_only_after_the_person_has_logged_in() {
    let world = World::start().await;
    let bad = link("tickets:low", &[("response_type", "token")]);
    let mut browser = world.browser();
    let first = browser.get(&bad).await;
    assert!(first.location().starts_with("/login?next="), "{}", first.location());
    browser.log_in("ada", PASSWORD, "/me").await;
    browser.get(&bad).await.sent_back("unsupported_response_type");
}

/// Spec: RFC 6749 §4.1.2.1, RFC 7636 §4.4.1, RFC 8707 §2, OpenID Connect Core §3.1.2.6
#[tokio::test]
async fn every_mistake_in_a_request_goes_back_under_its_own_code() {
    let world = World::start().await;
    let mut browser = world.signed_in("ada").await;
    let plain = [("code_challenge_method", "plain"), ("code_challenge", VERIFIER)];
    for (changes, code) in [
        (&[("code_challenge", "")][..], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&plain, "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "code token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("request", "eyJ")], "request_not_supported"),
        (&[("request_uri", "https://evil.test/r")], "request_uri_not_supported"),
        (&[("resource", "")], "invalid_target"),
        (&[("resource", "https://gw.test/mcp/nothing")], "invalid_target"),
        (&[("resource", "https://gw.test/mcp/tickets#f")], "invalid_target"),
        (&[("scope", "tickets:*")], "invalid_scope"),
        (&[("scope", "admin")], "invalid_scope"),
        (&[("scope", "files:low")], "invalid_scope"),
        (&[("scope", "tickets.get_ticket")], "invalid_scope"),
        (&[("scope", "tickets.create_ticket")], "invalid_scope"),
        (&[("scope", "tickets.drop_table")], "invalid_scope"),
    ] {
        browser.get(&link("tickets:low", changes)).await.sent_back(code);
    }
    let two = format!("{}&resource=https%3A%2F%2Fgw.test%2Fmcp%2Ffiles", link("tickets:low", &[]));
    browser.get(&two).await.sent_back("invalid_target");
}

/// Spec: RFC 8707 §2
/// Field: A11
#[tokio::test]
async fn a_resource_may_be_left_out_only_where_there_is_nothing_to_guess() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.consent_page(&link("", &[("client_id", "pinned"), ("resource", "")])).await.page(200, RESOURCE);
    browser
        .get(&link("", &[("client_id", "pinned"), ("resource", "https://gw.test/mcp/files")]))
        .await
        .sent_back("invalid_target");
    let one = World::with(|config| drop(config["servers"].as_object_mut().unwrap().remove("files"))).await;
    one.browser().consent_page(&link("", &[("resource", "")])).await.page(200, RESOURCE);
}

/// Clients that shorten what they were told to its origin, or join a slash to it, name no server.
///
/// Spec: RFC 8707 §2
/// Field: A11
#[tokio::test]
async fn a_resource_that_is_the_bare_public_url_says_as_much_as_none() {
    let one = World::with(|config| drop(config["servers"].as_object_mut().unwrap().remove("files"))).await;
    let two = World::start().await;
    for origin in ["https://gw.test", "https://gw.test/"] {
        let code = one.browser().code(&link("tickets:low", &[("resource", origin)])).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "desk"),
            ("code", code.as_str()),
            ("code_verifier", VERIFIER),
            ("resource", origin),
        ];
        assert_eq!(claims(&one.token(&form).await.granted())["aud"], RESOURCE);
        let mut browser = two.browser();
        browser.log_in("ada", PASSWORD, "/me").await;
        browser.get(&link("tickets:low", &[("resource", origin)])).await.sent_back("invalid_target");
        two.as_agent(&[("resource", origin)]).await.granted();
    }
    one.as_agent(&[("resource", "https://gw.test/mcp")]).await.refused(400, "invalid_target");
}

/// Spec: RFC 6749 §3.3
#[tokio::test]
async fn no_scope_means_the_baseline_and_offline_access_is_dropped() {
    let world = World::start().await;
    for scope in ["", "offline_access", "tickets:low offline_access"] {
        let code = world.browser().code(&link(scope, &[])).await;
        assert_eq!(world.redeem(&code).await.granted()["scope"], "tickets:low", "{scope:?}");
    }
}

/// Spec: OpenID Connect Core §3.1.2.6
#[tokio::test]
async fn prompt_none_is_answered_without_a_page_where_the_operator_knows_the_redirect() {
    let world = World::start().await;
    let silent = link("tickets:low", &[("prompt", "none")]);
    let mut browser = world.browser();
    browser.get(&silent).await.sent_back("login_required");
    browser.code(&link("tickets:low", &[])).await;
    browser.get(&silent).await.sent_back("consent_required");
}

/// Spec: RFC 9700 §4.11.2
#[tokio::test]
async fn before_the_login_nobody_is_sent_to_a_strangers_redirect() {
    let world = World::start().await;
    for changes in [
        [("client_id", "https://allowed.test/client.json"), ("redirect_uri", "https://evil.test/cb")],
        [("client_id", "stranger"), ("redirect_uri", "https://evil.test/cb")],
        [("client_id", "desk"), ("redirect_uri", "https://evil.test/cb")],
    ] {
        let silent = [&changes[..], &[("prompt", "none")]].concat();
        world.get(&link("tickets:low", &silent)).await.page(403, "log in first");
        assert!(world.get(&link("tickets:low", &changes)).await.location().starts_with("/login?next="));
    }
}

/// Spec: RFC 6749 §4.1.2.1
#[tokio::test]
async fn a_person_who_denies_sends_the_client_away() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    browser.answer(&page, "deny", "").await.sent_back("access_denied");
    assert_eq!(world.events(1).await, ["consent_refused"]);
    assert!(world.grants().await.is_empty());
}

/// Spec: MCP security best practices (consent UI requirements)
#[tokio::test]
async fn a_consent_form_gives_one_code_and_not_for_long() {
    let world = World::start().await;
    let mut browser = world.browser();
    let page = browser.consent_page(&link("tickets:low", &[])).await;
    let code = browser.answer(&page, "allow", "").await.parameter("code");
    world.redeem(&code).await.granted();
    browser.answer(&page, "allow", "").await.page(410, "no longer good");
    browser.answer(&page, "deny", "").await.page(410, "no longer good");
    let old = browser.get(&link("tickets:low", &[])).await;
    world.advance(31 * 60);
    browser.answer(&old, "allow", "").await.page(410, "no longer good");
}

/// Spec: MCP security best practices (consent UI requirements); RFC 9700 §4.7
#[tokio::test]
async fn a_consent_form_belongs_to_the_browser_it_was_shown_in() {
    let world = World::start().await;
    let (mut ada, mut other) = (world.browser(), world.browser());
    let shown = ada.consent_page(&link("tickets:low", &[])).await;
    let own = other.consent_page(&link("tickets:low", &[])).await;
    let (csrf, ticket) = (own.field("csrf"), shown.field("ticket"));
    let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("decision", "allow")];
    other.post("/oauth/consent", &fields).await.page(410, "no longer good");
    let forged = [("csrf", "0000"), ("ticket", &ticket), ("decision", "allow")];
    ada.post("/oauth/consent", &forged).await.page(403, "another site");
    world.post("/oauth/consent", &fields).await.page(410, "no longer good");
    assert!(world.grants().await.is_empty());
}

#[tokio::test]
async fn an_agent_keeps_its_name_and_its_one_grant() {
    let world = World::start().await;
    for _ in 0..2 {
        world.browser().code(&link("tickets:low", &[])).await;
    }
    assert_eq!(world.only_grant().await.agent.as_str(), "desk@ada");
    let mut twin = world.browser();
    let native = [("client_id", "pinned"), ("redirect_uri", CALLBACK)];
    twin.code(&link("tickets:low", &native)).await;
    assert_eq!(world.grants().await.len(), 2);
}

#[tokio::test]
async fn what_is_blocked_or_suspended_gets_no_code() {
    let world = World::start().await;
    let mut browser = world.browser();
    browser.code(&link("tickets:low", &[])).await;
    let page = browser.get(&link("tickets:low", &[])).await;
    world.block(Target::Client("desk".parse().unwrap())).await;
    browser.get(&link("tickets:low", &[])).await.sent_back("access_denied");
    browser.answer(&page, "allow", "").await.sent_back("access_denied");
    assert_eq!(world.events(2).await, ["authorization_refused"; 2]);
    let record = world.last_record().await;
    let word = |name: &str| record[name].as_str().unwrap().to_owned();
    assert_eq!([word("person"), word("client"), word("cause")], ["ada", "desk", "blocked"]);
}

/// Field: H13
#[tokio::test]
async fn a_tier_of_nine_rules_shows_eight_and_unfolds_the_ninth() {
    for (count, unfolds) in [(8, false), (9, true)] {
        let world = World::with(|config| {
            let rules: serde_json::Map<_, _> = (1..=count).map(|n| (format!("read_{n}"), "low".into())).collect();
            config["servers"]["tickets"]["tools"] = rules.into();
        })
        .await;
        let page = world.browser().consent_page(&link("tickets:low", &[])).await;
        assert!(page.body.contains("<code>read_1</code>") && page.body.contains(&format!("<code>read_{count}</code>")));
        assert_eq!(page.body.contains("<summary>and 1 more</summary>"), unfolds, "{count}");
    }
}
