//! The door to the network: the only crate that opens or accepts connections.
//!
//! Inward there is [`Listener`]. Outward there are three ways, which differ in whom they trust:
//! [`Fetcher`] reads documents from addresses that strangers name, [`Upstream`] speaks to a server
//! that the operator named, and [`WebClient`] is the plain client of our own command line.

pub mod body;
pub mod caller;
pub mod fetch;
mod fetch_error;
mod flights;
mod framing;
mod inbound;
mod limits;
pub mod listen;
pub mod local;
mod network;
mod open_files;
mod outbound;
mod places;
pub mod provider;
pub mod read;
pub mod redirect;
mod serve;
pub mod simple;
pub mod special;
mod streams;
mod tls;
mod trust;
mod turns;
pub mod upstream;
mod wire;

pub use body::{Body, BodyError, boxed, empty, full};
pub use fetch::{FetchRules, Fetched, Fetcher};
pub use fetch_error::{FetchError, FetchSetupError};
pub use inbound::Inbound;
pub use limits::{ListenLimits, PerAddress};
pub use listen::{BindError, Listener};
pub use places::Peer;
pub use provider::install_crypto_provider;
pub use read::{ReadError, read_body, read_counted, receive};
pub use simple::{WebClient, WebError, WebResponse};
pub use special::is_special_use;
pub use tls::{Tls, TlsError};
pub use upstream::{Upstream, UpstreamError, UpstreamSetupError};
