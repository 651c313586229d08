//! Whatever a client sends as the proof of a key: nothing panics, and what is accepted is for this method and this address.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_crypto::{AgentKey, PresentedProof, ProofFor, dpop::verify};
use portcullis_model::{TargetUri, Timestamp};
use serde_json::Value;

const NOW: Timestamp = Timestamp::from_seconds(1_795_305_600);
const ENDPOINT: &str = "https://mcp.acme.example/mcp/tickets";

static KEY: LazyLock<AgentKey> = LazyLock::new(AgentKey::generate);

fn check(text: &str) -> bool {
    let uri = TargetUri::parse(ENDPOINT).expect("an address");
    let wanted = ProofFor { method: "POST", uri: &uri, token: None, nonces: None };
    PresentedProof::new(text).and_then(|proof| verify(&proof, &wanted, NOW)).is_ok()
}

fuzz_target!(|text: &str| {
    assert!(!check(text), "nobody signed this");
    // Claims of an attacker who has a key, as everybody may.
    let Ok(claims) = serde_json::from_str::<Value>(text) else { return };
    let signed = KEY.sign_proof_claims(&claims).expect("signs");
    if check(&signed) {
        let uri = claims["htu"].as_str().and_then(TargetUri::parse);
        assert_eq!((claims["htm"].as_str(), uri), (Some("POST"), TargetUri::parse(ENDPOINT)));
    }
});
