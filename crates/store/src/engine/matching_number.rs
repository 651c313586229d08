//! The number that whoever asked sees, and whoever approves has to type.
//!
//! It is computed from the request under a key of the installation: the same on every node, kept nowhere, and nobody who reads
//! the log, the inbox or a copy of the database can say what it is.

use std::fmt;

use model::{Elevation, Id};

use crate::Store;

/// Two digits. Whoever shows it shows it to the one who asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MatchingNumber(u8);

impl MatchingNumber {
    /// Is it what was typed?
    pub fn is(self, typed: u32) -> bool {
        u32::from(self.0) == typed
    }
}

impl fmt::Display for MatchingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// It is in no log.
impl fmt::Debug for MatchingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MatchingNumber(…)")
    }
}

impl Store {
    /// The number of a request, when it takes one.
    pub fn matching_number(&self, elevation: &Elevation) -> Option<MatchingNumber> {
        elevation.quorum.wrong_numbers.map(|_| self.number_of(&elevation.id))
    }

    fn number_of(&self, id: &Id<Elevation>) -> MatchingNumber {
        let digest = self.master().derive(PURPOSE).authenticate(id.as_str());
        let mut first = [0; 8];
        first.copy_from_slice(&digest.bytes()[..8]);
        // No zero in front, so that nobody asks whether it counts.
        let number = 10 + u64::from_be_bytes(first) % 90;
        MatchingNumber(number as u8)
    }
}

const PURPOSE: &str = "matching_number";
