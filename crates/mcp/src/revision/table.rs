//! The revisions that are spoken.

use super::{
    rules::Revision, v2024_11_05::V2024_11_05, v2025_03_26::V2025_03_26, v2025_06_18::V2025_06_18,
    v2025_11_25::V2025_11_25, v2026_07_28::V2026_07_28,
};

/// The revisions spoken, newest first.
pub const REVISIONS: &[&dyn Revision] = &[&V2026_07_28, &V2025_11_25, &V2025_06_18, &V2025_03_26, &V2024_11_05];

/// The newest revision, which a client tries first.
pub fn newest() -> &'static dyn Revision {
    REVISIONS[0]
}

/// The newest revision with sessions, in which a client begins when the newest one is not spoken.
pub fn newest_with_sessions() -> &'static dyn Revision {
    REVISIONS.iter().copied().find(|revision| revision.has_sessions()).unwrap_or(&V2025_11_25)
}

/// The revision of that date.
pub fn find(name: &str) -> Option<&'static dyn Revision> {
    REVISIONS.iter().find(|revision| revision.name() == name).copied()
}
