//! The door to the network: the only crate that opens or accepts connections.
//!
//! Inward there is [`Listener`]. Outward there are five ways, which differ in whom they trust:
//! [`Fetcher`] reads documents from addresses that strangers name, [`Poster`] and [`Mailer`] tell receivers outside, [`Upstream`] speaks to a server
//! that the operator named, and [`WebClient`] is the plain client of our own command line.

pub mod body;
pub mod caller;
mod checked_addresses;
mod connection_limits;
pub mod fetch;
mod fetch_error;
mod fetch_limits;
mod framing;
mod h2_stall;
mod inbound;
mod limits;
pub mod listen;
pub mod local;
pub mod mail;
mod network;
mod open_files;
mod pool;
pub mod post;
pub mod provider;
pub mod read;
pub mod redirect;
mod roots;
mod serve;
mod singleflight;
pub mod special_use;
mod tls;
pub mod upstream;
pub mod web_client;
mod wire;

pub use body::{Body, BodyError, boxed, empty, full};
pub use connection_limits::Peer;
pub use fetch::{FetchRules, Fetched, Fetcher};
pub use fetch_error::{FetchError, FetchSetupError};
pub use inbound::Inbound;
pub use limits::{ListenLimits, PerAddress};
pub use listen::{BindError, Listener};
pub use mail::{Mail, MailError, MailParties, MailSetupError, Mailer};
pub use post::{Posted, Poster};
pub use provider::install_crypto_provider;
pub use read::{ReadError, read_body, read_counted, receive};
pub use special_use::is_special_use;
pub use tls::{Tls, TlsError};
pub use upstream::{Upstream, UpstreamError, UpstreamSetupError};
pub use web_client::{WebClient, WebError, WebResponse};
