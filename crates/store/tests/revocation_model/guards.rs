//! What keeps the promise, one by one: each is a switch of the model.

use std::fmt;

macro_rules! guards {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// One guard. What it prevents is the counterexample that the model finds without it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Guard { $($(#[doc = $doc])+ $name,)+ }

        impl Guard {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

guards! {
    /// A node that looks compares the stamps of epochs, not their numbers.
    StampsAreCompared,
    /// A row counts for the waiter when its stamp is one of this history.
    RowsNameStamps,
    /// The waiter asks for the epoch that was committed, and fails when that is gone.
    TheGoalIsTheStamp,
    /// A lease counts from before the look whose sign of life it is.
    LeaseFromBefore,
    /// The first lease counts from before the store was opened.
    FirstLeaseFromBefore,
    /// Only a durable write to this history renews a lease.
    LeaseIsAWrite,
    /// A lease is measured by a clock that goes on while the machine is suspended.
    ClockGoesOn,
    /// Freshness is asked again after the last thing that was waited for.
    AskedAfterWaiting,
    /// The waiter measures silence by its own clock, and compares it with nobody's.
    OwnClock,
    /// The waiter waits somewhat longer than a node goes on: two clocks never go at one speed.
    Margin,
    /// A node that sees another epoch compares the head of the log with the one it knew, before it acts on it.
    HeadBeforeActing,
    /// What the writer of a node committed is part of what its watcher compares.
    WatcherKnowsWrites,
    /// What the watcher of a node has seen is part of what its writer compares.
    WriterKnowsLooks,
    /// A log that does not continue the last head in the data directory is not started on.
    LastHead,
    /// The last head is in the data directory before an epoch is shown, or named in a row.
    KeptBeforeShown,
    /// The watcher shows nothing that it read before the writer showed something.
    WatcherNeverBack,
    /// The writer shows nothing that is older than what the watcher has shown.
    WriterNeverBack,
    /// For the operator: a store that is put back without the rows of the nodes that run stays away for `silence`.
    RowsOutliveRestore,
}

/// Which guards are on.
#[derive(Clone, Copy)]
pub struct Guards(u32);

impl Guards {
    pub const fn all() -> Self {
        Self(u32::MAX)
    }

    pub const fn but(guard: Guard) -> Self {
        Self::all().and_without(guard)
    }

    pub const fn and_without(self, guard: Guard) -> Self {
        Self(self.0 & !(1 << guard as u32))
    }

    pub const fn has(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u32) != 0
    }
}

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("without ")?;
        f.debug_list().entries(Guard::ALL.iter().filter(|guard| !self.has(**guard))).finish()
    }
}
