//! What of a configuration a command needs.

/// Which secrets a command needs. The store's is always needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Only where state lives.
    Store,
    /// And what the upstream servers are shown.
    Servers,
    /// All of them.
    Everything,
}
