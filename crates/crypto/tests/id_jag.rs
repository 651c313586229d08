//! What an assertion of an identity provider is worth, and everything that makes it worth nothing.

#![allow(clippy::unwrap_used)]

use model::{ClientId, Timestamp};
use portcullis_crypto::{
    AgentKey, IdJagError, PublicKeys,
    id_jag::{ID_JAG_TYPE, IdJagFor, claimed_provider, verify},
};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

fn claims() -> Value {
    json!({
        "iss": "https://idp.test", "sub": "00u1", "aud": "https://gw.test", "client_id": "desk", "jti": "one",
        "iat": NOW, "exp": NOW + 300, "resource": "https://gw.test/mcp/tickets", "scope": "tickets:low",
    })
}

fn with(change: Value) -> Value {
    let mut claims = claims();
    for (name, value) in change.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

struct Idp {
    key: AgentKey,
    keys: PublicKeys,
}

impl Idp {
    fn new() -> Self {
        let key = AgentKey::generate();
        let keys = PublicKeys::parse(&json!({"keys": [key.public_jwk()]})).unwrap();
        Self { key, keys }
    }

    fn said(&self, jwt: &str) -> Result<portcullis_crypto::IdJag, IdJagError> {
        let client: ClientId = "desk".parse().unwrap();
        let wanted =
            IdJagFor { provider: "https://idp.test", keys: &self.keys, issuer: "https://gw.test", client: &client };
        verify(jwt, &wanted, Timestamp::from_seconds(NOW))
    }

    fn says(&self, claims: &Value) -> Result<portcullis_crypto::IdJag, IdJagError> {
        self.said(&self.key.sign_claims(ID_JAG_TYPE, claims).unwrap())
    }
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §3.1
#[test]
fn an_assertion_says_who_for_which_client_and_resource_and_until_when() {
    let idp = Idp::new();
    let thumbprint = idp.key.thumbprint();
    let more = json!({"tenant": "acme", "cnf": {"jkt": thumbprint.to_string()}, "email": "ada@acme.test", "acr": "2"});
    let said = idp.says(&with(more)).unwrap();
    assert_eq!((said.subject.as_str(), said.tenant.as_deref(), said.jti.as_str()), ("00u1", Some("acme"), "one"));
    assert_eq!(said.expires_at, Timestamp::from_seconds(NOW + 300));
    assert_eq!(said.resource.as_deref(), Some("https://gw.test/mcp/tickets"));
    assert_eq!((said.scope.as_deref(), said.key), (Some("tickets:low"), Some(thumbprint)));
    let least = idp.says(&with(json!({"resource": null, "scope": null, "aud": ["https://gw.test"]}))).unwrap();
    assert_eq!((least.resource, least.scope, least.key), (None, None, None));
    let jwt = idp.key.sign_claims("application/OAuth-ID-JAG+jwt", &claims()).unwrap();
    assert!(idp.said(&jwt).is_ok() && claimed_provider(&jwt).unwrap() == "https://idp.test");
}

/// Spec: draft-ietf-oauth-identity-assertion-authz-grant §4.4.1; RFC 8725 §3
/// Field: E3
#[test]
fn what_is_for_others_too_old_too_long_or_says_more_than_is_understood_is_refused() {
    let idp = Idp::new();
    let audience = || IdJagError::Audience { issuer: "https://gw.test".into() };
    for (change, error) in [
        (json!({"iss": "https://idp.test/"}), IdJagError::Issuer),
        (json!({"aud": "https://gw.test/"}), audience()),
        (json!({"aud": "https://gw.test/oauth/token"}), audience()),
        (json!({"aud": ["https://gw.test", "https://other.test"]}), audience()),
        (json!({"aud": []}), audience()),
        (json!({"client_id": "other"}), IdJagError::Client),
        (json!({"client_id": "Desk"}), IdJagError::Client),
        (json!({"exp": NOW}), IdJagError::Expired),
        (json!({"exp": NOW + 301}), IdJagError::LongLived),
        (json!({"iat": NOW - 3600, "exp": NOW + 60}), IdJagError::LongLived),
        (json!({"iat": -1, "exp": NOW + 60}), IdJagError::LongLived),
        (json!({"iat": NOW + 61, "exp": NOW + 120}), IdJagError::FromTheFuture),
        (json!({"nbf": NOW + 61}), IdJagError::FromTheFuture),
        (json!({"jti": ""}), IdJagError::Text("jti")),
        (json!({"jti": "j".repeat(257)}), IdJagError::Text("jti")),
        (json!({"sub": ""}), IdJagError::Text("sub")),
        (json!({"tenant": ""}), IdJagError::Text("tenant")),
        (json!({"cnf": {"jkt": "short"}}), IdJagError::Confirmation),
        (json!({"cnf": {"x5t#S256": "x"}}), IdJagError::Confirmation),
        (json!({"cnf": {}}), IdJagError::Confirmation),
        (json!({"cnf": {"jkt": idp.key.thumbprint().to_string(), "x5t#S256": "x"}}), IdJagError::Confirmation),
        (json!({"authorization_details": [{"type": "anything"}]}), IdJagError::Details),
        (json!({"authorization_details": []}), IdJagError::Details),
    ] {
        assert_eq!(idp.says(&with(change.clone())), Err(error), "{change}");
    }
    for missing in ["iss", "sub", "aud", "client_id", "exp", "iat", "jti"] {
        assert!(matches!(idp.says(&with(json!({missing: null}))), Err(IdJagError::Malformed(_))), "{missing}");
    }
    // A clock that is a little ahead is none of that.
    assert!(idp.says(&with(json!({"iat": NOW + 60, "exp": NOW + 360}))).is_ok());
}

/// Attack: whatever else the same identity provider signs is shown as an assertion.
///
/// Spec: RFC 8725 §3.11
#[test]
fn another_kind_of_token_another_key_and_a_changed_text_are_refused() {
    let (idp, other) = (Idp::new(), Idp::new());
    for typ in ["JWT", "at+jwt", "oauth-id-jag", "logout+jwt", "client-authentication+jwt", "secevent+jwt", ""] {
        let jwt = idp.key.sign_claims(typ, &claims()).unwrap();
        assert_eq!(idp.said(&jwt), Err(IdJagError::Type), "{typ}");
        assert_eq!(claimed_provider(&jwt), Err(IdJagError::Type), "{typ}");
    }
    let jwt = other.key.sign_claims(ID_JAG_TYPE, &claims()).unwrap();
    assert_eq!(idp.said(&jwt), Err(IdJagError::UnknownKey));
    let good = idp.key.sign_claims(ID_JAG_TYPE, &claims()).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let theirs = idp.key.sign_claims(ID_JAG_TYPE, &with(json!({"sub": "00u2"}))).unwrap();
    let payload = theirs.split('.').nth(1).unwrap();
    assert_eq!(idp.said(&format!("{}.{payload}.{}", parts[0], parts[2])), Err(IdJagError::Signature));
    for text in ["", "a.b", "a.b.c", &format!("{good}=")] {
        assert!(matches!(idp.said(text), Err(IdJagError::Malformed(_))), "{text}");
    }
    assert!(claimed_provider("a.b.c").is_err());
}

proptest::proptest! {
    #[test]
    fn any_text_is_refused_and_ends_nothing(text in "\\PC{0,200}") {
        let idp = Idp::new();
        proptest::prop_assert!(idp.said(&text).is_err());
        let _ = claimed_provider(&text);
    }
}
