//! A portion of a body with parts replaced; without any, it is passed on as it came.

use bytes::{Bytes, BytesMut};

/// A portion, and what is left of it.
#[derive(Debug)]
pub struct Edited {
    portion: Bytes,
    /// Up to here it was dealt with.
    at: usize,
    out: BytesMut,
}

impl Edited {
    /// Nothing is replaced yet.
    pub fn of(portion: Bytes) -> Self {
        Self { portion, at: 0, out: BytesMut::new() }
    }

    /// Writes `with` in place of `part`, which lies behind everything that was replaced before.
    pub fn replace(&mut self, part: std::ops::Range<usize>, with: &[u8]) {
        self.out.extend_from_slice(&self.portion[self.at..part.start]);
        self.out.extend_from_slice(with);
        self.at = part.end;
    }

    /// The whole.
    pub fn done(mut self) -> Bytes {
        if self.at == 0 && self.out.is_empty() {
            return self.portion;
        }
        self.out.extend_from_slice(&self.portion[self.at..]);
        self.out.freeze()
    }
}
