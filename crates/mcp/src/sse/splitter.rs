//! Cuts a stream into its events, without changing a byte.

use bytes::BytesMut;

/// Cuts a stream into events as bytes arrive, in any portions.
#[derive(Debug, Default)]
pub struct Splitter {
    /// What was not taken yet.
    buffer: BytesMut,
    /// Bytes of `buffer` that were looked at.
    seen: usize,
    /// Where the current line began.
    line: usize,
    /// The last byte seen was a CR that ended a line: an LF after it belongs to it.
    after_cr: bool,
    longest: usize,
}

/// An event is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is too long")]
pub struct TooLong;

impl Splitter {
    /// Refuses events of more than `longest` bytes.
    pub fn new(longest: usize) -> Self {
        Self { longest, ..Self::default() }
    }

    /// Adds the next portion.
    pub fn push(&mut self, portion: &[u8]) {
        self.buffer.extend_from_slice(portion);
    }

    /// What no event was taken of yet: readers discard it when the stream ends.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes the next event that is complete, with its blank line.
    ///
    /// It shares the memory of its portion: events that follow each other can be joined again without a copy.
    pub fn take(&mut self) -> Result<Option<BytesMut>, TooLong> {
        while let Some(byte) = self.buffer.get(self.seen).copied() {
            self.seen += 1;
            let complete = match byte {
                // The second half of a CRLF; at the start of an event, of the one that ended before.
                b'\n' if self.after_cr => {
                    self.line = self.seen;
                    self.after_cr = false;
                    self.seen == 1
                }
                b'\n' | b'\r' => {
                    let blank = self.line == self.seen - 1;
                    self.line = self.seen;
                    self.after_cr = byte == b'\r';
                    if blank && self.after_cr && self.buffer.get(self.seen) == Some(&b'\n') {
                        (self.seen, self.line, self.after_cr) = (self.seen + 1, self.line + 1, false);
                    }
                    blank
                }
                _ => {
                    self.after_cr = false;
                    false
                }
            };
            if self.seen > self.longest {
                return Err(TooLong);
            }
            if complete {
                let event = self.buffer.split_to(self.seen);
                (self.seen, self.line) = (0, 0);
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}
