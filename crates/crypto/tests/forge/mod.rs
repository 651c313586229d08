//! Tokens as an attacker would write them: any header, any payload, any signature.
#![allow(dead_code, reason = "each test binary uses its own part")]

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaEncoding},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// 2026-11-22T00:00:00Z.
pub const NOW: i64 = 1_795_305_600;

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub fn unbase64url(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

/// The three parts, signed by whatever `sign` does.
pub fn jws(header: &str, payload: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(payload));
    let signature = base64url(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Signs raw bytes with the private key in `pkcs8`.
pub fn es256(pkcs8: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("a P-256 key");
    move |message| pair.sign(&SystemRandom::new(), message).expect("signs").as_ref().to_vec()
}

/// HMAC with whatever bytes the attacker takes for the secret, such as a public key.
pub fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

/// A key of P-384, and what signs with it.
pub fn p384() -> (Value, impl Fn(&[u8]) -> Vec<u8>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("a P-384 key");
    let point = pair.public_key().as_ref()[1..].to_vec();
    let jwk = json!({"kty": "EC", "crv": "P-384", "x": base64url(&point[..48]), "y": base64url(&point[48..])});
    (jwk, move |message: &[u8]| pair.sign(&SystemRandom::new(), message).expect("signs").as_ref().to_vec())
}

pub struct Rsa {
    pub pair: RsaKeyPair,
    pub jwk: Value,
}

impl Rsa {
    pub fn generate() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let n = base64url(pair.public_key().modulus().big_endian_without_leading_zero());
        let e = base64url(pair.public_key().exponent().big_endian_without_leading_zero());
        Self { pair, jwk: json!({"kty": "RSA", "n": n, "e": e}) }
    }

    pub fn signs(&self, scheme: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(scheme, &SystemRandom::new(), message, &mut signature).expect("signs");
        signature
    }
}
