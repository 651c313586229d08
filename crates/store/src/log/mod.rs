//! The tamper-evident log: its head, appending, reading what is signed, and what the tables say beside it.

pub(crate) mod append;
pub(crate) mod continuity;
pub(crate) mod contradictions;
pub(crate) mod head;
pub(crate) mod index;
pub(crate) mod known_head;
pub(crate) mod open_call_list;
pub(crate) mod open_calls;
pub(crate) mod partial_tiles;
pub(crate) mod proofs;
pub(crate) mod rows;
pub(crate) mod signer;
pub(crate) mod tiles;
pub(crate) mod verified_read;
pub(crate) mod verify;
pub(crate) mod witness_file;
