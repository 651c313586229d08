//! Which proofs of possession prove something and, at greater length, which do not.

mod forge;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use forge::{NOW, Rsa, base64url, es256, hs256, jws};
use model::{TargetUri, Timestamp};
use portcullis_crypto::{
    AgentKey, CLIENT_ALGORITHMS, Digest, LogKey, MasterKey, NonceError, NonceKey, PresentedProof, Proof, ProofError,
    ProofFor, SigningKey, dpop::verify,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ENDPOINT: &str = "https://gw.test/mcp/tickets";
const TOKEN: &str = "aaaa.bbbb.cccc";

/// Whose key an attacker has: whatever it signs is signed well.
struct Signer {
    pkcs8: Vec<u8>,
    jwk: Value,
}

impl Signer {
    fn new() -> Self {
        let key = SigningKey::generate();
        let jwk = key.public_jwk();
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"]});
        Self { pkcs8: key.to_pkcs8().to_vec(), jwk }
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk})
    }

    fn signs(&self, header: &Value, payload: &Value) -> String {
        jws(&header.to_string(), &payload.to_string(), es256(&self.pkcs8))
    }

    /// The proof with one claim that is another; left out when it is `null`.
    fn saying(&self, member: &str, value: Value) -> Result<Proof, ProofError> {
        check(&self.signs(&self.header(), &with(payload(), member, value)))
    }
}

fn payload() -> Value {
    json!({"jti": "p1", "htm": "POST", "htu": ENDPOINT, "iat": NOW, "ath": Digest::of(TOKEN).to_base64url()})
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

fn check(text: &str) -> Result<Proof, ProofError> {
    let uri = TargetUri::parse(ENDPOINT).expect("an address");
    let wanted = ProofFor { method: "POST", uri: &uri, token: Some(Digest::of(TOKEN)), nonces: None };
    verify(&PresentedProof::new(text)?, &wanted, Timestamp::from_seconds(NOW))
}

/// The proof and the thumbprint that the standard prints.
///
/// Spec: RFC 9449 §4.1, §6.1
#[test]
fn the_proof_of_the_standard_proves_its_key() {
    let text = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0\
                RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2\
                In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu\
                IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3\
                Lg";
    let uri = TargetUri::parse("https://server.example.com/token").unwrap();
    let wanted = ProofFor { method: "POST", uri: &uri, token: None, nonces: None };
    let proof = verify(&PresentedProof::new(text).unwrap(), &wanted, Timestamp::from_seconds(1_562_262_616)).unwrap();
    assert_eq!(proof.thumbprint().as_str(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

/// Spec: RFC 9449 §4.2
/// Field: D4
#[test]
fn an_agents_proof_proves_its_key_and_is_remembered_for_as_long_as_it_could_come_again() {
    let (key, now) = (AgentKey::generate(), Timestamp::from_seconds(NOW));
    let sign = || key.sign_proof(("POST", ENDPOINT), Some(TOKEN), None, now).unwrap();
    let (one, other) = (check(&sign()).unwrap(), check(&sign()).unwrap());
    assert_eq!(*one.thumbprint(), key.thumbprint());
    assert_ne!(one.id(), other.id(), "each is for one request");
    assert!(one.not_after().seconds() > NOW + 300);
    let same_id = |signer: &Signer| check(&signer.signs(&signer.header(), &payload())).unwrap().id();
    assert_ne!(same_id(&Signer::new()), same_id(&Signer::new()), "nobody uses up the ids of another key");
}

/// Spec: RFC 9449 §4.3 (3), (6), (8) to (11)
/// Field: D6, D9, D10, D11
#[test]
fn a_claim_that_does_not_hold_is_refused() {
    use ProofError::{FromTheFuture, Jti, Malformed, Method, Old, OtherToken, Uri};
    let signer = Signer::new();
    for (member, value, why) in [
        ("jti", Value::Null, Malformed),
        ("jti", json!(7), Malformed),
        ("jti", json!(""), Jti),
        ("jti", json!("x".repeat(257)), Jti),
        ("htm", Value::Null, Malformed),
        ("htm", json!("GET"), Method),
        ("htm", json!("post"), Method),
        ("htm", json!("POST "), Method),
        ("htm", json!(["POST"]), Malformed),
        ("htu", Value::Null, Malformed),
        ("htu", json!("https://gw.test/mcp/files"), Uri),
        ("htu", json!("https://gw.test/mcp/tickets/"), Uri),
        ("htu", json!("http://gw.test/mcp/tickets"), Uri),
        ("htu", json!("https://evil.test/mcp/tickets"), Uri),
        ("htu", json!("https://gw.test@evil.test/mcp/tickets"), Uri),
        ("htu", json!("/mcp/tickets"), Uri),
        ("htu", json!(""), Uri),
        ("htu", json!(["https://gw.test/mcp/tickets"]), Malformed),
        ("iat", Value::Null, Malformed),
        ("iat", json!("now"), Malformed),
        ("iat", json!(true), Malformed),
        ("iat", json!(NOW - 301), Old),
        ("iat", json!(NOW + 301), FromTheFuture),
        ("iat", json!(NOW * 1000), FromTheFuture),
        ("iat", json!(i64::MIN), Old),
        ("iat", json!(i64::MAX), FromTheFuture),
        ("iat", json!(1e300), Malformed),
        ("ath", Value::Null, OtherToken),
        ("ath", json!(""), OtherToken),
        ("ath", json!(Digest::of("another.token.text").to_base64url()), OtherToken),
        ("ath", json!(format!("{}=", Digest::of(TOKEN).to_base64url())), OtherToken),
        ("ath", json!(Digest::of(TOKEN).to_hex()), OtherToken),
        ("ath", json!(7), Malformed),
    ] {
        assert_eq!(signer.saying(member, value.clone()), Err(why), "{member} = {value}");
    }
}

/// Spec: RFC 9449 §4.2 (additional claims), §4.3 (9)
#[test]
fn what_may_differ_is_accepted() {
    let signer = Signer::new();
    for (member, value) in [
        ("htu", json!("HTTPS://GW.test:443/mcp/%74ickets?page=1#x")),
        ("iat", json!(NOW - 300)),
        ("iat", json!(NOW + 300)),
        ("iat", json!(NOW as f64 + 0.5)),
        ("jti", json!("x".repeat(256))),
        ("nonce", json!("of another server")),
        ("exp", json!(NOW - 1)),
        ("content_digest", json!("sha-256=:AA==:")),
        ("iss", json!("me")),
    ] {
        assert!(signer.saying(member, value.clone()).is_ok(), "{member} = {value}");
    }
    for (member, value) in
        [("typ", json!("application/dpop+jwt")), ("typ", json!("DPoP+JWT")), ("kid", json!("mine")), ("x", json!(1))]
    {
        let header = with(signer.header(), member, value.clone());
        assert!(check(&signer.signs(&header, &payload())).is_ok(), "{member} = {value}");
    }
    for (member, value) in [
        ("key_ops", json!(["verify"])),
        ("ext", json!(true)),
        ("use", json!("sig")),
        ("alg", json!("ES256")),
        ("kid", json!("k")),
    ] {
        let header = with(signer.header(), "jwk", with(signer.jwk.clone(), member, value));
        let proof = check(&signer.signs(&header, &payload())).unwrap();
        let plain = check(&signer.signs(&signer.header(), &payload())).unwrap();
        assert_eq!(proof.thumbprint(), plain.thumbprint(), "only the required members name a key (RFC 7638 §3.2)");
    }
}

/// Spec: RFC 9449 §4.3 (4), (5) and (7), RFC 8725 §3
/// Field: D6, D11
#[test]
fn a_header_that_asks_for_other_rules_is_refused() {
    use ProofError::{Algorithm, HeaderMember, Key, Malformed, PrivateKey, Type};
    let signer = Signer::new();
    let jwk = |member: &str, value: Value| with(signer.jwk.clone(), member, value);
    let other_curve = forge::p384().0;
    for (member, value, why) in [
        ("typ", Value::Null, Type),
        ("typ", json!("JWT"), Type),
        ("typ", json!("at+jwt"), Type),
        ("typ", json!("client-authentication+jwt"), Type),
        ("alg", json!("none"), Algorithm),
        ("alg", json!("HS256"), Algorithm),
        ("alg", json!("es256"), Algorithm),
        ("alg", json!("ES256K"), Algorithm),
        ("alg", json!("EdDSA"), Key),
        ("alg", json!("RS256"), Key),
        ("alg", json!("ES384"), Key),
        ("alg", Value::Null, Malformed),
        ("crit", json!(["exp"]), HeaderMember),
        ("jku", json!("https://evil.test/jwks"), HeaderMember),
        ("x5u", json!("https://evil.test/cert"), HeaderMember),
        ("x5c", json!(["MIIB"]), HeaderMember),
        ("b64", json!(false), HeaderMember),
        ("jwk", Value::Null, Malformed),
        ("jwk", json!("key"), Malformed),
        ("jwk", json!([signer.jwk]), Malformed),
        ("jwk", json!({"keys": [signer.jwk]}), Key),
        ("jwk", json!({"kty": "oct", "k": "AAAA"}), PrivateKey),
        ("jwk", jwk("d", json!(base64url([7; 32]))), PrivateKey),
        ("jwk", jwk("d", json!("")), PrivateKey),
        ("jwk", jwk("k", json!("AAAA")), PrivateKey),
        ("jwk", jwk("x", Value::Null), Key),
        ("jwk", jwk("x", json!(base64url([7; 32]))), Key),
        ("jwk", jwk("x", json!(base64url([7; 33]))), Key),
        ("jwk", jwk("y", json!(format!("{}=", signer.jwk["y"].as_str().unwrap()))), Key),
        ("jwk", jwk("crv", json!("P-384")), Key),
        ("jwk", jwk("alg", json!("ES384")), Key),
        ("jwk", jwk("use", json!("enc")), Key),
        ("jwk", jwk("key_ops", json!(["sign"])), Key),
        ("jwk", other_curve, Key),
    ] {
        let header = with(signer.header(), member, value.clone());
        assert_eq!(check(&signer.signs(&header, &payload())), Err(why), "{member} = {value}");
    }
}

/// Spec: RFC 9449 §4.3 (7), RFC 8725 §2.1
#[test]
fn what_the_key_in_it_did_not_sign_is_refused() {
    let (signer, thief) = (Signer::new(), Signer::new());
    let (header, claims) = (signer.header().to_string(), payload().to_string());
    assert_eq!(check(&jws(&header, &claims, es256(&thief.pkcs8))), Err(ProofError::Signature));
    let point = [forge::unbase64url(signer.jwk["x"].as_str().unwrap())].concat();
    assert_eq!(check(&jws(&header, &claims, hs256(&point))), Err(ProofError::Signature));
    let hs = with(signer.header(), "alg", json!("HS256")).to_string();
    assert_eq!(check(&jws(&hs, &claims, hs256(&point))), Err(ProofError::Algorithm));
    let good = signer.signs(&signer.header(), &payload());
    let (signed, _) = good.rsplit_once('.').unwrap();
    assert_eq!(check(&format!("{signed}.AAAA")), Err(ProofError::Signature));
    for text in ["", "a.b", "a.b.c.d", "..", "not a jwt", &good.replace('.', ","), &format!("{good}, {good}")] {
        assert_eq!(check(text), Err(ProofError::Malformed), "{text}");
    }
}

/// Spec: RFC 7515 §4, RFC 8725 §2.4
#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    let (signer, thief) = (Signer::new(), Signer::new());
    let twice = |object: &Value, member: &str| format!("{{{member},{}", &object.to_string()[1..]);
    let sign = |header: &str, payload: &str| check(&jws(header, payload, es256(&signer.pkcs8)));
    let (header, claims) = (signer.header(), payload().to_string());
    let other_x = format!(r#""x":{}"#, thief.jwk["x"]);
    let two_keys = header.to_string().replace(&signer.jwk.to_string(), &twice(&signer.jwk, &other_x));
    for (header, payload) in [
        (twice(&header, r#""alg":"none""#), claims.clone()),
        (twice(&header, &format!(r#""jwk":{}"#, thief.jwk)), claims.clone()),
        (two_keys, claims.clone()),
        (header.to_string(), twice(&payload(), r#""htu":"https://evil.test/""#)),
        (header.to_string(), format!("{claims} {claims}")),
    ] {
        assert_eq!(sign(&header, &payload), Err(ProofError::Malformed), "{header} {payload}");
    }
}

/// A key costs whoever checks it as much as it is long.
#[test]
fn a_huge_key_is_refused_before_it_is_used() {
    let signer = Signer::new();
    let rsa = |bytes: usize| json!({"kty": "RSA", "n": base64url(vec![0xff; bytes]), "e": "AQAB"});
    let of = |jwk: Value| {
        let header = json!({"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk});
        check(&signer.signs(&header, &payload()))
    };
    assert_eq!(of(rsa(513)), Err(ProofError::Key), "4104 bits");
    assert_eq!(of(rsa(128)), Err(ProofError::Key), "1024 bits");
    assert_eq!(of(rsa(2048)), Err(ProofError::Key));
    assert_eq!(of(rsa(6000)), Err(ProofError::Malformed), "longer than any token");
    assert_eq!(of(with(rsa(256), "e", json!("AQ"))), Err(ProofError::Key), "exponent 1");
    let many: serde_json::Map<String, Value> = (0..100).map(|n| (format!("m{n}"), json!(0))).collect();
    assert_eq!(of(Value::Object(many)), Err(ProofError::Malformed));
}

/// Spec: RFC 9449 §5.1 (`dpop_signing_alg_values_supported`), RFC 7518 §3
#[test]
fn each_advertised_algorithm_is_accepted() {
    let (okp, rsa, ec) = (LogKey::generate(), Rsa::generate(), Signer::new());
    let (p384, es384) = forge::p384();
    let ed25519 = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(okp.public_bytes())});
    assert!(
        !CLIENT_ALGORITHMS.is_empty() && !CLIENT_ALGORITHMS.iter().any(|alg| *alg == "none" || alg.starts_with("HS"))
    );
    for &alg in CLIENT_ALGORITHMS {
        let sign = |message: &[u8]| match alg {
            "ES256" => es256(&ec.pkcs8)(message),
            "ES384" => es384(message),
            "RS256" => rsa.signs(&RSA_PKCS1_SHA256, message),
            "PS256" => rsa.signs(&RSA_PSS_SHA256, message),
            _ => okp.sign(message).to_vec(),
        };
        let jwk = match alg {
            "ES256" => &ec.jwk,
            "ES384" => &p384,
            "RS256" | "PS256" => &rsa.jwk,
            _ => &ed25519,
        };
        let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk});
        assert!(check(&jws(&header.to_string(), &payload().to_string(), sign)).is_ok(), "{alg}");
    }
}

/// Spec: RFC 9449 §4.3 (10), §8
#[test]
fn where_a_nonce_is_demanded_only_one_of_ours_will_do() {
    let (key, now) = (AgentKey::generate(), Timestamp::from_seconds(NOW));
    let nonces = NonceKey::of(&MasterKey::from_bytes([7; 32]));
    let uri = TargetUri::parse("https://gw.test/oauth/token").unwrap();
    let wanted = ProofFor { method: "POST", uri: &uri, token: None, nonces: Some(&nonces) };
    let verified = |nonce: Option<&str>, signed_at: i64| {
        let at = Timestamp::from_seconds(signed_at);
        let text = key.sign_proof(("POST", uri.as_str()), None, nonce, at).unwrap();
        verify(&PresentedProof::new(&text).unwrap(), &wanted, now)
    };
    let given = |at: i64| nonces.nonce(Timestamp::from_seconds(at));
    assert!(verified(Some(&given(NOW)), NOW).is_ok());
    assert_eq!(verified(None, NOW), Err(ProofError::Nonce(NonceError::Missing)));
    assert_eq!(verified(Some("mine"), NOW), Err(ProofError::Nonce(NonceError::NotOurs)));
    assert_eq!(verified(Some(&given(NOW - 400)), NOW), Err(ProofError::Nonce(NonceError::Old)));
    assert_eq!(verified(Some(&given(NOW)), NOW - 301), Err(ProofError::Old), "a nonce excuses no clock");
    assert_eq!(verified(Some(&given(NOW)), NOW + 301), Err(ProofError::FromTheFuture));
}

proptest! {
    #[test]
    fn no_proof_makes_the_reader_panic(header in ".{0,80}", payload in proptest::collection::vec(any::<u8>(), 0..120)) {
        let _ = check(&format!("{}.{}.AAAA", base64url(header), base64url(payload)));
    }

    #[test]
    fn no_key_makes_the_reader_panic(members in proptest::collection::hash_map("kty|crv|x|y|n|e|d|alg|use", "EC|RSA|OKP|P-256|P-384|Ed25519|AQAB|[A-Za-z0-9_-]{0,90}", 0..6)) {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": members});
        let signer = Signer::new();
        let _ = check(&signer.signs(&header, &payload()));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}") {
        let _ = check(&text);
    }
}
