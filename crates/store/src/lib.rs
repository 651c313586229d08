//! The door to the disk: the only crate that speaks SQL.
//!
//! Every change goes through [`Store::write`] and ends in a [`Commit`] that carries at least one
//! [`model::Event`], or it did not happen. Everything is durable, and recorded in the tamper-evident
//! log, before a call returns.
#![allow(unused_variables, dead_code, clippy::todo, clippy::unused_async)]

mod agents;
mod blocks;
mod clients;
mod codes;
mod commit;
mod elevations;
mod error;
mod flows;
mod grants;
mod log;
mod once;
mod open;
mod people;
mod refresh;
mod sessions;
mod store;
mod tx;
mod verify;

pub use clients::StoredClient;
pub use codes::Code;
pub use commit::Commit;
pub use error::{StoreError, StoreSilent};
pub use flows::Flow;
pub use grants::Standing;
pub use open::{OpenError, OpenOptions};
pub use refresh::{Refresh, RefreshState};
pub use sessions::Session;
pub use store::Store;
pub use tx::Tx;
pub use verify::{VerifyError, verify};
