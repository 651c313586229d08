//! What one token costs: `cargo bench -p portcullis-token`.

use std::hint::black_box;

use divan::Bencher;
use model::{AccessClaims, ClientId, TargetUri, Timestamp};
use portcullis_crypto::{
    AgentKey, Digest, Expected, KeyRing, MasterKey, NonceKey, Presented, PresentedProof, ProofFor, PublicKeys,
    SigningKey, dpop, verify_assertion,
};
use serde_json::json;

const ISSUER: &str = "https://mcp.acme.example";
const AUDIENCE: &str = "https://mcp.acme.example/mcp/tickets";
const NOW: Timestamp = Timestamp::from_seconds(1_795_305_600);

fn main() {
    divan::main();
}

fn ring() -> KeyRing {
    KeyRing::new(vec![SigningKey::generate().into()]).expect("one key")
}

fn claims() -> AccessClaims {
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "person:ada", "client_id": "https://client.example/meta.json",
        "scope": "tickets:low", "jti": "tok_5XbT0oVh1fZ8bN4hL6yP0s", "iat": NOW.seconds(), "exp": NOW.seconds() + 300,
        "grant_id": "grt_AAAAAAAAAAAAAAAAAAAAAA", "agent_id": "claude-code@ada",
    });
    serde_json::from_value(claims).expect("claims")
}

#[divan::bench]
fn sign_access(bencher: Bencher) {
    let (ring, claims) = (ring(), claims());
    bencher.bench(|| ring.sign_access(black_box(&claims)));
}

/// A token that was not seen before.
#[divan::bench]
fn verify_access_cold(bencher: Bencher) {
    let ring = ring();
    let text = ring.sign_access(&claims()).expect("signs");
    let expected = Expected { issuer: ISSUER, audience: AUDIENCE };
    bencher.bench(|| {
        let presented = Presented::new(black_box(&text)).expect("a token");
        ring.verify_access(presented, &expected, NOW).expect("verifies")
    });
}

/// What a token that was seen before costs: its form and its digest, by which the verdict is looked up.
#[divan::bench]
fn digest_of_a_presented_token(bencher: Bencher) {
    let text = ring().sign_access(&claims()).expect("signs");
    bencher.bench(|| Presented::new(black_box(&text)).expect("a token").digest());
}

#[divan::bench]
fn digest(bencher: Bencher) {
    bencher.bench(|| Digest::of(black_box("rt_k3T9mQ2vXw7cR1fZ8bN4hL6yP0sD5gJaEuIoVtWqzM")));
}

#[divan::bench]
fn verify_assertion_es256(bencher: Bencher) {
    let key = AgentKey::generate();
    let keys = PublicKeys::parse(&key.public_jwk()).expect("a key");
    let client: ClientId = "nightly-reconciler".parse().expect("a client id");
    let text = key.sign_assertion(client.as_str(), ISSUER, NOW).expect("signs");
    bencher.bench(|| verify_assertion(black_box(&text), &client, &keys, ISSUER, NOW).expect("verifies"));
}

/// What each request with a bound token costs more than one with a bearer token: the proof is read and its key with it.
#[divan::bench]
fn verify_proof_es256(bencher: Bencher) {
    let token = Digest::of("a.token.text");
    let text = AgentKey::generate().sign_proof(("POST", AUDIENCE), Some("a.token.text"), None, NOW).expect("signs");
    let uri = TargetUri::parse(AUDIENCE).expect("an address");
    let wanted = ProofFor { method: "POST", uri: &uri, token: Some(token), nonces: None };
    bencher.bench(|| {
        let presented = PresentedProof::new(black_box(&text)).expect("a proof");
        dpop::verify(&presented, &wanted, NOW).expect("verifies")
    });
}

/// What a nonce adds.
#[divan::bench]
fn check_nonce(bencher: Bencher) {
    let nonces = NonceKey::of(&MasterKey::from_bytes([7; 32]));
    let nonce = nonces.nonce(NOW);
    bencher.bench(|| nonces.check(Some(black_box(&nonce)), NOW).expect("is ours"));
}
