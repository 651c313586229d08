//! Revisions of the Model Context Protocol that the gateway speaks.

use serde::{Deserialize, Serialize};

use crate::text_enum;

/// A protocol revision; ordered by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Revision {
    /// 2024-11-05, on which some servers settle that are reached over streamable HTTP all the same.
    V2024_11_05,
    /// 2025-03-26, what a request without a version header is taken for.
    V2025_03_26,
    /// 2025-06-18, sessions.
    V2025_06_18,
    /// 2025-11-25, sessions.
    V2025_11_25,
    /// 2026-07-28, stateless.
    V2026_07_28,
}

text_enum!(Revision {
    V2024_11_05 => "2024-11-05",
    V2025_03_26 => "2025-03-26",
    V2025_06_18 => "2025-06-18",
    V2025_11_25 => "2025-11-25",
    V2026_07_28 => "2026-07-28",
});

impl Revision {
    /// Stateless, with `_meta` on every request: 2026-07-28 and later.
    pub fn is_modern(self) -> bool {
        self >= Self::V2026_07_28
    }
}
