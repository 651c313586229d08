//! One event: what it says, and how it is written.
//!
//! Only events whose message is rewritten are touched; ids, retry times and comments pass as they came.

use bytes::Bytes;

/// What a stream says that has nothing to say.
pub const COMMENT: Bytes = Bytes::from_static(b":\n\n");

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

/// An event with this message, which is one line. It is named, because some readers look for the name.
pub fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
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
