//! Whatever is accepted says the same to every reader: what we decided on is what the server runs.
//!
//! A corpus of hostile texts goes through our reader. Of those that it accepts, what would be sent is read by serde_json,
//! by Python's and JavaScript's readers, by one that folds case as Go's does, and by one that ends texts at a NUL as
//! programs in C do, with the first or the last of two members. Never may one of them see another method or target.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::{
    io::Write,
    process::{Command, Stdio},
};

use portcullis_mcp::jsonrpc::{self, Reference};
use serde_json::{Value, json};

/// Method and target, as somebody reads them.
type Seen = Vec<Option<String>>;

/// What we decide on.
fn authorised(message: &jsonrpc::Message) -> Seen {
    let Some(call) = message.call() else { return vec![None; 6] };
    let params = call.params();
    let own = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let (prompt, resource) = match &params.reference {
        Some(Reference::Prompt(name)) => (Some(name.to_string()), None),
        Some(Reference::Resource(uri)) => (None, Some(uri.to_string())),
        None => (None, None),
    };
    vec![Some(call.method().to_owned()), own(&params.name), own(&params.uri), own(&params.task), prompt, resource]
}

/// The messages that the corpus bends.
fn bases() -> Vec<String> {
    [
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_x", "arguments": {"a": [1.5, null]}}}),
        json!({"jsonrpc": "2.0", "id": "a", "method": "resources/read", "params": {"uri": "file:///docs/a"}}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "p", "arguments": {"name": "q"}}}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": "t1"}}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "n", "value": "v"}}}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "completion/complete", "params": {"ref": {"type": "ref/resource", "uri": "file:///{x}"}}}),
    ]
    .map(|message| message.to_string())
    .into()
}

/// Hostile texts: each base, bent in every way.
fn corpus() -> Vec<Vec<u8>> {
    let names = ["jsonrpc", "id", "method", "params", "name", "uri", "taskId", "ref", "type", "arguments"];
    let mut texts = Vec::new();
    for base in bases() {
        let mut push = |text: String| texts.push(text.into_bytes());
        push(base.clone());
        for name in names {
            let member = format!("\"{name}\":");
            let evil = r#""delete_everything""#;
            // The member twice, before and after, under names that some reader takes for it.
            for other in [
                name.to_owned(),
                format!("{name}\\u0000"),
                format!("{name}\\u0000x"),
                format!("\\u0000{name}"),
                name.to_uppercase(),
                format!("{}{}", name[..1].to_uppercase(), &name[1..]),
                name.replace('s', "\u{17f}").replace('k', "\u{212a}"),
                format!("{name} "),
                format!("{name}\\t"),
                format!("{name}\u{7f}"),
                format!("{name}\u{200b}"),
                name.chars().map(|c| format!("\\u{:04x}", c as u32)).collect(),
            ] {
                push(base.replacen(&member, &format!("\"{other}\":{evil},{member}"), 1));
                push(base.replacen(&member, &format!("\"{other}\":"), 1));
                push(base.replacen('{', &format!("{{\"{other}\":{evil},"), 1));
                push(base.replacen("\"params\":{", &format!("\"params\":{{\"{other}\":{evil},"), 1));
                push(base.replacen("\"ref\":{", &format!("\"ref\":{{\"{other}\":{evil},"), 1));
            }
        }
        for value in ["get_x", "file:///docs/a", "tools/call", "ref/prompt", "t1", "\"p\""] {
            for bent in
                ["\\u0000", "\\u0000delete", "\\ud800", "\\ud83d\\ude00", "\\u0067", "\\n", "\\/", "\u{0}", "\u{1f}"]
            {
                push(base.replacen(value, &format!("{}{bent}", value.trim_matches('"')), 1));
            }
        }
        for (from, to) in [
            ("1", "1e999"),
            ("1", "-0"),
            ("1", "01"),
            ("1", "1.0"),
            ("1", "NaN"),
            ("1", "Infinity"),
            ("1", "0x1"),
            ("1", "+1"),
            ("\"", "'"),
            (":", " : "),
            ("}", "} "),
            ("}", "},"),
            ("}", "}//x"),
            ("{", "/**/{"),
            (",", ",,"),
        ] {
            push(base.replacen(from, to, 1));
        }
        push(format!("{base}{base}"));
        push(format!("{base}\u{0}"));
        push(format!("\u{feff}{base}"));
        push(format!("[{base}]"));
        push(format!("{base}\n{{\"method\":\"tools/call\"}}"));
        push(base.replacen("\"params\":", &format!("\"x\":{}1{},\"params\":", "[".repeat(70), "]".repeat(70)), 1));
        let mut bytes = base.clone().into_bytes();
        bytes.insert(bytes.len() / 2, 0xff);
        texts.push(bytes);
        texts.push([base.as_bytes(), &[0xc0, 0x80]].concat());
        texts.push(base.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// What a reader that has a tree sees; `get` finds a member as that reader would.
fn seen(tree: &Value, get: impl Fn(&Value, &str) -> Option<Value> + Copy) -> Seen {
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    let params = get(tree, "params").unwrap_or_default();
    let reference = get(&params, "ref").unwrap_or_default();
    vec![
        text(get(tree, "method")),
        text(get(&params, "name")),
        text(get(&params, "uri")),
        text(get(&params, "taskId")),
        text(get(&reference, "name")),
        text(get(&reference, "uri")),
    ]
}

fn plain(object: &Value, name: &str) -> Option<Value> {
    object.get(name).cloned()
}

/// As Go's encoding/json: the last member whose name is equal when case is folded.
fn folding(object: &Value, name: &str) -> Option<Value> {
    let fold = |text: &str| text.replace('\u{17f}', "s").replace('\u{212a}', "k").to_lowercase();
    object.as_object()?.iter().rfind(|(key, _)| fold(key) == fold(name)).map(|(_, value)| value.clone())
}

/// As a program that keeps names and texts as C strings.
fn cut(text: &str) -> &str {
    text.split('\0').next().unwrap_or_default()
}

fn c_string(object: &Value, name: &str, last: bool) -> Option<Value> {
    let mut found = object.as_object()?.iter().filter(|(key, _)| cut(key) == name).map(|(_, value)| value);
    let value = if last { found.next_back() } else { found.next() }?;
    Some(match value.as_str() {
        Some(text) => cut(text).into(),
        None => value.clone(),
    })
}

const PYTHON: &str = "
import json, sys
def get(o, k): return o.get(k) if isinstance(o, dict) else None
def text(v): return v if isinstance(v, str) else None
out = []
for line in json.load(sys.stdin):
    t = json.loads(line); p = get(t, 'params'); r = get(p, 'ref')
    out.append([text(get(t, 'method')), text(get(p, 'name')), text(get(p, 'uri')), text(get(p, 'taskId')), text(get(r, 'name')), text(get(r, 'uri'))])
json.dump(out, sys.stdout)
";

const NODE: &str = "
const get = (o, k) => (o && typeof o === 'object' ? o[k] : undefined);
const text = (v) => (typeof v === 'string' ? v : null);
const out = JSON.parse(require('fs').readFileSync(0, 'utf8')).map((line) => {
  const t = JSON.parse(line), p = get(t, 'params'), r = get(p, 'ref');
  return [get(t, 'method'), get(p, 'name'), get(p, 'uri'), get(p, 'taskId'), get(r, 'name'), get(r, 'uri')].map(text);
});
process.stdout.write(JSON.stringify(out));
";

/// What another language's reader sees in each text. Without that reader nothing is known, and that is no success.
fn elsewhere(variable: &str, usual: &str, program: [&str; 2], texts: &[String]) -> Vec<Seen> {
    let reader = std::env::var_os(variable).unwrap_or_else(|| usual.into());
    let child = Command::new(&reader).args(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("{reader:?}: {error}; `cargo xtask test` installs it, or {variable} says where it is")
    });
    child.stdin.take().unwrap().write_all(json!(texts).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{reader:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Of the corpus what is accepted: what we decide on, and what would be sent.
fn accepted() -> Vec<(Seen, String)> {
    let corpus = corpus();
    assert!(corpus.len() > 1000, "{}", corpus.len());
    let accepted: Vec<(Seen, String)> = corpus
        .iter()
        .filter_map(|text| jsonrpc::parse(text).ok())
        .map(|message| (authorised(&message), String::from_utf8(message.wire().to_vec()).unwrap()))
        .collect();
    assert!(accepted.len() >= bases().len(), "the bases themselves are accepted");
    assert!(corpus.len() - accepted.len() > 500, "{} of {} accepted", accepted.len(), corpus.len());
    accepted
}

fn agree(reader: &str, accepted: &[(Seen, String)], seen: &[Seen]) {
    assert_eq!(seen.len(), accepted.len(), "{reader} read them all");
    for (seen, (ours, wire)) in seen.iter().zip(accepted) {
        assert_eq!(seen, ours, "{reader} reads {wire}");
    }
}

/// Field: S1
#[test]
fn what_is_accepted_says_the_same_to_readers_that_fold_or_cut_names() {
    let accepted = accepted();
    let read = |get: fn(&Value, &str) -> Option<Value>| -> Vec<Seen> {
        accepted.iter().map(|(_, wire)| seen(&serde_json::from_str(wire).unwrap(), get)).collect()
    };
    agree("serde_json", &accepted, &read(plain));
    agree("a folding reader", &accepted, &read(folding));
    agree("a C reader, first", &accepted, &read(|object, name| c_string(object, name, false)));
    agree("a C reader, last", &accepted, &read(|object, name| c_string(object, name, true)));
}

/// Field: S1
#[test]
fn what_is_accepted_says_the_same_to_python_and_to_javascript() {
    let accepted = accepted();
    let texts: Vec<String> = accepted.iter().map(|(_, wire)| wire.clone()).collect();
    agree("Python", &accepted, &elsewhere("PORTCULLIS_TEST_PYTHON", "python3", ["-c", PYTHON], &texts));
    agree("JavaScript", &accepted, &elsewhere("PORTCULLIS_TEST_NODE", "node", ["-e", NODE], &texts));
}
