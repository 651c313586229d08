//! Which client assertions prove something and, at greater length, which do not.

mod forge;

use aws_lc_rs::{
    encoding::AsDer,
    signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding},
};
use forge::{NOW, Rsa, base64url, es256, hs256, jws};
use model::{ClientId, Timestamp};
use portcullis_crypto::{
    AgentKey, Assertion, AssertionError, CLIENT_ALGORITHMS, JwsError, KeyError, LogKey, PublicKeys, SigningKey,
    claimed_issuer, verify_assertion,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ISSUER: &str = "https://mcp.acme.example";
const CLIENT: &str = "nightly-reconciler";

fn header() -> Value {
    json!({"typ": "client-authentication+jwt", "alg": "ES256"})
}

fn payload() -> Value {
    json!({"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": "a1"})
}

/// A member that is `null` here is left out.
fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(member)
    } else {
        members.insert(member.to_owned(), value)
    };
    object
}

fn keys(jwk: &Value) -> PublicKeys {
    PublicKeys::parse(jwk).expect("a usable key")
}

fn check(text: &str, keys: &PublicKeys) -> Result<Assertion, AssertionError> {
    let client: ClientId = CLIENT.parse().expect("a client id");
    verify_assertion(text, &client, keys, ISSUER, Timestamp::from_seconds(NOW))
}

/// A client whose key an attacker has: whatever it signs is signed well.
struct Signer {
    pkcs8: Vec<u8>,
    jwk: Value,
    keys: PublicKeys,
}

impl Signer {
    fn new() -> Self {
        let key = SigningKey::generate();
        Self { pkcs8: key.to_pkcs8().to_vec(), jwk: key.public_jwk(), keys: keys(&key.public_jwk()) }
    }

    fn signs(&self, header: &Value, payload: &Value) -> Result<Assertion, AssertionError> {
        check(&jws(&header.to_string(), &payload.to_string(), es256(&self.pkcs8)), &self.keys)
    }
}

/// Spec: RFC 7523 §3, draft-ietf-oauth-rfc7523bis
#[test]
fn an_agents_assertion_proves_the_agent() {
    let key = AgentKey::generate();
    let now = Timestamp::from_seconds(NOW);
    let text = key.sign_assertion(CLIENT, ISSUER, now).unwrap();
    let assertion = check(&text, &keys(&key.public_jwk())).unwrap();
    assert!(assertion.expires_at > now && assertion.jti.len() > 40);
    assert_eq!(claimed_issuer(&text).unwrap().as_str(), CLIENT);
    let again = check(&key.sign_assertion(CLIENT, ISSUER, now).unwrap(), &keys(&key.public_jwk())).unwrap();
    assert_ne!(assertion.jti, again.jti, "each is worth one request");
}

#[test]
fn an_agents_key_survives_as_pem() {
    let key = AgentKey::generate();
    let pem = key.to_pkcs8_pem();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n") && pem.ends_with("\n-----END PRIVATE KEY-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(AgentKey::from_pkcs8_pem(&pem).unwrap().public_jwk(), key.public_jwk());
    assert!(jsonwebtoken::EncodingKey::from_ec_pem(pem.as_bytes()).is_ok());
}

#[test]
fn what_is_no_pem_of_a_p256_key_is_refused() {
    let good = AgentKey::generate().to_pkcs8_pem();
    let sec1 = good.replace("PRIVATE KEY", "EC PRIVATE KEY");
    for bad in ["", "hunter2", good.lines().nth(1).unwrap(), &sec1, &good.replace("-----END", "---END")] {
        assert_eq!(AgentKey::from_pkcs8_pem(bad).unwrap_err(), KeyError::Pem, "{bad:.40}");
    }
    let other = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "AAAA");
    assert!(matches!(AgentKey::from_pkcs8_pem(&other), Err(KeyError::Pkcs8 { .. })));
}

/// Spec: RFC 7523 §3, RFC 7515 §4.1.9
#[test]
fn the_spellings_that_clients_in_the_field_use_are_accepted() {
    let signer = Signer::new();
    let cases = [
        (with(header(), "typ", Value::Null), payload()),
        (with(header(), "typ", json!("JWT")), payload()),
        (with(header(), "typ", json!("jwt")), payload()),
        (with(header(), "typ", json!("application/client-authentication+jwt")), payload()),
        (with(header(), "kid", signer.jwk["kid"].clone()), payload()),
        (header(), with(payload(), "aud", json!([ISSUER]))),
        (header(), with(payload(), "iat", Value::Null)),
        (header(), with(payload(), "iat", json!(NOW as f64 + 0.25))),
        (header(), with(payload(), "exp", json!(NOW as f64 + 59.5))),
        (header(), with(payload(), "exp", json!(NOW + 300))),
        (header(), with(payload(), "nbf", json!(NOW))),
        (header(), with(payload(), "client_id", json!(CLIENT))),
        (header(), with(with(payload(), "iat", json!(NOW + 60)), "exp", json!(NOW + 360))),
    ];
    for (header, payload) in cases {
        assert!(signer.signs(&header, &payload).is_ok(), "{header} {payload}");
    }
}

/// Spec: RFC 7523 §3 (1–8), draft-ietf-oauth-rfc7523bis (audience), RFC 8725 §3.9
#[test]
fn an_assertion_with_other_claims_is_refused() {
    use AssertionError::{Expired, FromTheFuture, Issuer, Jti, LongLived, Malformed, Subject};
    let signer = Signer::new();
    let audience = || AssertionError::Audience { issuer: ISSUER.to_owned() };
    let no_json = || Malformed(JwsError::Json { part: "payload" });
    let cases = [
        ("iss", json!("somebody-else"), Issuer),
        ("iss", Value::Null, no_json()),
        ("sub", json!("somebody-else"), Subject),
        ("sub", json!("Nightly-Reconciler"), Subject),
        ("sub", Value::Null, no_json()),
        ("aud", json!("https://mcp.acme.example/oauth/token"), audience()),
        ("aud", json!("https://mcp.acme.example/"), audience()),
        ("aud", json!("https://other.example"), audience()),
        ("aud", json!([ISSUER, "https://other.example"]), audience()),
        ("aud", json!(["https://other.example", ISSUER]), audience()),
        ("aud", json!([ISSUER, ISSUER]), audience()),
        ("aud", json!([]), audience()),
        ("aud", json!({"iss": ISSUER}), no_json()),
        ("aud", Value::Null, no_json()),
        ("exp", json!(NOW), Expired),
        ("exp", json!(NOW - 3600), Expired),
        ("exp", json!(NOW as f64 + 0.9), Expired),
        ("exp", json!(i64::MIN), Expired),
        ("exp", json!(NOW + 301), LongLived),
        ("exp", json!(NOW + 86_400), LongLived),
        ("exp", json!(i64::MAX), LongLived),
        ("exp", json!(1e300), no_json()),
        ("exp", json!(u64::MAX), no_json()),
        ("exp", json!("soon"), no_json()),
        ("exp", Value::Null, no_json()),
        ("iat", json!(NOW + 61), FromTheFuture),
        ("iat", json!(i64::MAX), FromTheFuture),
        ("iat", json!("now"), no_json()),
        ("nbf", json!(NOW + 61), FromTheFuture),
        ("jti", json!(""), Jti),
        ("jti", json!("x".repeat(257)), Jti),
        ("jti", json!(7), no_json()),
        ("jti", Value::Null, no_json()),
    ];
    for (member, value, why) in cases {
        let refused = signer.signs(&header(), &with(payload(), member, value.clone()));
        assert_eq!(refused, Err(why), "{member} = {value}");
    }
}

/// The last value that is good, on each side of each bound.
///
/// Spec: RFC 7523 §3 (4, 5, 6 and 7)
/// Field: A13
#[test]
fn what_is_just_within_a_bound_is_accepted() {
    let signer = Signer::new();
    for (member, value) in [
        ("exp", json!(NOW + 1)),
        ("exp", json!(NOW + 300)),
        ("iat", json!(NOW + 60)),
        ("iat", json!(i64::MIN)),
        ("nbf", json!(NOW + 60)),
        ("nbf", json!(i64::MIN)),
        ("jti", json!("x")),
        ("jti", json!("x".repeat(256))),
    ] {
        let accepted = signer.signs(&header(), &with(payload(), member, value.clone()));
        assert!(accepted.is_ok(), "{member} = {value}: {accepted:?}");
    }
    let expires_at = signer.signs(&header(), &with(payload(), "exp", json!(NOW + 1))).unwrap().expires_at;
    assert_eq!(expires_at, Timestamp::from_seconds(NOW + 1), "its `jti` is remembered until then");
}

/// Only who signed with the client's key is told more than that it proves nothing.
///
/// Field: S10
#[test]
fn a_proof_of_the_key_is_told_from_none() {
    let (signer, stranger) = (Signer::new(), Signer::new());
    let late = with(payload(), "exp", json!(NOW));
    assert!(signer.signs(&header(), &late).unwrap_err().key_was_proved());
    let forged = jws(&header().to_string(), &late.to_string(), es256(&stranger.pkcs8));
    for nothing in [forged.as_str(), "a.b.c", ""] {
        assert!(!check(nothing, &signer.keys).unwrap_err().key_was_proved(), "{nothing}");
    }
    assert!(!signer.signs(&with(header(), "alg", json!("none")), &payload()).unwrap_err().key_was_proved());
}

/// A client can not buy time by a date of issue that lies ahead.
#[test]
fn a_life_is_five_minutes_even_from_a_clock_that_is_ahead() {
    let signer = Signer::new();
    for (iat, exp) in [(NOW + 60, NOW + 361), (NOW + 1, NOW + 302), (NOW - 3600, NOW + 301)] {
        let payload = with(with(payload(), "iat", json!(iat)), "exp", json!(exp));
        assert_eq!(signer.signs(&header(), &payload), Err(AssertionError::LongLived), "{iat} {exp}");
    }
}

/// Spec: RFC 8725 §3.1, §3.10 and §3.11, RFC 7515 §4.1.11
#[test]
fn an_assertion_whose_header_asks_for_other_rules_is_refused() {
    use AssertionError::{Algorithm, Malformed, Type, UnknownKey};
    let signer = Signer::new();
    let refused = |member| Malformed(JwsError::Refused { member });
    let cases = [
        ("alg", json!("none"), Algorithm),
        ("alg", json!("HS256"), Algorithm),
        ("alg", json!("ES512"), Algorithm),
        ("alg", json!("RS256"), UnknownKey),
        ("alg", json!("EdDSA"), UnknownKey),
        ("alg", Value::Null, Malformed(JwsError::Json { part: "header" })),
        ("typ", json!("at+jwt"), Type),
        ("typ", json!("oauth-id-jag+jwt"), Type),
        ("typ", json!("dpop+jwt"), Type),
        ("typ", json!("secevent+jwt"), Type),
        ("kid", json!("another"), UnknownKey),
        ("kid", json!(""), UnknownKey),
        ("crit", json!(["b64"]), refused("crit")),
        ("jku", json!("https://evil.example/jwks"), refused("jku")),
        ("x5u", json!("https://evil.example/cert"), refused("x5u")),
        ("x5c", json!(["MIIB"]), refused("x5c")),
        ("jwk", signer.jwk.clone(), refused("jwk")),
    ];
    for (member, value, why) in cases {
        let header = with(header(), member, value.clone());
        assert_eq!(signer.signs(&header, &payload()), Err(why), "{member} = {value}");
    }
}

/// Spec: RFC 8725 §2.1
#[test]
fn an_assertion_that_the_client_did_not_sign_is_refused() {
    let signer = Signer::new();
    let claims = payload().to_string();
    let other = SigningKey::generate().to_pkcs8();
    let x = forge::unbase64url(signer.jwk["x"].as_str().unwrap());
    let hs = with(header(), "alg", json!("HS256")).to_string();
    let es = header().to_string();
    assert_eq!(check(&jws(&es, &claims, es256(&other)), &signer.keys), Err(AssertionError::Signature));
    assert_eq!(check(&jws(&es, &claims, hs256(&x)), &signer.keys), Err(AssertionError::Signature));
    assert_eq!(check(&jws(&hs, &claims, hs256(&x)), &signer.keys), Err(AssertionError::Algorithm));
    let long = jws(&es, &"x".repeat(7000), es256(&signer.pkcs8));
    assert_eq!(check(&long, &signer.keys), Err(AssertionError::Malformed(JwsError::TooLong)));
    for text in ["", "a.b", "a.b.c.d", "..", "not a jwt"] {
        assert_eq!(check(text, &signer.keys), Err(AssertionError::Malformed(JwsError::NotCompact)), "{text}");
    }
}

/// Spec: RFC 7515 §4
#[test]
fn an_assertion_with_a_member_twice_is_refused() {
    let signer = Signer::new();
    let twice = |object: Value, member: &str| format!("{{{member},{}", &object.to_string()[1..]);
    let headers = (twice(header(), r#""alg":"none""#), payload().to_string(), "header");
    let payloads = (header().to_string(), twice(payload(), r#""sub":"admin""#), "payload");
    for (header, payload, part) in [headers, payloads] {
        let refused = check(&jws(&header, &payload, es256(&signer.pkcs8)), &signer.keys);
        assert_eq!(refused, Err(AssertionError::Malformed(JwsError::Repeated { part })));
    }
}

/// Spec: RFC 7518 §3.3, §3.4 and §3.5, RFC 8037 §3.1
#[test]
fn each_advertised_algorithm_is_accepted() {
    let (log, rsa, ec) = (LogKey::generate(), Rsa::generate(), SigningKey::generate());
    let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(log.public_bytes())});
    let (p384, es384) = forge::p384();
    let set = json!({"keys": [rsa.jwk, ec.public_jwk(), p384, okp]});
    for &alg in CLIENT_ALGORITHMS {
        let sign = |message: &[u8]| match alg {
            "ES256" => es256(&ec.to_pkcs8())(message),
            "ES384" => es384(message),
            "RS256" => rsa.signs(&RSA_PKCS1_SHA256, message),
            "PS256" => rsa.signs(&RSA_PSS_SHA256, message),
            _ => log.sign(message).to_vec(),
        };
        let text = jws(&with(header(), "alg", json!(alg)).to_string(), &payload().to_string(), sign);
        assert!(check(&text, &keys(&set)).is_ok(), "{alg}");
    }
}

/// Another implementation's signatures hold.
#[test]
fn jsonwebtoken_signs_what_we_verify() {
    let agent = AgentKey::generate();
    let key = jsonwebtoken::EncodingKey::from_ec_pem(agent.to_pkcs8_pem().as_bytes()).unwrap();
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    let text = jsonwebtoken::encode(&header, &payload(), &key).unwrap();
    assert!(check(&text, &keys(&agent.public_jwk())).is_ok());
}

/// Spec: RFC 8725 §3.1, RFC 7517 §4.4
#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let rsa = Rsa::generate();
    let of = |alg: &str, scheme: &'static dyn RsaEncoding| {
        jws(&with(header(), "alg", json!(alg)).to_string(), &payload().to_string(), |m| rsa.signs(scheme, m))
    };
    let only_ps = keys(&with(rsa.jwk.clone(), "alg", json!("PS256")));
    assert!(check(&of("PS256", &RSA_PSS_SHA256), &only_ps).is_ok());
    assert_eq!(check(&of("RS256", &RSA_PKCS1_SHA256), &only_ps), Err(AssertionError::UnknownKey));
    assert_eq!(check(&of("PS256", &RSA_PKCS1_SHA256), &only_ps), Err(AssertionError::Signature));
    let der = rsa.pair.public_key().as_der().unwrap();
    let hs = jws(&with(header(), "alg", json!("HS256")).to_string(), &payload().to_string(), hs256(der.as_ref()));
    assert_eq!(check(&hs, &keys(&rsa.jwk)), Err(AssertionError::Algorithm));
}

#[test]
fn a_client_with_several_keys_may_leave_out_which() {
    let (a, b) = (AgentKey::generate(), AgentKey::generate());
    let set = keys(&json!({"keys": [a.public_jwk(), b.public_jwk()]}));
    let unnamed = |text: String| -> Value {
        serde_json::from_slice(&forge::unbase64url(text.split('.').next().expect("a header"))).expect("JSON")
    };
    let now = Timestamp::from_seconds(NOW);
    let named = b.sign_assertion(CLIENT, ISSUER, now).unwrap();
    assert_eq!(unnamed(named.clone())["kid"], b.public_jwk()["kid"]);
    assert!(check(&named, &set).is_ok());
    let pem = b.to_pkcs8_pem();
    let key = jsonwebtoken::EncodingKey::from_ec_pem(pem.as_bytes()).unwrap();
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    assert!(check(&jsonwebtoken::encode(&header, &payload(), &key).unwrap(), &set).is_ok());
}

#[test]
fn the_claimed_issuer_is_read_without_believing_anything() {
    let claims = |iss: Value| jws("{}", &with(payload(), "iss", iss).to_string(), |_| vec![0]);
    assert_eq!(claimed_issuer(&claims(json!("x"))).unwrap().as_str(), "x");
    for bad in [json!(""), json!("a b"), json!(["x"]), json!("x".repeat(513)), Value::Null] {
        assert_eq!(claimed_issuer(&claims(bad.clone())), None, "{bad}");
    }
    assert_eq!(claimed_issuer("a.b"), None);
    assert_eq!(claimed_issuer(&"a".repeat(9000)), None);
}

proptest! {
    #[test]
    fn no_assertion_makes_the_reader_panic(header in ".{0,60}", payload in proptest::collection::vec(any::<u8>(), 0..120)) {
        let text = format!("{}.{}.AAAA", base64url(header), base64url(payload));
        let _ = (claimed_issuer(&text), check(&text, &Signer::new().keys));
    }
}
