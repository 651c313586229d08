//! The authorization server through its routes, over a real store, with time moved by hand.
#![allow(clippy::unwrap_used)]

mod authorize;
mod client_credentials;
mod login;
mod metadata;
mod revocation;
mod step_up;
mod token;
mod world;
