//! Signed notes: a text, a blank line, and signature lines that name their key.
//!
//! Spec: C2SP signed-note.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::hash::sha256;

/// Why a signed note or a verifier key was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The text is not a signed note.
    #[error("not a signed note: {0}")]
    NotANote(&'static str),
    /// The note is signed, but not by the key we trust.
    #[error("the note carries no signature by key `{name}`")]
    NotSignedBy {
        /// The name of the key that was looked for.
        name: String,
    },
    /// The signature does not fit the text and the key.
    #[error("the signature by key `{name}` is wrong: the text or the key was changed")]
    BadSignature {
        /// The name of the key.
        name: String,
    },
    /// The signed text is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    NotACheckpoint(&'static str),
    /// The checkpoint belongs to another log.
    #[error("the checkpoint is of log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin that was expected.
        expected: String,
        /// The origin the checkpoint names.
        found: String,
    },
    /// The text is not a verifier key.
    #[error("not a verifier key (expected `name+hash+base64`): {0}")]
    NotAKey(&'static str),
}

/// The published form of the log's public key: `origin+hash+base64`.
///
/// Spec: C2SP signed-note, verifier keys
pub fn verifier_key(origin: &str, public: &[u8; 32]) -> String {
    let hash = u32::from_be_bytes(key_hash(origin, ALGORITHM, public));
    format!("{origin}+{hash:08x}+{}", STANDARD.encode([&[ALGORITHM], &public[..]].concat()))
}

/// Reads a verifier key: its name and the Ed25519 public key.
///
/// # Errors
/// [`NoteError::NotAKey`], also when the hash does not fit the key.
///
/// Spec: C2SP signed-note, verifier keys
pub fn parse_verifier_key(text: &str) -> Result<(String, [u8; 32]), NoteError> {
    parse_key(text, ALGORITHM)
}

/// Reads a verifier key whose signatures are made as `algorithm` says.
pub(crate) fn parse_key(text: &str, algorithm: u8) -> Result<(String, [u8; 32]), NoteError> {
    let mut parts = text.trim().splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::NotAKey("it does not have three parts"));
    };
    if !is_key_name(name) {
        return Err(NoteError::NotAKey("the name is empty or has spaces"));
    }
    let key = STANDARD.decode(key).map_err(|_| NoteError::NotAKey("the key is not base64"))?;
    let Some((_, public)) = key.split_first().filter(|(found, _)| **found == algorithm) else {
        return Err(NoteError::NotAKey(match algorithm {
            ALGORITHM => "the key is not Ed25519",
            _ => "the key is not one for Ed25519 cosignatures (type 4)",
        }));
    };
    let public = public.try_into().map_err(|_| NoteError::NotAKey("an Ed25519 key has 32 bytes"))?;
    if hash != format!("{:08x}", u32::from_be_bytes(key_hash(name, algorithm, &public))) {
        return Err(NoteError::NotAKey("the hash does not fit the name and the key"));
    }
    Ok((name.to_owned(), public))
}

/// `text` (which ends in a line break) with one signature, by key `name`.
///
/// Spec: C2SP signed-note, format
pub(crate) fn sign(text: &str, name: &str, sign: &dyn Fn(&[u8]) -> [u8; 64], public: &[u8; 32]) -> String {
    let signature = [&key_hash(name, ALGORITHM, public)[..], &sign(text.as_bytes())].concat();
    format!("{text}\n{SIGNATURE_LINE}{name} {}\n", STANDARD.encode(signature))
}

/// The text of `note`, signed by key `name`. Signatures by other keys are ignored: witnesses add theirs.
///
/// Spec: C2SP signed-note, verification
pub(crate) fn open<'n>(note: &'n str, name: &str, public: &[u8; 32]) -> Result<&'n str, NoteError> {
    if note.len() > MAX_NOTE {
        return Err(NoteError::NotANote("it is longer than 1 MiB"));
    }
    if note.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::NotANote("it has control characters"));
    }
    let split = note.rfind("\n\n").ok_or(NoteError::NotANote("it has no blank line before its signatures"))?;
    let (text, signatures) = (&note[..=split], &note[split + 2..]);
    let signatures = signatures.strip_suffix('\n').ok_or(NoteError::NotANote("its last line does not end"))?;

    let wanted = key_hash(name, ALGORITHM, public);
    let mut found = false;
    for line in signatures.split('\n') {
        let (signer, hash, signature) = signature_line(line)?;
        if signer == name && hash == wanted {
            UnparsedPublicKey::new(&ED25519, public)
                .verify(text.as_bytes(), &signature)
                .map_err(|_| NoteError::BadSignature { name: name.to_owned() })?;
            found = true;
        }
    }
    if found { Ok(text) } else { Err(NoteError::NotSignedBy { name: name.to_owned() }) }
}

/// Who signed, the short hash of the key, and what follows it.
pub(crate) fn signature_line(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteError> {
    let (signer, signature) = line
        .strip_prefix(SIGNATURE_LINE)
        .and_then(|line| line.split_once(' '))
        .filter(|(signer, _)| is_key_name(signer))
        .ok_or(NoteError::NotANote("a signature line is not `— name base64`"))?;
    let signature = STANDARD.decode(signature).map_err(|_| NoteError::NotANote("a signature is not base64"))?;
    let (hash, signature) =
        signature.split_first_chunk().ok_or(NoteError::NotANote("a signature is shorter than a key hash"))?;
    Ok((signer, *hash, signature.to_vec()))
}

/// The short hash that tells keys of one name apart.
pub(crate) fn key_hash(name: &str, algorithm: u8, public: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[algorithm], public]).0;
    [a, b, c, d]
}

/// Spec: C2SP signed-note, key names
fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

/// Ed25519, as signed notes number their algorithms.
const ALGORITHM: u8 = 0x01;
const SIGNATURE_LINE: &str = "— ";
const MAX_NOTE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    /// The example of the specification: its key, its note.
    ///
    /// Spec: C2SP signed-note
    const PEOPLE_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PEOPLE_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn pair() -> (Ed25519KeyPair, [u8; 32]) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        (pair, public)
    }

    fn signed(text: &str, name: &str) -> (String, [u8; 32]) {
        let (pair, public) = pair();
        (sign(text, name, &|message| pair.sign(message).as_ref().try_into().unwrap(), &public), public)
    }

    #[test]
    fn the_published_example_opens_with_its_published_key() {
        let (name, public) = parse_verifier_key(PEOPLE_KEY).unwrap();
        assert_eq!(name, "PeterNeumann");
        assert_eq!(verifier_key(&name, &public), PEOPLE_KEY);
        let text = open(PEOPLE_NOTE, &name, &public).unwrap();
        assert!(text.ends_with("what your problem is.\n"));
    }

    #[test]
    fn a_note_opens_only_with_its_text_its_name_and_its_key() {
        let (note, public) = signed("log\n1\n", "log");
        assert_eq!(open(&note, "log", &public), Ok("log\n1\n"));
        assert_eq!(
            open(&note.replace("\n1\n", "\n2\n"), "log", &public),
            Err(NoteError::BadSignature { name: "log".into() })
        );
        assert_eq!(open(&note, "gol", &public), Err(NoteError::NotSignedBy { name: "gol".into() }));
        assert_eq!(open(&note, "log", &[9; 32]), Err(NoteError::NotSignedBy { name: "log".into() }));
    }

    #[test]
    fn a_witness_may_add_its_signature() {
        let (note, public) = signed("log\n1\n", "log");
        let witness = format!("— witness {}\n", STANDARD.encode([5; 76]));
        assert!(open(&format!("{note}{witness}"), "log", &public).is_ok());
        let forged =
            format!("{note}— log {}\n", STANDARD.encode([&key_hash("log", ALGORITHM, &public)[..], &[1; 64]].concat()));
        assert_eq!(open(&forged, "log", &public), Err(NoteError::BadSignature { name: "log".into() }));
    }

    #[test]
    fn what_is_not_a_note_is_refused_with_the_reason() {
        let (note, public) = signed("log\n1\n", "log");
        for bad in [
            "",
            "log\n1\n",
            "log\n\n",
            note.trim_end(),
            &note.replace("— ", "- "),
            &note.replace("— log ", "— log\t"),
            &note.replace("— log ", "— "),
            &note.replace('1', "\r1"),
            &format!("{note}\n"),
            &format!("{note}— log AA==\n"),
        ] {
            assert!(matches!(open(bad, "log", &public), Err(NoteError::NotANote(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_verifier_key_of_another_shape_is_refused() {
        let (_, public) = pair();
        let key = verifier_key("log", &public);
        assert!(parse_verifier_key(&format!("{key}\n")).is_ok());
        for bad in [
            "",
            "log",
            "log+00000000",
            &key.replace("log", "gol"),
            &key.replace("log", ""),
            &key[..key.len() - 4],
            "log+00000000+AQ==",
            "log+00000000+!",
        ] {
            assert!(matches!(parse_verifier_key(bad), Err(NoteError::NotAKey(_))), "{bad:?}");
        }
    }
}
