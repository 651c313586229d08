//! The authorization server through its routes, over a real store, with time moved by hand.
#![allow(clippy::unwrap_used)]

mod authorize;
mod by_hand;
mod change_password;
mod client_credentials;
mod client_metadata;
mod dpop;
mod enterprise;
mod exact;
mod login;
mod metadata;
mod policy;
mod redirects;
mod refresh_reuse;
mod revocation;
mod scopes;
mod step_up;
mod strangers;
mod tasks;
mod token;
mod twice;
mod world;
