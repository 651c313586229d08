//! A consent form that comes a second time: the answer that it got before.
//!
//! Buttons are clicked twice, and of two answers the browser shows the second. If that one were "too late", what the
//! first one gave would be lost. Nothing that works is stored for it: the code can be told again by whoever has the form
//! and our key, for as long as it lives and nobody has redeemed it. So it is redeemed once at most, as ever.
//!
//! Spec: RFC 6749 §4.1.2 (a code is used once).

use std::sync::Arc;

use axum::response::Response;
use store::{Commit, StoreError, Tx};
use web::{BadPage, see_other};

use super::{redirect, request::RedirectTarget, ticket::Ticket, waiting};
use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
};

/// What the person says with the form that comes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Yes,
    No,
}

/// What came of the form.
#[derive(Clone, Copy)]
enum Before {
    Code,
    Waiting,
    Refused,
    /// Redeemed by now, or over.
    Over,
}

/// The answer that `ticket` got before; `None` when this is the first time.
pub(super) async fn answer(
    cx: &Arc<Context>,
    ticket: &Ticket,
    back: &RedirectTarget,
    said: Said,
) -> Result<Option<Response>, PageError> {
    match cx.store.is_used(CONSENT, &ticket.number, cx.store.now()).await? {
        true => Ok(Some(given(cx, ticket, back, said).await?)),
        false => Ok(None),
    }
}

/// The answer that `ticket` got, which was answered for certain. A no after a yes takes nothing back, and hands out
/// nothing either.
pub(super) async fn given(
    cx: &Arc<Context>,
    ticket: &Ticket,
    back: &RedirectTarget,
    said: Said,
) -> Result<Response, PageError> {
    let (code, flow) = (ticket.code(cx), ticket.flow(cx));
    let (of_code, of_flow, number) = (code.digest(), flow.digest(), ticket.number.clone());
    let before = cx
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { before(tx, of_code, of_flow, &number).await.map(Commit::nothing) })
        })
        .await?;
    match before {
        Before::Code | Before::Waiting if said == Said::No => Err(PageError::AllowedBefore),
        Before::Code => Ok(redirect::code(cx, back, &code)),
        Before::Waiting => Ok(see_other(&waiting::path(&flow))),
        Before::Refused => Ok(redirect::error(cx, back, &AuthorizeError::Refused)),
        Before::Over => Err(BadPage::Stale.into()),
    }
}

async fn before(
    tx: &mut Tx<'_>,
    code: crypto::Digest,
    flow: crypto::Digest,
    number: &str,
) -> Result<Before, StoreError> {
    let now = tx.now();
    if let Some((code, used)) = tx.code(code).await? {
        return Ok(if used || now >= code.not_after { Before::Over } else { Before::Code });
    }
    if tx.flow(flow, now).await?.is_some() {
        return Ok(Before::Waiting);
    }
    Ok(if tx.is_used(REFUSED, number, now).await? { Before::Refused } else { Before::Over })
}

/// The kinds of numbers that are used once: of a form, and of one that was answered with a no.
pub(super) const CONSENT: &str = "consent";
pub(super) const REFUSED: &str = "consent refused";
