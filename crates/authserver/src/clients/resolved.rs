//! A client that is known, or why it is not.

use crypto::PublicKeys;
use model::{Agent, Client, Id, Secret};
use net::FetchError;
use oauth::DocumentError;
use store::StoreError;

/// A client and what it can prove itself with.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) client: Client,
    pub(crate) keys: Option<PublicKeys>,
    pub(crate) secret: Option<Secret>,
    /// The autonomous agent that this client is, when the configuration declares it as one.
    pub(crate) declared: Option<Id<Agent>>,
}

/// Why a client is not accepted: shown to the person, logged, and recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientRefusal {
    #[error("the client is not registered here")]
    NotRegistered,
    #[error("the client_id is not usable as the URL of a metadata document: {0}")]
    BadUrl(&'static str),
    #[error("the operator has not allowed clients from `{host}` (clients.metadata_domains)")]
    DomainNotAllowed { host: String },
    #[error("the client's metadata document could not be read: {0}")]
    Fetch(#[from] FetchError),
    #[error("the client's metadata document was refused: {0}")]
    Document(#[from] DocumentError),
    #[error("too many metadata documents are being fetched; try again in a moment")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}
