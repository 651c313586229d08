//! Where one message of an HTTP/1.1 connection ends and the next begins: said once, in one way, or not accepted.
//!
//! The HTTP implementation takes what a lenient reader would: it drops a length beside a transfer coding, takes one
//! of two equal fields, and ends lines at a bare line feed. Whoever stands before us may read the same bytes in
//! another way, and then one of them sees a request that the other does not. So the bytes are looked at before it
//! gets them: heads and the framing of chunks by line, bodies not at all. What is ambiguous is broken on purpose,
//! and answered with 400 and the end of the connection.
//!
//! Spec: RFC 9112 §2.2, §5, §6.1, §6.3, §7.1, §11.2.

use std::io::BufRead;

/// Follows the messages of one connection.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    stage: Stage,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    head: Head,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Head,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    /// Nothing that follows is a request.
    Over,
}

/// What the head being read says about its body.
#[derive(Debug, Default)]
struct Head {
    begun: bool,
    host: bool,
    length: Option<u64>,
    chunked: bool,
}

/// It can be read in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl Framing {
    /// Looks at bytes on their way to the HTTP implementation. The line that is ambiguous ends in a NUL afterwards,
    /// which nobody takes.
    pub(crate) fn look(&mut self, bytes: &mut [u8]) -> Result<(), Ambiguous> {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.stage {
                Stage::Over => break,
                Stage::Body(left) => {
                    at += skip(left, bytes.len() - at);
                    if *left == 0 {
                        self.stage = Stage::Head;
                    }
                }
                Stage::Chunk(left) => {
                    at += skip(left, bytes.len() - at);
                    if *left == 0 {
                        self.stage = Stage::ChunkEnd;
                    }
                }
                _ => {
                    let length = line_length(&bytes[at..]);
                    let piece = &bytes[at..at + length];
                    at += length;
                    if piece.last() != Some(&b'\n') {
                        if self.line.len() + length > LONGEST_LINE {
                            // The HTTP implementation gives up before.
                            self.stage = Stage::Over;
                        } else {
                            self.line.extend_from_slice(piece);
                        }
                        break;
                    }
                    let read = if self.line.is_empty() {
                        self.read(piece)
                    } else {
                        let mut line = std::mem::take(&mut self.line);
                        line.extend_from_slice(piece);
                        self.read(&line)
                    };
                    if read.is_err() {
                        bytes[at - 1] = 0;
                        self.stage = Stage::Over;
                        return Err(Ambiguous);
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        let line = line.strip_suffix(b"\r\n").ok_or(Ambiguous)?;
        match self.stage {
            Stage::Head if line.is_empty() && !self.head.begun => {}
            Stage::Head if line.is_empty() => self.stage = self.head.end(),
            Stage::Head => self.head.read(line)?,
            Stage::ChunkSize => {
                self.stage = match chunk_size(line)? {
                    0 => Stage::Trailers,
                    bytes => Stage::Chunk(bytes),
                }
            }
            Stage::ChunkEnd if line.is_empty() => self.stage = Stage::ChunkSize,
            Stage::ChunkEnd => return Err(Ambiguous),
            Stage::Trailers if line.is_empty() => self.stage = Stage::Head,
            Stage::Trailers | Stage::Body(_) | Stage::Chunk(_) | Stage::Over => {}
        }
        Ok(())
    }
}

impl Head {
    fn read(&mut self, line: &[u8]) -> Result<(), Ambiguous> {
        if !self.begun {
            self.begun = true;
            return Ok(());
        }
        match line.first() {
            // A folded line; and a name that ends in a blank is refused by the HTTP implementation.
            Some(b' ' | b'\t') => Err(Ambiguous),
            Some(b'c' | b'C') => match value(line, b"content-length") {
                Some(value) => self.length(value),
                None => Ok(()),
            },
            Some(b't' | b'T') => match value(line, b"transfer-encoding") {
                Some(value) => self.coding(value),
                None => Ok(()),
            },
            Some(b'h' | b'H') if value(line, b"host").is_some() => match std::mem::replace(&mut self.host, true) {
                true => Err(Ambiguous),
                false => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Ambiguous> {
        let digits = value.trim_ascii();
        let plain = (1..=MOST_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        if !plain || self.length.is_some() || self.chunked {
            return Err(Ambiguous);
        }
        self.length = Some(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    /// `chunked`, once and at the end. What stands before it is refused later, when it is clear where the body ends.
    fn coding(&mut self, value: &[u8]) -> Result<(), Ambiguous> {
        let mut codings = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let last = codings.next().is_some_and(is_chunked);
        if !last || codings.any(is_chunked) || self.chunked || self.length.is_some() {
            return Err(Ambiguous);
        }
        self.chunked = true;
        Ok(())
    }

    /// What follows the head, which is forgotten.
    fn end(&mut self) -> Stage {
        match std::mem::take(self) {
            Self { chunked: true, .. } => Stage::ChunkSize,
            Self { length: Some(bytes @ 1..), .. } => Stage::Body(bytes),
            _ => Stage::Head,
        }
    }
}

/// How long the line at the beginning of `bytes` is, its end included, or all of them.
fn line_length(mut bytes: &[u8]) -> usize {
    // Reading from memory does not fail.
    bytes.skip_until(b'\n').unwrap_or_default()
}

/// The value of the field, when `line` is one of that name.
fn value<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    found.eq_ignore_ascii_case(name).then_some(rest)?.strip_prefix(b":")
}

/// Spec: RFC 9112 §7.1 (a recipient must not overflow), §7.1.1 (extensions are passed over)
fn chunk_size(line: &[u8]) -> Result<u64, Ambiguous> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, rest) = line.split_at(digits);
    let extension = rest.trim_ascii_start();
    let plain = extension.is_empty() && rest.is_empty() || extension.first() == Some(&b';');
    if !(1..=MOST_HEX_DIGITS).contains(&digits) || !plain || extension.contains(&b'\r') {
        return Err(Ambiguous);
    }
    let digit = |byte: &u8| u64::from(char::from(*byte).to_digit(16).unwrap_or_default());
    Ok(size.iter().fold(0, |sum, byte| sum << 4 | digit(byte)))
}

fn skip(left: &mut u64, there: usize) -> usize {
    let skipped = (*left).min(there as u64);
    *left -= skipped;
    skipped as usize
}

/// Longer than any head or chunk line that is taken.
const LONGEST_LINE: usize = 128 * 1024;
/// No length of more digits fits into 64 bits for certain.
const MOST_DIGITS: usize = 18;
const MOST_HEX_DIGITS: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    /// In one piece, and byte by byte.
    fn look(text: &str) -> Result<(), Ambiguous> {
        let mut framing = Framing::default();
        let mut bytes = text.as_bytes().to_vec();
        let whole = framing.look(&mut bytes);
        let mut slow = Framing::default();
        let piecewise = text.bytes().try_for_each(|byte| slow.look(&mut [byte]));
        assert_eq!(whole, piecewise, "{text:?}");
        assert_eq!(bytes.contains(&0), whole.is_err(), "{text:?}");
        whole
    }

    /// Spec: RFC 9112 §6.1, §6.3
    ///
    /// Field: G14
    #[test]
    fn a_head_that_says_twice_or_unclearly_how_long_its_body_is_is_ambiguous() {
        for fields in [
            "content-length: 3\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
            "Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            "transfer-encoding: identity\r\n",
            "transfer-encoding: xchunked\r\n",
            "transfer-encoding: chunked, gzip\r\n",
            "transfer-encoding: chunked, chunked\r\n",
            "transfer-encoding: \r\n",
            "content-length: 3\r\ncontent-length: 4\r\n",
            "content-length: 3\r\nContent-Length: 3\r\n",
            "content-length: 3, 3\r\n",
            "content-length: +3\r\n",
            "content-length: 0x3\r\n",
            "content-length: \r\n",
            "content-length: 99999999999999999999\r\n",
            "host: y\r\n",
            "x: y\r\n folded\r\n",
            "x: y\n",
            "\n",
        ] {
            assert_eq!(look(&format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\n")), Err(Ambiguous), "{fields:?}");
        }
        assert_eq!(look("GET / HTTP/1.1\n"), Err(Ambiguous));
    }

    #[test]
    fn messages_are_followed_through_their_bodies_to_the_next_head() {
        let bad = "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n";
        for first in [
            "",
            "\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length:  5 \r\n\r\nab\n\nc",
            "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n3\r\na\nb\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nt: v\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-lengths: 1\r\ntransfer: chunked\r\nte: x\r\n\r\n",
        ] {
            assert_eq!(look(&first.repeat(3)), Ok(()), "{first:?}");
            assert_eq!(look(&format!("{first}{first}{bad}")), Err(Ambiguous), "{first:?}");
        }
    }

    /// Spec: RFC 9112 §7.1
    ///
    /// Field: G14
    #[test]
    fn chunks_that_two_readers_could_end_elsewhere_are_ambiguous() {
        for chunks in [
            "3\nabc\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "\r\n",
            "0x3\r\n",
            "-1\r\n",
            "3 3\r\n",
            "3 \r\n",
            "10000000000000000\r\n",
            "3;a\rb\r\n",
            "0\r\nt: v\n",
        ] {
            let text = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
            assert_eq!(look(&text), Err(Ambiguous), "{chunks:?}");
        }
    }
}
