//! What strangers send is read or refused, whatever its bytes are, and what is accepted keeps its promises.

#![allow(clippy::unwrap_used)]

use http::{HeaderMap, HeaderValue, header};
use portcullis_oauth::{
    Challenge, Credentials, Form,
    client_metadata::read_document,
    redirect::{self, fault, is_acceptable, matches},
    resource,
};
use proptest::prelude::*;

/// Bytes as they come: anything, and things that are nearly right.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[a-z_%=&+0-9A-F]{0,80}".prop_map(String::into_bytes),
        ".{0,80}".prop_map(String::into_bytes),
    ]
}

/// URIs of odd shapes.
fn uri() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["https", "http", "HTTP", "custom", "javascript", ""]);
    let host = prop::sample::select(vec![
        "app.test",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "LOCALHOST",
        "a@b.test",
        "",
        "127.1",
        "app.test:443",
        "localhost:80",
        "127.0.0.1:8080",
        "*",
        "app.test\\@evil.test",
    ]);
    let rest = prop_oneof![Just(String::new()), "[/?#.%2eE*a-z:@]{0,12}"];
    prop_oneof![
        3 => (scheme, host, rest).prop_map(|(scheme, host, rest)| format!("{scheme}://{host}{rest}")),
        1 => ".{0,40}",
    ]
}

proptest! {
    /// Spec: RFC 6749 §3.1
    #[test]
    fn a_form_has_each_parameter_once_or_is_refused(bytes in bytes()) {
        let Ok(form) = Form::parse(&bytes) else { return Ok(()) };
        for pair in bytes.split(|byte| *byte == b'&') {
            let name = String::from_utf8_lossy(pair.split(|byte| *byte == b'=').next().unwrap()).into_owned();
            prop_assert!(form.all(&name).count() <= 1);
        }
    }

    /// Spec: RFC 6749 §2.3
    #[test]
    fn credentials_name_who_the_request_names(authorization in prop::option::of(bytes()), body in bytes()) {
        let mut headers = HeaderMap::new();
        if let Some(Ok(value)) = authorization.map(|bytes| HeaderValue::from_bytes(&bytes)) {
            headers.insert(header::AUTHORIZATION, value);
        }
        let Ok(form) = Form::parse(&body) else { return Ok(()) };
        let Ok(credentials) = Credentials::read(&headers, &form) else { return Ok(()) };
        if let Some(named) = form.value("client_id") {
            prop_assert_eq!(credentials.client_id().as_str(), named);
        }
    }

    /// Spec: draft-ietf-oauth-client-id-metadata-document
    #[test]
    fn a_document_is_about_itself_or_refused(bytes in bytes(), name in ".{0,80}", redirects in prop::collection::vec(uri(), 0..6)) {
        let id = "https://agents.test/client.json".parse().unwrap();
        prop_assert!(read_document(&id, &bytes).is_err());
        let written = serde_json::json!({"client_id": id, "client_name": name, "redirect_uris": redirects});
        if let Ok(document) = read_document(&id, written.to_string().as_bytes()) {
            prop_assert!(!document.client.name.is_empty() && document.client.name.chars().count() <= 64);
            prop_assert!(document.client.redirect_uris.iter().all(|uri| is_acceptable(uri)));
        }
    }

    /// Spec: OAuth 2.1 §2.3.1, RFC 9700 §4.1
    #[test]
    fn what_matches_a_registered_redirect_goes_to_the_same_host(registered in uri(), asked in uri()) {
        if matches(&registered, &asked) {
            prop_assert!(is_acceptable(&asked) && fault(&asked).is_none());
            prop_assert_eq!(redirect::host(&registered), redirect::host(&asked));
            let told = redirect::answer(&asked, &[("code", "x y&z")], Some("s#"), "https://gw.test");
            prop_assert!(told.starts_with(&asked) && !told.contains('#'));
        }
    }

    /// Spec: RFC 8707 §2
    #[test]
    fn a_resource_matches_itself_and_no_other_origin(uri in uri()) {
        prop_assert!(resource::matches(&uri, &uri));
        if uri != "https://gw.test/mcp/tickets" && resource::matches("https://gw.test/mcp/tickets", &uri) {
            prop_assert!(uri.to_ascii_lowercase().starts_with("https://gw.test"));
        }
    }

    /// Spec: RFC 7636 §4.6
    #[test]
    fn a_verifier_fits_its_own_challenge_alone(verifier in "[A-Za-z0-9._~-]{43,128}", other in ".{0,140}") {
        let challenge = Challenge::of_verifier(&verifier);
        prop_assert!(challenge.check(&verifier).is_ok());
        prop_assert!(other == verifier || challenge.check(&other).is_err());
    }
}
