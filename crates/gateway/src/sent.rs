//! Whether anything left: the one question that decides what a client may be told afterwards.
//!
//! "Not done, try again" is true only of a request of which not a byte left. Clients take it at its word and send the
//! same call again, so of everything else is said that it may have been done.
//!
//! Spec: docs/decisions/0006-a-call-that-was-sent.md.

use crate::refusal::Refusal;

/// Why there is no answer of the upstream.
#[derive(Debug)]
pub enum Failed {
    /// Not a byte left.
    NotSent(NothingLeft, Refusal),
    /// The upstream may have acted, and this is how the client is told.
    MayBeDone(Refusal),
}

/// Proof that not a byte of a request left.
///
/// Made where there was no connection that could have carried one, and where sending had not begun; nowhere else.
#[derive(Debug)]
pub struct NothingLeft(());

impl NothingLeft {
    /// There was no connection.
    pub(crate) fn without_connection() -> Self {
        Self(())
    }

    /// Sending had not begun.
    pub(crate) fn before_sending() -> Self {
        Self(())
    }
}
