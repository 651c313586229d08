//! The door to the disk: the only crate that speaks SQL.
//!
//! Every change goes through [`Store::write`] and ends in a [`Commit`] that carries at least one
//! [`model::Event`], or it did not happen. Everything is durable, and recorded in the tamper-evident
//! log, before a call returns.

mod access_keys;
mod agents;
mod append;
mod blocks;
mod change;
mod checkpoint;
mod clients;
mod clock;
mod codes;
mod columns;
mod commit;
mod connect;
mod counted;
mod damage;
mod declared;
mod elevations;
mod epoch;
mod error;
mod everywhere;
mod export;
mod exposed;
mod flows;
mod grants;
mod identity;
mod installations;
mod key_file;
mod known;
mod last_head;
mod log;
mod lost_calls;
mod once;
mod open;
mod open_calls;
mod outcome;
mod people;
mod proven;
mod readers;
mod refresh;
mod reserve;
mod schema;
mod sessions;
mod stopped;
mod store;
mod sweep;
mod tail;
mod turn;
mod tx;
mod uptime;
mod verify;
mod view;
mod wal_size;
mod watch;
mod what_stands;
mod writer;

pub use access_keys::{AccessKey, SealedKey};
pub use clients::StoredClient;
pub use clock::{NoNodeRuns, PutRight, USED_VALUES_UNKNOWN};
pub use codes::Code;
pub use commit::Commit;
pub use error::{StoreError, StoreSilent};
pub use exposed::{Exposed, exposed};
pub use flows::Flow;
pub use grants::GrantHolder;
pub use open::{Missing, OpenError, OpenOptions};
pub use refresh::{Refresh, RefreshState, Rotation};
pub use sessions::Session;
pub use stopped::{EndPage, PageStart};
pub use store::Store;
pub use tx::Tx;
pub use verify::{Verification, VerifyError, VerifyOptions, verify};
pub use watch::BEHIND;
pub use what_stands::Contradiction;
