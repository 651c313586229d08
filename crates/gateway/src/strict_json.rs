//! Strict I-JSON: one reading of a text, or none.
//!
//! The gateway decides on what it read, and another program runs what *it* read. Three advisories
//! of 2026 are the same bug: the two readings differed (duplicate members, folded case, trailing
//! bytes). So a text that two parsers could read differently is refused before anybody decides
//! anything. [`check`] walks the text once; [`Strict::members`] and [`Strict::elements`] then take apart
//! what passed, without copying and without a tree.
//!
//! Spec: RFC 8259, RFC 7493 §2 (I-JSON).

mod scan;

use std::borrow::Cow;

use self::scan::Scanner;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 64;

/// Why a text is not strict JSON. The position is a byte offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotStrict {
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    Encoding,
    /// A byte order mark, which some parsers skip and others refuse.
    #[error("the text begins with a byte order mark")]
    ByteOrderMark,
    /// Not JSON at this byte.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    /// Something follows the value.
    #[error("bytes follow the value at byte {0}")]
    Trailing(usize),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} at byte {0}")]
    TooDeep(usize),
    /// Two members of one object have the same name.
    #[error("a member name occurs twice in one object at byte {0}")]
    DuplicateMember(usize),
    /// A member name with a control character: a reader that ends texts at a NUL takes it for another name.
    #[error("a member name with a control character at byte {0}")]
    ControlInName(usize),
    /// Half of a surrogate pair, which is no character.
    #[error("a lone surrogate at byte {0}")]
    LoneSurrogate(usize),
    /// A number that a double cannot hold.
    #[error("a number out of range at byte {0}")]
    NumberRange(usize),
}

/// Text that passed [`check`]: exactly one JSON value, with at most white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strict<'a>(&'a str);

/// Is `bytes` one strict JSON value?
///
/// Spec: RFC 7493 §2.1 (encoding), §2.2 (numbers), §2.3 (unique names).
pub fn check(bytes: &[u8]) -> Result<Strict<'_>, NotStrict> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(NotStrict::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NotStrict::Encoding)?;
    Scanner::new(text).whole().map(Strict)
}

/// `bytes` as far as its grammar goes: names may be there twice. Only for taking apart what is not strict, so that each
/// part can be [checked](check) by itself.
pub fn grammar(bytes: &[u8]) -> Result<Strict<'_>, NotStrict> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotStrict::Encoding)?;
    Scanner::lenient(text).whole().map(Strict)
}

impl<'a> Strict<'a> {
    /// The text, digit for digit as it came.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The members of this object in their order, names unescaped; `None` when it is no object.
    pub fn members(self) -> Option<Vec<(Cow<'a, str>, Strict<'a>)>> {
        let mut found = Vec::new();
        let mut cursor = Cursor::inside(self.0, b'{')?;
        while let Some(name) = cursor.next() {
            let Some(value) = cursor.next() else { break };
            found.push((unescape(name), Strict(value)));
        }
        Some(found)
    }

    /// The elements of this array; `None` when it is no array.
    pub fn elements(self) -> Option<Vec<Strict<'a>>> {
        Some(Cursor::inside(self.0, b'[')?.map(Strict).collect())
    }

    /// The value of the member `name`; `None` when it is missing or this is no object.
    pub fn member(self, name: &str) -> Option<Strict<'a>> {
        self.members()?.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// This string, unescaped; `None` when it is no string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        self.0.starts_with('"').then(|| unescape(self.0))
    }

    /// Is this an object?
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Is this a number?
    pub fn is_number(self) -> bool {
        self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit())
    }
}

/// Walks over the items of one checked container: names and values alternately, or elements.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn inside(text: &'a str, open: u8) -> Option<Self> {
        (text.as_bytes().first() == Some(&open)).then_some(Self { text, at: 1 })
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')) {
            self.at += 1;
        }
        if self.at + 1 >= bytes.len() {
            return None;
        }
        let start = self.at;
        self.at = skip(bytes, start);
        Some(&self.text[start..self.at])
    }
}

/// The end of the checked value that begins at `at`.
fn skip(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = bytes.get(at) {
                    match byte {
                        b'\\' => at += 2,
                        b'"' => break,
                        _ => at += 1,
                    }
                }
                at += 1;
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => {
                at += 1;
                continue;
            }
            _ => {
                while !matches!(bytes.get(at), None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b'}' | b']')) {
                    at += 1;
                }
            }
        }
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// What a checked string literal says.
fn unescape(literal: &str) -> Cow<'_, str> {
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

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| Some((value << 4) | char::from(*digit).to_digit(16)?))
}

/// Appends `text` as a JSON string literal.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests;
