//! Checkpoints: the signed head of the log.
//!
//! Three lines: the log's name, its size, its root. Whoever keeps one can later prove that the
//! log still begins with what it said then.
//!
//! Spec: C2SP tlog-checkpoint.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{Hash, NoteError, note};

/// A head of the log: this many records, under this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, for example `mcp.acme.example/audit`.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// The root hash of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    ///
    /// Spec: C2SP tlog-checkpoint, note text
    pub fn to_note_body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The whole signed note. The key's name is the origin.
    ///
    /// Spec: C2SP tlog-checkpoint, signatures
    pub fn sign(&self, sign: &dyn Fn(&[u8]) -> [u8; 64], public: &[u8; 32]) -> String {
        note::sign(&self.to_note_body(), &self.origin, sign, public)
    }

    /// Reads a note and checks that `public` signed it for the log `origin`.
    ///
    /// # Errors
    /// One [`NoteError`] per cause.
    ///
    /// Spec: C2SP tlog-checkpoint, note text
    pub fn open(note: &str, origin: &str, public: &[u8; 32]) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(note::open(note, origin, public)?)?;
        if checkpoint.origin != origin {
            return Err(NoteError::OtherLog { expected: origin.to_owned(), found: checkpoint.origin });
        }
        Ok(checkpoint)
    }

    /// Lines after the third are extensions, which a reader ignores.
    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::NotACheckpoint("it has fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(NoteError::NotACheckpoint("a line is empty"));
        }
        let size = decimal(size).ok_or(NoteError::NotACheckpoint("the size is not a decimal number"))?;
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(NoteError::NotACheckpoint("the root is not 32 bytes of base64"))?;
        Ok(Self { origin: origin.to_owned(), size, root: Hash(root) })
    }
}

/// Digits without a leading zero: one number has one text.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hash::empty_root, leaf_hash};
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    fn open_signed(text: &str, origin: &str) -> Result<Checkpoint, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        let sign = |message: &[u8]| pair.sign(message).as_ref().try_into().unwrap();
        Checkpoint::open(&note::sign(text, origin, &sign, &public), origin, &public)
    }

    /// Spec: C2SP tlog-checkpoint, note text
    #[test]
    fn a_checkpoint_is_origin_size_and_root() {
        let checkpoint = Checkpoint { origin: "log.example/audit".into(), size: 0, root: empty_root() };
        assert_eq!(checkpoint.to_note_body(), "log.example/audit\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
        assert_eq!(open_signed(&checkpoint.to_note_body(), "log.example/audit"), Ok(checkpoint));
    }

    #[test]
    fn what_is_signed_but_no_checkpoint_is_refused_with_the_reason() {
        let root = leaf_hash(b"x");
        for (text, why) in [
            ("log\n1\n".to_owned(), "fewer than three lines"),
            (format!("log\n01\n{root}\n"), "size"),
            (format!("log\n+1\n{root}\n"), "size"),
            (format!("log\n-1\n{root}\n"), "size"),
            (format!("log\n18446744073709551616\n{root}\n"), "size"),
            ("log\n1\nAAAA\n".to_owned(), "root"),
            ("log\n1\n???\n".to_owned(), "root"),
        ] {
            let error = open_signed(&text, "log").unwrap_err();
            assert!(matches!(error, NoteError::NotACheckpoint(_)) && error.to_string().contains(why), "{text} {error}");
        }
    }

    #[test]
    fn an_extension_line_is_ignored() {
        let text = format!("log\n1\n{}\nextension 1\n", leaf_hash(b"x"));
        assert_eq!(open_signed(&text, "log").map(|checkpoint| checkpoint.size), Ok(1));
    }

    #[test]
    fn a_checkpoint_of_another_log_under_our_key_is_refused() {
        let text = format!("gol\n1\n{}\n", leaf_hash(b"x"));
        assert_eq!(open_signed(&text, "log"), Err(NoteError::OtherLog { expected: "log".into(), found: "gol".into() }));
    }
}
