//! The token endpoint: authenticate the client, see which key it proves, find the grant type, redeem. Refusals are recorded, each or by count.
//!
//! Spec: RFC 6749 §3.2, RFC 9449 §5.
//!
//! Next: `sender_constraint`, then `grants`.

use std::sync::Arc;

use crypto::ProofError;
use http::request::Parts;
use model::{
    Actor, ClientId, Event,
    event::{Authenticated as Proved, TokenRefused},
};
use oauth::{Form, TokenResponse};
use store::{Commit, StoreError};

use crate::{
    client_auth::{self, Authenticated},
    context::Context,
    error::TokenError,
    grants,
    network::Network,
    refusal_sampling::Cause,
    sender_constraint,
};

/// Answers one token request.
pub(crate) async fn answer(cx: &Arc<Context>, head: &Parts, form: Form) -> Result<TokenResponse, TokenError> {
    cx.store.freshness()?;
    let headers = &head.headers;
    let client = match client_auth::authenticate(cx, headers, &form).await {
        Ok(client) => client,
        Err(error) => {
            return Err(refused(cx, client_auth::claimed(headers, &form), None, form.value("grant_type"), error).await);
        }
    };
    let id = client.client.client.id.clone();
    let named = form.value("grant_type").map(str::to_owned);
    let client = match sender_constraint::prove(cx, headers, &client) {
        Ok(proof) => Arc::new(client.proving(proof)),
        Err(error) => return Err(refused(cx, Some(id), Some(Arc::new(client)), named.as_deref(), error).await),
    };
    let outcome = match grants::find(&cx.config, &form, &client) {
        Ok(grant) => (grant.redeem)(cx.clone(), client.clone(), form, Network::of(cx, &head.extensions)).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(response) => Ok(response),
        Err(error) => Err(refused(cx, Some(id), Some(client), named.as_deref(), error).await),
    }
}

/// Records the refusal, and uses the assertion up: one that was seen is spent, whatever came of it.
///
/// A client that proved itself answers for every record it causes. The others are counted.
pub(crate) async fn refused(
    cx: &Context,
    client: Option<ClientId>,
    authenticated: Option<Arc<Authenticated>>,
    grant_type: Option<&str>,
    error: TokenError,
) -> TokenError {
    // An assertion that comes a second time proves that it got around, and nothing else. One that came without the nonce that it is
    // told now comes again with it: clients make another proof, and not another assertion.
    let comes_again = matches!(error, TokenError::AssertionReplayed | TokenError::Proof(ProofError::Nonce(_)));
    let proved = authenticated.filter(|client| client.has_proved_itself() && !comes_again);
    let recorded = match proved {
        Some(authenticated) => {
            let actor = match &authenticated.client.declared {
                Some(agent) => Actor::Agent(agent.clone()),
                None => Actor::Client(authenticated.client.client.id.clone()),
            };
            let event = refusal(client.as_ref(), grant_type, &error, Proved::Yes).by(actor);
            use_up_and_record(cx, authenticated, event).await
        }
        None => count(cx, client, grant_type, &error).await,
    };
    match recorded {
        Ok(()) => error,
        // No record, no answer: not even a refusal.
        Err(fault) => TokenError::Store(fault),
    }
}

async fn use_up_and_record(cx: &Context, client: Arc<Authenticated>, event: Event) -> Result<(), StoreError> {
    cx.store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                match client.begin(tx).await {
                    Err(TokenError::Store(error)) => Err(error),
                    _ => Ok(Commit::with(event, ())),
                }
            })
        })
        .await
}

async fn count(
    cx: &Context,
    claimed: Option<ClientId>,
    grant_type: Option<&str>,
    error: &TokenError,
) -> Result<(), StoreError> {
    let known = match claimed {
        Some(id) if cx.knows(&id).await? => Some(id),
        _ => None,
    };
    let event = cx.refusals.due(known.as_ref(), Cause::Token(error.cause()), cx.store.now(), || {
        let actor = known.clone().map_or(Actor::UnknownClient, Actor::Client);
        refusal(known.as_ref(), grant_type, error, Proved::No).by(actor)
    });
    match event {
        Some(event) => cx.store.record(event).await.map(drop),
        None => Ok(()),
    }
}

fn refusal(
    client: Option<&ClientId>,
    grant_type: Option<&str>,
    error: &TokenError,
    authenticated: Proved,
) -> TokenRefused {
    let known = |name| grants::GRANTS.iter().find(|grant| grant.name.as_str() == name);
    TokenRefused {
        client: client.cloned(),
        grant_type: grant_type.and_then(known).map(|grant| grant.name),
        cause: error.cause(),
        error: error.code(),
        elevation: match error {
            TokenError::Pending(elevation, _) | TokenError::Denied(elevation) => Some(elevation.clone()),
            _ => None,
        },
        authenticated,
        policies: error.policies().to_vec(),
    }
}
