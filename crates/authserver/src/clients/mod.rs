//! From a `client_id` to a client: the configuration's table, or a metadata document.
//!
//! A document is fetched at the authorization endpoint, for a person who is logged in. The token and revocation
//! endpoints answer from what was stored then; they read it again only for a client that has just proved itself by
//! keys that are old. So a stranger can not make us fetch anything.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document.

mod metadata;
mod outages;
mod registered;
mod resolved;
mod slug;
mod stale;

use model::{Actor, ClientId, Id, Person, event::ClientRefused};
pub(crate) use outages::Outages;
pub(crate) use registered::RegisteredClients;
pub use registered::SetupError;
pub(crate) use resolved::{ClientRefusal, Resolved};
pub(crate) use slug::slug;
use store::StoreError;

use crate::context::Context;

impl Context {
    /// The client of an authorization request of `person`; a metadata document is fetched when the stored one is
    /// stale, and the stored one stands in for a host that is down. A refusal is recorded.
    pub(crate) async fn client_at_authorize(
        &self,
        id: &ClientId,
        person: &Id<Person>,
    ) -> Result<Resolved, ClientRefusal> {
        let found = match self.registered.find(id) {
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
        match self.registered.find(id) {
            Some(known) => Ok(known),
            None if id.is_metadata_url() => metadata::stored(self, id).await,
            None => Err(ClientRefusal::NotRegistered),
        }
    }

    /// The client read again, when it has just proved itself by keys that are too old to be believed.
    pub(crate) async fn reread_at_token(&self, id: &ClientId) -> Result<Option<Resolved>, ClientRefusal> {
        match self.registered.find(id) {
            Some(_) => Ok(None),
            None => metadata::read_when_too_old(self, id).await,
        }
    }

    /// Is it a client of the configuration, or one whose document was accepted before?
    pub(crate) async fn knows(&self, id: &ClientId) -> Result<bool, StoreError> {
        Ok(self.registered.find(id).is_some() || (id.is_metadata_url() && self.store.client(id).await?.is_some()))
    }
}
