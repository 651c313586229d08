//! Notices the answer of a call in its stream of events, without holding the stream back.
//!
//! Before its answer a stream that is cut has to say that the call may have been done; after it there is nothing to
//! say. Only the beginning of each message is looked at: an answer has `result` or `error` where others have `method`.
//!
//! Spec: WHATWG HTML §9.2.6 (interpreting an event stream), JSON-RPC 2.0 §5.

use super::lines::{Field, Lines, Step};

/// What was seen of a stream.
#[derive(Debug, Default)]
pub struct AnswerSeen {
    seen: bool,
    /// An event with an id was seen.
    resumable: bool,
    lines: Lines,
    /// The beginning of this event's data.
    message: Vec<u8>,
    /// Bytes of an event were seen, and not its end.
    inside: bool,
}

/// How much of a message is looked at.
const BEGINNING: usize = 4096;

impl AnswerSeen {
    /// Was the answer relayed whole?
    pub fn is_answered(&self) -> bool {
        self.seen
    }

    /// Can the client come back for the answer, after the event that it got last?
    pub fn is_resumable(&self) -> bool {
        self.resumable
    }

    /// Is an event begun and not ended? Then it has to be ended before another one.
    pub fn is_inside(&self) -> bool {
        self.inside
    }

    /// These bytes are relayed. Says whether the answer ended with them.
    pub fn look(&mut self, mut bytes: &[u8]) -> bool {
        let before = self.seen;
        while !bytes.is_empty() {
            let (length, step) = self.lines.step(bytes);
            match step {
                Step::Value(Field::Data) => {
                    let room = BEGINNING.saturating_sub(self.message.len());
                    self.message.extend(&bytes[..length.min(room)]);
                }
                Step::LineEnds(Some(Field::Data)) => self.message.push(b'\n'),
                Step::EventEnds => {
                    self.seen |= is_answer(&self.message);
                    self.message.clear();
                    self.inside = false;
                }
                Step::Value(_) | Step::LineEnds(_) | Step::Other => {}
            }
            self.inside |= self.lines.is_in_line();
            self.resumable |= self.lines.field() == Some(Field::Id);
            bytes = &bytes[length..];
        }
        self.seen && !before
    }
}

/// Does a message that begins like this answer a request?
fn is_answer(beginning: &[u8]) -> bool {
    let mut at = beginning.iter().position(|byte| *byte == b'{').map_or(beginning.len(), |open| open + 1);
    let (mut depth, mut is_name) = (1usize, true);
    while let Some(byte) = beginning.get(at) {
        match byte {
            b'"' => {
                let end = string_end(beginning, at);
                match &beginning[at..end] {
                    b"\"result\"" | b"\"error\"" if depth == 1 && is_name => return true,
                    b"\"method\"" if depth == 1 && is_name => return false,
                    _ => {}
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 => is_name = false,
            b',' if depth == 1 => is_name = true,
            _ => {}
        }
        at += 1;
    }
    false
}

fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(portions: &[&str]) -> (bool, bool) {
        let mut seen = AnswerSeen::default();
        for portion in portions {
            seen.look(portion.as_bytes());
        }
        (seen.is_answered(), seen.is_inside())
    }

    #[test]
    fn an_answer_is_seen_with_its_last_byte() {
        let event = "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
        assert_eq!(seen(&[event]), (true, false));
        assert_eq!(seen(&[&event[..event.len() - 1]]), (false, true));
        for cut in 0..event.len() {
            assert_eq!(seen(&[&event[..cut], &event[cut..]]), (true, false), "{cut}");
        }
        assert_eq!(seen(&[&event.replace('\n', "\r\n")]), (true, false));
        assert_eq!(seen(&[&event.replace('\n', "\r")]), (true, false));
        assert_eq!(seen(&["data:{\"jsonrpc\":\"2.0\",\ndata:\"error\":{},\"id\":1}\n\n"]), (true, false));
    }

    #[test]
    fn what_only_looks_like_an_answer_is_none() {
        for event in [
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"result\":1}}\n\n",
            "data: {\"params\":{\"result\":1},\"method\":\"x\"}\n\n",
            "data: {\"id\":\"result\",\"method\":\"ping\"}\n\n",
            "data: {\"id\":\"\\\"result\\\"\",\"x\":1}\n\n",
            ": {\"result\":1}\n\n",
            "event: result\ndatax: {\"result\":1}\n\n",
            "\n\n\n",
        ] {
            assert_eq!(seen(&[event]), (false, false), "{event}");
        }
    }

    #[test]
    fn a_long_answer_is_seen_by_its_beginning_and_not_held() {
        let mut seen = AnswerSeen::default();
        seen.look(b"data: {\"id\":1,\"result\":{\"text\":\"");
        for _ in 0..1000 {
            assert!(!seen.look(&[b'x'; 1000]));
        }
        assert!(seen.message.len() <= BEGINNING + 1);
        assert!(seen.look(b"\"}}\n\n"));
    }
}
