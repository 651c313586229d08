//! The revocation epoch: which state each node acts on, and how a change reaches all of them.

pub(crate) mod clock_accept;
pub(crate) mod gone_node;
pub(crate) mod lease;
pub(crate) mod look;
pub(crate) mod propagation;
pub(crate) mod stamp;
pub(crate) mod uptime;
pub(crate) mod view;
pub(crate) mod watcher;
