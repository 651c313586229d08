//! 2025-06-18: sessions. The header `MCP-Protocol-Version` appears, and batches are gone.
//!
//! Spec: MCP 2025-06-18 basic/transports, basic/lifecycle.

use super::sessions::Sessions;

/// Sessions.
pub(super) const V2025_06_18: Sessions = Sessions { name: "2025-06-18", sends_people: false };
