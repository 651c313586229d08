//! The refresh grant: a new access token for the baseline, and the next refresh token.
//!
//! A client that proves a key keeps its refresh token, whether that is the key it authenticates with or the one that the refresh token is
//! bound to: nobody else can use it. Of every other client each use rotates
//! it, and `reuse` says what becomes of one that comes back.
//!
//! A refresh asks for what its client once held, which is more than can be had again. It gets what can be had, and
//! `scope` says what that is.
//!
//! Spec: RFC 6749 §6, RFC 9449 §5, RFC 9700 §4.14.2, OAuth 2.1 §4.3.
//! Differs: elevated scope is never refreshed (docs/divergences.md).
//!
//! Next: `reuse`, for a token that was used before.

use std::sync::Arc;

use crypto::{Digest, Opaque};
use oauth::{Form, TokenResponse};
use privilege::installation;
use store::{Commit, Refresh, RefreshState, Rotation, Tx, secrets::Vault};

use super::{
    refresh_request::{Outcome, RefreshRequest, Standing},
    reuse,
};
use crate::{
    client_auth::{Authenticated, ClientTx},
    context::Context,
    error::TokenError,
    issue::{self, Renewal},
    network::Network,
    sender_constraint,
};

/// Redeems the refresh token in `form`.
pub(super) async fn redeem(
    cx: Arc<Context>,
    client: Arc<Authenticated>,
    form: Form,
    from: Network,
) -> Result<TokenResponse, TokenError> {
    let inner = cx.clone();
    let outcome = cx
        .store
        .write(move |tx| {
            Box::pin(async move { in_transaction(&inner, tx, RefreshRequest { client, form, from }).await })
        })
        .await?;
    match outcome {
        Outcome::Issued(issued) => issued.sign(&cx),
        Outcome::Replayed => Err(TokenError::RefreshReplayed),
    }
}

async fn in_transaction(cx: &Context, tx: &mut Tx<'_>, asked: RefreshRequest) -> Result<Commit<Outcome>, TokenError> {
    let tx = &mut asked.client.begin(tx).await?;
    let digest = Digest::of(asked.form.require("refresh_token")?);
    let (refresh, state) = tx.refresh(digest).await?.ok_or(TokenError::UnknownRefresh)?;
    if refresh.client != asked.client.client.client.id {
        return Err(TokenError::RefreshOfAnother);
    }
    sender_constraint::holds(refresh.key.as_ref(), asked.client.key())?;
    match state {
        RefreshState::Rotated(rotation) => reuse::answer(cx, tx, &asked, refresh, *rotation).await,
        RefreshState::Ended => Err(TokenError::RefreshOver),
        RefreshState::Live if tx.now() >= refresh.not_after => Err(TokenError::RefreshOver),
        RefreshState::Live => first_use(cx, tx, &asked, refresh).await,
    }
}

async fn first_use(
    cx: &Context,
    tx: &mut ClientTx<'_, '_>,
    asked: &RefreshRequest,
    refresh: Refresh,
) -> Result<Commit<Outcome>, TokenError> {
    let standing = Standing::of(cx, tx, &refresh, &asked.form).await?;
    let now = tx.now();
    let until = standing.renewed_until(cx, now);
    let presented = asked.form.require("refresh_token")?;
    if asked.client.proves_a_key() || refresh.key.is_some() {
        if !tx.renew_refresh(refresh.digest, now, until).await? {
            return Err(TokenError::RefreshOver);
        }
        installation::refreshed(tx, &refresh.installation, until).await?;
        let order = standing.order(cx, &refresh, None, Renewal::Keep(Opaque::presented(presented)));
        let (event, issued) = issue::issue(cx, tx, order).await?;
        return Ok(Commit::with(event, Outcome::Issued(Box::new(issued))));
    }
    let nonce = Opaque::nonce();
    let successor = Opaque::following("rt", Vault::of(&cx.store).master(), &nonce, presented);
    let order = standing.order(cx, &refresh, None, Renewal::Put(successor, until));
    let (event, issued) = issue::issue(cx, tx, order).await?;
    let rotation = Rotation {
        at: now,
        reuse_until: now.after(cx.config.tokens.refresh_reuse),
        nonce: (cx.config.tokens.refresh_reuse.seconds() > 0).then_some(nonce),
        answer_until: issued.expires_at(),
        answer_scopes: issued.scopes().clone(),
        used_by: Some(asked.client.client.client.auth),
        used_from: asked.from.as_str().to_owned(),
        repeats: 0,
    };
    if !tx.rotate_refresh(&refresh, &rotation).await? {
        return Err(TokenError::RefreshOver);
    }
    installation::refreshed(tx, &refresh.installation, until).await?;
    Ok(Commit::with(event, Outcome::Issued(Box::new(issued))))
}
