//! String literals: what an escape stands for.
//!
//! Spec: RFC 8259 §7.

use std::borrow::Cow;

/// What a checked string literal says.
pub(super) fn unescape(literal: &str) -> Cow<'_, str> {
    let inner = &literal[1..literal.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let bytes = &rest.as_bytes()[at + 1..];
        let (character, used) = match bytes[0] {
            b'u' => unescape_unicode(bytes),
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            other => (char::from(other), 1),
        };
        text.push(character);
        rest = &rest[at + 1 + used..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character of `uXXXX` or `uXXXX\uXXXX`, and how many bytes that was.
fn unescape_unicode(bytes: &[u8]) -> (char, usize) {
    let unit = |at: usize| bytes.get(at..at + 4).and_then(hex).unwrap_or(0xFFFD);
    let high = unit(1);
    let (code, used) = if (0xD800..0xDC00).contains(&high) {
        (0x10000 + ((high - 0xD800) << 10) + (unit(7) - 0xDC00), 11)
    } else {
        (high, 5)
    };
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), used)
}

/// The value of hexadecimal digits.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some((value << 4) | char::from(*digit).to_digit(16)?))
}
