//! 2024-11-05: the first revision, on which some servers settle that are reached over streamable HTTP all the same.
//!
//! Spec: MCP 2024-11-05 basic/transports, basic/lifecycle.

use super::sessions::Sessions;

/// Sessions.
pub(super) const V2024_11_05: Sessions = Sessions { name: "2024-11-05", sends_people: false };
