//! What an approver asks to let differ, and why it can not be.

use std::collections::BTreeSet;

/// What an approver lets vary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatitudeWish {
    /// Arguments that may be anything, or absent.
    pub any: BTreeSet<String>,
    /// Numbers that may be what they are, or less, and not below zero.
    pub at_most: BTreeSet<String>,
    /// For how many calls.
    pub uses: u32,
}

/// Why it can not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoLatitude {
    /// It is for any call of its scope already.
    #[error("it is not for one exact call, so there is nothing to let vary")]
    NotExact,
    /// Several people approve, and each would have to let the same vary.
    #[error("it takes the approval of several people, who approve exactly this call")]
    Several,
    /// Nobody can say any more what the call was.
    #[error("the arguments of this call are not kept any more")]
    Gone,
    /// There is no such argument.
    #[error("the call has no argument `{0}`")]
    NoArgument(String),
    /// It is said twice what it may be.
    #[error("`{0}` may be anything, or at most what it is: not both")]
    Twice(String),
    /// Less than it can not be told.
    #[error("`{0}` is no number from 0 on, with four digits behind the point at the most")]
    NoNumber(String),
    /// It would be for too many calls, or for none.
    #[error("it is for 1 to {most} calls, and not for {0}", most = MOST_USES)]
    Uses(u32),
}

/// Calls that one approval with latitude is good for, at the most.
pub const MOST_USES: u32 = 20;
