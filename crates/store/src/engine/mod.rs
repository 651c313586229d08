//! The handle, and the tasks behind it: opening, the one writer, and what it is asked.

pub(crate) mod asked_arguments;
pub(crate) mod batch;
pub(crate) mod commit;
pub(crate) mod commit_outcome;
pub(crate) mod counted;
pub(crate) mod installation_keys;
pub(crate) mod job;
pub(crate) mod keys;
pub(crate) mod log_export;
pub(crate) mod log_reads;
pub(crate) mod lost_calls;
pub(crate) mod matching_number;
pub(crate) mod open;
pub(crate) mod options;
pub(crate) mod outbox;
pub(crate) mod sending;
pub(crate) mod start;
pub(crate) mod store;
pub(crate) mod transaction;
pub(crate) mod wal_checkpoint;
pub(crate) mod writer;
