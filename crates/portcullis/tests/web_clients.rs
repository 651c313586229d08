//! Clients that are web pages of another origin, before the whole binary: what a browser asks for them, and may read.

#![allow(clippy::unwrap_used)]

mod installation;

use http::Method;
use installation::Installation;

const CLIENT: (&str, &str) = ("origin", "http://localhost:6274");

/// A browser asks first, by OPTIONS, when a page's request has a header that no form could send.
///
/// Spec: Fetch (CORS-preflight fetch); MCP 2025-11-25 basic/transports (protocol version header)
/// Field: G21
#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_a_page_may_send_to_discover_and_get_a_token() {
    let installation = Installation::new("servers: { tickets: { url: \"http://127.0.0.1:9/mcp\" } }\n");
    let node = installation.serve();
    for (path, method) in [
        ("/.well-known/oauth-protected-resource/mcp/tickets", "GET"),
        ("/.well-known/oauth-protected-resource", "GET"),
        ("/.well-known/oauth-authorization-server", "GET"),
        ("/oauth/jwks", "GET"),
        ("/oauth/token", "POST"),
        ("/oauth/revoke", "POST"),
    ] {
        let asked = [
            CLIENT,
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type,mcp-protocol-version"),
        ];
        let told = node.send(Method::OPTIONS, path, &asked, String::new()).await;
        let header = |name: &str| told.headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        assert_eq!(told.status.as_u16(), 204, "{path}");
        assert_eq!(header("access-control-allow-origin"), "*", "{path}");
        assert!(header("access-control-allow-methods").contains(method), "{path}");
        for wanted in ["content-type", "mcp-protocol-version"] {
            assert!(header("access-control-allow-headers").contains(wanted), "{path}: {wanted}");
        }
        if method == "POST" {
            let refused = node.send(Method::POST, path, &[CLIENT], String::new()).await;
            assert_eq!(refused.headers["access-control-allow-origin"], "*", "{path}: why not can be read as well");
        }
    }
}

/// What people do with cookies is nobody else's.
///
/// Field: G21
#[tokio::test]
async fn no_page_of_another_origin_reads_what_is_for_people_or_calls_a_server_unless_it_is_named() {
    let installation = Installation::new("servers: { tickets: { url: \"http://127.0.0.1:9/mcp\" } }\n");
    let node = installation.serve();
    for path in ["/login", "/oauth/authorize", "/oauth/consent", "/me/password", "/me", "/console", "/mcp/tickets"] {
        for method in [Method::OPTIONS, Method::GET] {
            let asked = [CLIENT, ("access-control-request-method", "POST")];
            let told = node.send(method.clone(), path, &asked, String::new()).await;
            assert!(!told.headers.contains_key("access-control-allow-origin"), "{method} {path}: {}", told.status);
        }
    }
}
