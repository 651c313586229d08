//! The revocation endpoint: a client gives up a token of its own.
//!
//! A refresh token takes its family with it. An access token is a JWT that lives by its grant, so it takes the grant:
//! anything less would answer "revoked" to a token that still works.
//!
//! Spec: RFC 7009 §2.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;
use model::{AccessClaims, Actor, Event, EventName};
use pages::Form;
use store::{Commit, Tx};
use token::{Digest, Expected, Presented};

use crate::{
    client_auth::{self, Authenticated},
    cx::Cx,
    error::TokenError,
    token_endpoint,
};

/// Revokes the token in `form`. Unknown tokens are fine: they do not work, which is what was asked.
pub(crate) async fn answer(cx: &Arc<Cx>, headers: &HeaderMap, form: Form) -> Result<(), TokenError> {
    cx.store.freshness()?;
    let client = match client_auth::authenticate(cx, headers, &form).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return Err(token_endpoint::refused(cx, client_auth::claimed(headers, &form), None, None, error).await);
        }
    };
    match revoke(cx, client.clone(), &form).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let id = client.client.client.id.clone();
            Err(token_endpoint::refused(cx, Some(id), Some(client), None, error).await)
        }
    }
}

async fn revoke(cx: &Arc<Cx>, client: Arc<Authenticated>, form: &Form) -> Result<(), TokenError> {
    let token = form.require("token")?;
    let digest = Digest::of(token);
    let claims = own_access_token(cx, token);
    if claims.as_ref().is_some_and(|claims| claims.client_id != client.client.client.id) {
        return Err(TokenError::TokenOfAnother);
    }
    cx.store.write(move |tx| Box::pin(async move { in_transaction(tx, &client, digest, claims).await })).await
}

async fn in_transaction(
    tx: &mut Tx<'_>,
    client: &Authenticated,
    digest: Digest,
    claims: Option<AccessClaims>,
) -> Result<Commit<()>, TokenError> {
    client.use_assertion(tx).await?;
    let id = &client.client.client.id;
    let event = Event::new(EventName::TokenRevoked, Actor::Client(id.to_string())).with("client", id);
    if let Some(claims) = claims {
        let now = tx.now();
        tx.end_grant(&claims.grant_id, now).await?;
        tx.bump_epoch().await?;
        return Ok(Commit::with(event.with("kind", "access_token").with("grant", claims.grant_id), ()));
    }
    match tx.refresh(digest).await? {
        Some((refresh, _)) if refresh.client != *id => Err(TokenError::TokenOfAnother),
        Some((refresh, _)) => {
            tx.end_family(&refresh.family).await?;
            Ok(Commit::with(event.with("kind", "refresh_token").with("grant", refresh.grant), ()))
        }
        None => Ok(Commit::with(event.with("kind", "unknown"), ())),
    }
}

/// The claims of a token that we issued and that is still good.
fn own_access_token(cx: &Cx, token: &str) -> Option<AccessClaims> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let unverified: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let audience = unverified.get("aud")?.as_str()?;
    let expected = Expected { issuer: cx.issuer(), audience };
    let verified = cx.store.keys().verify_access(Presented::new(token).ok()?, &expected, cx.store.now()).ok()?;
    Some(verified.into_claims())
}
