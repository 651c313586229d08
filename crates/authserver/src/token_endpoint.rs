//! The token endpoint: authenticate the client, find the grant type, redeem. Every refusal is recorded.
//!
//! Spec: RFC 6749 §3.2.
//!
//! Next: `grants`.

use std::sync::Arc;

use http::HeaderMap;
use model::{Actor, ClientId, Event, EventName};
use pages::Form;
use store::{Commit, StoreError};

use crate::{
    client_auth::{self, Authenticated},
    cx::Cx,
    error::TokenError,
    grants,
    issue::TokenResponse,
};

/// Answers one token request.
pub(crate) async fn answer(cx: &Arc<Cx>, headers: &HeaderMap, form: Form) -> Result<TokenResponse, TokenError> {
    cx.store.freshness()?;
    let client = match client_auth::authenticate(cx, headers, &form).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return Err(refused(cx, client_auth::claimed(headers, &form), None, form.value("grant_type"), error).await);
        }
    };
    let id = client.client.client.id.clone();
    let named = form.value("grant_type").map(str::to_owned);
    let outcome = match grants::find(&form, &client) {
        Ok(grant) => (grant.redeem)(cx.clone(), client.clone(), form).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(error) => Err(refused(cx, Some(id), Some(client), named.as_deref(), error).await),
    }
}

/// Records the refusal, and uses the assertion up: one that was seen is spent, whatever came of it.
pub(crate) async fn refused(
    cx: &Cx,
    client: Option<ClientId>,
    authenticated: Option<Arc<Authenticated>>,
    grant_type: Option<&str>,
    error: TokenError,
) -> TokenError {
    let declared = authenticated.as_ref().and_then(|client| client.client.declared.clone());
    let actor = match (&declared, &client) {
        (Some(agent), _) => Actor::Agent(agent.to_string()),
        (None, Some(client)) => Actor::Client(client.to_string()),
        (None, None) => Actor::Client("unknown".into()),
    };
    let mut event = Event::new(EventName::TokenRefused, actor)
        .with("cause", error.cause())
        .with("error", error.code().0)
        .with("authenticated", if authenticated.is_some() { "yes" } else { "no" });
    if let Some(client) = client {
        event = event.with("client", client);
    }
    if let Some(known) = grant_type.and_then(|name| grants::GRANTS.iter().find(|grant| grant.name == name)) {
        event = event.with("grant_type", known.name);
    }
    if let TokenError::Pending(elevation) | TokenError::Denied(elevation) = &error {
        event = event.with("elevation", elevation);
    }
    let recorded = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                if let Some(client) = authenticated
                    && let Err(TokenError::Store(error)) = client.use_assertion(tx).await
                {
                    return Err(error);
                }
                Ok(Commit::with(event, ()))
            })
        })
        .await;
    match recorded {
        Ok(()) => error,
        // No record, no answer: not even a refusal.
        Err(fault) => TokenError::Store(fault),
    }
}
