//! Nonces for proofs: the time, and a mark that nobody but a node of this installation could have put on it.
//!
//! Nothing is stored, and every node understands those of the others. A nonce is not for one use: the id of the proof is. It says that
//! the proof was made after the nonce was given, so nobody who once had the key for a moment can have made it in advance.
//!
//! Spec: RFC 9449 §8, §9 and §11.2.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Timestamp;
use subtle::ConstantTimeEq;

use crate::MasterKey;

/// The key that marks nonces; the same on every node.
#[derive(Debug)]
pub struct NonceKey(MasterKey);

/// A nonce is good for so long, in seconds.
const LIFE: i64 = 300;

/// All of that many seconds get the same one, so that a client seldom has to take another.
const SLOT: i64 = 60;

/// How far the clock of the node that gave it may be ahead of ours, in seconds.
const CLOCK_SKEW: i64 = 60;

/// Bytes of the mark that are sent.
const MARK: usize = 16;

/// Why a proof has to be made again with another nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NonceError {
    /// It has none.
    #[error("sign the proof again with the `nonce` of the header DPoP-Nonce")]
    Missing,
    /// It has one that is not ours.
    #[error("the proof's `nonce` is none that was given here: sign it again with the one of the header DPoP-Nonce")]
    NotOurs,
    /// It has one that is too old.
    #[error("the proof's `nonce` is too old: sign it again with the one of the header DPoP-Nonce")]
    Old,
}

impl NonceKey {
    /// From what an installation keeps secret.
    pub fn of(master: &MasterKey) -> Self {
        Self(master.derive("dpop_nonce"))
    }

    /// The nonce of this moment.
    pub fn nonce(&self, now: Timestamp) -> String {
        let slot = now.seconds().div_euclid(SLOT);
        let mut bytes = slot.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.mark(slot));
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Was it given here, and not long ago?
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, nonce: Option<&str>, now: Timestamp) -> Result<(), NonceError> {
        let nonce = nonce.ok_or(NonceError::Missing)?;
        // Longer ones are not ours, and are not decoded.
        let bytes = (nonce.len() <= 64).then(|| BASE64_URL_SAFE_NO_PAD.decode(nonce).ok()).flatten();
        let bytes = bytes.ok_or(NonceError::NotOurs)?;
        let (slot, mark) = bytes.split_first_chunk::<8>().ok_or(NonceError::NotOurs)?;
        let slot = i64::from_be_bytes(*slot);
        if mark.ct_ne(&self.mark(slot)).into() {
            return Err(NonceError::NotOurs);
        }
        let given = slot.saturating_mul(SLOT);
        if given > now.seconds().saturating_add(CLOCK_SKEW) {
            return Err(NonceError::NotOurs);
        }
        if now.seconds() >= given.saturating_add(LIFE) { Err(NonceError::Old) } else { Ok(()) }
    }

    fn mark(&self, slot: i64) -> [u8; MARK] {
        let whole = self.0.mac(&["nonce ", &slot.to_string()]);
        let mut mark = [0; MARK];
        mark.copy_from_slice(&whole.bytes()[..MARK]);
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn key(byte: u8) -> NonceKey {
        NonceKey::of(&MasterKey::from_bytes([byte; 32]))
    }

    fn after(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() + seconds)
    }

    /// Spec: RFC 9449 §8
    #[test]
    fn a_nonce_of_one_node_is_good_on_another_for_five_minutes() {
        let nonce = key(7).nonce(NOW);
        for ahead in [-60, 0, 59, 240] {
            assert_eq!(key(7).check(Some(&nonce), after(ahead)), Ok(()), "{ahead}");
        }
        assert_eq!(key(7).check(Some(&nonce), after(LIFE)), Err(NonceError::Old));
        assert_eq!(nonce, key(7).nonce(after(SLOT - 1)));
        assert_ne!(nonce, key(7).nonce(after(SLOT)));
    }

    /// Spec: RFC 9449 §11.2
    #[test]
    fn nobody_else_can_make_one_of_any_time() {
        let nonce = key(7).nonce(NOW);
        assert_eq!(key(7).check(None, NOW), Err(NonceError::Missing));
        assert_eq!(key(8).check(Some(&nonce), NOW), Err(NonceError::NotOurs));
        assert_eq!(key(7).check(Some(&nonce), after(-SLOT - 61)), Err(NonceError::NotOurs));
        for at in 0..nonce.len() {
            let mut changed = nonce.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(key(7).check(Some(&changed), NOW), Err(NonceError::NotOurs), "character {at}");
        }
        for wrong in ["", "A", "é", &"A".repeat(64), &"A".repeat(100_000), &nonce[1..], &format!("{nonce}A")] {
            assert_eq!(key(7).check(Some(wrong), NOW), Err(NonceError::NotOurs), "{} characters", wrong.len());
        }
    }
}
