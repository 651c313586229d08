//! `docs/events.md` and `docs/events.schema.json`, written from the structs of the events.

use std::fmt::Write;

use model::event::{EVENTS, EventType, examples};
use serde_json::{Value, json};

use super::{described, kind};

/// The manual of the log as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(HEAD);
    out.push_str("\n```json\n");
    for record in examples::shown() {
        let _ = writeln!(out, "{record}");
    }
    out.push_str("```\n");
    out.push_str(MAPPING);
    out.push_str("\n## The events\n");
    for event in EVENTS {
        entry(&mut out, event);
    }
    out
}

/// The JSON Schema of a record.
pub fn schema() -> Value {
    let events: Vec<Value> = EVENTS.iter().map(alternative).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A record of the audit log, version 1",
        "type": "object",
        "properties": {
            "event": {"type": "string", "description": "What happened."},
            "at": {"type": "integer", "description": "When: microseconds since 1970-01-01T00:00:00Z."},
            "actor": {
                "type": "string",
                "description": "Who.",
                "pattern": "^(person:|agent:|client:).+$|^operator$|^system$"
            },
            "count": {"type": "integer", "minimum": 2, "description": "For how many like it this one stands."}
        },
        "required": ["event", "at", "actor"],
        "oneOf": events
    })
}

fn alternative(event: &EventType) -> Value {
    let mut schema = event.schema();
    for draft in ["$schema", "title"] {
        schema.as_object_mut().map(|schema| schema.remove(draft));
    }
    schema["properties"]["event"] = json!({"const": event.name});
    schema
}

fn entry(out: &mut String, event: &EventType) {
    let schema = event.schema();
    let _ =
        write!(out, "\n### `{}`\n\n{}\n\n| field | type | meaning |\n|---|---|---|\n", event.name, described(&schema));
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (field, property) in schema["properties"].as_object().into_iter().flatten() {
        let may = if required.contains(&field.as_str()) { "" } else { ", optional" };
        let _ = writeln!(out, "| `{field}` | {}{may} | {} |", values(property), described(property));
    }
}

/// The words of a closed set, or the type.
fn values(property: &Value) -> String {
    let mut words = Vec::new();
    for one in [property].into_iter().chain(property["anyOf"].as_array().into_iter().flatten()) {
        words.extend(one["enum"].as_array().into_iter().flatten().filter_map(Value::as_str));
        let each = one["oneOf"].as_array().into_iter().flatten();
        words.extend(each.filter_map(|word| word["const"].as_str()));
    }
    if words.is_empty() {
        return kind(property);
    }
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

const HEAD: &str = "\
# The audit log: every event and its fields

Generated from the types by `portcullis schema --events --markdown`; `portcullis schema --events` prints the JSON Schema
(`docs/events.schema.json`).

A record is one line of JSON in UTF-8. First come `event`, `at` (microseconds since 1970) and `actor` (`person:NAME`,
`agent:NAME`, `client:ID`, `operator` or `system`), then `count` when the record stands for more than one (refusals that
come too fast are counted), then the fields of the event. A field that says nothing is not there. Words and fields are
stable: none is taken away or given another meaning; new ones may come, and whoever reads has to pass over what it does
not know. Fields never hold tokens, codes, passwords or tool arguments. *Reserved* fields are not written yet: they stand
here so that the format is settled.

`request` joins the records of one call; `grant`, `elevation`, `installation` and `agent` join a call with the records
that gave it its authority. `facts_age_ms` says how old the node's view of revocations was when it decided, and `epoch`
which revocation epoch it was.

Records of early builds of 0.1 are read and verified like all others, and differ in this: their fields stand in the order
of their names; `elevation_ended` says `reason` or `why` in words instead of `cause`; `person_changed` says `change`, and
`agent_changed` says `why`, in words; `ends_written.complete` is text; a grant of an autonomous agent has no `change`.
";

const MAPPING: &str = "
## Beside the agent audit record

The fields that `draft-gilda-audit-agent-audit-record-03` asks for, and where they stand here. Signatures are on the
checkpoints of the log instead of on each record.

| there | here |
|---|---|
| `recordId` | the index in the log |
| `agent.id`, `agent.authentication` | `agent`, and `assurance` in the agent's own records |
| `agent.credentialDigest` | `jti`, the id of the access token |
| `delegation.subject`, `delegation.authorityDigest` | `person`; `grant`, `elevation`, `task_digest` (reserved) |
| `resource.kind`, `resource.id` | `server` with `tool` or `uri` |
| `resource.argumentsDigest` | `arguments` (reserved) |
| `decision.action`, `decision.reported`, `decision.reportedAt` | `method`, `decision`, `at` |
| `decision.policyDigest` | `policy`, with `policies` for those that decided |
| `decision.decisionPointId` | the origin of the log, in `log_started` and each checkpoint |
| freshness of the inputs | `facts_age_ms` and `epoch` |
| `evaluation.status` | `reason` of a `call_refused`: `evaluation_error` and `unavailable` |
| `effect.observed` | `done` of `call_ended`; `effect` (reserved) |
| `agreement` | `agreement` (reserved) |
| `correlation.id` | `request`; `trace` (reserved) |
| `remediation` | `revoked`, and `outcome` of the `call_ended` that it cut |
";

#[cfg(test)]
mod tests {
    use crate::manual::golden;

    #[test]
    fn the_manual_of_the_log_says_what_the_types_say() {
        golden("events.md", &super::markdown());
    }

    #[test]
    fn the_schema_of_the_log_says_what_the_types_say() {
        golden("events.schema.json", &(serde_json::to_string_pretty(&super::schema()).unwrap() + "\n"));
    }
}
