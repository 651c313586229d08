//! Strict I-JSON: one reading of a text, or none.
//!
//! The gateway decides on what it read, and another program runs what *it* read. Three advisories
//! of 2026 are the same bug: the two readings differed (duplicate members, folded case, trailing
//! bytes). So a text that two parsers could read differently is refused before anybody decides
//! anything. [`check`] walks the text once; [`members`] and [`elements`] then take apart what passed,
//! without copying and without a tree.
//!
//! Spec: RFC 8259, RFC 7493 §2 (I-JSON).

use std::{borrow::Cow, collections::HashSet};

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
    let mut scanner = Scanner { text, at: 0, names: Vec::new() };
    scanner.space();
    let start = scanner.at;
    scanner.value(0)?;
    let end = scanner.at;
    scanner.space();
    if scanner.at != bytes.len() {
        return Err(NotStrict::Trailing(scanner.at));
    }
    Ok(Strict(&text[start..end]))
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

/// One pass over the text that either fails or has seen every byte.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Names of the members of all objects that are still open, innermost last.
    names: Vec<Cow<'a, str>>,
}

/// Objects with more members than this are checked with a hash set, because comparing each with each
/// would let one request of a megabyte keep a core busy for minutes.
const FEW: usize = 16;

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotStrict> {
        if self.peek() != Some(byte) {
            return Err(NotStrict::Syntax(self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<(), NotStrict> {
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => Err(NotStrict::TooDeep(self.at)),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(NotStrict::Syntax(self.at)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotStrict> {
        self.at += 1;
        let first = self.names.len();
        let mut many: Option<HashSet<Cow<'a, str>>> = None;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(NotStrict::Syntax(start));
            }
            self.string()?;
            let name = unescape(&self.text[start..self.at]);
            let is_new = match &mut many {
                Some(seen) => seen.insert(name),
                None if self.names[first..].contains(&name) => false,
                None => {
                    self.names.push(name);
                    if self.names.len() - first > FEW {
                        many = Some(self.names.drain(first..).collect());
                    }
                    true
                }
            };
            if !is_new {
                return Err(NotStrict::DuplicateMember(start));
            }
            self.space();
            self.expect(b':')?;
            self.space();
            self.value(depth)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(NotStrict::Syntax(self.at)),
            }
        }
        self.at += 1;
        self.names.truncate(first);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), NotStrict> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            self.value(depth)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(NotStrict::Syntax(self.at)),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), NotStrict> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(NotStrict::Syntax(self.at));
        }
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self) -> Result<(), NotStrict> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return Err(NotStrict::Syntax(self.at)),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), NotStrict> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unit()? {
                0xD800..=0xDBFF => {
                    if self.peek() != Some(b'\\') || self.text.as_bytes().get(self.at + 1) != Some(&b'u') {
                        return Err(NotStrict::LoneSurrogate(start));
                    }
                    self.at += 1;
                    if !(0xDC00..=0xDFFF).contains(&self.unit()?) {
                        return Err(NotStrict::LoneSurrogate(start));
                    }
                }
                0xDC00..=0xDFFF => return Err(NotStrict::LoneSurrogate(start)),
                _ => {}
            },
            _ => return Err(NotStrict::Syntax(self.at)),
        }
        Ok(())
    }

    /// The four digits after `u`, at which the scanner stands.
    fn unit(&mut self) -> Result<u32, NotStrict> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).ok_or(NotStrict::Syntax(self.at))?;
        let unit = hex(digits).ok_or(NotStrict::Syntax(self.at))?;
        self.at += 5;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), NotStrict> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(NotStrict::Syntax(self.at)),
        }
        let mut exponent = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            exponent = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // One reader makes infinity of 1e999, another an error.
        let may_overflow = exponent || self.at - start > 300;
        if may_overflow && !self.text[start..self.at].parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(NotStrict::NumberRange(start));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NotStrict> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(NotStrict::Syntax(start)) } else { Ok(()) }
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
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{0}'..='\u{1f}' => out.extend_from_slice(format!("\\u{:04x}", character as u32).as_bytes()),
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
