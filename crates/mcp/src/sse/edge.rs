//! Between two events, or inside one: comments may stand only between them.

/// Where in a stream the last event ended, found from the end of each portion: no line is taken apart.
#[derive(Debug)]
pub struct Edge {
    /// The last bytes that were seen.
    tail: [u8; 3],
    /// How many bytes of the present event were seen.
    long: usize,
}

impl Edge {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self { tail: *b"\n\n\n", long: 0 }
    }

    /// These bytes are relayed. Says how many there were of an event that is not over.
    pub fn look(&mut self, bytes: &[u8]) -> usize {
        let tail = self.tail;
        // The byte that stands `back` before the byte `at`.
        let before = |at: usize, back: usize| match at.checked_sub(back) {
            Some(at) => bytes[at],
            None => tail[tail.len() + at - back],
        };
        let ends_line = |byte: u8| matches!(byte, b'\n' | b'\r');
        let ends_blank_line = |at: usize| match (bytes[at], before(at, 1)) {
            (b'\n', b'\r') => ends_line(before(at, 2)),
            (byte, before) => ends_line(byte) && ends_line(before),
        };
        self.long = match (0..bytes.len()).rev().find(|at| ends_blank_line(*at)) {
            Some(at) => bytes.len() - 1 - at,
            None => self.long + bytes.len(),
        };
        for byte in &bytes[bytes.len().saturating_sub(3)..] {
            self.tail = [self.tail[1], self.tail[2], *byte];
        }
        self.long
    }

    /// Is what was relayed whole events, and nothing of the next one?
    pub fn is_between_events(&self) -> bool {
        self.long == 0
    }
}

impl Default for Edge {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(portions: &[&str]) -> usize {
        let mut edge = Edge::new();
        portions.iter().map(|portion| edge.look(portion.as_bytes())).last().unwrap_or_default()
    }

    #[test]
    fn a_blank_line_of_any_kind_ends_an_event_however_it_is_torn() {
        for end in ["\n\n", "\r\r", "\r\n\r\n", "\n\r\n", "\r\n\n", "\n\r"] {
            let event = format!("id: 1\ndata: {{}}{end}");
            assert_eq!(long(&[&event]), 0, "{end:?}");
            for cut in 0..event.len() {
                assert_eq!(long(&[&event[..cut], &event[cut..]]), 0, "{end:?} at {cut}");
            }
            assert_eq!(long(&[&event, "data"]), 4);
        }
        for open in ["data: 1", "data: 1\n", "data: 1\r\n", "data: 1\r", "x\n\r\nabc\r\n"] {
            assert_ne!(long(&[open]), 0, "{open:?}");
        }
        assert_eq!(long(&["\n", "\r\n", ""]), 0, "blank lines at the beginning");
    }
}
