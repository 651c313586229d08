//! What an outside witness says of a checkpoint: that it continues every one it has seen of this log.
//!
//! Spec: C2SP tlog-cosignature (Ed25519), tlog-witness (add-checkpoint).

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Checkpoint, Hash, NoteError, note};

/// A witness: its name and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigner {
    name: String,
    public: [u8; 32],
}

/// Ed25519 over a timed checkpoint, as signed notes number their algorithms.
const COSIGNATURE: u8 = 0x04;

impl Cosigner {
    /// Reads its verifier key: `name+hash+base64`, of type 4.
    ///
    /// # Errors
    /// [`NoteError::NotAKey`], also for the key of a log (type 1).
    ///
    /// Spec: C2SP signed-note, verifier keys; tlog-cosignature, format
    pub fn parse(verifier_key: &str) -> Result<Self, NoteError> {
        let (name, public) = note::parse_key(verifier_key, COSIGNATURE)?;
        Ok(Self { name, public })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it signed `checkpoint`, in seconds since 1970, according to one of these signature lines. Lines of others are
    /// ignored.
    ///
    /// # Errors
    /// [`NoteError::NotSignedBy`] when none is its own, [`NoteError::BadSignature`] when one is, and does not hold.
    ///
    /// Spec: C2SP tlog-cosignature, Ed25519 signed message
    pub fn signed_at(&self, checkpoint: &Checkpoint, lines: &str) -> Result<u64, NoteError> {
        let wanted = note::key_hash(&self.name, COSIGNATURE, &self.public);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NotANote("its last line does not end"))?;
        for line in lines.split('\n') {
            let (signer, hash, signature) = note::signature_line(line)?;
            if signer != self.name || hash != wanted {
                continue;
            }
            let bad = || NoteError::BadSignature { name: self.name.clone() };
            let (time, signature) = signature.split_first_chunk().ok_or_else(bad)?;
            let time = u64::from_be_bytes(*time);
            let said = format!("cosignature/v1\ntime {time}\n{}", checkpoint.to_note_body());
            let key = UnparsedPublicKey::new(&ED25519, &self.public);
            return key.verify(said.as_bytes(), signature).map(|()| time).map_err(|_| bad());
        }
        Err(NoteError::NotSignedBy { name: self.name.clone() })
    }
}

/// The body of a request to a witness that has seen `old` records: the proof that `checkpoint`, a signed note, continues them.
///
/// Spec: C2SP tlog-witness, add-checkpoint
pub fn add_checkpoint(old: u64, proof: &[Hash], checkpoint: &str) -> String {
    let proof: String = proof.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect();
    format!("old {old}\n{proof}\n{checkpoint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_verifier_key;

    /// The example of the specification. Its key is not given there, so only what needs none is looked at.
    ///
    /// Spec: C2SP tlog-witness, add-checkpoint
    #[test]
    fn a_request_is_the_old_size_the_proof_an_empty_line_and_the_note() {
        let body = add_checkpoint(7, &[Hash([0; 32]), Hash([255; 32])], "o\n9\nroot\n\n— o sig\n");
        let proof = format!("{}=\n{}=\n", "A".repeat(43), "/".repeat(42) + "8");
        assert_eq!(body, format!("old 7\n{proof}\no\n9\nroot\n\n— o sig\n"));
        assert_eq!(add_checkpoint(0, &[], "note\n"), "old 0\n\nnote\n");
    }

    struct Witness(aws_lc_rs::signature::Ed25519KeyPair, [u8; 32]);

    impl Witness {
        fn new(seed: u8) -> Self {
            use aws_lc_rs::signature::KeyPair;
            let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            let public = pair.public_key().as_ref().try_into().unwrap();
            Self(pair, public)
        }

        fn key(&self, algorithm: u8) -> String {
            let hash = u32::from_be_bytes(note::key_hash("w.test", algorithm, &self.1));
            format!("w.test+{hash:08x}+{}", STANDARD.encode([&[algorithm], &self.1[..]].concat()))
        }

        fn line(&self, time: u64, said: &str) -> String {
            let hash = note::key_hash("w.test", COSIGNATURE, &self.1);
            let signature = self.0.sign(said.as_bytes());
            format!("— w.test {}\n", STANDARD.encode([&hash[..], &time.to_be_bytes(), signature.as_ref()].concat()))
        }
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "gw.test/audit".into(), size: 9, root: Hash([9; 32]) }
    }

    /// Spec: C2SP tlog-cosignature, Ed25519 signed message
    #[test]
    fn the_time_is_signed_with_the_whole_body_of_the_note() {
        let witness = Witness::new(3);
        let cosigner = Cosigner::parse(&witness.key(4)).unwrap();
        let said = |time: u64, body: &str| format!("cosignature/v1\ntime {time}\n{body}");
        let body = checkpoint().to_note_body();
        let line = witness.line(1_700_000_000, &said(1_700_000_000, &body));
        assert_eq!(cosigner.signed_at(&checkpoint(), &line), Ok(1_700_000_000));
        let bad = Err(NoteError::BadSignature { name: "w.test".into() });
        let later = witness.line(1_700_000_001, &said(1_700_000_000, &body));
        assert_eq!(cosigner.signed_at(&checkpoint(), &later), bad, "another time than was signed");
        let plain = witness.line(1_700_000_000, &body);
        assert_eq!(cosigner.signed_at(&checkpoint(), &plain), bad, "the signature of a log");
        let other = Checkpoint { size: 8, ..checkpoint() };
        assert_eq!(cosigner.signed_at(&other, &line), bad, "another checkpoint");
    }

    #[test]
    fn lines_of_other_keys_are_ignored_and_one_of_its_own_is_wanted() {
        let (witness, other) = (Witness::new(3), Witness::new(4));
        let cosigner = Cosigner::parse(&witness.key(4)).unwrap();
        let said = format!("cosignature/v1\ntime 5\n{}", checkpoint().to_note_body());
        let (own, others) = (witness.line(5, &said), other.line(5, &said));
        assert_eq!(cosigner.signed_at(&checkpoint(), &format!("{others}{own}")), Ok(5));
        let not_signed = Err(NoteError::NotSignedBy { name: "w.test".into() });
        assert_eq!(cosigner.signed_at(&checkpoint(), &others), not_signed);
        assert!(matches!(cosigner.signed_at(&checkpoint(), ""), Err(NoteError::NotANote(_))));
        assert!(matches!(cosigner.signed_at(&checkpoint(), "no line\n"), Err(NoteError::NotANote(_))));
    }

    #[test]
    fn the_key_of_a_log_is_not_that_of_a_witness() {
        let witness = Witness::new(3);
        assert!(matches!(Cosigner::parse(&witness.key(1)), Err(NoteError::NotAKey(_))));
        assert!(matches!(parse_verifier_key(&witness.key(4)), Err(NoteError::NotAKey(_))));
    }
}
