//! One password, however it was typed.
//!
//! The same letter reaches us in one or in two characters, and a space as one of many, depending on the keyboard and the
//! system it was typed on. What is hashed is one form of them all.
//!
//! Spec: RFC 8265 §4.2 (the `OpaqueString` profile), RFC 8264 §4.3.
//! Differs: characters outside the class are kept instead of refused (docs/divergences.md).

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The form of a password that is hashed: other spaces become the plain one, then NFC. Nothing is cut off or folded.
///
/// Spec: RFC 8265 §4.2.2
pub fn opaque_string(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().map(|c| if is_other_space(c) { ' ' } else { c }).nfc().collect())
}

/// The general category Zs but for U+0020.
const fn is_other_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 8265 §4.2.2 and §4.3
    /// Field: P6
    #[test]
    fn what_reads_alike_is_one_password_and_nothing_else_is() {
        for (typed, hashed) in [
            ("correct horse", "correct horse"),
            ("pa\u{308}ssword", "p\u{e4}ssword"),
            ("p\u{e4}ssword", "p\u{e4}ssword"),
            ("\u{1e9b}\u{323}", "\u{1e9b}\u{323}"),
            ("\u{212b}", "\u{c5}"),
            ("two\u{a0}words\u{3000}more\u{2003}", "two words more "),
            ("  both  ends  ", "  both  ends  "),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("", ""),
        ] {
            assert_eq!(*opaque_string(typed), hashed, "{typed:?}");
        }
        // Neither case nor width nor compatibility is folded.
        for (one, other) in
            [("A", "a"), ("\u{ff21}", "A"), ("\u{fb01}", "fi"), ("\u{b2}", "2"), ("a\u{200d}", "a"), ("a\tb", "a b")]
        {
            assert_ne!(*opaque_string(one), *opaque_string(other), "{one:?}");
        }
    }
}
