//! From a `client_id` to a client: the configuration's table, or a metadata document.
//!
//! A document is fetched at the authorization endpoint, for a person who is logged in. The token and revocation
//! endpoints answer from what was stored then; they read it again only for a client that has just proved itself by
//! keys that are old. So a stranger can not make us fetch anything.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document.

mod document;
mod known;
mod metadata;
mod name;
mod outage;

pub use document::{Document, DocumentError, Ignored, read_document};
pub(crate) use known::KnownClients;
pub use known::SetupError;
use model::{Actor, Agent, Client, ClientId, Id, Person, Secret, event::ClientRefused};
pub(crate) use name::slug;
use net::FetchError;
pub(crate) use outage::Outages;
use store::StoreError;
use token::PublicKeys;

use crate::cx::Cx;

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

impl Cx {
    /// The client of an authorization request of `person`; a metadata document is fetched when the stored one is
    /// stale, and the stored one stands in for a host that is down. A refusal is recorded.
    pub(crate) async fn client_at_authorize(
        &self,
        id: &ClientId,
        person: &Id<Person>,
    ) -> Result<Resolved, ClientRefusal> {
        let found = match self.known.find(id) {
            Some(known) => Ok(known),
            None if id.is_metadata_url() => metadata::read(self, id).await,
            None => Err(ClientRefusal::NotRegistered),
        };
        match found {
            Err(ClientRefusal::Store(error)) => Err(ClientRefusal::Store(error)),
            Err(refusal) => {
                tracing::warn!(event = "client_refused", client = %id, reason = %refusal);
                let refused = ClientRefused { client: id.clone(), person: person.clone(), reason: refusal.to_string() };
                self.store.record(refused.by(Actor::Person(person.clone()))).await?;
                Err(refusal)
            }
            Ok(client) => Ok(client),
        }
    }

    /// The client of a token request, from what is known already.
    pub(crate) async fn client_at_token(&self, id: &ClientId) -> Result<Resolved, ClientRefusal> {
        match self.known.find(id) {
            Some(known) => Ok(known),
            None if id.is_metadata_url() => metadata::stored(self, id).await,
            None => Err(ClientRefusal::NotRegistered),
        }
    }

    /// The client read again, when it has just proved itself by keys that are too old to be believed.
    pub(crate) async fn reread_at_token(&self, id: &ClientId) -> Result<Option<Resolved>, ClientRefusal> {
        match self.known.find(id) {
            Some(_) => Ok(None),
            None => metadata::read_when_too_old(self, id).await,
        }
    }

    /// Is it a client of the configuration, or one whose document was accepted before?
    pub(crate) async fn knows(&self, id: &ClientId) -> Result<bool, StoreError> {
        Ok(self.known.find(id).is_some() || (id.is_metadata_url() && self.store.client(id).await?.is_some()))
    }
}
