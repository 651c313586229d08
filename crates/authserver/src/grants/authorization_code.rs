//! The authorization code grant at the token endpoint.
//!
//! A code is worth one token set, for the client that asked, at the redirect it named, with the verifier
//! whose hash it sent. A second redemption that gets all of this right ends the installation that the first one made,
//! because one of the two callers is a thief. One that gets something wrong ends nothing: it would be a way to log
//! other people out.
//!
//! Spec: RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2, OAuth 2.1 §4.1.3.

use std::sync::Arc;

use crypto::{Digest, Opaque};
use model::{
    Actor, GrantType,
    event::{CodeReplayed, InstallationEnd},
};
use oauth::{Challenge, Form, FormError, TokenResponse};
use privilege::installation;
use store::{Code, Commit, Tx};

use crate::{
    client_auth::Authenticated,
    context::Context,
    error::TokenError,
    issue::{self, Issued, Order, Renewal},
    liveness::{self, Dead},
    resource, sender_constraint, task,
};

/// Redeems the code in `form`.
pub(super) async fn redeem(
    cx: Arc<Context>,
    client: Arc<Authenticated>,
    form: Form,
) -> Result<TokenResponse, TokenError> {
    let inner = cx.clone();
    let outcome =
        cx.store.write(move |tx| Box::pin(async move { in_transaction(&inner, tx, &client, &form).await })).await?;
    match outcome {
        Outcome::Issued(issued) => issued.sign(&cx),
        Outcome::Replayed => Err(TokenError::CodeReplayed),
    }
}

enum Outcome {
    Issued(Box<Issued>),
    Replayed,
}

async fn in_transaction(
    cx: &Context,
    tx: &mut Tx<'_>,
    client: &Authenticated,
    form: &Form,
) -> Result<Commit<Outcome>, TokenError> {
    let tx = &mut client.begin(tx).await?;
    let now = tx.now();
    let digest = Digest::of(form.require("code")?);
    let (code, used) = tx.code(digest).await?.ok_or(TokenError::UnknownCode)?;
    check_bindings(cx, &code, client, form)?;
    if used {
        return end_installation(tx, code).await;
    }
    if now >= code.not_after {
        return Err(TokenError::CodeExpired);
    }
    if !tx.use_code(digest, now).await? {
        return end_installation(tx, code).await;
    }
    let grant = tx.grant(&code.grant).await?.ok_or(Dead::GrantEnded)?;
    let agent = liveness::check(tx, &grant, &code.client, code.issued_at).await??;
    let refreshes = client.client.client.grant_types.contains(&GrantType::RefreshToken);
    let lasts = if refreshes { cx.config.tokens.refresh_idle } else { cx.config.tokens.access };
    let until = now.after(lasts).min(grant.not_after);
    let task = task::still_open(tx, code.task.as_ref()).await?;
    installation::begin(tx, &code.installation, &grant, &code.client, until).await?;
    let order = Order {
        agent,
        baseline: grant.scopes.clone(),
        grant,
        installation: code.installation,
        client: code.client,
        resource: code.resource,
        asked: code.scopes,
        grant_type: GrantType::AuthorizationCode,
        lasts: cx.config.tokens.access,
        at_latest: None,
        renewal: if refreshes { Renewal::Put(Opaque::mint("rt"), until) } else { Renewal::No },
        task,
        word: None,
    };
    let (event, issued) = issue::issue(cx, tx, order).await?;
    Ok(Commit::with(event, Outcome::Issued(Box::new(issued))))
}

/// Spec: RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2, RFC 9449 §10
fn check_bindings(cx: &Context, code: &Code, client: &Authenticated, form: &Form) -> Result<(), TokenError> {
    if code.client != client.client.client.id {
        return Err(TokenError::CodeOfAnother);
    }
    if form.value("redirect_uri").is_some_and(|uri| uri != code.redirect_uri) {
        return Err(TokenError::WrongRedirect);
    }
    sender_constraint::holds(code.key.as_ref(), client.key())?;
    let verifier = form.value("code_verifier").ok_or_else(|| FormError::Missing("code_verifier".into()))?;
    Challenge::from_stored(code.challenge.clone()).check(verifier)?;
    Ok(resource::repeats(&cx.config, form, &code.resource)?)
}

/// Spec: RFC 6749 §4.1.2 ("SHOULD revoke all tokens previously issued based on that code")
async fn end_installation(tx: &mut Tx<'_>, code: Code) -> Result<Commit<Outcome>, TokenError> {
    let Some(ended) = installation::end(tx, &code.installation, &code.client, InstallationEnd::CodeReplayed).await?
    else {
        // It had ended before. The refusal has a record of its own.
        return Ok(Commit::nothing(Outcome::Replayed));
    };
    let Code { client, grant, installation, .. } = code;
    let actor = Actor::Client(client.clone());
    Ok(Commit::with(CodeReplayed { client, grant, installation }.by(actor), Outcome::Replayed).and(ended))
}
