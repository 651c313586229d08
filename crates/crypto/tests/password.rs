//! What a stolen table of passwords is worth: the parameters of the hash, as they are stored.

use std::collections::HashSet;

use model::Secret;
use portcullis_crypto::{hash_password, is_phc};

/// Cheaper ones would be noticed by nobody but a thief.
///
/// Spec: RFC 9106 §4, OWASP Password Storage (19 MiB, 2 passes, 1 lane)
#[test]
fn a_password_is_stored_as_argon2id_with_the_memory_and_the_passes_that_are_promised() {
    let phc = hash_password(&Secret::new("correct horse"));
    let parts: Vec<&str> = phc.split('$').collect();
    assert_eq!(parts[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"], "{phc}");
    assert_eq!((parts[4].len(), parts[5].len(), parts.len()), (22, 43, 6), "16 bytes of salt, 32 of hash");
    assert!(is_phc(&phc));
}

/// Spec: RFC 9106 §3.1 (a salt for each password)
#[test]
fn every_salt_is_its_own() {
    let salt = |_| hash_password(&Secret::new("x")).split('$').nth(4).unwrap().to_owned();
    assert_eq!((0..4).map(salt).collect::<HashSet<_>>().len(), 4);
}
