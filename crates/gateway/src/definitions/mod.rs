//! What a server offers and what it says of itself: asked, noticed in what passes by, and held when it is not what was
//! accepted.
//!
//! What counts is in the store ([`store::Pins`]); a node holds it in memory under the epoch. What this node noticed and has
//! not written down yet is held at once all the same.
//!
//! Spec: MCP 2026-07-28 server/tools (definitions are untrusted); docs/decisions/0032-definitions-are-pinned.md.
//!
//! Next: `of_server`.

mod ask;
mod checked;
mod noticed;
mod of_server;
mod read;
mod write;

pub use ask::{NotListed, Source};
pub use checked::Checked;
pub use of_server::Definitions;
pub use read::{SERVER_INFO, definition, introduction};
