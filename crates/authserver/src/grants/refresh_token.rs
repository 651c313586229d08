//! The refresh grant: a new access token for the baseline, and the next refresh token.
//!
//! A client that proves a key keeps its refresh token: nobody else can use it. Of every other client each use rotates
//! it, and `reuse` says what becomes of one that comes back.
//!
//! A refresh asks for what its client once held, which is more than can be had again. It gets what can be had, and
//! `scope` says what that is.
//!
//! Spec: RFC 6749 §6, RFC 9700 §4.14.2, OAuth 2.1 §4.3.
//! Differs: elevated scope is never refreshed (docs/divergences.md).
//!
//! Next: `reuse`, for a token that was used before.

use std::sync::Arc;

use model::{Agent, Grant, Installation, ScopeSet, Timestamp};
use pages::Form;
use privilege::{authority::NotIssuable, installation};
use store::{Commit, Refresh, RefreshState, Rotation, Tx, secrets::Vault};
use token::{Digest, Opaque};

use super::reuse;
use crate::{
    client_auth::Authenticated,
    cx::Cx,
    error::TokenError,
    issue::{self, Issued, Order, Renewal, TokenResponse},
    liveness::{self, Dead},
    network::Network,
    resource,
    scopes::{self, ScopeRefusal},
};

/// Redeems the refresh token in `form`.
pub(super) async fn redeem(
    cx: Arc<Cx>,
    client: Arc<Authenticated>,
    form: Form,
    from: Network,
) -> Result<TokenResponse, TokenError> {
    let inner = cx.clone();
    let outcome = cx
        .store
        .write(move |tx| Box::pin(async move { in_transaction(&inner, tx, Asked { client, form, from }).await }))
        .await?;
    match outcome {
        Outcome::Issued(issued) => issued.sign(&cx),
        Outcome::Replayed => Err(TokenError::RefreshReplayed),
    }
}

/// The request.
pub(super) struct Asked {
    pub(super) client: Arc<Authenticated>,
    pub(super) form: Form,
    pub(super) from: Network,
}

/// What came of it.
pub(super) enum Outcome {
    Issued(Box<Issued>),
    Replayed,
}

async fn in_transaction(cx: &Cx, tx: &mut Tx<'_>, asked: Asked) -> Result<Commit<Outcome>, TokenError> {
    asked.client.use_assertion(tx).await?;
    let digest = Digest::of(asked.form.require("refresh_token")?);
    let (refresh, state) = tx.refresh(digest).await?.ok_or(TokenError::UnknownRefresh)?;
    if refresh.client != asked.client.client.client.id {
        return Err(TokenError::RefreshOfAnother);
    }
    match state {
        RefreshState::Rotated(rotation) => reuse::answer(cx, tx, &asked, refresh, *rotation).await,
        RefreshState::Ended => Err(TokenError::RefreshOver),
        RefreshState::Live if tx.now() >= refresh.not_after => Err(TokenError::RefreshOver),
        RefreshState::Live => first_use(cx, tx, &asked, refresh).await,
    }
}

async fn first_use(cx: &Cx, tx: &mut Tx<'_>, asked: &Asked, refresh: Refresh) -> Result<Commit<Outcome>, TokenError> {
    let standing = Standing::of(cx, tx, &refresh, &asked.form).await?;
    let now = tx.now();
    let until = standing.renewed_until(cx, now);
    let presented = asked.form.require("refresh_token")?;
    if asked.client.proves_a_key() {
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

/// What a refresh rests on, as it stands in this transaction.
pub(super) struct Standing {
    agent: Agent,
    grant: Grant,
    installation: Installation,
    /// What of the baseline was asked for.
    baseline: ScopeSet,
}

impl Standing {
    /// Spec: RFC 8707 §2.2, RFC 6749 §6
    pub(super) async fn of(cx: &Cx, tx: &mut Tx<'_>, refresh: &Refresh, form: &Form) -> Result<Self, TokenError> {
        resource::repeats(&cx.config, form, &refresh.resource)?;
        let installation = tx.installation(&refresh.installation).await?.ok_or(TokenError::RefreshOver)?;
        if !installation.is_live(tx.now()) {
            return Err(TokenError::RefreshOver);
        }
        let grant = tx.grant(&refresh.grant).await?.ok_or(Dead::GrantEnded)?;
        let agent = liveness::check(tx, &grant, &refresh.client, refresh.issued_at).await?;
        let asked = scopes::parse(form.value("scope"), &grant.server)?;
        let baseline = within(&grant.scopes, |scope| {
            refresh.scopes.covers(scope) && (asked.scopes.is_empty() || asked.scopes.covers(scope))
        });
        if baseline.is_empty() {
            return Err(ScopeRefusal::from(NotIssuable::NothingLeft(asked.scopes)).into());
        }
        Ok(Self { agent, grant, installation, baseline })
    }

    /// The same, and nothing that `answered` did not have.
    pub(super) fn narrowed_to(mut self, answered: &ScopeSet) -> Result<Self, ScopeRefusal> {
        let baseline = within(&self.baseline, |scope| answered.covers(scope));
        if baseline.is_empty() {
            return Err(NotIssuable::NothingLeft(self.baseline).into());
        }
        self.baseline = baseline;
        Ok(self)
    }

    /// Until when a refresh token lives that is used now.
    fn renewed_until(&self, cx: &Cx, now: Timestamp) -> Timestamp {
        let idle = now.after(cx.config.tokens.refresh_idle);
        idle.min(self.grant.not_after).min(self.installation.hard_end)
    }

    /// The order for it; the access token ends at `at_latest` at the latest.
    pub(super) fn order(self, cx: &Cx, refresh: &Refresh, at_latest: Option<Timestamp>, renewal: Renewal) -> Order {
        Order {
            agent: self.agent,
            baseline: self.baseline,
            asked: ScopeSet::default(),
            installation: self.installation.id,
            grant: self.grant,
            client: refresh.client.clone(),
            resource: refresh.resource.clone(),
            grant_type: "refresh_token",
            lasts: cx.config.tokens.access,
            at_latest,
            renewal,
        }
    }
}

fn within(scopes: &ScopeSet, fits: impl Fn(&model::Scope) -> bool) -> ScopeSet {
    scopes.iter().filter(|scope| fits(scope)).cloned().collect()
}
