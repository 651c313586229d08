//! What a server says of itself, as an agent may read it: what was accepted, and nothing else.
//!
//! `instructions` go straight into a model, and so may the name, the title and the description of a server. All of them are
//! pinned by one rule. What is not what was accepted is left out; where the protocol wants a name, the server has the one
//! that the configuration gives it.
//!
//! Spec: MCP 2026-07-28 server/discover (`instructions`), basic (`serverInfo` in `_meta`); MCP 2025-11-25 basic/lifecycle
//! (`initialize`); docs/decisions/0042-words-of-a-server.md.

use std::collections::HashSet;

use catalogue::Definition;
use crypto::Digest;
use mcp::json::{Strict, object};
use model::server::Words;
use serde_json::json;

use crate::{
    definitions::{SERVER_INFO, introduction},
    tool_visibility::viewer::Viewer,
};

/// The member of a result's `_meta` that says what of it is held.
pub const HELD: &str = "io.portcullis/held";

/// Is it a result in which a server says what it is, whatever it was asked? For streams that replay.
pub fn is_one(result: Strict<'_>) -> bool {
    let has = |name: &str| result.member(name).is_some();
    has("capabilities") && (has("protocolVersion") || has("supportedVersions"))
}

/// The result with the words that were accepted; `None` when these are all it says.
pub fn filter(result: Strict<'_>, viewer: &Viewer) -> Option<Vec<u8>> {
    let server = &viewer.server;
    if !server.definitions.are_pinned() {
        return None;
    }
    let members = result.members()?;
    let accepted = accepted(introduction(result), viewer);
    let mut held = Vec::new();
    let mut out: Vec<(&str, Vec<u8>)> = Vec::with_capacity(members.len() + 1);
    for (name, value) in &members {
        match name.as_ref() {
            "instructions" if !is_shown(*value, &accepted) => held.push(Words::Instructions),
            "serverInfo" if !is_named(*value, &accepted) => {
                held.push(Words::ServerInfo);
                out.push(("serverInfo", instead(viewer, *value)));
            }
            "_meta" => {
                if value.member(SERVER_INFO).is_some_and(|info| !is_named(info, &accepted)) {
                    held.push(Words::ServerInfo);
                }
                out.push(("_meta", renamed(*value, &accepted, viewer)));
            }
            name => out.push((name, value.as_str().into())),
        }
    }
    if held.is_empty() {
        return None;
    }
    // Somebody may accept it in a moment.
    for (name, value) in &mut out {
        match *name {
            "ttlMs" => *value = b"0".to_vec(),
            "cacheScope" => *value = b"\"private\"".to_vec(),
            _ => {}
        }
    }
    held.dedup();
    let held: Vec<_> = held.into_iter().map(Words::as_str).collect();
    let held = json!(held).to_string().into_bytes();
    let meta = out.iter().position(|(name, _)| *name == "_meta");
    match meta {
        Some(at) => out[at].1 = marked(&out[at].1, held),
        None => out.push(("_meta", object([(HELD, held)].into_iter()))),
    }
    Some(object(out.into_iter()))
}

/// The `_meta` of another result, in which a server may say what it is as well.
pub fn meta(meta: Strict<'_>, viewer: &Viewer) -> Vec<u8> {
    let pinned = viewer.server.definitions.are_pinned();
    let Some(info) = meta.member(SERVER_INFO).filter(|_| pinned) else { return meta.as_str().into() };
    let accepted = accepted(Definition::of_server_info(info).into_iter().collect(), viewer);
    renamed(meta, &accepted, viewer)
}

/// Those of these words that may be shown. A part with two meanings has none.
fn accepted(said: Vec<Definition>, viewer: &Viewer) -> HashSet<Digest> {
    let definitions = &viewer.server.definitions;
    let pins = definitions.pins();
    let shown = Definition::one_each(said).into_iter().filter_map(|one| {
        let digest = one.digest();
        definitions.notice_words(&pins, one).then_some(digest)
    });
    shown.collect()
}

/// Instructions that are no text are nothing that could be accepted.
fn is_shown(instructions: Strict<'_>, accepted: &HashSet<Digest>) -> bool {
    let Some(text) = instructions.string() else { return instructions.as_str() == "null" };
    text.is_empty() || Definition::of_instructions(&text).is_ok_and(|one| accepted.contains(&one.digest()))
}

fn is_named(info: Strict<'_>, accepted: &HashSet<Digest>) -> bool {
    Definition::of_server_info(info).is_ok_and(|one| accepted.contains(&one.digest()))
}

fn renamed(meta: Strict<'_>, accepted: &HashSet<Digest>, viewer: &Viewer) -> Vec<u8> {
    let Some(members) = meta.members() else { return meta.as_str().into() };
    let kept = members.iter().map(|(name, value)| match name.as_ref() {
        SERVER_INFO if !is_named(*value, accepted) => (SERVER_INFO, instead(viewer, *value)),
        name => (name, value.as_str().into()),
    });
    object(kept)
}

/// What stands in the place of what a server says it is: its name here, and its version when that looks like one.
fn instead(viewer: &Viewer, info: Strict<'_>) -> Vec<u8> {
    let server = &viewer.server;
    let version = info.member("version").filter(|version| catalogue::is_version(*version));
    let version = version.map_or_else(|| b"\"0\"".to_vec(), |version| version.as_str().into());
    let name = json!(server.id.as_str()).to_string().into_bytes();
    let title = server.config.title.as_ref().map(|title| json!(title).to_string().into_bytes());
    let title = title.map(|title| ("title", title));
    object([("name", name)].into_iter().chain(title).chain([("version", version)]))
}

fn marked(meta: &[u8], held: Vec<u8>) -> Vec<u8> {
    let members = mcp::json::check(meta).ok().and_then(Strict::members).unwrap_or_default();
    let kept =
        members.iter().filter(|(name, _)| name != HELD).map(|(name, value)| (name.as_ref(), value.as_str().into()));
    object(kept.chain([(HELD, held)]))
}
