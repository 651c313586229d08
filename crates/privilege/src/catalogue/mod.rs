//! What servers say of what they offer and of themselves, and what of it counts.
//!
//! What is listed for the first time, or otherwise than before, is held until a person accepts exactly that. Only the very
//! first list of a server may count without anybody looking, and only where its configuration says so.
//!
//! Spec: MCP 2026-07-28 server/tools (definitions are untrusted); docs/decisions/0032-definitions-are-pinned.md.
//!
//! Next: [`mod@observe`].

pub mod accept;
mod fit;
pub mod observe;

pub use accept::accept;
pub use fit::input;
pub use observe::{Extent, Listed, Observed, Whole, observe};
