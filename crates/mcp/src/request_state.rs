//! Finds `result.requestState` in a message that comes in portions, without holding anything else back.
//!
//! A name that is written with escapes is not found; what it names leaves as it is, and can not come back.

use std::ops::Range;

use crate::sse::{Field, Lines, Step};

/// What was found in a part of a portion.
pub enum Found<'f> {
    /// The beginning, or more, of a state whose end is not there yet.
    Part,
    /// The end of it; this is all of it, as JSON.
    Whole(&'f [u8]),
    /// No end is in sight; this is all that was held of it.
    TooLong(&'f [u8]),
}

/// Looks through JSON, or through the messages of a stream of events.
#[derive(Debug)]
pub struct Finder {
    json: Json,
    lines: Option<Lines>,
}

/// A longer state could not come back in a request.
const LONGEST: usize = 512 * 1024;

impl Finder {
    /// At the beginning.
    pub fn new(events: bool) -> Self {
        Self { json: Json::default(), lines: events.then(Lines::default) }
    }

    /// The next portion. `found` is told parts of it, one behind the other.
    pub fn look(&mut self, bytes: &[u8], mut found: impl FnMut(Range<usize>, Found<'_>)) {
        let Some(lines) = &mut self.lines else { return self.json.look(bytes, 0..bytes.len(), &mut found) };
        let mut at = 0;
        while at < bytes.len() {
            let (part, step) = lines.step(&bytes[at..]);
            match step {
                Step::Value(Field::Data) => self.json.look(bytes, at..at + part, &mut found),
                Step::EventEnds => self.json = Json::default(),
                Step::Value(_) | Step::LineEnds(_) | Step::Other => {}
            }
            at += part;
        }
    }
}

/// Where in a JSON text the next byte stands, as far as it matters.
#[derive(Debug, Default)]
struct Json {
    depth: usize,
    at: At,
    escaped: bool,
    /// The next text is the name of a member.
    name_next: bool,
    member: Member,
    in_result: bool,
}

#[derive(Debug, Default)]
enum At {
    #[default]
    Between,
    /// In a name, of which the beginning is kept.
    Name(Vec<u8>),
    /// In some other text.
    Text,
    /// In the state, which is held from its first quotation mark.
    State(Vec<u8>),
}

#[derive(Debug, Default, PartialEq)]
enum Member {
    #[default]
    Other,
    Result,
    State,
}

impl Json {
    fn look(&mut self, bytes: &[u8], part: Range<usize>, found: &mut impl FnMut(Range<usize>, Found<'_>)) {
        let mut at = part.start;
        while at < part.end {
            if let At::Between = self.at {
                self.between(bytes[at]);
                at += 1;
                if let At::State(held) = &mut self.at {
                    held.push(b'"');
                    found(at - 1..at, Found::Part);
                }
                continue;
            }
            let (end, closed) = self.end_of_text(&bytes[at..part.end]);
            let (from, until) = (at, at + end);
            at = until;
            match &mut self.at {
                At::Name(name) => {
                    let room = 16usize.saturating_sub(name.len());
                    name.extend(bytes[from..until].iter().take(room));
                }
                At::State(held) => {
                    held.extend_from_slice(&bytes[from..until]);
                    if closed {
                        found(from..until, Found::Whole(held));
                    } else if held.len() > LONGEST {
                        found(from..until, Found::TooLong(held));
                        self.at = At::Text;
                    } else {
                        found(from..until, Found::Part);
                    }
                }
                At::Text | At::Between => {}
            }
            if closed {
                self.close();
            }
        }
    }

    fn between(&mut self, byte: u8) {
        match byte {
            b'"' if self.name_next => self.at = At::Name(Vec::new()),
            b'"' if self.member == Member::State => self.at = At::State(Vec::new()),
            b'"' => self.at = At::Text,
            b'{' | b'[' => {
                self.in_result |= self.depth == 1 && byte == b'{' && self.member == Member::Result;
                self.depth += 1;
                self.begin_member(byte == b'{');
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.in_result &= self.depth >= 2;
                self.begin_member(false);
            }
            b',' => self.begin_member(true),
            b':' => self.name_next = false,
            _ => {}
        }
    }

    /// Only names of the message and of its result matter.
    fn begin_member(&mut self, in_object: bool) {
        self.name_next = in_object && (self.depth == 1 || self.depth == 2 && self.in_result);
        self.member = Member::Other;
    }

    /// So many bytes belong to the text, with its last quotation mark if it is there.
    fn end_of_text(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.escaped) {
                at += 1;
                continue;
            }
            match bytes[at..].iter().position(|byte| matches!(byte, b'\\' | b'"')) {
                Some(plain) if bytes[at + plain] == b'"' => return (at + plain + 1, true),
                Some(plain) => {
                    self.escaped = true;
                    at += plain + 1;
                }
                None => at = bytes.len(),
            }
        }
        (at, false)
    }

    fn close(&mut self) {
        if let At::Name(name) = std::mem::take(&mut self.at) {
            self.name_next = false;
            self.member = match (name.as_slice(), self.depth) {
                (b"result\"", 1) => Member::Result,
                (b"requestState\"", 2) => Member::State,
                _ => Member::Other,
            };
        }
    }
}
