//! The refresh grant: a new access token for the baseline, and the next refresh token.
//!
//! Every use rotates the token. One that comes back after it was rotated is in two hands, so its grant ends with all
//! that was issued under it.
//! There is no grace period: two tokens that both work are two chances for a thief.
//!
//! Spec: RFC 6749 §6, RFC 9700 §4.14.2, OAuth 2.1 §4.3.
//! Differs: elevated scope is never refreshed (docs/divergences.md).

use std::sync::Arc;

use model::{Actor, Event, EventName, ScopeSet};
use pages::Form;
use store::{Commit, Refresh, RefreshState, Tx};
use token::Digest;

use crate::{
    client_auth::Authenticated,
    cx::Cx,
    error::TokenError,
    issue::{self, Issued, Order, Renewal, TokenResponse},
    liveness::{self, Dead},
    resource,
    scopes::ScopeRefusal,
};

/// Redeems the refresh token in `form`.
pub(super) async fn redeem(cx: Arc<Cx>, client: Arc<Authenticated>, form: Form) -> Result<TokenResponse, TokenError> {
    let inner = cx.clone();
    let outcome =
        cx.store.write(move |tx| Box::pin(async move { in_transaction(&inner, tx, &client, &form).await })).await?;
    match outcome {
        Outcome::Issued(issued) => issued.sign(&cx),
        Outcome::Replayed => Err(TokenError::RefreshReplayed),
    }
}

enum Outcome {
    Issued(Box<Issued>),
    Replayed,
}

async fn in_transaction(
    cx: &Cx,
    tx: &mut Tx<'_>,
    client: &Authenticated,
    form: &Form,
) -> Result<Commit<Outcome>, TokenError> {
    client.use_assertion(tx).await?;
    let now = tx.now();
    let digest = Digest::of(form.require("refresh_token")?);
    let (refresh, state) = tx.refresh(digest).await?.ok_or(TokenError::UnknownRefresh)?;
    if refresh.client != client.client.client.id {
        return Err(TokenError::RefreshOfAnother);
    }
    match state {
        RefreshState::Rotated => return end_everything(tx, refresh).await,
        RefreshState::Ended => return Err(TokenError::RefreshOver),
        RefreshState::Live if now >= refresh.not_after => return Err(TokenError::RefreshOver),
        RefreshState::Live => {}
    }
    resource::repeats(form, &refresh.resource)?;
    check_scope(form, &refresh.scopes)?;
    if !tx.rotate_refresh(digest, now).await? {
        return end_everything(tx, refresh).await;
    }
    let grant = tx.grant(&refresh.grant).await?.ok_or(Dead::GrantEnded)?;
    let agent = liveness::check(&cx.store, tx, &grant, &refresh.client, refresh.issued_at).await?;
    let order = Order {
        agent,
        grant,
        client: refresh.client,
        resource: refresh.resource,
        asked: refresh.scopes,
        grant_type: "refresh_token",
        lasts: cx.config.tokens.access,
        renewal: Renewal::NextOf(refresh.family),
    };
    let (event, issued) = issue::issue(cx, tx, order).await?;
    Ok(Commit::with(event, Outcome::Issued(Box::new(issued))))
}

/// Spec: RFC 6749 §6 ("MUST NOT include any scope not originally granted")
fn check_scope(form: &Form, granted: &ScopeSet) -> Result<(), TokenError> {
    let asked = form.value("scope").unwrap_or_default();
    let kept: Vec<&str> = asked.split(' ').filter(|part| *part != "offline_access").collect();
    let asked: ScopeSet = kept.join(" ").parse().map_err(ScopeRefusal::Unknown)?;
    match asked.iter().find(|scope| !granted.covers(scope)) {
        Some(wider) => Err(TokenError::RefreshWidens(wider.clone())),
        None => Ok(()),
    }
}

/// The access tokens of the family live by its grant, and one of them may be the thief's.
///
/// Spec: RFC 9700 §4.14.2
async fn end_everything(tx: &mut Tx<'_>, refresh: Refresh) -> Result<Commit<Outcome>, TokenError> {
    let now = tx.now();
    if !tx.end_grant(&refresh.grant, now).await? {
        // It had ended before. The refusal has a record of its own.
        return Ok(Commit::nothing(Outcome::Replayed));
    }
    let event = Event::new(EventName::RefreshReplayed, Actor::Client(refresh.client.to_string()))
        .with("client", &refresh.client)
        .with("grant", &refresh.grant);
    Ok(Commit::with(event, Outcome::Replayed))
}
