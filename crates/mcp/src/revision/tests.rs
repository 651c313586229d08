//! Which revision is spoken, headers held against bodies, and the methods that there are.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::{
    jsonrpc::parse,
    method::{ActsOn, Notification},
};

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

fn spoken(headers: &[(&str, &str)], method: &str, params: &str) -> Result<&'static str, NotSpoken> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    speak(&map, &parse(body.as_bytes()).unwrap()).map(Revision::name)
}

fn code(headers: &[(&str, &str)], method: &str, params: &str) -> i32 {
    spoken(headers, method, params).unwrap_err().code()
}

const MODERN: (&str, &str) = ("MCP-Protocol-Version", "2026-07-28");

/// Spec: MCP 2026-07-28 basic/transports/streamable-http (standard headers), SEP-2243
#[test]
fn a_modern_request_whose_headers_repeat_its_body_is_spoken() {
    let call = format!(r#""name":"get_ticket",{META}"#);
    let ok = Ok("2026-07-28");
    assert_eq!(spoken(&[MODERN, ("Mcp-Method", "tools/list")], "tools/list", META), ok);
    assert_eq!(spoken(&[MODERN, ("mcp-method", "tools/call"), ("mcp-name", " get_ticket\t")], "tools/call", &call), ok);
    let umlaut = format!(r#""name":"größe_ermitteln",{META}"#);
    let name = ("Mcp-Name", "=?base64?Z3LDtsOfZV9lcm1pdHRlbG4=?=");
    assert_eq!(spoken(&[MODERN, ("Mcp-Method", "tools/call"), name], "tools/call", &umlaut), ok);
}

/// Spec: SEP-2243 (server validation)
#[test]
fn a_header_that_differs_from_the_body_is_refused() {
    let call = format!(r#""name":"get_ticket",{META}"#);
    let method = ("Mcp-Method", "tools/call");
    let cases: &[&[(&str, &str)]] = &[
        &[MODERN],
        &[MODERN, method],
        &[MODERN, ("Mcp-Name", "get_ticket")],
        &[MODERN, ("Mcp-Method", "tools/list"), ("Mcp-Name", "get_ticket")],
        &[MODERN, ("Mcp-Method", "TOOLS/CALL"), ("Mcp-Name", "get_ticket")],
        &[MODERN, method, ("Mcp-Name", "delete_ticket")],
        &[MODERN, method, ("Mcp-Name", "Get_ticket")],
        &[MODERN, method, ("Mcp-Name", "get_ticket"), ("Mcp-Name", "get_ticket")],
        &[MODERN, method, ("Mcp-Name", "=?base64?Z2V0X3RpY2tldA?=")],
        &[MODERN, method, ("Mcp-Name", "=?base64?!!!?=")],
        &[MODERN, method, ("Mcp-Name", "=?BASE64?Z2V0X3RpY2tldA==?=")],
        &[MODERN, method, ("Mcp-Name", "=?base64?//79?=")],
        &[MODERN, method, ("Mcp-Name", "gr\u{f6}\u{df}e")],
        &[method, ("Mcp-Name", "get_ticket")],
        &[MODERN, MODERN, method, ("Mcp-Name", "get_ticket")],
    ];
    for headers in cases {
        assert_eq!(code(headers, "tools/call", &call), -32020, "{headers:?}");
    }
    assert_eq!(
        code(&[MODERN, method, ("Mcp-Name", "get_ticket")], "tools/call", META),
        -32020,
        "a name only in the header"
    );
}

/// Spec: SEP-2243 (custom headers from tool parameters)
#[test]
fn an_argument_that_is_repeated_in_two_headers_or_in_too_many_is_refused() {
    let call = format!(r#""name":"get_ticket",{META}"#);
    let base = [MODERN, ("Mcp-Method", "tools/call"), ("Mcp-Name", "get_ticket")];
    let with = |params: &[(&str, &str)]| spoken(&[&base[..], params].concat(), "tools/call", &call);
    assert!(with(&[("Mcp-Param-Region", "eu"), ("Mcp-Param-Id", "eu")]).is_ok());
    let twice = with(&[("Mcp-Param-Region", "eu"), ("mcp-param-region", "eu")]).unwrap_err();
    assert_eq!((twice.code(), twice.to_string().as_str()), (-32020, "the header mcp-param-region occurs twice"));
    let names: Vec<_> = (0..65).map(|n| format!("mcp-param-{n}")).collect();
    let params: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    assert!(with(&params[..64]).is_ok());
    assert_eq!(with(&params).unwrap_err().code(), -32020);
}

/// Spec: MCP 2026-07-28 basic/transports/streamable-http (protocol version header)
#[test]
fn a_version_that_differs_between_header_and_body_is_refused() {
    let headers = [("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/list")];
    assert_eq!(code(&headers, "tools/list", META), -32020);
    let future = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"v999.0.0"}"#;
    assert_eq!(code(&[MODERN, ("Mcp-Method", "server/discover")], "server/discover", future), -32020);
}

/// Spec: MCP 2026-07-28 basic/versioning
#[test]
fn an_unknown_version_said_twice_is_unsupported() {
    let future = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"v999.0.0"}"#;
    let refused = spoken(&[("MCP-Protocol-Version", "v999.0.0")], "server/discover", future);
    let supported = vec!["2026-07-28"];
    assert_eq!(refused, Err(NotSpoken::Unsupported { requested: "v999.0.0".into(), supported }));
    assert_eq!(code(&[("MCP-Protocol-Version", "v999.0.0")], "tools/list", ""), -32600);
}

/// Spec: MCP 2026-07-28 basic/index (per-request `_meta`)
#[test]
fn a_modern_request_without_its_meta_is_refused_after_its_headers_were_compared() {
    let headers = [MODERN, ("Mcp-Method", "server/discover")];
    for params in [
        "",
        r#""_meta":{}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#,
        r#""_meta":{"io.modelcontextprotocol/clientCapabilities":{}}"#,
        r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}"#,
    ] {
        assert_eq!(code(&headers, "server/discover", params), -32602, "{params}");
    }
    assert_eq!(code(&[MODERN, ("Mcp-Method", "prompts/list")], "tools/list", ""), -32020);
}

/// Spec: MCP 2025-11-25 basic/transports
#[test]
fn an_old_request_is_taken_by_its_body_alone() {
    let lies = [("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Method", "tools/list"), ("Mcp-Name", "harmless")];
    assert_eq!(spoken(&lies, "tools/call", r#""name":"delete_ticket""#), Ok("2025-11-25"));
    assert_eq!(spoken(&[], "tools/list", ""), Ok("2025-03-26"));
    assert_eq!(spoken(&[], "initialize", r#""protocolVersion":"2025-06-18""#), Ok("2025-06-18"));
    assert_eq!(spoken(&[], "initialize", r#""protocolVersion":"2026-07-28""#), Ok("2025-03-26"));
}

#[test]
fn a_response_is_of_the_old_era_only() {
    let response = parse(br#"{"jsonrpc":"2.0","id":1,"result":{}}"#).unwrap();
    let headers = |version: &'static str| {
        HeaderMap::from_iter([(HeaderName::from_static(header::VERSION), HeaderValue::from_static(version))])
    };
    assert_eq!(speak(&headers("2026-07-28"), &response).map(Revision::name), Err(NotSpoken::ResponseSent));
    assert_eq!(speak(&headers("2025-11-25"), &response).map(Revision::name), Ok("2025-11-25"));
}

#[test]
fn a_request_without_a_body_is_of_the_old_era_only() {
    let headers = |version: &'static str| {
        HeaderMap::from_iter([(HeaderName::from_static(header::VERSION), HeaderValue::from_static(version))])
    };
    let name = |headers: &HeaderMap| speak_without_body(headers).map(Revision::name);
    assert_eq!(name(&headers("2025-06-18")), Some("2025-06-18"));
    assert_eq!(name(&HeaderMap::new()), Some("2025-03-26"));
    assert_eq!(name(&headers("2026-07-28")), None);
    assert_eq!(name(&headers("1999-01-01")), None);
}

/// Field: G6
#[test]
fn initialize_is_not_vetoed_by_a_header_and_the_oldest_revision_is_spoken() {
    let unknown = &[("mcp-protocol-version", "2099-01-01")];
    assert_eq!(spoken(unknown, "initialize", r#""protocolVersion":"2024-11-05""#), Ok("2024-11-05"));
    assert_eq!(spoken(unknown, "tools/list", ""), Err(NotSpoken::UnknownVersion));
    assert_eq!(spoken(&[("mcp-protocol-version", "2024-11-05")], "tools/list", ""), Ok("2024-11-05"));
}

#[test]
fn a_method_stands_in_the_table_of_a_revision_once() {
    for revision in REVISIONS {
        let mut names: Vec<_> = revision.methods().iter().map(|method| method.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), revision.methods().len(), "{revision}");
    }
}

/// Unknown methods would be side doors around the tools.
#[test]
fn a_method_nobody_wrote_down_does_not_exist() {
    for name in ["", "tools/Call", "tools/call ", "tools", "rpc.discover", "sampling/createMessage", "tools//call"] {
        assert!(REVISIONS.iter().all(|revision| revision.method(name).is_none()), "{name:?}");
    }
}

/// Spec: MCP 2026-07-28 and 2025-11-25 schemas (client requests)
#[test]
fn a_method_of_the_other_era_does_not_exist() {
    for (name, old, new) in [
        ("tools/call", true, true),
        ("initialize", true, false),
        ("ping", true, false),
        ("resources/subscribe", true, false),
        ("server/discover", false, true),
        ("subscriptions/listen", false, true),
    ] {
        let has = |revision: &str| find(revision).unwrap().method(name).is_some();
        assert_eq!((has("2025-11-25"), has("2026-07-28")), (old, new), "{name}");
    }
}

/// Spec: MCP 2026-07-28 and 2025-11-25 schemas (client notifications)
#[test]
fn only_the_notifications_of_its_revision_go_from_a_client_to_a_server() {
    use Notification::{Known, None, Unknown};
    for (name, old, new) in [
        ("notifications/cancelled", Known, Known),
        ("notifications/initialized", Known, Unknown),
        ("notifications/progress", Known, Unknown),
        ("notifications/roots/list_changed", Known, Unknown),
        ("notifications/message", Unknown, Unknown),
        ("notifications/tools/list_changed", Unknown, Unknown),
        ("notifications/cancelled/x", Unknown, Unknown),
        ("notifications/Cancelled", Unknown, Unknown),
        ("tools/call", None, None),
        ("notifications", None, None),
    ] {
        let of = |revision: &str| find(revision).unwrap().notification(name);
        assert_eq!((of("2025-11-25"), of("2026-07-28")), (old, new), "{name}");
    }
}

#[test]
fn only_a_tool_call_acts_on_a_tool() {
    for revision in REVISIONS {
        let tools = revision.methods().iter().filter(|method| method.acts_on == ActsOn::Tool).map(|method| method.name);
        assert_eq!(tools.collect::<Vec<_>>(), ["tools/call"], "{revision}");
    }
}
