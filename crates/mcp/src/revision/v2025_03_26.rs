//! 2025-03-26: sessions over one endpoint. Requests name no revision, and a server may answer in batches.
//!
//! Spec: MCP 2025-03-26 basic/transports, basic/lifecycle.

use super::sessions::Sessions;

/// What a request without a version header is taken for.
pub(super) const V2025_03_26: Sessions = Sessions { name: "2025-03-26", sends_people: false };
