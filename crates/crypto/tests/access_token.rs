//! Which access tokens are accepted and, at greater length, which are not.

mod forge;

use forge::{NOW, base64url, es256, hs256, jws};
use model::{AccessClaims, Timestamp};
use portcullis_crypto::{
    AccessTokenError, Expected, JwsError, KeyError, KeyRing, Presented, RingKey, SigningKey, Verified,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ISSUER: &str = "https://mcp.acme.example";
const AUDIENCE: &str = "https://mcp.acme.example/mcp/tickets";

struct Issuer {
    ring: KeyRing,
    kid: String,
    pkcs8: Vec<u8>,
}

impl Issuer {
    fn new() -> Self {
        let key = SigningKey::generate();
        let (kid, pkcs8) = (key.kid().to_owned(), key.to_pkcs8().to_vec());
        Self { ring: KeyRing::new(vec![key.into()]).expect("one key"), kid, pkcs8 }
    }

    fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "ES256", "kid": self.kid})
    }

    fn signs(&self, header: &Value, payload: &Value) -> String {
        jws(&header.to_string(), &payload.to_string(), es256(&self.pkcs8))
    }

    fn check(&self, text: &str) -> Result<Verified, AccessTokenError> {
        self.check_at(text, Timestamp::from_seconds(NOW))
    }

    fn check_at(&self, text: &str, now: Timestamp) -> Result<Verified, AccessTokenError> {
        self.ring.verify_access(Presented::new(text)?, &Expected { issuer: ISSUER, audience: AUDIENCE }, now)
    }

    fn refuses(&self, text: &str, why: &AccessTokenError, case: &str) {
        assert_eq!(self.check(text).err().as_ref(), Some(why), "{case}");
    }
}

fn payload() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "person:ada", "client_id": "https://client.example/meta.json",
        "scope": "tickets:low", "jti": "tok_1", "iat": NOW, "exp": NOW + 300,
        "grant_id": "grt_1", "agent_id": "claude-code@ada",
    })
}

fn claims() -> AccessClaims {
    serde_json::from_value(payload()).expect("claims")
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

/// Spec: RFC 9068 §2
#[test]
fn what_the_ring_signs_the_ring_verifies() {
    let issuer = Issuer::new();
    let text = issuer.ring.sign_access(&claims()).unwrap();
    assert_eq!(issuer.check(&text).unwrap().into_claims(), claims());
    let header: Value = serde_json::from_slice(&forge::unbase64url(text.split('.').next().unwrap())).unwrap();
    assert_eq!(header, issuer.header());
}

/// Another implementation reads our tokens and our JWKS.
///
/// Spec: RFC 7515 §5.2, RFC 7517 §5
#[test]
fn jsonwebtoken_verifies_what_we_sign() {
    let issuer = Issuer::new();
    let set: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(issuer.ring.jwks(Timestamp::from_seconds(claims().iat))).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&issuer.kid).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&[AUDIENCE]);
    rules.validate_exp = false;
    let text = issuer.ring.sign_access(&claims()).unwrap();
    assert_eq!(jsonwebtoken::decode::<AccessClaims>(&text, &key, &rules).unwrap().claims, claims());
}

/// Spec: RFC 7638 §3, RFC 7517 §4
#[test]
fn the_jwks_names_each_key_by_its_thumbprint_and_shows_no_private_part() {
    let issuer = Issuer::new();
    let jwks = issuer.ring.jwks(Timestamp::from_seconds(claims().iat));
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let thumbprint = set.keys[0].thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
    assert_eq!(thumbprint, issuer.kid);
    let mut members: Vec<&String> = jwks["keys"][0].as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
}

#[test]
fn a_new_key_signs_and_the_old_one_still_verifies() {
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let (old_bytes, new_kid) = (old.to_pkcs8(), new.kid().to_owned());
    let old_text = KeyRing::new(vec![old.into()]).unwrap().sign_access(&claims()).unwrap();
    let ring = KeyRing::new(vec![new.into(), SigningKey::from_pkcs8(&old_bytes).unwrap().into()]).unwrap();
    let new_text = ring.sign_access(&claims()).unwrap();
    let issuer = Issuer { ring, kid: new_kid, pkcs8: Vec::new() };
    assert!(issuer.check(&old_text).is_ok() && issuer.check(&new_text).is_ok());
    assert_eq!(issuer.ring.jwks(Timestamp::from_seconds(claims().iat))["keys"].as_array().unwrap().len(), 2);
}

/// Field: A9
#[test]
fn a_key_is_published_before_it_signs_and_believed_until_its_last_token_is_over() {
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let (old_kid, new_kid) = (old.kid().to_owned(), new.kid().to_owned());
    let start = claims().iat;
    let at = |seconds: i64| Timestamp::from_seconds(start + seconds);
    let ring = KeyRing::new(vec![
        RingKey { key: old, signs_from: at(-1000), gone_at: Some(at(700)) },
        RingKey { key: new, signs_from: at(600), gone_at: None },
    ])
    .unwrap();
    let kids = |now: i64| {
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(ring.jwks(at(now))).unwrap();
        set.keys.into_iter().filter_map(|key| key.common.key_id).collect::<Vec<_>>()
    };
    let signed = |issued: i64| {
        let text =
            ring.sign_access(&AccessClaims { iat: start + issued, exp: start + issued + 90, ..claims() }).unwrap();
        (jsonwebtoken::decode_header(&text).unwrap().kid.unwrap(), text)
    };
    assert_eq!(kids(0), [new_kid.clone(), old_kid.clone()]);
    assert_eq!(signed(599).0, old_kid);
    assert_eq!(signed(600).0, new_kid);
    assert_eq!(kids(700), [new_kid]);
    let (_, text) = signed(599);
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE };
    let believed = |now: i64| ring.verify_access(Presented::new(&text).unwrap(), &expected, at(now));
    assert!(believed(650).is_ok(), "published and not gone");
    assert!(matches!(believed(700), Err(AccessTokenError::Expired { .. } | AccessTokenError::UnknownKey)));
}

/// Field: A9
#[test]
fn a_key_that_is_gone_makes_its_tokens_nobodys() {
    let (old, new) = (SigningKey::generate(), SigningKey::generate());
    let again = SigningKey::from_pkcs8(&old.to_pkcs8()).unwrap();
    let text = KeyRing::new(vec![old.into()]).unwrap().sign_access(&claims()).unwrap();
    let now = Timestamp::from_seconds(claims().iat + 1);
    let gone = RingKey { key: again, signs_from: Timestamp::default(), gone_at: Some(now) };
    let ring = KeyRing::new(vec![gone, RingKey { key: new, signs_from: now, gone_at: None }]).unwrap();
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE };
    let refused = ring.verify_access(Presented::new(&text).unwrap(), &expected, now);
    assert!(matches!(refused, Err(AccessTokenError::UnknownKey)), "{refused:?}");
}

#[test]
fn a_ring_without_keys_and_a_key_without_sense_are_refused() {
    assert_eq!(KeyRing::new(Vec::new()).unwrap_err(), KeyError::NoSigningKey);
    let log_key = portcullis_crypto::LogKey::generate().to_pkcs8();
    for bytes in [b"".as_slice(), b"x", log_key.as_slice()] {
        assert!(matches!(SigningKey::from_pkcs8(bytes), Err(KeyError::Pkcs8 { .. })));
    }
}

/// Spec: RFC 8725 §3.1, §3.10 and §3.11, RFC 7515 §4.1.11, RFC 9068 §4
#[test]
fn a_header_that_asks_for_other_rules_is_refused() {
    use AccessTokenError::{Algorithm, Malformed, Type, UnknownKey};
    let issuer = Issuer::new();
    let refused = |member| Malformed(JwsError::Refused { member });
    let no_json = || Malformed(JwsError::Json { part: "header" });
    let jwk = SigningKey::generate().public_jwk();
    let cases = [
        ("alg", json!("none"), Algorithm),
        ("alg", json!("None"), Algorithm),
        ("alg", json!("HS256"), Algorithm),
        ("alg", json!("ES384"), Algorithm),
        ("alg", json!("RS256"), Algorithm),
        ("alg", json!("es256"), Algorithm),
        ("alg", json!(["ES256"]), no_json()),
        ("alg", Value::Null, no_json()),
        ("typ", Value::Null, Type),
        ("typ", json!("JWT"), Type),
        ("typ", json!("at"), Type),
        ("typ", json!("dpop+jwt"), Type),
        ("typ", json!("oauth-id-jag+jwt"), Type),
        ("typ", json!("client-authentication+jwt"), Type),
        ("typ", json!("application/x-at+jwt"), Type),
        ("typ", json!("text/at+jwt"), Type),
        ("typ", json!("application/application/at+jwt"), Type),
        ("kid", Value::Null, UnknownKey),
        ("kid", json!(""), UnknownKey),
        ("kid", json!("another"), UnknownKey),
        ("kid", json!("../../etc/passwd"), UnknownKey),
        ("kid", json!("' OR 1=1 --"), UnknownKey),
        ("kid", json!(7), no_json()),
        ("crit", json!(["exp"]), refused("crit")),
        ("crit", json!([]), refused("crit")),
        ("jku", json!("https://evil.example/jwks"), refused("jku")),
        ("x5u", json!("https://evil.example/cert"), refused("x5u")),
        ("x5c", json!(["MIIB"]), refused("x5c")),
        ("jwk", jwk, refused("jwk")),
        ("b64", json!(false), refused("b64")),
    ];
    for (member, value, why) in cases {
        let header = with(issuer.header(), member, value.clone());
        issuer.refuses(&issuer.signs(&header, &payload()), &why, &format!("{member} = {value}"));
    }
}

/// Spec: RFC 9068 §4 (both spellings), RFC 7515 §4.1.9 (case)
#[test]
fn both_spellings_of_the_type_are_accepted() {
    let issuer = Issuer::new();
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT", "Application/at+JWT"] {
        let header = with(issuer.header(), "typ", json!(typ));
        assert!(issuer.check(&issuer.signs(&header, &payload())).is_ok(), "{typ}");
    }
}

/// Spec: RFC 8725 §2.1
#[test]
fn a_signature_that_is_not_ours_is_refused() {
    let issuer = Issuer::new();
    let (header, payload) = (issuer.header().to_string(), payload().to_string());
    let other = SigningKey::generate().to_pkcs8();
    let jwk = issuer.ring.jwks(Timestamp::from_seconds(claims().iat))["keys"][0].clone();
    let point = [
        &[4],
        forge::unbase64url(jwk["x"].as_str().unwrap()).as_slice(),
        &forge::unbase64url(jwk["y"].as_str().unwrap()),
    ]
    .concat();
    let hs = with(issuer.header(), "alg", json!("HS256")).to_string();
    let signature = AccessTokenError::Signature;
    issuer.refuses(&jws(&header, &payload, es256(&other)), &signature, "another key");
    issuer.refuses(&jws(&header, &payload, |_| vec![0; 64]), &signature, "zeros");
    issuer.refuses(&jws(&header, &payload, |_| vec![0xff; 64]), &signature, "out of range");
    issuer.refuses(&jws(&header, &payload, |_| vec![1]), &signature, "too short");
    issuer.refuses(&jws(&header, &payload, |m| [es256(&issuer.pkcs8)(m), vec![0]].concat()), &signature, "too long");
    issuer.refuses(&jws(&header, &payload, hs256(&point)), &signature, "HMAC with the public key, said to be ES256");
    issuer.refuses(&jws(&hs, &payload, hs256(&point)), &AccessTokenError::Algorithm, "HMAC with the public key");
    issuer.refuses(
        &jws(&hs, &payload, hs256(jwk.to_string().as_bytes())),
        &AccessTokenError::Algorithm,
        "HMAC with the JWK",
    );
}

/// Spec: RFC 9068 §4, RFC 8707 §2, RFC 8725 §3.8 and §3.9
#[test]
fn a_token_for_another_issuer_resource_or_time_is_refused() {
    use AccessTokenError::{Expired, FromTheFuture, Malformed};
    let issuer = Issuer::new();
    let from = |got: &str| AccessTokenError::Issuer { got: got.to_owned() };
    let meant = |got: &str| AccessTokenError::Audience { got: got.to_owned() };
    let no_json = || Malformed(JwsError::Json { part: "payload" });
    let expired = |at| Expired { at: Timestamp::from_seconds(at) };
    let cases = [
        ("iss", json!("https://mcp.acme.example/"), from("https://mcp.acme.example/")),
        ("iss", json!("https://MCP.acme.example"), from("https://MCP.acme.example")),
        ("iss", json!("https://evil.example"), from("https://evil.example")),
        ("iss", json!([ISSUER]), no_json()),
        ("iss", Value::Null, no_json()),
        ("aud", json!("https://mcp.acme.example/mcp/tickets/"), meant("https://mcp.acme.example/mcp/tickets/")),
        ("aud", json!("https://mcp.acme.example/mcp/ticket"), meant("https://mcp.acme.example/mcp/ticket")),
        ("aud", json!("https://mcp.acme.example/mcp/files"), meant("https://mcp.acme.example/mcp/files")),
        ("aud", json!(ISSUER), meant(ISSUER)),
        ("aud", json!(""), meant("")),
        ("aud", json!([AUDIENCE]), no_json()),
        ("aud", json!([AUDIENCE, "https://evil.example"]), no_json()),
        ("aud", Value::Null, no_json()),
        ("exp", json!(NOW), expired(NOW)),
        ("exp", json!(NOW - 1), expired(NOW - 1)),
        ("exp", json!(0), expired(0)),
        ("exp", json!(i64::MIN), expired(i64::MIN)),
        ("exp", json!("9999999999"), no_json()),
        ("exp", json!(1e300), no_json()),
        ("exp", Value::Null, no_json()),
        ("iat", json!(NOW + 61), FromTheFuture),
        ("iat", json!(i64::MAX), FromTheFuture),
        ("iat", Value::Null, no_json()),
        ("sub", json!("ada"), no_json()),
        ("sub", json!("client:ada"), no_json()),
        ("client_id", json!(""), no_json()),
        ("jti", Value::Null, no_json()),
        ("grant_id", Value::Null, no_json()),
        ("agent_id", json!("a/b"), no_json()),
        ("cnf", json!({"jkt": "x"}), no_json()),
        ("cnf", json!({}), no_json()),
        ("cnf", json!({"x5t#S256": THUMBPRINT}), no_json()),
        ("cnf", json!({"jkt": THUMBPRINT, "x5t#S256": THUMBPRINT}), no_json()),
    ];
    for (member, value, why) in cases {
        let payload = with(payload(), member, value.clone());
        issuer.refuses(&issuer.signs(&issuer.header(), &payload), &why, &format!("{member} = {value}"));
    }
}

/// Whoever presents it still has to prove the key: the gateway asks for that, at each request.
///
/// Spec: RFC 9449 §6.1
/// Field: D8
#[test]
fn a_token_that_is_bound_to_a_key_says_to_which() {
    let issuer = Issuer::new();
    let bound = with(payload(), "cnf", json!({"jkt": THUMBPRINT}));
    let verified = issuer.signs(&issuer.header(), &bound);
    let claims = issuer.check_at(&verified, Timestamp::from_seconds(NOW)).unwrap().into_claims();
    assert_eq!(claims.key().unwrap().as_str(), THUMBPRINT);
    // Bound in another way, too, or instead: nobody here would look at it, so it is worth nothing.
    for cnf in [json!({"x5t#S256": THUMBPRINT}), json!({"jkt": THUMBPRINT, "x5t#S256": THUMBPRINT})] {
        let other = issuer.signs(&issuer.header(), &with(payload(), "cnf", cnf));
        assert!(issuer.check_at(&other, Timestamp::from_seconds(NOW)).is_err());
    }
}

/// Of the key printed in the RFC.
const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

/// Spec: RFC 7519 §4.1.4
#[test]
fn a_token_is_good_until_the_very_microsecond_of_its_end() {
    let issuer = Issuer::new();
    let text = issuer.ring.sign_access(&claims()).unwrap();
    let end = (NOW + 300) * 1_000_000;
    assert!(issuer.check_at(&text, Timestamp::from_micros(end - 1)).is_ok());
    assert!(issuer.check_at(&text, Timestamp::from_micros(end)).is_err());
    assert!(issuer.check_at(&text, Timestamp::from_seconds(NOW - 60)).is_ok(), "a node whose clock is a minute behind");
    assert!(issuer.check_at(&text, Timestamp::from_seconds(NOW - 61)).is_err());
}

/// Spec: RFC 7515 §4, RFC 8725 §2.4
#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    use AccessTokenError::Malformed;
    let issuer = Issuer::new();
    let (header, claims) = (issuer.header().to_string(), payload().to_string());
    let twice = |part| Malformed(JwsError::Repeated { part });
    let no_json = |part| Malformed(JwsError::Json { part });
    let more = |object: &str, member: &str| format!("{{{member},{}", &object[1..]);
    let many: String = (0..100).map(|n| format!(r#""m{n}":0,"#)).collect();
    let list = serde_json::to_string(&payload().as_object().unwrap().values().collect::<Vec<_>>()).unwrap();
    let cases = [
        (more(&header, r#""alg":"none""#), claims.clone(), twice("header")),
        (more(&header, r#""\u0061lg":"none""#), claims.clone(), twice("header")),
        (more(&header, r#""x":1,"x":1"#), claims.clone(), twice("header")),
        (header.clone(), more(&claims, r#""aud":"https://evil.example""#), twice("payload")),
        (header.clone(), more(&claims, r#""\u0061ud":"https://evil.example""#), twice("payload")),
        (header.clone(), more(&claims, r#""x":1,"x":2"#), twice("payload")),
        (header.clone(), format!("{{{many}{}", &claims[1..]), no_json("payload")),
        (header.clone(), list, no_json("payload")),
        (header.clone(), format!("{claims} {claims}"), no_json("payload")),
        (header.clone(), format!("\u{feff}{claims}"), no_json("payload")),
        (header.clone(), claims.replace(':', "="), no_json("payload")),
        (header.clone(), "null".to_owned(), no_json("payload")),
        (header.clone(), "{}".to_owned(), no_json("payload")),
        (r#"["ES256","at+jwt","x"]"#.to_owned(), claims.clone(), no_json("header")),
        ("\"at+jwt\"".to_owned(), claims.clone(), no_json("header")),
        ("{".to_owned(), claims.clone(), no_json("header")),
        ("[".repeat(2000), claims.clone(), no_json("header")),
        (format!(r#"{{"a":{}"#, "[".repeat(2000)), claims, no_json("header")),
    ];
    for (header, payload, why) in cases {
        issuer.refuses(&jws(&header, &payload, es256(&issuer.pkcs8)), &why, &format!("{header:.60} / {payload:.60}"));
    }
}

/// Spec: RFC 7515 §7.1, RFC 4648 §3.5 and §5
#[test]
fn a_text_that_is_no_compact_token_is_refused_before_it_is_decoded() {
    let issuer = Issuer::new();
    let good = issuer.ring.sign_access(&claims()).unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let no_token = AccessTokenError::Malformed(JwsError::NotCompact);
    let last = char::from(signature.as_bytes()[85] + 1);
    let left_over_bits = format!("{header}.{payload}.{}{last}", &signature[..85]);
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "rt_8d7f".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{header}.{payload}..{signature}"),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good},{good}"),
        good.replacen('.', "%2e", 1),
        format!("{}+/.{payload}.{signature}", header),
        format!("é{good}"),
        format!("{good}\0"),
    ] {
        assert_eq!(Presented::new(&text).unwrap_err(), no_token, "{text:?}");
    }
    issuer.refuses(&left_over_bits, &AccessTokenError::Signature, "one token has one text");
    let long = format!("{header}.{}.{signature}", "A".repeat(8 * 1024));
    assert_eq!(Presented::new(&long).unwrap_err(), AccessTokenError::Malformed(JwsError::TooLong));
}

#[test]
fn a_presented_token_does_not_show_in_debug_output_and_keeps_its_digest() {
    let text = Issuer::new().ring.sign_access(&claims()).unwrap();
    let presented = Presented::new(&text).unwrap();
    assert_eq!(format!("{presented:?}"), "[token]");
    assert_eq!(presented.digest(), portcullis_crypto::Digest::of(&text));
}

#[test]
fn an_unsigned_token_is_refused_in_every_spelling() {
    let issuer = Issuer::new();
    for alg in ["none", "NONE", "nOnE", ""] {
        let header = with(issuer.header(), "alg", json!(alg)).to_string();
        let text = format!("{}.{}.", base64url(&header), base64url(payload().to_string()));
        assert!(issuer.check(&text).is_err() && issuer.check(&format!("{text}AA")).is_err(), "{alg}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = Presented::new(&text);
    }

    #[test]
    fn no_header_or_payload_makes_the_reader_panic(header in proptest::collection::vec(any::<u8>(), 0..80), payload in ".{0,80}") {
        let text = format!("{}.{}.AAAA", base64url(header), base64url(payload));
        let _ = Issuer::new().check(&text);
    }

    #[test]
    fn a_token_with_any_character_changed_is_refused(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let issuer = Issuer::new();
        let mut text = issuer.ring.sign_access(&claims()).unwrap();
        let at = at.index(text.len());
        prop_assume!(text[at..=at] != to);
        text.replace_range(at..=at, &to);
        prop_assert!(issuer.check(&text).is_err());
    }
}
