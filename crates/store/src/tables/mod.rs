//! One file for each table, or for what several have in common: the statements, and the rows as values.

pub(crate) mod access_keys;
pub(crate) mod agents;
pub(crate) mod asked_calls;
pub(crate) mod block_ends;
pub(crate) mod blocks;
pub(crate) mod catalogue;
pub(crate) mod clients;
pub(crate) mod codes;
pub(crate) mod declared;
pub(crate) mod elevation_entries;
pub(crate) mod elevation_steps;
pub(crate) mod elevations;
pub(crate) mod ended_by_block;
pub(crate) mod expired;
pub(crate) mod flows;
pub(crate) mod grant_ends;
pub(crate) mod grants;
pub(crate) mod installations;
pub(crate) mod people;
pub(crate) mod privilege_tx;
pub(crate) mod refresh_tokens;
pub(crate) mod replay;
pub(crate) mod sessions;
pub(crate) mod standing_grants;
pub(crate) mod tasks;
pub(crate) mod versions;
