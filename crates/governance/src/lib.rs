//! Governance: people decide, look, and take away.
//!
//! What people order is a function of [`orders`], used by the pages here and by the command line alike; each changes
//! something through [`privilege`], where the rules are. The listings are in [`inventory`], [`activity`] and [`lacking`].
//! [`Console`] is all of it for a browser.

pub mod activity;
// A refusal is a page, and every page is a `Response`.
#[allow(clippy::result_large_err)]
mod console;
pub mod inventory;
pub mod lacking;
pub mod orders;
pub mod standing;

pub use console::Console;
