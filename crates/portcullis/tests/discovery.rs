//! What a client finds out about an installation before it has a token, before the whole binary.

#![allow(clippy::unwrap_used)]

mod installation;

use http::Method;
use installation::{Installation, PUBLIC};
use serde_json::Value;

const TICKETS: &str = "servers: { tickets: { url: \"http://127.0.0.1:9/mcp\" } }\n";
const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";
const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource/mcp/tickets";

/// A client compares the issuer that it was sent to with the one that it finds there, byte by byte.
///
/// Spec: RFC 8414 §3.3, RFC 9728 §3.3
/// Field: A12
#[tokio::test]
async fn the_issuer_is_written_everywhere_as_it_is_in_the_file_and_without_a_slash() {
    let installation = Installation::new(TICKETS);
    let node = installation.serve();
    let document = async |path: &str| -> Value {
        let answer = node.send(Method::GET, path, &[], String::new()).await;
        serde_json::from_slice(&answer.body).unwrap()
    };
    let (server, resource) = (document(SERVER_METADATA).await, document(RESOURCE_METADATA).await);
    assert_eq!(server["issuer"], PUBLIC);
    assert_eq!(resource["authorization_servers"], serde_json::json!([PUBLIC]));
    assert_eq!(resource["resource"], format!("{PUBLIC}/mcp/tickets"));
}

/// Who speaks to us can claim any host, and a proxy in front need not be configured to say which one it stands for.
///
/// Spec: RFC 9728 §3.3
/// Field: G23
#[tokio::test]
async fn what_a_proxy_or_a_stranger_says_of_our_name_is_in_no_address_that_we_give() {
    let installation = Installation::new(TICKETS);
    let node = installation.serve();
    let claims = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "4443"),
        ("x-forwarded-prefix", "/evil"),
        ("x-original-host", "evil.test"),
        ("forwarded", "host=evil.test;proto=https"),
    ];
    for path in [SERVER_METADATA, RESOURCE_METADATA, "/.well-known/oauth-protected-resource"] {
        let told = node.send(Method::GET, path, &claims, String::new()).await;
        let plain = node.send(Method::GET, path, &[], String::new()).await;
        assert_eq!((told.status.as_u16(), &told.body), (200, &plain.body), "{path}");
    }
    let refused = node.send(Method::POST, "/mcp/tickets", &claims, "{}".into()).await;
    let challenge = refused.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains(&format!("resource_metadata=\"{PUBLIC}{RESOURCE_METADATA}\"")), "{challenge}");
    let login = node.send(Method::GET, "/me", &claims, String::new()).await;
    assert_eq!(login.headers["location"], "/login?next=%2Fme");
}

/// Without the address of the metadata a client has no way to a token, whatever it came with.
///
/// Spec: RFC 9728 §5.1; MCP basic/authorization (protected resource metadata discovery)
/// Field: G22
#[tokio::test]
async fn every_401_of_a_server_says_where_its_metadata_is() {
    let installation = Installation::new(TICKETS);
    let node = installation.serve();
    let long = format!("Bearer {}", "x".repeat(9000));
    for credentials in [None, Some("Bearer"), Some("bearer x"), Some("Basic YTpi"), Some("Token x"), Some(&long)] {
        let headers: Vec<_> = credentials.map(|credentials| ("authorization", credentials)).into_iter().collect();
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let refused = node.send(method.clone(), "/mcp/tickets", &headers, String::new()).await;
            let challenge = refused.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap());
            assert_eq!(refused.status.as_u16(), 401, "{method} {credentials:?}");
            assert!(challenge.contains(RESOURCE_METADATA), "{method} {credentials:?}: {challenge}");
        }
    }
}

/// Clients go on to the next address of their list only at 404.
///
/// Spec: RFC 8414 §3.1; MCP 2025-11-25 basic/authorization (metadata discovery)
/// Field: G19
#[tokio::test]
async fn an_address_of_discovery_where_nothing_is_says_404_and_nothing_else() {
    let installation = Installation::new(TICKETS);
    let node = installation.serve();
    for path in [
        "/.well-known/oauth-authorization-server/mcp/tickets",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp/tickets",
        "/mcp/tickets/.well-known/openid-configuration",
        "/mcp/tickets/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp/nosuch",
        "/.well-known/oauth-protected-resource/mcp/tickets/x",
        "/register",
        "/oauth/register",
    ] {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let told = node.send(method.clone(), path, &[], String::new()).await;
            assert_eq!(told.status.as_u16(), 404, "{method} {path}");
            assert!(!told.headers.contains_key("www-authenticate"), "{method} {path}");
        }
    }
}
