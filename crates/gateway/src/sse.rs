//! A stream of server-sent events, cut into events without changing a byte.
//!
//! Only events whose message we rewrite are touched; ids, retry times and comments pass as they came.
//!
//! Spec: WHATWG HTML §9.2.6 (interpreting an event stream).

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

/// The message of an event: its `data` lines, joined.
pub fn data(event: &[u8]) -> Option<Vec<u8>> {
    let mut joined: Option<Vec<u8>> = None;
    for line in lines(event) {
        if let Some(value) = data_of(line) {
            match &mut joined {
                Some(joined) => {
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                }
                None => joined = Some(value.to_vec()),
            }
        }
    }
    joined
}

/// Does the event hold a message? One with another name than `message` is not for the protocol: a ping of the server's.
pub fn is_message(event: &[u8]) -> bool {
    lines(event).all(|line| matches!(value_of(line, b"event"), None | Some(b"" | b"message")))
}

/// The event without name and data: readers take its id and its retry time, and dispatch nothing.
pub fn without_data(event: &[u8]) -> Vec<u8> {
    let mut out = b":\n".to_vec();
    for line in lines(event).filter(|line| value_of(line, b"id").is_some() || value_of(line, b"retry").is_some()) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

/// The event with another message; everything else in it stays.
pub fn with_data(event: &[u8], message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(event.len() + message.len());
    for line in lines(event).filter(|line| !line.is_empty() && data_of(line).is_none()) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    // A line break of the message would end the field: each of its lines is one, and a reader joins them again.
    for line in message.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    value_of(line, b"data")
}

fn value_of<'l>(line: &'l [u8], field: &[u8]) -> Option<&'l [u8]> {
    let value = line.strip_prefix(field).filter(|rest| rest.is_empty() || rest[0] == b':')?;
    let value = value.strip_prefix(b":").unwrap_or(value);
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    // A reader skips a byte order mark at the beginning of a stream.
    let event = event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event);
    event.split(|byte| matches!(byte, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(portions: &[&[u8]]) -> Vec<String> {
        let mut splitter = Splitter::new(1 << 20);
        let mut events = Vec::new();
        for portion in portions {
            splitter.push(portion);
            while let Some(event) = splitter.take().unwrap() {
                events.push(event);
            }
        }
        events.push(splitter.buffer);
        events.into_iter().map(|event| String::from_utf8(event.into()).unwrap()).collect()
    }

    /// Spec: WHATWG HTML §9.2.5 (CR, LF and CRLF end a line)
    /// Field: G5
    #[test]
    fn an_event_ends_with_a_blank_line_of_any_kind() {
        assert_eq!(split(&[b"data: a\n\ndata: b\n\n"]), ["data: a\n\n", "data: b\n\n", ""]);
        assert_eq!(split(&[b"data: a\r\n\r\ndata: b\r\n\r\n"]), ["data: a\r\n\r\n", "data: b\r\n\r\n", ""]);
        assert_eq!(split(&[b"data: a\r\rdata: b\r\r"]), ["data: a\r\r", "data: b\r\r", ""]);
        assert_eq!(
            split(&[b": ping\n\nid: 1\ndata: {}\n\ndata: un"]),
            [": ping\n\n", "id: 1\ndata: {}\n\n", "data: un"]
        );
    }

    /// Field: G5
    #[test]
    fn a_line_end_torn_apart_is_still_one_line_end() {
        assert_eq!(split(&[b"data: a\r", b"\ndata: b\r", b"\n\r", b"\nx"]), ["data: a\r\ndata: b\r\n\r", "\n", "x"]);
        assert_eq!(split(&[b"da", b"ta: a\n", b"\n"]), ["data: a\n\n", ""]);
    }

    #[test]
    fn an_event_that_never_ends_is_cut_off() {
        let mut splitter = Splitter::new(16);
        splitter.push(b"data: 0123456789");
        assert_eq!(splitter.take(), Ok(None));
        splitter.push(b"x");
        assert_eq!(splitter.take(), Err(TooLong));
    }

    /// Not even when it comes in one piece, with its end.
    #[test]
    fn a_whole_event_that_is_too_long_is_cut_off() {
        let mut splitter = Splitter::new(16);
        splitter.push(b"data: 1\n\ndata: 0123456789\n\n");
        assert_eq!(splitter.take().unwrap().unwrap(), "data: 1\n\n");
        assert_eq!(splitter.take(), Err(TooLong));
    }

    #[test]
    fn events_that_follow_each_other_are_joined_without_a_copy() {
        let mut splitter = Splitter::new(16);
        splitter.push(b"data: 1\n\ndata: 2\n\n");
        let mut first = splitter.take().unwrap().unwrap();
        let began = first.as_ptr();
        first.unsplit(splitter.take().unwrap().unwrap());
        assert_eq!((first.as_ptr(), &first[..]), (began, &b"data: 1\n\ndata: 2\n\n"[..]));
    }

    /// Field: G5
    #[test]
    fn a_message_of_several_lines_leaves_as_an_event_that_reads_back_as_the_same() {
        for message in ["{\n \"a\": 1\n}", "{\r\n\"a\":1}", "{\"a\":\r1}", "{}"] {
            let event = with_data(b"id: 7\ndata: x\n\n", message.as_bytes());
            let mut splitter = Splitter::new(1024);
            splitter.push(&event);
            let whole = splitter.take().unwrap().unwrap();
            assert_eq!(whole, event, "one event, and all of it");
            let read: serde_json::Value = serde_json::from_slice(&data(&whole).unwrap()).unwrap();
            assert_eq!(read, serde_json::from_str::<serde_json::Value>(message).unwrap());
        }
    }

    #[test]
    fn data_lines_are_joined_and_replaced_and_the_rest_stays() {
        let event = b"id: 7\nretry: 10\ndata: {\ndata:\"a\":1}\n: c\nevent: message\ndatax: no\ndata\n\n";
        assert_eq!(data(event).unwrap(), b"{\n\"a\":1}\n");
        assert_eq!(with_data(event, b"{}"), b"id: 7\nretry: 10\n: c\nevent: message\ndatax: no\ndata: {}\n\n");
        assert_eq!(data(b": comment\n\n"), None);
    }

    #[test]
    fn an_event_of_another_name_keeps_its_id_and_says_nothing() {
        for message in ["data: x\n\n", "event: message\ndata: x\n\n", "event\ndata: x\n\n", "eventx: ping\ndata: x\n\n"]
        {
            assert!(is_message(message.as_bytes()), "{message}");
        }
        for other in
            ["event: ping\ndata: x\n\n", "event:message\nevent:x\n\n", "\u{feff}event: x\n\n", "event:  message\n\n"]
        {
            assert!(!is_message(other.as_bytes()), "{other}");
        }
        assert_eq!(without_data(b"event: ping\nid: 7\r\ndata: x\nretry: 5\n\n"), b":\nid: 7\nretry: 5\n\n");
        assert_eq!(without_data(b"event: ping\ndata: x\n\n"), b":\n\n");
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_however_the_stream_is_torn(
            text in "(data: [a-z]{0,4}|id: 1|: c|)((\r\n|\n|\r)(data: x|id: 2|:|)){0,12}",
            cuts in prop::collection::vec(0usize..80, 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let portions: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(split(&portions).concat(), text);
        }

        #[test]
        fn the_messages_are_the_same_however_the_stream_is_torn(
            text in "((data: [a-z]{1,3}|id: 1|: c)(\n|\r\n|\r)){0,6}\n",
            cuts in prop::collection::vec(0usize..80, 0..8),
        ) {
            let messages = |portions: &[&[u8]]| -> Vec<_> {
                split(portions).iter().filter_map(|event| data(event.as_bytes())).collect()
            };
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let portions: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(messages(&portions), messages(&[bytes]));
        }
    }
}
