//! A real browser, without JavaScript in the pages, through login, consent and approval.
//!
//! The pictures are kept in `target/screenshots`.

use std::path::Path;

use portcullis_world::{REDIRECT_URI, World, WorldConfig, skipped};
use serde_json::{Value, json};
use tokio::process::Command;

/// Field: P11
#[tokio::test]
async fn chromium_goes_through_login_consent_and_approval() {
    let wanted = |name: &str| std::env::var(name).map_err(|_| skipped(&format!("{name} is not set")));
    let Ok(chromium) = wanted("PORTCULLIS_TEST_CHROMIUM") else { return };
    let Ok(modules) = wanted("PORTCULLIS_TEST_NODE_MODULES") else { return };
    let world = World::start().await;
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shots = home.join("../../target/screenshots");
    std::fs::create_dir_all(&shots).unwrap();

    let redirect = redirect();
    let walk = json!({
        "chromium": chromium,
        "home": world.url(),
        "redirect": redirect,
        "tickets": world.mcp("tickets"),
        "client": world.documents.client_id("other"),
        "baseline": authorize(&world, &redirect, "tickets:low"),
        "elevated": authorize(&world, &redirect, "tickets:low tickets.delete_ticket"),
        "people": {"ada": world.password("ada"), "bob": world.password("bob")},
        "shots": shots,
    });
    let node = std::env::var("PORTCULLIS_TEST_NODE").unwrap_or_else(|_| "node".into());
    let walked = Command::new(node)
        .arg(home.join("drivers/typescript/walk.mjs"))
        .arg(walk.to_string())
        .env("PORTCULLIS_TEST_NODE_MODULES", modules)
        .output()
        .await
        .unwrap();
    assert!(walked.status.success(), "{}", String::from_utf8_lossy(&walked.stderr));

    let said: Value = serde_json::from_slice(&walked.stdout).unwrap();
    let callbacks = said["callbacks"].as_array().unwrap();
    assert_eq!(callbacks.len(), 2, "{said}");
    for callback in callbacks {
        let url = url::Url::parse(callback.as_str().unwrap()).unwrap();
        let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        assert!(value("code").is_some(), "{url}");
        assert_eq!(value("iss").as_deref(), Some(world.url()));
        assert_eq!(value("state").as_deref(), Some("walk"));
    }
}

/// Spec: WCAG 2.2 levels A and AA, as far as axe can tell
#[tokio::test]
async fn every_page_is_for_everybody_in_light_and_dark_on_a_desktop_and_a_phone() {
    let wanted = |name: &str| std::env::var(name).map_err(|_| skipped(&format!("{name} is not set")));
    let Ok(chromium) = wanted("PORTCULLIS_TEST_CHROMIUM") else { return };
    let Ok(modules) = wanted("PORTCULLIS_TEST_NODE_MODULES") else { return };
    let extra = "elevation: { approvals: 2, number_matching: high }\n".to_owned();
    let world = World::start_with(WorldConfig { extra, ..WorldConfig::default() }).await;
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shots = home.join("../../target/screenshots");
    std::fs::create_dir_all(&shots).unwrap();

    // Something of everything: a consent with a task, a refused call in it, one that waits, and a block.
    let redirect = redirect();
    let mut ada = world.person("ada");
    ada.allow(&authorize(&world, &redirect, "tickets:low")).await;
    ada.allow_for(&authorize(&world, &redirect, "tickets:medium"), "Merge the duplicates of May").await;
    let agent = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    assert_eq!(agent.call("delete_ticket", json!({"id": "T-1041", "reason": "a duplicate"})).await.status, 403);
    let asked = world.agent_asks("tickets", "tickets.delete_ticket").await.unwrap();
    let elevation = asked["elevation_id"].as_str().unwrap();
    let opened = world.run(&["task", "open", "nightly", "Close ticket 4711", "--json"]).await.succeeded();
    let opened: Value = serde_json::from_str(&opened).unwrap();
    let freeze = ["exception", "add", "change-freeze", "--agent", "nightly", "--owner", "root", "--for", "8h"];
    world.run(&[&freeze[..], &["--reason", "The repair of INC-7"]].concat()).await.succeeded();
    world.run(&["duty", "delegate", "bob", "root", "--for", "8h"]).await.succeeded();
    world.run(&["revoke", "tool", "tickets.update_ticket", "--reason", "looked strange"]).await.succeeded();

    let page = |who: &str, name: &str, path: &str| json!({"who": who, "name": name, "path": path});
    let consent = authorize(&world, &redirect, "tickets:low tickets:medium");
    let details = r#"[{"type":"io.portcullis/task","purpose":"Tidy up the queue","lasts":"1h"}]"#;
    let mut for_work = url::Url::parse(&consent).unwrap();
    for_work.query_pairs_mut().append_pair("authorization_details", details);
    let pages = json!([
        {"who": null, "name": "login", "path": "/login"},
        page("ada", "consent", &consent),
        page("bob", "consent-first", &consent),
        page("bob", "consent-for-work", for_work.as_str()),
        page("ada", "me", "/me"),
        page("ada", "account", "/me/account"),
        page("bob", "overview", "/console"),
        page("bob", "approval", &format!("/console/approvals/{elevation}")),
        page("ada", "my-agent", "/me/agents/nightly"),
        page("ada", "why", "/console/why?agent=nightly&tool=tickets.delete_ticket"),
        page("bob", "duty", "/me/duty"),
        page("root", "exceptions", "/console/exceptions"),
        page("root", "agents", "/console/agents"),
        page("root", "agent", "/console/agents/nightly"),
        page("root", "grants", "/console/grants"),
        page("root", "tasks", "/console/tasks"),
        page("root", "task", &format!("/console/tasks/{}", opened["id"].as_str().unwrap())),
        page("root", "servers", "/console/servers"),
        page("root", "definitions", "/console/definitions"),
        page("root", "definition", "/console/definitions/one?tool=tickets.delete_ticket"),
        page("root", "definition-words", "/console/definitions/one?tool=tickets:server_info"),
        page("root", "people", "/console/people"),
        page("root", "audit", "/console/audit"),
        page("root", "kill-switch", "/console/kill-switch"),
    ]);
    let look = json!({
        "chromium": chromium,
        "home": world.url(),
        "people": {"ada": world.password("ada"), "bob": world.password("bob"), "root": world.password("root")},
        "pages": pages,
        "shots": shots,
    });
    let node = std::env::var("PORTCULLIS_TEST_NODE").unwrap_or_else(|_| "node".into());
    let looked = Command::new(node)
        .arg(home.join("drivers/typescript/look.mjs"))
        .arg(look.to_string())
        .env("PORTCULLIS_TEST_NODE_MODULES", modules)
        .output()
        .await
        .unwrap();
    assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stderr));
    let said: Value = serde_json::from_slice(&looked.stdout).unwrap();
    let wrong = said["wrong"].as_array().unwrap();
    assert!(wrong.is_empty(), "{}", serde_json::to_string_pretty(wrong).unwrap());
}

/// Field: A8
#[tokio::test]
async fn a_client_in_a_browser_hears_from_the_window_that_it_opened() {
    let wanted = |name: &str| std::env::var(name).map_err(|_| skipped(&format!("{name} is not set")));
    let Ok(chromium) = wanted("PORTCULLIS_TEST_CHROMIUM") else { return };
    let Ok(modules) = wanted("PORTCULLIS_TEST_NODE_MODULES") else { return };
    let world = World::start().await;
    let redirect = redirect();
    let popup = json!({
        "chromium": chromium,
        "redirect": redirect,
        "link": authorize(&world, &redirect, "tickets:low"),
        "name": "ada",
        "password": world.password("ada"),
    });
    let node = std::env::var("PORTCULLIS_TEST_NODE").unwrap_or_else(|_| "node".into());
    let opened = Command::new(node)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/typescript/popup.mjs"))
        .arg(popup.to_string())
        .env("PORTCULLIS_TEST_NODE_MODULES", modules)
        .output()
        .await
        .unwrap();
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let said: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert!(said["told"].as_str().is_some_and(|query| query.contains("code=")), "{said}");
}

/// The redirect that is registered, at a port of this test's own: only the port may differ.
fn redirect() -> url::Url {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let mut redirect = url::Url::parse(REDIRECT_URI).expect("a URL");
    redirect.set_port(Some(listener.local_addr().expect("an address").port())).expect("a URL with a host");
    redirect
}

/// Spec: RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2
fn authorize(world: &World, redirect: &url::Url, scope: &str) -> String {
    let mut url = url::Url::parse(&format!("{}/oauth/authorize", world.url())).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &world.documents.client_id("other")),
        ("redirect_uri", redirect.as_str()),
        ("scope", scope),
        ("resource", &world.mcp("tickets")),
        ("state", "walk"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]);
    url.into()
}
