//! The one pass: grammar, unique names, surrogates, depth and range of numbers.
//!
//! Spec: RFC 8259 §2, §4, §5, §6, §7; RFC 7493 §2.

use std::{borrow::Cow, collections::HashSet};

use super::escape::{hex, unescape};

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

/// One pass over the text that either fails or has seen every byte.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Names of the members of all objects that are still open, innermost last.
    names: Vec<Cow<'a, str>>,
    /// Names are not looked at.
    lenient: bool,
}

/// Objects with more members than this are checked with a hash set, because comparing each with each
/// would let one request of a megabyte keep a core busy for minutes.
const FEW: usize = 16;

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, names: Vec::new(), lenient: false }
    }

    pub(super) fn lenient(text: &'a str) -> Self {
        Self { lenient: true, ..Self::new(text) }
    }

    /// The one value of the text, without the white space around it.
    pub(super) fn whole(mut self) -> Result<&'a str, NotStrict> {
        self.space();
        let start = self.at;
        self.value(0)?;
        let end = self.at;
        self.space();
        if self.at != self.text.len() {
            return Err(NotStrict::Trailing(self.at));
        }
        Ok(&self.text[start..end])
    }

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
            if !self.lenient && name.bytes().any(|byte| byte.is_ascii_control()) {
                return Err(NotStrict::ControlInName(start));
            }
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
            if !is_new && !self.lenient {
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
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
            self.at += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
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
