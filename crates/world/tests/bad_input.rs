//! What bad input gets: a clear word about what to do, and nothing half-started.

use portcullis_world::{Protected, World, WorldConfig, run};
use serde_json::json;

#[tokio::test]
async fn an_unknown_key_is_named_with_its_line() {
    let said = serve("public_url: http://localhost:1\nlisten: 127.0.0.1:0\nseverrs: {}\n").await;
    assert!(said.contains("severrs") && said.contains('3'), "{said}");
}

#[tokio::test]
async fn a_public_url_that_clients_could_not_compare_is_refused_with_the_right_form() {
    let said = serve("public_url: http://localhost:1/\n").await;
    assert!(said.contains("slash"), "{said}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = serve(&format!("public_url: http://{address}\nlisten: {address}\n")).await;
    assert!(said.contains(&address.to_string()) && said.contains("in use"), "{said}");
}

#[tokio::test]
async fn a_server_that_is_down_does_not_take_the_others_with_it() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Protected {
        name: "gone".into(),
        url: format!("http://{gone}/mcp"),
        tools: vec![("*".into(), "low".into())],
        ..Protected::default()
    };
    let world = World::start_with(WorldConfig { servers: vec![gone], ..WorldConfig::default() }).await;

    let down = world.raw("gone", &world.agent_token("gone").await.unwrap());
    assert_eq!(down.call("anything", json!({})).await.status, 502);
    let up = world.raw("tickets", &world.agent_token("tickets").await.unwrap());
    assert_eq!(up.call("get_ticket", json!({"id": "T-1041"})).await.status, 200);

    let check = world.run(&["check"]).await;
    assert!(format!("{}{}", check.stdout, check.stderr).contains("gone"), "{check:?}");
}

/// Spec: draft-ietf-oauth-client-id-metadata-document §6, RFC 6749 §4.1.2.1
#[tokio::test]
async fn a_client_whose_document_cannot_be_had_gets_a_page_and_no_redirect() {
    let world = World::start().await;
    let mut ada = world.person("ada");
    let missing = world.documents.client_id("nobody");
    for client in [missing.as_str(), "https://127.0.0.1:9/client.json", "https://elsewhere.example/client.json"] {
        let mut url = url::Url::parse(&format!("{}/oauth/authorize", world.url())).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", "http://127.0.0.1:33418/callback"),
            ("resource", &world.mcp("tickets")),
            ("state", "s"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ]);
        let page = ada.open(url.as_str()).await.page();
        assert!((400..500).contains(&page.status), "{client}: {} {}", page.status, page.text());
        assert!(page.form_with("Allow").is_none(), "{}", page.text());
    }
}

/// Spec: MCP 2026-07-28 authorization, RFC 6750 §3, RFC 9728 §5.1
#[tokio::test]
async fn a_call_without_a_token_or_with_a_wrong_one_is_told_where_to_get_one() {
    let world = World::start().await;
    let mut other = world.agent_token("tickets").await.unwrap();
    other.replace_range(other.len() - 4.., "AAAA");
    for token in ["", "nonsense", &other] {
        let refused = world.raw("tickets", token).call("get_ticket", json!({"id": "T-1041"})).await;
        assert_eq!(refused.status, 401, "{token}");
        let challenge = refused.challenge.unwrap();
        let metadata =
            format!(r#"resource_metadata="{}/.well-known/oauth-protected-resource/mcp/tickets""#, world.url());
        assert!(challenge.starts_with("Bearer ") && challenge.contains(&metadata), "{challenge}");
    }
}

/// The stderr of `serve` with this configuration, which must not start.
async fn serve(yaml: &str) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("portcullis.yaml");
    let data = directory.path().join("data");
    std::fs::write(&file, format!("{yaml}data_dir: {0}\nstore: sqlite:{0}\n", data.display()))
        .expect("a writable directory");
    let ended = run(&file, &["serve"]).await;
    assert!(!ended.status.success(), "{ended:?}");
    ended.stderr
}
