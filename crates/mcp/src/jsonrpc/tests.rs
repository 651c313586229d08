//! What is one message, and what goes out for it.

use super::*;

fn cause(body: &str) -> Cause {
    parse(body.as_bytes()).unwrap_err().cause
}

#[test]
fn a_call_goes_out_as_it_was_read_with_every_digit_and_unknown_parameter() {
    let body = r#" {"jsonrpc":"2.0", "id": 7.0 ,"method":"tools/call","params":{"name":"get_ticket",
        "arguments":{"id":12345678901234567890,"x":[1.10]},"new":{"a":1}},"extra":[]} "#;
    let message = parse(body.as_bytes()).unwrap();
    assert_eq!((message.is_request(), message.id(), message.method()), (true, Some("7.0"), Some("tools/call")));
    assert_eq!(message.call().unwrap().params().name.as_deref(), Some("get_ticket"));
    assert_eq!(
        message.wire(),
        r#"{"jsonrpc":"2.0","id":7.0,"method":"tools/call","params":{"name":"get_ticket","arguments":{"id":12345678901234567890,"x":[1.10]},"new":{"a":1}}}"#
    );
}

/// `\u006dethod` is `method` to one reader and nothing to another.
#[test]
fn an_escaped_spelling_reaches_nobody_but_us() {
    let body = r#"{"jsonrpc":"2.0","id":"a","\u006dethod":"tools\/call","params":{"n\u0061me":"delete\u005fticket"}}"#;
    let message = parse(body.as_bytes()).unwrap();
    assert_eq!(message.call().unwrap().params().name.as_deref(), Some("delete_ticket"));
    assert_eq!(message.wire(), r#"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"delete_ticket"}}"#);
}

/// Readers that ignore case ran another tool than the one policy saw (CVE-2026-27896, GHSA-4gph-2hhr-5mwg).
#[test]
fn a_member_that_folds_to_a_known_one_is_refused() {
    for (body, known) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","PARAMS":{}}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","ID":2}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#, "name"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"Arguments":{}}}"#, "arguments"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"tas\u212aId":"b"}}"#, "taskId"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolversion":"1"}}}"#,
            PROTOCOL_VERSION,
        ),
    ] {
        assert_eq!(cause(body), Cause::Folded(known), "{body}");
    }
    let arguments = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"Name":"b"}}}"#;
    assert!(parse(arguments.as_bytes()).is_ok(), "the arguments of a tool are the tool's business");
}

/// Spec: MCP 2025-06-18 changelog (batching removed)
#[test]
fn a_batch_is_refused() {
    assert_eq!(cause(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#), Cause::Batch);
    assert_eq!(cause("[]"), Cause::Batch);
}

#[test]
fn what_is_no_message_is_refused_with_its_cause_and_its_id() {
    for (body, expected) in [
        ("1", Cause::NotAnObject),
        ("{}", Cause::NotJsonRpc),
        (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, Cause::NotJsonRpc),
        (r#"{"jsonrpc":"2.0"}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":1}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","result":{}}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","result":{}}"#, Cause::Shapeless),
        (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, Cause::BadId),
        (r#"{"jsonrpc":"2.0","id":true,"method":"x"}"#, Cause::BadId),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[]}"#, Cause::BadParam("params")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["a"]}}"#, Cause::BadParam("name")),
        (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":1}}"#, Cause::BadParam("_meta")),
    ] {
        assert_eq!(cause(body), expected, "{body}");
    }
    let malformed = parse(br#"{"jsonrpc":"2.0","id":"q","method":"x","params":1}"#).unwrap_err();
    assert_eq!(malformed.id.as_deref(), Some("\"q\""));
}

#[test]
fn an_id_is_a_string_a_number_or_null_and_stays_as_written() {
    for id in [r#""a\"b""#, "-1", "1e2", "null", "9007199254740993"] {
        let message = parse(format!(r#"{{"jsonrpc":"2.0","method":"x","id":{id}}}"#).as_bytes()).unwrap();
        assert_eq!((message.id(), message.is_request()), (Some(id), true));
    }
}

#[test]
fn what_goes_out_reads_back_the_same() {
    for body in [
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}},"name":"\"\\é"}}"#,
    ] {
        let once = parse(body.as_bytes()).unwrap();
        let twice = parse(&once.wire()).unwrap();
        assert_eq!(once.wire(), twice.wire());
        assert_eq!(once.call().map(MethodCall::params), twice.call().map(MethodCall::params));
    }
}

/// Spec: MCP 2026-07-28 basic/patterns/mrtr
#[test]
fn arguments_are_found_wherever_they_stand_when_a_state_was_replaced() {
    let state = r#""requestState":"ours""#;
    let arguments = r#""arguments":{"id":1, "to":"x"}"#;
    for members in [format!("{state},{arguments}"), format!("{arguments},{state}"), state.to_owned()] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a",{members}}}}}"#);
        for theirs in ["", "t", "quite a lot longer \" than before"] {
            let mut message = parse(body.as_bytes()).unwrap();
            message.set_request_state(theirs);
            let found = message.call().unwrap().arguments();
            assert_eq!(found, members.contains("arguments").then_some(&br#"{"id":1, "to":"x"}"#[..]), "{members}");
            let sent: serde_json::Value = serde_json::from_slice(&message.wire()).unwrap();
            assert_eq!(sent["params"]["requestState"], theirs);
        }
    }
}

/// An answer to us is for us alone; a server hears of its own.
///
/// Spec: MCP 2026-07-28 basic/patterns/mrtr
#[test]
fn what_a_person_answered_to_us_is_read_and_not_sent_on() {
    let check = |responses: &str, read: Option<SentToUs>, sent: Option<serde_json::Value>| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","inputResponses":{responses},"arguments":{{"id":1}}}}}}"#
        );
        let message = parse(body.as_bytes()).unwrap();
        assert_eq!(message.call().unwrap().params().sent_to_us, read, "{responses}");
        assert_eq!(message.call().unwrap().arguments(), Some(&br#"{"id":1}"#[..]));
        let wire: serde_json::Value = serde_json::from_slice(&message.wire()).unwrap();
        assert_eq!(wire["params"].get("inputResponses"), sent.as_ref(), "{responses}");
    };
    use serde_json::json;
    check(r#"{"io.portcullis/step_up":{"action":"accept"}}"#, Some(SentToUs::Went), None);
    check(r#"{"io.portcullis/step_up":{"action":"decline"}}"#, Some(SentToUs::DidNot), None);
    check(r#"{"io.portcullis/step_up":7}"#, Some(SentToUs::DidNot), None);
    check(
        r#"{"a":{"action":"accept"},"io.portcullis/step_up":{"action":"cancel"},"b":1}"#,
        Some(SentToUs::DidNot),
        Some(json!({"a": {"action": "accept"}, "b": 1})),
    );
    check(r#"{"a":1}"#, None, Some(json!({"a": 1})));
    check("{}", None, Some(json!({})));
    let bad = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","inputResponses":7}}"#;
    assert!(parse(bad).is_err());
}

/// Spec: MCP 2026-07-28 client/elicitation (capabilities)
#[test]
fn who_can_be_sent_to_an_address_says_so() {
    let check = |capabilities: &str, expected: bool| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"_meta":{{"io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#
        );
        assert_eq!(parse(body.as_bytes()).unwrap().call().unwrap().params().opens_urls, expected, "{capabilities}");
    };
    check(r#"{"elicitation":{"form":{},"url":{}}}"#, true);
    check(r#"{"elicitation":{"form":{}}}"#, false);
    check(r#"{"elicitation":{}}"#, false);
    check(r#"{"elicitation":{"url":null}}"#, false);
    check(r#"{"url":{}}"#, false);
    check("{}", false);
    check("7", false);
}
