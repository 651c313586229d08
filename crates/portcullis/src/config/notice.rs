//! What deserves a loud word although it works.

/// Something an operator should know before opening the doors; nothing that stops them.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Notice {
    /// Where in the file.
    pub path: String,
    /// What, and what to do.
    pub what: String,
}
