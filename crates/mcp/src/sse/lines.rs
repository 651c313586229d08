//! The lines of a stream that comes in portions, told apart as its bytes arrive.
//!
//! Nothing is held back, and of a line no more is kept than the beginning of its name.
//!
//! Spec: WHATWG HTML §9.2.6

/// Where in its line the next byte stands.
#[derive(Debug, Default)]
pub struct Lines {
    /// The name of the field, as far as it can matter, and how long that is.
    name: [u8; NAME],
    length: usize,
    /// Known behind the colon.
    field: Option<Field>,
    /// The line has a byte already.
    begun: bool,
    after_cr: bool,
}

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `data`
    Data,
    /// `id`
    Id,
    /// Anything else, comments among it.
    Other,
}

/// What some bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Of the value of a line.
    Value(Field),
    /// The end of a line; of which field, if it had a colon.
    LineEnds(Option<Field>),
    /// A blank line.
    EventEnds,
    /// Of the name of a field, or the second half of a line end.
    Other,
}

/// No name that matters is as long, with a byte order mark before it.
const NAME: usize = 8;

impl Lines {
    /// How many of `bytes` belong together, and what they are. There has to be at least one.
    pub fn step(&mut self, bytes: &[u8]) -> (usize, Step) {
        let after_cr = std::mem::take(&mut self.after_cr);
        match bytes[0] {
            b'\n' if after_cr => (1, Step::Other),
            byte @ (b'\n' | b'\r') => {
                let ended = std::mem::replace(self, Self { after_cr: byte == b'\r', ..Self::default() });
                (1, if ended.begun { Step::LineEnds(ended.field) } else { Step::EventEnds })
            }
            _ => {
                self.begun = true;
                let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
                match self.field {
                    Some(field) => (end, Step::Value(field)),
                    None => (self.name(&bytes[..end]), Step::Other),
                }
            }
        }
    }

    /// The field of this line, once its colon was seen.
    pub fn field(&self) -> Option<Field> {
        self.field
    }

    /// Has this line a byte already?
    pub fn is_in_line(&self) -> bool {
        self.begun
    }

    /// How much of `line` is its name, with the colon.
    fn name(&mut self, line: &[u8]) -> usize {
        let colon = line.iter().position(|byte| *byte == b':');
        let name = &line[..colon.unwrap_or(line.len())];
        for byte in name.iter().take(NAME - self.length) {
            self.name[self.length] = *byte;
            self.length += 1;
        }
        let Some(colon) = colon else { return line.len() };
        let name = &self.name[..self.length];
        self.field = Some(match name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) {
            b"data" => Field::Data,
            b"id" => Field::Id,
            _ => Field::Other,
        });
        colon + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of `data`, each line by itself, and a `|` for the end of an event.
    fn data(portions: &[&str]) -> String {
        let (mut lines, mut out) = (Lines::default(), String::new());
        for portion in portions {
            let mut rest = portion.as_bytes();
            while !rest.is_empty() {
                let (length, step) = lines.step(rest);
                match step {
                    Step::Value(Field::Data) => out.push_str(std::str::from_utf8(&rest[..length]).unwrap()),
                    Step::LineEnds(Some(Field::Data)) => out.push('/'),
                    Step::EventEnds => out.push('|'),
                    _ => {}
                }
                rest = &rest[length..];
            }
        }
        out
    }

    #[test]
    fn the_values_of_data_are_found_however_the_stream_is_torn() {
        for stream in [
            "id: 1\ndata: a\ndata:b\n\n: c\ndatax: no\n\n",
            "id: 1\r\ndata: a\r\ndata:b\r\n\r\n: c\r\ndatax: no\r\n\r\n",
            "\u{feff}data: a\rdata:b\r\r: data: c\rdatax: no\r\r",
        ] {
            assert_eq!(data(&[stream]), " a/b/||");
            for cut in (0..stream.len()).filter(|cut| stream.is_char_boundary(*cut)) {
                assert_eq!(data(&[&stream[..cut], &stream[cut..]]), " a/b/||", "{stream:?} at {cut}");
            }
        }
    }
}
