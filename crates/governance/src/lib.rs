//! Governance: people decide, look, and take away.
//!
//! The use cases are plain functions over [`store::Store`], used by the pages here and by the command
//! line alike: [`approve`], [`deny`], [`end`], [`revoke`], [`restore`], [`set_agent_state`], and the
//! listings in [`inventory`], [`activity`] and [`lacking`]. [`Console`] is the same for a browser.
//!
//! Next: [`duty`], which says who may decide what.

pub mod activity;
mod agent_state;
mod approvals;
mod clock;
// A refusal is a page, and every page is a `Response`.
#[allow(clippy::result_large_err)]
mod console;
pub mod duty;
mod error;
pub mod inventory;
mod keys;
pub mod lacking;
mod people;
mod revocation;
pub mod standing;

pub use agent_state::set_agent_state;
pub use approvals::{approve, deny, end};
pub use clock::{ClockAccepted, accept_clock};
pub use console::Console;
pub use duty::{Decider, DutyError};
pub use error::GovernanceError;
pub use keys::{Rotation, Urgency, newest_key, rotate_keys};
pub use people::{ENROLMENT, add_person, offer_enrolment, set_roles};
pub use revocation::{Ends, check_named, end_installation, restore, revoke, write_ends};
