//! Which revision of the protocol a request speaks, and whether it speaks it properly.
//!
//! The era belongs to the upstream: nothing is translated, and no answer of one era is invented for
//! the other. Here it is only found out which rules a *request* claims to follow, because we read the
//! body and must hold its headers against it.
//!
//! Spec: MCP 2026-07-28 basic/versioning, basic/transports/streamable-http; MCP 2025-11-25 basic/transports.

mod sessions;
mod v2026_07_28;

use http::HeaderMap;
use mcp::jsonrpc::Message;
use model::Revision;

pub(crate) use v2026_07_28::{decoded, encoded, is_param};

/// The revisions spoken, newest first, with what checks a request of each.
pub const REVISIONS: &[(Revision, Check)] = &[
    (Revision::V2026_07_28, v2026_07_28::check),
    (Revision::V2025_11_25, sessions::check),
    (Revision::V2025_06_18, sessions::check),
    (Revision::V2025_03_26, sessions::check),
    (Revision::V2024_11_05, sessions::check),
];

/// Do the headers of a request agree with its message, by the rules of one revision?
pub type Check = fn(&HeaderMap, &Message) -> Result<(), NotSpoken>;

/// The header that names the revision.
pub const VERSION_HEADER: &str = "mcp-protocol-version";

/// Why a request follows no revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSpoken {
    /// A header and the body say different things, or a required header is missing. Modern only.
    #[error("{0}")]
    HeaderMismatch(String),
    /// The version is none of ours. Modern only.
    #[error("protocol version `{requested}` is not supported")]
    Unsupported {
        /// What was asked for.
        requested: String,
    },
    /// A required member of `_meta` is missing. Modern only.
    #[error("`_meta` lacks `{0}`")]
    MissingMeta(&'static str),
    /// Answers to requests of the server do not exist in this revision. Modern only.
    #[error("a response cannot be sent in this revision")]
    ResponseSent,
    /// A header that names no revision, on a request of the old era.
    #[error("the header MCP-Protocol-Version names no revision known here")]
    UnknownVersion,
}

impl NotSpoken {
    /// The JSON-RPC code.
    ///
    /// Only requests that are modern beyond doubt get the codes -32020 and -32022, by which clients recognise a
    /// modern server: a client of a server of the old era must stay free to fall back to `initialize`.
    pub const fn code(&self) -> i32 {
        match self {
            Self::HeaderMismatch(_) => -32020,
            Self::Unsupported { .. } => -32022,
            Self::MissingMeta(_) => -32602,
            Self::ResponseSent | Self::UnknownVersion => -32600,
        }
    }
}

/// The revision that `message` speaks; its headers agree with it.
///
/// Spec: MCP 2026-07-28 basic/versioning (era of a request).
pub fn speak(headers: &HeaderMap, message: &Message) -> Result<Revision, NotSpoken> {
    let revision = claimed(headers, message)?;
    match REVISIONS.iter().find(|(spoken, _)| *spoken == revision) {
        Some((_, check)) => check(headers, message).map(|()| revision),
        None => Err(NotSpoken::UnknownVersion),
    }
}

/// The revision that a request without a body speaks: sessions only, because later ones have no such requests.
///
/// Spec: MCP 2026-07-28 basic/transports/streamable-http (GET and DELETE: 405).
pub fn speak_without_body(headers: &HeaderMap) -> Option<Revision> {
    match version_header(headers) {
        Ok(None) => Some(Revision::V2025_03_26),
        Ok(Some(version)) => version.parse().ok().filter(|revision: &Revision| !revision.is_modern()),
        Err(_) => None,
    }
}

fn claimed(headers: &HeaderMap, message: &Message) -> Result<Revision, NotSpoken> {
    let header = version_header(headers)?;
    let meta = message.call().and_then(|call| call.params().meta_version.as_deref());
    match (header, meta) {
        (None, None) => Ok(assumed(message)),
        (None, Some(_)) => Err(NotSpoken::HeaderMismatch("the header MCP-Protocol-Version is missing".into())),
        (Some(header), Some(meta)) if header != meta => {
            Err(NotSpoken::HeaderMismatch("the header MCP-Protocol-Version differs from the version in `_meta`".into()))
        }
        // Before the two agreed on a revision its header can name none: the body of `initialize` does.
        (Some(header), None) if message.method() == Some("initialize") && header.parse::<Revision>().is_err() => {
            Ok(assumed(message))
        }
        (Some(header), meta) => header.parse().map_err(|_| match meta {
            Some(requested) => NotSpoken::Unsupported { requested: requested.chars().take(64).collect() },
            None => NotSpoken::UnknownVersion,
        }),
    }
}

/// Before 2025-06-18 there was no header; `initialize` names the revision in its body.
fn assumed(message: &Message) -> Revision {
    let asked = message.call().and_then(|call| call.params().asked_version.as_deref());
    let asked = asked.and_then(|version| version.parse().ok());
    asked.filter(|revision: &Revision| !revision.is_modern()).unwrap_or(Revision::V2025_03_26)
}

fn version_header(headers: &HeaderMap) -> Result<Option<&str>, NotSpoken> {
    single(headers, VERSION_HEADER)
}

/// The one value of a header, without the white space around it.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, NotSpoken> {
    let mismatch = |what: &str| NotSpoken::HeaderMismatch(format!("the header {name} {what}"));
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch("occurs twice"));
    }
    value.to_str().map(|text| Some(text.trim_matches([' ', '\t']))).map_err(|_| mismatch("has invalid characters"))
}

#[cfg(test)]
mod tests;
