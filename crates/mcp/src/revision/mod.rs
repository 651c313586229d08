//! Revisions of the protocol, each one value behind one trait.
//!
//! The era belongs to the upstream: nothing is translated, and no answer of one era is invented for
//! the other. Here it is only found out which rules a *request* claims to follow, because we read the
//! body and must hold its headers against it; and each revision says in what it differs from the others.
//!
//! One more revision is its file, and its line in [`REVISIONS`].
//!
//! Spec: MCP 2026-07-28 basic/versioning, basic/transports/streamable-http; MCP 2025-11-25 basic/transports.

pub mod header;
mod not_spoken;
mod param_headers;
mod rules;
mod sessions;
mod speak;
mod table;
mod v2024_11_05;
mod v2025_03_26;
mod v2025_06_18;
mod v2025_11_25;
mod v2026_07_28;

pub use not_spoken::NotSpoken;
pub use param_headers::ParamHeaders;
pub use rules::{ChallengeScopes, ComesBack, Revision, SendsTo};
pub use speak::{speak, speak_without_body};
pub use table::{REVISIONS, find, newest, newest_with_sessions};

#[cfg(test)]
mod tests;
