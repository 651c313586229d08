use http::{Method, Request};

use crate::world::*;

/// Spec: RFC 8414 §2 and §3.3; MCP 2026-07-28 basic/authorization
#[tokio::test]
async fn the_metadata_says_what_runs_and_nothing_else() {
    let world = World::start().await;
    let document = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(document["issuer"], ISSUER);
    assert_eq!(document["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(document["grant_types_supported"].as_array().unwrap().len(), 3);
    assert_eq!(document["token_endpoint_auth_methods_supported"], serde_json::json!(["none", "private_key_jwt"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    assert_eq!(document["client_id_metadata_document_supported"], true);
    for absent in [
        "registration_endpoint",
        "pushed_authorization_request_endpoint",
        "introspection_endpoint",
        "subject_types_supported",
    ] {
        assert!(document.get(absent).is_none(), "{absent}");
    }
    for endpoint in ["token_endpoint", "revocation_endpoint", "authorization_endpoint", "jwks_uri"] {
        assert!(document[endpoint].as_str().unwrap().starts_with(ISSUER), "{endpoint}");
    }
}

/// Spec: RFC 8414 §2
#[tokio::test]
async fn secrets_and_metadata_documents_are_advertised_only_when_they_are_on() {
    let world = World::with(|config| {
        config["clients"]["metadata_domains"] = serde_json::json!([]);
        config["clients"]["allow_client_secrets"] = true.into();
    })
    .await;
    let document = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(document["client_id_metadata_document_supported"], false);
    assert_eq!(document["token_endpoint_auth_methods_supported"].as_array().unwrap().len(), 4);
}

/// Spec: RFC 7517 §5
#[tokio::test]
async fn the_keys_are_public_only() {
    let world = World::start().await;
    let keys = world.get("/oauth/jwks").await.json();
    let key = &keys["keys"][0];
    assert_eq!((key["kty"].as_str(), key["crv"].as_str()), (Some("EC"), Some("P-256")));
    assert!(key.get("d").is_none());
}

#[tokio::test]
async fn a_web_page_may_read_what_needs_no_cookie() {
    let world = World::start().await;
    let request =
        Request::builder().method(Method::OPTIONS).uri("/oauth/token").body(axum::body::Body::empty()).unwrap();
    let preflight = world.send(request).await;
    assert_eq!(preflight.headers["access-control-allow-origin"], "*");
    assert!(world.get("/login").await.headers.get("access-control-allow-origin").is_none());
}
