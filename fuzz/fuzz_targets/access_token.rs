//! Whatever arrives as a bearer token: nothing panics, and nothing verifies that the ring did not sign.
//!
//! The input is tried as it is and, split at its first zero byte, as a header and a payload.
#![no_main]

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use libfuzzer_sys::fuzz_target;
use portcullis_model::Timestamp;
use portcullis_crypto::{Expected, KeyRing, Presented, SigningKey};

static RING: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::new(vec![SigningKey::generate().into()]).expect("one key"));

fn try_text(text: &str) {
    let Ok(presented) = Presented::new(text) else { return };
    let expected = Expected { issuer: "https://mcp.acme.example", audience: "https://mcp.acme.example/mcp/tickets" };
    let verdict = RING.verify_access(presented, &expected, Timestamp::from_seconds(1_795_305_600));
    assert!(verdict.is_err(), "nobody signed this");
}

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        try_text(text);
    }
    let at = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (header, payload) = input.split_at(at);
    try_text(&format!("{}.{}.AAAA", BASE64URL.encode(header), BASE64URL.encode(payload)));
});
