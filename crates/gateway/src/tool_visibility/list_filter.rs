//! A list of tools, resources or prompts as one principal may see it.
//!
//! What is usable now or after a step-up stays and is marked; one that nothing could open is absent,
//! so it can neither tempt a model nor lead anybody into a step-up that fails. Order, `nextCursor` and
//! members we do not know stay.
//!
//! What a server says of itself besides goes through [`introduction`].
//!
//! Spec: MCP 2026-07-28 server/tools (lists may differ by authorization), server/utilities/caching
//! (`cacheScope`).

use std::collections::HashMap;

use catalogue::Definition;
use mcp::{
    json::{self, NotStrict, Strict, array, object},
    list::{List, salvage},
    revision::Revision,
};
use serde_json::json;

use crate::{
    call::Filtered,
    definitions::definition,
    tool_visibility::introduction,
    tool_visibility::omitted::Why,
    tool_visibility::viewer::{Access, Listed, Viewer},
};

/// The member of a tool's `_meta` that says how it may be used.
pub const ACCESS: &str = "io.portcullis/access";

/// The message with its list of tools filtered, or with what its server says of itself; `None` when it stays as it is.
///
/// A list that two parsers could read differently is refused: the client must see what we filtered.
pub fn filter(
    message: &[u8],
    viewer: &Viewer,
    (revision, what): (&dyn Revision, Filtered),
    now: model::Timestamp,
) -> Result<Option<Vec<u8>>, NotStrict> {
    let salvaged;
    let message = match json::check(message) {
        Ok(message) => message,
        Err(why) => {
            salvaged = salvage(message).ok_or(why)?;
            for name in &salvaged.taken_out {
                let server = &viewer.server;
                server.omitted.say(&server.id, salvaged.list, name, Why::Ambiguous);
            }
            json::check(&salvaged.message)?
        }
    };
    let listing = Listing { viewer, revision, what, ttl: viewer.changes_within(now).map(|seconds| seconds * 1000) };
    if let Some(batch) = message.elements() {
        // 2025-03-26 lets a server answer in batches.
        let answers: Vec<_> = batch.iter().map(|one| (one, listing.message(*one))).collect();
        let any = answers.iter().any(|(_, filtered)| filtered.is_some());
        let each = answers.into_iter().map(|(one, filtered)| filtered.unwrap_or_else(|| one.as_str().into()));
        return Ok(any.then(|| array(each)));
    }
    Ok(listing.message(message))
}

/// What an item of a list says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defined {
    /// What was accepted, or what needs nobody to accept it.
    Accepted,
    /// Something else.
    Otherwise,
}

struct Listing<'a> {
    viewer: &'a Viewer,
    revision: &'a dyn Revision,
    what: Filtered,
    /// After so many milliseconds the list looks different.
    ttl: Option<u64>,
}

impl Listing<'_> {
    fn message(&self, message: Strict<'_>) -> Option<Vec<u8>> {
        let members = message.members()?;
        let (_, result) = members.iter().find(|(name, _)| name == "result")?;
        let is_introduction = self.what == Filtered::Introduction || introduction::is_one(*result);
        let result = if is_introduction { introduction::filter(*result, self.viewer)? } else { self.result(*result)? };
        Some(object(members.iter().map(|(name, value)| {
            (name.as_ref(), if name == "result" { result.clone() } else { value.as_str().into() })
        })))
    }

    fn result(&self, result: Strict<'_>) -> Option<Vec<u8>> {
        let members = result.members()?;
        let is_list = |name: &str| List::in_member(name).is_some();
        if !members.iter().any(|(name, value)| is_list(name) && value.elements().is_some()) {
            return None;
        }
        let mut out: Vec<(&str, Vec<u8>)> = members
            .iter()
            .map(|(name, value)| match name.as_ref() {
                "cacheScope" => ("cacheScope", b"\"private\"".to_vec()),
                "ttlMs" => ("ttlMs", self.ttl(*value)),
                "_meta" => ("_meta", introduction::meta(*value, self.viewer)),
                name => (name, self.list(name, *value)),
            })
            .collect();
        for (member, value) in self.revision.list_members() {
            if !members.iter().any(|(name, _)| name == member) {
                out.push((member, value.as_bytes().to_vec()));
            }
        }
        Some(object(out.into_iter()))
    }

    /// The member of a result, filtered when it is a list.
    fn list(&self, name: &str, value: Strict<'_>) -> Vec<u8> {
        match (List::in_member(name), value.elements()) {
            (Some(list), Some(items)) => {
                let defined = self.defined(list, &items);
                array(items.into_iter().zip(defined).filter_map(|(item, defined)| {
                    if defined == Defined::Accepted { self.item(list, item) } else { None }
                }))
            }
            _ => value.as_str().into(),
        }
    }

    /// Of each item, whether what it says of itself is what was accepted. What is not is noticed, and shown to nobody.
    fn defined(&self, list: List, items: &[Strict<'_>]) -> Vec<Defined> {
        let server = &self.viewer.server;
        if !server.definitions.are_pinned() {
            return vec![Defined::Accepted; items.len()];
        }
        let pins = server.definitions.pins();
        let definitions: Vec<_> = items.iter().map(|item| definition(list, *item)).collect();
        let one_each = Definition::one_each(definitions.iter().flatten().cloned().collect());
        let is_shown = |one: Definition| match list {
            List::Resources => server.definitions.notice_resource(&pins, one),
            List::Tools | List::Prompts | List::Templates => server.definitions.notice(&pins, one),
        };
        let mut shown: HashMap<_, _> = one_each
            .into_iter()
            .filter_map(|one| {
                let (name, digest) = (one.name().clone(), one.digest());
                is_shown(one).then_some((name, digest))
            })
            .collect();
        let each = definitions.into_iter().map(|definition| {
            // What is no definition is left out below, with the reason; what is there twice is shown once.
            let Some(definition) = definition else { return Defined::Accepted };
            let is_shown = shown.get(definition.name()) == Some(&definition.digest());
            if is_shown && shown.remove(definition.name()).is_some() { Defined::Accepted } else { Defined::Otherwise }
        });
        each.collect()
    }

    fn ttl(&self, ttl: Strict<'_>) -> Vec<u8> {
        match (self.ttl, ttl.as_str().parse::<f64>()) {
            (Some(ours), Ok(theirs)) if theirs > ours as f64 => ours.to_string().into(),
            _ => ttl.as_str().into(),
        }
    }

    fn item(&self, list: List, item: Strict<'_>) -> Option<Vec<u8>> {
        let members = item.members()?;
        let omitted = |name: &str, why| {
            let server = &self.viewer.server;
            server.omitted.say(&server.id, list, name, why);
        };
        let name = members.iter().find(|(name, _)| name == list.named_by()).and_then(|(_, name)| name.string());
        let Some(name) = name else {
            omitted("", Why::Nameless);
            return None;
        };
        if let Some(why) = Why::of(&name).filter(|_| matches!(list, List::Tools | List::Prompts)) {
            omitted(&name, why);
            return None;
        }
        if list == List::Tools {
            let schema = members.iter().find(|(name, _)| name == "inputSchema").map(|(_, schema)| *schema);
            self.viewer.server.definitions.param_headers.learn(&name, schema);
        }
        let access = mark(&self.viewer.access(listed(list, &name))?);
        let mut out: Vec<(&str, Vec<u8>)> = Vec::with_capacity(members.len() + 1);
        let mut marked = false;
        for (name, value) in &members {
            match (name.as_ref(), value.members()) {
                ("_meta", Some(meta)) => {
                    // Whatever the server claims under our name is replaced.
                    let kept = meta.iter().filter(|(name, _)| name != ACCESS);
                    let kept = kept.map(|(name, value)| (name.as_ref(), value.as_str().into()));
                    out.push(("_meta", object(kept.chain([(ACCESS, access.clone())]))));
                    marked = true;
                }
                ("_meta", None) => {}
                (name, _) => out.push((name, value.as_str().into())),
            }
        }
        if !marked {
            out.push(("_meta", object([(ACCESS, access)].into_iter())));
        }
        Some(object(out.into_iter()))
    }
}

fn listed(list: List, name: &str) -> Listed<'_> {
    match list {
        List::Tools => Listed::Tool(name),
        List::Prompts => Listed::Prompt(name),
        List::Resources => Listed::Resource(name),
        List::Templates => Listed::Template(name),
    }
}

fn mark(access: &Access) -> Vec<u8> {
    json!({"tier": access.tier, "scope": access.scope, "state": access.state, "by": access.by}).to_string().into()
}
