//! Which revision a request speaks, and whether it speaks it properly.
//!
//! Spec: MCP 2026-07-28 basic/versioning (era of a request).

use http::HeaderMap;

use super::{
    header::{self, single},
    not_spoken::NotSpoken,
    rules::Revision,
    table::{REVISIONS, find},
    v2025_03_26::V2025_03_26,
};
use crate::jsonrpc::Message;

/// The revision that `message` speaks; its headers agree with it.
pub fn speak(headers: &HeaderMap, message: &Message) -> Result<&'static dyn Revision, NotSpoken> {
    let revision = claimed(headers, message)?;
    revision.check(headers, message).map(|()| revision)
}

/// The revision that a request without a body speaks: sessions only, because later ones have no such requests.
///
/// Spec: MCP 2026-07-28 basic/transports/streamable-http (GET and DELETE: 405).
pub fn speak_without_body(headers: &HeaderMap) -> Option<&'static dyn Revision> {
    match single(headers, header::VERSION) {
        Ok(None) => Some(&V2025_03_26),
        Ok(Some(version)) => find(version).filter(|revision| revision.has_sessions()),
        Err(_) => None,
    }
}

fn claimed(headers: &HeaderMap, message: &Message) -> Result<&'static dyn Revision, NotSpoken> {
    let header = single(headers, header::VERSION)?;
    let meta = message.call().and_then(|call| call.params().meta_version.as_deref());
    match (header, meta) {
        (None, None) => Ok(assumed(message)),
        (None, Some(_)) => Err(NotSpoken::HeaderMismatch("the header MCP-Protocol-Version is missing".into())),
        (Some(header), Some(meta)) if header != meta => {
            Err(NotSpoken::HeaderMismatch("the header MCP-Protocol-Version differs from the version in `_meta`".into()))
        }
        // Before the two agreed on a revision its header can name none: the body of `initialize` does.
        (Some(header), None) if message.method() == Some("initialize") && find(header).is_none() => {
            Ok(assumed(message))
        }
        (Some(header), meta) => find(header).ok_or_else(|| match meta {
            Some(requested) => unsupported(requested),
            None => NotSpoken::UnknownVersion,
        }),
    }
}

/// Before 2025-06-18 there was no header; `initialize` names the revision in its body.
fn assumed(message: &Message) -> &'static dyn Revision {
    let asked = message.call().and_then(|call| call.params().asked_version.as_deref()).and_then(find);
    asked.filter(|revision| revision.has_sessions()).unwrap_or(&V2025_03_26)
}

/// Named is only what the client can use to speak this way again.
fn unsupported(requested: &str) -> NotSpoken {
    let supported = REVISIONS.iter().filter(|revision| !revision.has_sessions()).map(|revision| revision.name());
    NotSpoken::Unsupported { requested: requested.chars().take(64).collect(), supported: supported.collect() }
}
