//! Which key sets are accepted as a client's.

mod forge;

use forge::base64url;
use portcullis_crypto::{KeyError, LogKey, PublicKeys, SigningKey};
use serde_json::{Value, json};

fn ec() -> Value {
    SigningKey::generate().public_jwk()
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(member)
    } else {
        members.insert(member.to_owned(), value)
    };
    object
}

fn rsa(bits: usize, e: &[u8]) -> Value {
    let mut n = vec![0x5a; bits / 8];
    n[0] = 0x80;
    n[bits / 8 - 1] = 1;
    json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)})
}

fn refused(json: &Value) -> KeyError {
    PublicKeys::parse(json).expect_err("refused")
}

fn count(json: &Value) -> usize {
    format!("{:?}", PublicKeys::parse(json).expect("accepted")).matches(',').count() + 1
}

/// Spec: RFC 7517 §4 and §5
#[test]
fn one_key_or_a_set_is_accepted() {
    let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(LogKey::generate().public_bytes())});
    assert_eq!(count(&ec()), 1);
    assert_eq!(count(&json!({"keys": [ec(), okp]})), 2);
    assert_eq!(count(&rsa(2048, &[1, 0, 1])), 2, "RS256 and PS256");
    assert_eq!(count(&with(rsa(4096, &[1, 0, 1]), "alg", json!("RS256"))), 1);
}

/// Spec: RFC 8037 Appendix A.3
#[test]
fn a_key_without_a_name_is_named_by_its_thumbprint() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let keys = PublicKeys::parse(&jwk).unwrap();
    assert_eq!(format!("{keys:?}"), "PublicKeys([EdDSA kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k])");
}

/// Spec: RFC 7517 §5 (unknown keys are passed over), §4.2 and §4.3
#[test]
fn keys_for_other_readers_are_passed_over() {
    let others = [
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X25519", "x": "AA"}),
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA"}),
        with(ec(), "use", json!("enc")),
        with(ec(), "key_ops", json!(["encrypt"])),
        with(ec(), "alg", json!("ECDH-ES")),
        with(rsa(2048, &[1, 0, 1]), "alg", json!("RS512")),
    ];
    for other in others {
        assert_eq!(refused(&other), KeyError::NoUsableKey, "{other}");
        assert_eq!(count(&json!({"keys": [other, ec()]})), 1, "{other}");
    }
    assert_eq!(refused(&json!({"keys": []})), KeyError::NoUsableKey);
    assert_eq!(count(&with(with(ec(), "use", Value::Null), "key_ops", json!(["verify"]))), 1);
}

/// Spec: RFC 7517 §9.2, RFC 7523 §3 (asymmetric keys only)
#[test]
fn a_set_with_a_secret_in_it_is_refused_as_a_whole() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let leaked = with(ec(), member, json!("AA"));
        assert_eq!(refused(&leaked), KeyError::Private { member });
        assert_eq!(refused(&json!({"keys": [ec(), leaked]})), KeyError::Private { member });
    }
    assert_eq!(refused(&json!({"kty": "oct"})), KeyError::Private { member: "kty" });
    let encryption = with(with(ec(), "use", json!("enc")), "d", json!("AA"));
    assert_eq!(refused(&encryption), KeyError::Private { member: "d" }, "whatever it is for");
}

/// An RSA key whose modulus has exactly so many bits.
fn rsa_of(bits: usize) -> Value {
    let mut n = vec![0x5a; bits.div_ceil(8)];
    n[0] = 1 << ((bits - 1) % 8);
    *n.last_mut().expect("a modulus has bytes") = 1;
    json!({"kty": "RSA", "n": base64url(n), "e": "AQAB"})
}

/// Spec: RFC 7518 §3.3 (2048 bits or larger)
#[test]
fn the_bounds_of_keys_are_where_they_are_said_to_be() {
    for bits in [2048, 2049, 4095, 4096] {
        assert_eq!(count(&rsa_of(bits)), 2, "{bits}");
    }
    for bits in [1024, 2047, 4097, 8192] {
        assert_eq!(refused(&rsa_of(bits)), KeyError::RsaSize { bits });
    }
    for e in [&[3][..], &[1, 0, 1], &[1, 0, 0, 1]] {
        assert_eq!(count(&rsa(2048, e)), 2, "{e:?}");
    }
    assert_eq!(count(&with(ec(), "kid", json!("x".repeat(256)))), 1);
    let set = |keys: usize| json!({"keys": vec![ec(); keys]});
    assert_eq!(count(&set(16)), 16);
    assert_eq!(refused(&set(17)), KeyError::TooMany { most: 16 });
}

/// Spec: RFC 7518 §6.2.1 and §6.3.1, RFC 8725 §3.4 and §3.5
#[test]
fn a_key_that_is_no_key_is_refused() {
    let member = |member| KeyError::Member { member };
    let invalid = |kind| KeyError::Invalid { kind };
    let (x, zeros) = (ec()["x"].clone(), base64url([0; 32]));
    let ed = |x: &Value| json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    let leading_zero = json!({"kty": "RSA", "n": base64url([vec![0], vec![0x81; 256]].concat()), "e": "AQAB"});
    let cases = [
        (with(ec(), "x", Value::Null), member("x")),
        (with(ec(), "y", json!(7)), member("y")),
        (with(ec(), "x", json!("AA")), member("x")),
        (with(ec(), "x", json!(format!("{}=", x.as_str().unwrap()))), member("x")),
        (with(ec(), "x", json!("+".repeat(43))), member("x")),
        (with(ec(), "y", x), invalid("P-256")),
        (with(with(ec(), "x", json!(zeros)), "y", json!(zeros)), invalid("P-256")),
        (with(ec(), "kty", Value::Null), KeyError::NotAKeySet),
        (json!({"keys": [with(ec(), "kty", Value::Null)]}), member("kty")),
        (with(ec(), "kid", json!(7)), member("kid")),
        (with(ec(), "kid", json!("")), member("kid")),
        (with(ec(), "kid", json!("x".repeat(257))), member("kid")),
        (with(ec(), "alg", json!(["ES256"])), member("alg")),
        (ed(&json!("AA")), member("x")),
        (rsa(1024, &[1, 0, 1]), KeyError::RsaSize { bits: 1024 }),
        (rsa(2040, &[1, 0, 1]), KeyError::RsaSize { bits: 2040 }),
        (rsa(8192, &[1, 0, 1]), KeyError::RsaSize { bits: 8192 }),
        (rsa(16_384, &[1, 0, 1]), member("n")),
        (leading_zero, member("n")),
        (rsa(2048, &[1]), invalid("RSA")),
        (rsa(2048, &[4]), invalid("RSA")),
        (rsa(2048, &[1, 0, 0, 0, 1]), invalid("RSA")),
        (rsa(2048, &[]), invalid("RSA")),
    ];
    for (jwk, why) in cases {
        assert_eq!(refused(&jwk), why, "{jwk:.120}");
    }
}

#[test]
fn what_is_no_key_set_is_refused() {
    for json in [json!(null), json!([]), json!("x"), json!({}), json!({"keys": {}}), json!({"keys": ["x"]})] {
        assert_eq!(refused(&json), KeyError::NotAKeySet, "{json}");
    }
    let many: Vec<Value> = (0..17).map(|_| ec()).collect();
    assert_eq!(refused(&json!({"keys": many})), KeyError::TooMany { most: 16 });
    assert_eq!(count(&json!({"keys": many[..16]})), 16);
}
