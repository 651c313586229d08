//! Governance: people decide, look, and take away.
//!
//! What people order is a function of [`orders`], used by the console and by the command line alike; each changes
//! something through [`privilege`], where the rules are. The listings are in [`inventory`], [`audit_query`] and [`lacking`];
//! who outside is told is [`notify`].

pub mod audit_query;
pub mod catalogue;
pub mod deciding;
pub mod explanation;
pub mod inventory;
pub mod lacking;
pub mod notify;
pub mod orders;
pub mod residue;
pub mod standing;
