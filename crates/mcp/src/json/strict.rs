//! Taking apart a text that was checked, without a copy and without a tree.

use std::borrow::Cow;

use super::{
    escape::unescape,
    scan::{NotStrict, Scanner},
};

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
