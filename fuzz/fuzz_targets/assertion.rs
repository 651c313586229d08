//! Whatever a client sends as its assertion: nothing panics, and nothing is accepted that its key did not sign.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_model::{ClientId, Timestamp};
use portcullis_crypto::{AgentKey, PublicKeys, claimed_issuer, verify_assertion};

const NOW: Timestamp = Timestamp::from_seconds(1_795_305_600);

static KEYS: LazyLock<PublicKeys> =
    LazyLock::new(|| PublicKeys::parse(&AgentKey::generate().public_jwk()).expect("a public key"));

fuzz_target!(|text: &str| {
    let client: ClientId = "nightly-reconciler".parse().expect("a client id");
    let _ = claimed_issuer(text);
    let verdict = verify_assertion(text, &client, &KEYS, "https://mcp.acme.example", NOW);
    assert!(verdict.is_err(), "nobody signed this");
});
