//! What is said of a difference between the database and the log.

/// The database and the signed log say different things.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Something is there, or in force, that the log never put there.
    #[error("{what} is in force, and the log has no record that put it in force")]
    Unaccounted {
        /// `elevation …`, `grant …`, `agent …`, `person …`, `key …`, or a block.
        what: String,
    },
    /// Something is in force that the log ended.
    #[error("{what} is in force, and record {record} ended it")]
    Ended {
        /// `elevation …`, `grant …`, or what an installation has.
        what: String,
        /// The record of the end.
        record: u64,
    },
    /// Something is more, longer, at another time or of somebody else than the log says.
    #[error("{what}: {field} is not what record {record} says")]
    Differs {
        /// What it is about, as in [`Self::Unaccounted`].
        what: String,
        /// What of it.
        field: &'static str,
        /// The record that says otherwise.
        record: u64,
    },
    /// Fewer uses are counted than were made.
    #[error("{what} counts {counted} uses, and the log has {logged}")]
    Uses {
        /// `elevation …`.
        what: String,
        /// In the database.
        counted: u64,
        /// In the log.
        logged: u64,
    },
    /// The log revoked something, and nothing stops it.
    #[error("record {record} revoked {what}, and the database does not stop it")]
    RevocationGone {
        /// What was revoked.
        what: String,
        /// The record of the revocation.
        record: u64,
    },
    /// A revocation that was lifted is forgotten, although it still stops what was issued before it.
    #[error(
        "record {record} revoked {what}, and the database has forgotten it: what was issued before that is believed again, \
         although a revocation that was lifted goes on to stop it"
    )]
    LiftedGone {
        /// What was revoked.
        what: String,
        /// The record of the revocation.
        record: u64,
    },
    /// Something that the log made, and that is never deleted, is not there.
    #[error("{what} is not in the database, and record {record} is about it: who takes its name begins anew")]
    Gone {
        /// `agent …`, `person …` or `key …`.
        what: String,
        /// The last record about it.
        record: u64,
    },
}
