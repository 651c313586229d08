//! Whatever a metadata document says its keys are: nothing panics, and no private key is kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_crypto::PublicKeys;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Ok(json) = serde_json::from_slice::<Value>(input) else { return };
    let accepted = PublicKeys::parse(&json).is_ok();
    assert!(!accepted || json.get("d").is_none(), "a private key was accepted");
});
