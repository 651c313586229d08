//! A refresh request, and what it rests on inside the transaction that answers it.
//!
//! Spec: RFC 6749 §6, RFC 8707 §2.2, RFC 9700 §4.14.2.

use std::sync::Arc;

use model::{Agent, Grant, GrantType, Installation, ScopeSet, Task, Timestamp};
use oauth::Form;
use privilege::authority::NotIssuable;
use store::{Refresh, Tx};

use crate::{
    client_auth::Authenticated,
    context::Context,
    error::TokenError,
    issue::{Issued, Order, Renewal},
    liveness::{self, Dead},
    network::Network,
    resource,
    scopes::{self, ScopeRefusal},
    task,
};

/// What came.
pub(super) struct RefreshRequest {
    pub(super) client: Arc<Authenticated>,
    pub(super) form: Form,
    pub(super) from: Network,
}

/// What came of it.
pub(super) enum Outcome {
    Issued(Box<Issued>),
    Replayed,
}

/// What a refresh rests on, as it stands in this transaction.
pub(super) struct Standing {
    agent: Agent,
    grant: Grant,
    installation: Installation,
    /// What of the baseline was asked for.
    baseline: ScopeSet,
    /// The task that it belongs to. Once that is over it belongs to none, and is worth no more than the baseline as ever.
    task: Option<Task>,
}

impl Standing {
    /// Spec: RFC 8707 §2.2, RFC 6749 §6
    pub(super) async fn of(cx: &Context, tx: &mut Tx<'_>, refresh: &Refresh, form: &Form) -> Result<Self, TokenError> {
        resource::repeats(&cx.config, form, &refresh.resource)?;
        let installation = tx.installation(&refresh.installation).await?.ok_or(TokenError::RefreshOver)?;
        if !installation.is_live(tx.now()) {
            return Err(TokenError::RefreshOver);
        }
        let grant = tx.grant(&refresh.grant).await?.ok_or(Dead::GrantEnded)?;
        let agent = liveness::check(tx, &grant, &refresh.client, refresh.issued_at).await??;
        let asked = scopes::parse(form.value("scope"), &grant.server)?;
        let baseline = within(&grant.scopes, |scope| {
            refresh.scopes.covers(scope) && (asked.scopes.is_empty() || asked.scopes.covers(scope))
        });
        if baseline.is_empty() {
            return Err(ScopeRefusal::from(NotIssuable::NothingLeft(asked.scopes)).into());
        }
        let task = task::still_open(tx, refresh.task.as_ref()).await?;
        Ok(Self { agent, grant, installation, baseline, task })
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
    pub(super) fn renewed_until(&self, cx: &Context, now: Timestamp) -> Timestamp {
        let idle = now.after(cx.config.tokens.refresh_idle);
        idle.min(self.grant.not_after).min(self.installation.hard_end)
    }

    /// The order for it; the access token ends at `at_latest` at the latest.
    pub(super) fn order(
        self,
        cx: &Context,
        refresh: &Refresh,
        at_latest: Option<Timestamp>,
        renewal: Renewal,
    ) -> Order {
        Order {
            agent: self.agent,
            baseline: self.baseline,
            asked: ScopeSet::default(),
            installation: self.installation.id,
            grant: self.grant,
            client: refresh.client.clone(),
            resource: refresh.resource.clone(),
            grant_type: GrantType::RefreshToken,
            lasts: cx.config.tokens.access,
            at_latest,
            renewal,
            task: self.task,
            word: None,
        }
    }
}

fn within(scopes: &ScopeSet, fits: impl Fn(&model::Scope) -> bool) -> ScopeSet {
    scopes.iter().filter(|scope| fits(scope)).cloned().collect()
}
