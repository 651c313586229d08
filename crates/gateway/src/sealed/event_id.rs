//! Event ids of the old era, bound to whom they were sent to.
//!
//! A client that lost its stream asks for what came after an event, and a server whose ids are global would replay
//! anybody's. So the ids that leave are [sealed](crate::sealing), and of those that come back only one that opens is
//! sent on. What was never sealed here, an id from before a restore or of another gateway, is passed over: the stream
//! begins without a replay. What was sealed for somebody else is refused.
//!
//! Spec: MCP 2025-11-25 basic/transports (resumability and redelivery), WHATWG HTML §9.2.6 (`id`).

use std::sync::Arc;

use bytes::Bytes;
use crypto::Digest;
use http::{HeaderMap, HeaderValue};
use mcp::sse::LAST_EVENT_ID;

use crate::{
    principal::Principal,
    sealed::edited::Edited,
    sealed::seals::{NotOpened, Seals, owner},
};

const PURPOSE: &str = "event-id";

/// A longer id is not sent on, and its event can not be resumed after.
const LONGEST: usize = 1024;

/// The event was sent to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignEvent;

/// The id of the event after which a stream is to be resumed, as its server wrote it.
pub fn resumed_after(
    headers: &HeaderMap,
    seals: &Seals,
    principal: &Principal,
) -> Result<Option<HeaderValue>, ForeignEvent> {
    let mut values = headers.get_all(LAST_EVENT_ID).iter();
    let Some(ours) = values.next().filter(|ours| !ours.is_empty()) else { return Ok(None) };
    if values.next().is_some() {
        return Err(ForeignEvent);
    }
    match seals.open(PURPOSE, &owner(principal), ours.as_bytes()) {
        Ok(theirs) => Ok(HeaderValue::from_bytes(&theirs).ok()),
        Err(NotOpened::Foreign) => Err(ForeignEvent),
        Err(NotOpened::Unknown) => {
            tracing::debug!(event = "event_id_unknown", "the stream is opened without it");
            Ok(None)
        }
    }
}

/// Seals the ids in a stream of events, in whatever portions it comes.
#[derive(Debug)]
pub struct EventIds {
    seals: Arc<Seals>,
    owner: Digest,
    line: Line,
    /// No line is over yet: a byte order mark may stand before the first one.
    first: bool,
    after_cr: bool,
}

#[derive(Debug)]
enum Line {
    /// It is none of an id: it passes as it comes.
    Passes,
    /// It is one of an id, as far as was seen: it waits for its end.
    Held(Vec<u8>),
}

impl EventIds {
    /// For a stream to one principal.
    pub fn new(seals: Arc<Seals>, principal: &Principal) -> Self {
        Self { seals, owner: owner(principal), line: Line::Held(Vec::new()), first: true, after_cr: false }
    }

    /// The next portion, as it is passed on.
    pub fn seal(&mut self, bytes: Bytes) -> Bytes {
        let mut edited = Edited::of(bytes.clone());
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if byte == b'\n' && std::mem::take(&mut self.after_cr) {
                at += 1;
                continue;
            }
            let end = bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map(|length| at + length);
            let until = end.unwrap_or(bytes.len());
            self.after_cr = end.is_some_and(|end| bytes[end] == b'\r');
            self.line(&mut edited, &bytes, at..until, end.is_some());
            at = end.map_or(until, |end| end + 1);
        }
        edited.done()
    }

    fn line(&mut self, edited: &mut Edited, bytes: &Bytes, part: std::ops::Range<usize>, is_over: bool) {
        if let Line::Held(held) = &mut self.line {
            let came_before = !held.is_empty();
            let part_of_line = &bytes[part.clone()];
            // Most lines are no ids, and are told by their first bytes.
            if !came_before && !could_be_id(&part_of_line[..part_of_line.len().min(6)], self.first) {
                self.line = Line::Passes;
            } else {
                held.extend_from_slice(part_of_line);
                let is_id = could_be_id(held, self.first);
                if is_id && held.len() > LONGEST + 16 {
                    // It goes on as a comment.
                    edited.replace(part, b":");
                    self.line = Line::Passes;
                } else if !is_id || is_over {
                    match sealed(held, self.first, |id| self.seals.seal(PURPOSE, &self.owner, id)) {
                        Some(line) if is_id => edited.replace(part, line.as_bytes()),
                        _ if came_before => edited.replace(part, held),
                        _ => {}
                    }
                    self.line = Line::Passes;
                } else {
                    edited.replace(part, b"");
                }
            }
        }
        if is_over {
            self.line = Line::Held(Vec::new());
            self.first = false;
        }
    }
}

/// Can a line that begins like this be one of an id?
fn could_be_id(line: &[u8], first: bool) -> bool {
    let line = match line.strip_prefix(MARK) {
        Some(line) if first => line,
        _ if first && MARK.starts_with(line) => return true,
        _ => line,
    };
    line.starts_with(b"id:") || b"id:".starts_with(line)
}

/// The line with its id sealed; `None` when it holds none.
fn sealed(line: &[u8], first: bool, seal: impl FnOnce(&[u8]) -> String) -> Option<String> {
    let line = if first { line.strip_prefix(MARK).unwrap_or(line) } else { line };
    let id = line.strip_prefix(b"id:")?;
    let id = id.strip_prefix(b" ").unwrap_or(id);
    if id.is_empty() {
        return None;
    }
    // Whatever could not come back in a header could not be resumed after.
    Some(if HeaderValue::from_bytes(id).is_ok() && id.len() <= LONGEST {
        format!("id: {}", seal(id))
    } else {
        ":".into()
    })
}

const MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use crypto::MasterKey;
    use proptest::prelude::*;

    use super::*;

    fn ids() -> EventIds {
        let seals = Arc::new(Seals::new(&MasterKey::from_bytes([7; 32])));
        let line = Line::Held(Vec::new());
        EventIds { seals, owner: Digest::of("ada"), line, first: true, after_cr: false }
    }

    /// What leaves, and the same with each sealed id opened again.
    fn sealed(portions: &[&[u8]]) -> (String, String) {
        let mut ids = ids();
        let out: Vec<u8> = portions.iter().flat_map(|portion| ids.seal(Bytes::copy_from_slice(portion))).collect();
        let out = String::from_utf8(out).unwrap();
        let opened = out.split_inclusive(['\n', '\r']).map(|line| {
            let ours = line.trim_end_matches(['\n', '\r']);
            let Some(ours) = ours.strip_prefix("id: ").filter(|ours| !ours.is_empty()) else { return line.to_owned() };
            let theirs = ids.seals.open(PURPOSE, &ids.owner, ours.as_bytes()).unwrap();
            line.replace(ours, std::str::from_utf8(&theirs).unwrap())
        });
        (out.clone(), opened.collect())
    }

    /// Spec: MCP 2025-11-25 basic/transports (resumability and redelivery)
    ///
    /// Field: S6
    #[test]
    fn every_id_is_sealed_and_nothing_else_is_touched() {
        for stream in [
            "id: 7\ndata: {}\n\n",
            "data: {}\nid: 7\n\nid: 8\n\n",
            "event: message\r\nid: 7\r\ndata: id: 7\r\n\r\n",
            "id: 7\r\rid: 8\r\r",
        ] {
            let (out, opened) = sealed(&[stream.as_bytes()]);
            assert!(!out.contains("id: 7\nd") && out != stream, "{out}");
            assert_eq!(opened, stream);
        }
        let untouched = "retry: 1\n: id: 7\nidx: 7\nid\nid:\n\nident: 1\ni\ndata:id:7\n\nID: 7\n id: 7\n\n";
        assert_eq!(sealed(&[untouched.as_bytes()]).0, untouched);
        let (_, opened) = sealed(&["\u{feff}id:7\n\n".as_bytes()]);
        assert_eq!(opened, "id: 7\n\n", "a reader passes over the mark at the beginning");
    }

    /// Field: S6
    #[test]
    fn an_id_that_could_not_come_back_does_not_leave() {
        for id in ["\u{0}", "7\u{1}", &"x".repeat(LONGEST + 1), &"x".repeat(5000)] {
            let (out, _) = sealed(&[format!("id: {id}\ndata: {{}}\n\n").as_bytes()]);
            assert!(out.starts_with(':') && out.ends_with("\ndata: {}\n\n"), "{out}");
        }
        let mut ids = ids();
        for _ in 0..1000 {
            ids.seal(Bytes::from_static(b"id: endless"));
        }
        assert!(matches!(&ids.line, Line::Passes), "and is not held");
    }

    proptest! {
        #[test]
        fn the_same_is_sealed_however_the_stream_is_torn(
            text in "(\u{feff})?((id: [a-z0-9]{1,4}|id|id:|i|data: [a-z]{0,4}|: c|)(\r\n|\n|\r)){1,10}",
            cuts in prop::collection::vec(0usize..80, 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let portions: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (_, opened) = sealed(&portions);
            prop_assert_eq!(opened, sealed(&[bytes]).1);
            let first = text.strip_prefix('\u{feff}').filter(|text| text.starts_with("id: ")).unwrap_or(&text);
            prop_assert_eq!(sealed(&[bytes]).1, first);
        }
    }
}
