//! What a password must be.

use crypto::opaque_string;

/// Counted and compared in the form that is hashed.
///
/// Spec: NIST SP 800-63B §3.1.1 (length, and nothing else), RFC 8265 §4.2
pub(crate) fn acceptable(password: &str, again: &str) -> Result<(), &'static str> {
    let (password, again) = (opaque_string(password), opaque_string(again));
    match password.chars().count() {
        0..SHORTEST => Err("That is too short. Use at least 12 characters; a few words make a good password."),
        SHORTEST..=LONGEST if password == again => Ok(()),
        SHORTEST..=LONGEST => Err("The two passwords differ."),
        _ => Err("That is too long. Use at most 1024 characters."),
    }
}

/// The fewest characters.
pub(crate) const SHORTEST: usize = 12;
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_twelve_characters_and_is_typed_twice_alike() {
        assert!(acceptable("correct horse", "correct horse").is_ok());
        assert!(acceptable("ÄÄÄÄÄÄÄÄÄÄÄÄ", "ÄÄÄÄÄÄÄÄÄÄÄÄ").is_ok());
        assert!(acceptable("ÄÄÄÄÄÄÄÄÄÄÄÄ", &"A\u{308}".repeat(12)).is_ok(), "the same in another form");
        assert!(acceptable(&"A\u{308}".repeat(6), &"A\u{308}".repeat(6)).is_err(), "six letters");
        for (one, two) in
            [("", ""), ("short", "short"), ("correct horse", "correct horsf"), ("elevenchars", "elevenchars")]
        {
            assert!(acceptable(one, two).is_err(), "{one}");
        }
        let long = "x".repeat(1025);
        assert!(acceptable(&long, &long).is_err());
    }
}
