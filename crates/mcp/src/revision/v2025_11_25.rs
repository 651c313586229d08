//! 2025-11-25: the last revision with sessions, and the first with tasks.
//!
//! Spec: MCP 2025-11-25 basic/transports, basic/lifecycle.

use super::sessions::Sessions;

/// Sessions.
pub(super) const V2025_11_25: Sessions = Sessions { name: "2025-11-25", sends_people: true };
