//! An agent says that its task is complete: all that was given for it ends.
//!
//! Whoever shows a token of the grant for which the task was opened may say so, because it takes privilege away and gives none. What
//! another person approved and what was used is looked at by a person first, and until then nothing is called in it.
//!
//! Spec: docs/decisions/0034-privilege-belongs-to-a-task.md; RFC 7009 §2.1 (a client shows a token of its own).

use std::sync::Arc;

use crypto::Digest;
use http::HeaderMap;
use model::{AccessClaims, Id, Task, TaskEnd, TaskStage, TaskState, Timestamp};
use oauth::{Form, FormError};
use privilege::{Refused, task::complete::complete};
use serde::Serialize;
use store::{Commit, RefreshState, Tx};

use crate::{
    client_auth::{self, Authenticated},
    context::Context,
    error::TokenError,
    liveness::{self, Dead},
    revocation::own_access_token,
    token_endpoint,
};

/// What became of the task.
#[derive(Debug, Serialize)]
pub(crate) struct Completed {
    task: Id<Task>,
    /// `ended`, or `completing` while a person has to confirm it.
    state: TaskState,
    /// Where a person confirms it.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm_at: Option<String>,
}

/// Completes the task that `task` names, or that the token belongs to.
pub(crate) async fn answer(cx: &Arc<Context>, headers: &HeaderMap, form: Form) -> Result<Completed, TokenError> {
    cx.store.freshness()?;
    let client = match client_auth::authenticate(cx, headers, &form).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return Err(token_endpoint::refused(cx, client_auth::claimed(headers, &form), None, None, error).await);
        }
    };
    match say_complete(cx, client.clone(), &form).await {
        Ok(completed) => Ok(completed),
        Err(error) => {
            let id = client.client.client.id.clone();
            Err(token_endpoint::refused(cx, Some(id), Some(client), None, error).await)
        }
    }
}

async fn say_complete(cx: &Arc<Context>, client: Arc<Authenticated>, form: &Form) -> Result<Completed, TokenError> {
    let token = form.require("token")?;
    let (digest, claims) = (Digest::of(token), own_access_token(cx, token));
    let named = form.value("task").map(|id| id.parse().map_err(|_| TokenError::NoTask)).transpose()?;
    let done = cx
        .store
        .write(move |tx| Box::pin(async move { in_transaction(tx, &client, Shown { digest, claims }, named).await }));
    let (task, state) = done.await?;
    cx.store.wait_until_everywhere().await?;
    let confirm_at = (state == TaskState::Completing).then(|| format!("{}/me", cx.issuer()));
    Ok(Completed { task, state, confirm_at })
}

/// The token that is shown.
struct Shown {
    digest: Digest,
    claims: Option<AccessClaims>,
}

async fn in_transaction(
    tx: &mut Tx<'_>,
    client: &Authenticated,
    shown: Shown,
    named: Option<Id<Task>>,
) -> Result<Commit<(Id<Task>, TaskState)>, TokenError> {
    let tx = &mut client.begin(tx).await?;
    let id = &client.client.client.id;
    let (grant, of_token, issued_at) = match (shown.claims, tx.refresh(shown.digest).await?) {
        (Some(claims), _) if claims.client_id != *id => return Err(TokenError::TokenOfAnother),
        (Some(claims), _) => {
            let issued_at = Timestamp::from_seconds(claims.iat);
            (claims.grant_id, claims.task, issued_at)
        }
        (None, Some((refresh, _))) if refresh.client != *id => return Err(TokenError::TokenOfAnother),
        (None, Some((refresh, RefreshState::Live))) => (refresh.grant, refresh.task, refresh.issued_at),
        (None, _) => return Err(TokenError::DeadToken),
    };
    let grant = tx.grant(&grant).await?.ok_or(Dead::GrantEnded)?;
    let agent = liveness::check(tx, &grant, id, issued_at).await??;
    let id = named.or(of_token).ok_or_else(|| FormError::Missing("task".into()))?;
    let now = tx.now();
    let task = tx.task(&id).await?.filter(|task| task.agent == agent.id && task.person == grant.person);
    let Some(task) = task else { return Err(TokenError::NoTask) };
    // Said before: the answer is the same.
    if let TaskStage::Completing | TaskStage::Ended(TaskEnd::Completed, _) = task.stage {
        return Ok(Commit::nothing((id, task.state(now))));
    }
    let event = match complete(tx, id.clone(), &agent.id).await {
        Ok(event) => event,
        Err(Refused::Store(error)) => return Err(error.into()),
        Err(_) => return Err(TokenError::TaskOver),
    };
    let state = tx.task(&id).await?.map_or(TaskState::Ended, |task| task.state(now));
    Ok(Commit::with(event, (id, state)))
}
