//! The door to the disk: the only crate that speaks SQL.
//!
//! Every change goes through [`Store::write`] and ends in a [`Commit`] that carries at least one
//! [`model::Event`], or it did not happen. Everything is durable, and recorded in the tamper-evident
//! log, before a call returns.
//!
//! Five layers, each of which knows those before it: `sql`, `tables`, `log`, `epoch`, `engine`. Beside `sql`, on the
//! ground, is `files`.

mod engine;
mod epoch;
mod error;
mod fault;
mod files;
mod log;
mod open_error;
mod sql;
mod tables;

#[cfg(test)]
mod migration_tests;

pub use engine::{
    asked_arguments::CallName,
    commit::Commit,
    matching_number::MatchingNumber,
    options::{Missing, OpenOptions},
    outbox::{Subscriber, Subscriptions},
    store::Store,
};
pub use epoch::{
    clock_accept::{NoNodeRuns, PutRight, USED_VALUES_UNKNOWN},
    watcher::BEHIND,
};
pub use error::{StoreError, StoreSilent};
pub use files::permissions::{OpenToOthers, open_to_others};
pub use log::{
    contradictions::Contradiction,
    index::Indexed,
    verify::{Verification, VerifyError, VerifyOptions, verify},
};
pub use open_error::OpenError;
pub use sql::{
    page::{After, Page},
    readers::Readers,
    tx::Tx,
};
pub use tables::{
    access_keys::{AccessKey, SealedKey},
    block_ends::{EndPage, PageStart},
    catalogue::{Accepted, CatalogueEntry, CataloguePlace, Lists, Pinned, Pins},
    clients::StoredClient,
    codes::Code,
    elevation_entries::ElevationEntry,
    exceptions::StandingExceptions,
    flows::Flow,
    grants::GrantHolder,
    outbox::{OutboxState, Posting},
    refresh_tokens::{Refresh, RefreshState, Rotation},
    sessions::Session,
    standing_grants::{HeldGrant, StandingGrants},
    tasks::TaskThatLacked,
};

/// For the crate `privilege` alone.
pub mod privilege {
    pub use crate::tables::privilege_tx::PrivilegeTx;
}

/// For the authorization server, and the second one for the gateway too.
pub mod secrets {
    pub use crate::engine::keys::{AccessSigner, Vault};
}
