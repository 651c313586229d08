//! How long what was sent may go on: a call to its answer, a standing stream as long as the authority it rests on.
//!
//! A call is judged when it arrives. Time that runs out afterwards does not cut it, because the server has begun, and
//! a client that is told "expired" sends the same call again. A stream that only listens does nothing that could be
//! done twice, so it ends with its time, and its client comes back with a new token.
//!
//! Spec: docs/decisions/0006-a-call-that-was-sent.md.

use model::{Span, Timestamp};

/// How long what was sent may go on. What a person takes away ends it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// A call: until its answer, and at most until then.
    Call {
        /// The end of `limits.longest_call`.
        not_after: Timestamp,
    },
    /// A stream whose call is answered: a moment for what follows the answer.
    Answered {
        /// The end of that moment.
        not_after: Timestamp,
    },
    /// A stream that only listens: until token, grant or elevation run out.
    Listening,
}

/// Time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifetimeOver {
    /// The call took longer than any may.
    TooLong,
    /// What may follow an answer has had its time.
    AfterTheAnswer,
}

/// What may follow the answer of a call on its stream.
const AFTER_THE_ANSWER: Span = Span::from_seconds(5);

impl Lifetime {
    /// A call that begins at `now`.
    pub fn call(now: Timestamp, longest: Span) -> Self {
        Self::Call { not_after: now.after(longest) }
    }

    /// The call was answered at `now`; a stream that only listens goes on as it was.
    pub fn answered(self, now: Timestamp) -> Self {
        match self {
            Self::Call { .. } => Self::Answered { not_after: now.after(AFTER_THE_ANSWER) },
            other => other,
        }
    }

    /// Is its own time up? That of a listening stream is its authority's.
    pub fn is_over(self, now: Timestamp) -> Result<(), LifetimeOver> {
        match self {
            Self::Call { not_after } if now >= not_after => Err(LifetimeOver::TooLong),
            Self::Answered { not_after } if now >= not_after => Err(LifetimeOver::AfterTheAnswer),
            _ => Ok(()),
        }
    }
}
