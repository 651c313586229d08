//! Whether anything left: the one question that decides what a client may be told afterwards.
//!
//! "Not done, try again" is true only of a request of which not a byte left. Clients take it at its word and send the
//! same call again, so of everything else is said that it may have been done.
//!
//! Spec: docs/decisions/0006-a-call-that-was-sent.md.

use model::event::Outcome;

use crate::call::Call;

/// Why there is no answer of the upstream.
#[derive(Debug)]
pub enum SendError {
    /// Not a byte left.
    NotSent(NothingLeft),
    /// The head of its answer did not come in time.
    TimedOut,
    /// The connection broke before it.
    Broken,
}

/// Proof that not a byte of a request left.
///
/// Made where there was no connection that could have carried one, and where sending had not begun; nowhere else.
#[derive(Debug)]
pub struct NothingLeft(());

impl SendError {
    /// How the call ended by it.
    pub fn outcome(&self, call: &Call) -> Outcome {
        match self {
            Self::TimedOut | Self::Broken if !call.does_nothing() => Outcome::MayBeDone,
            Self::NotSent(_) | Self::TimedOut | Self::Broken => Outcome::Unreachable,
        }
    }
}

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
