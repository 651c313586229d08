//! Events, cut and read and written.

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
    events.push(splitter.rest().into());
    events.into_iter().map(|event| String::from_utf8(event.into()).unwrap()).collect()
}

/// Spec: WHATWG HTML §9.2.5 (CR, LF and CRLF end a line)
/// Field: G5
#[test]
fn an_event_ends_with_a_blank_line_of_any_kind() {
    assert_eq!(split(&[b"data: a\n\ndata: b\n\n"]), ["data: a\n\n", "data: b\n\n", ""]);
    assert_eq!(split(&[b"data: a\r\n\r\ndata: b\r\n\r\n"]), ["data: a\r\n\r\n", "data: b\r\n\r\n", ""]);
    assert_eq!(split(&[b"data: a\r\rdata: b\r\r"]), ["data: a\r\r", "data: b\r\r", ""]);
    assert_eq!(split(&[b": ping\n\nid: 1\ndata: {}\n\ndata: un"]), [": ping\n\n", "id: 1\ndata: {}\n\n", "data: un"]);
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
    for message in ["data: x\n\n", "event: message\ndata: x\n\n", "event\ndata: x\n\n", "eventx: ping\ndata: x\n\n"] {
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
