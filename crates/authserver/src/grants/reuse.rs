//! A refresh token that was used before.
//!
//! Two calls that renew at once, two windows that share one stored token, an answer that got lost: for a short while
//! after its use a token gets the same successor again, so that no login is lost to a retry. There is never more than
//! one live successor, and a thief who comes in that while gets nothing that ends later than what the owner has; the
//! one of the two who comes next with the predecessor of a used token is refused.
//!
//! Later it is no retry: the installation ends, with the access tokens of both hands, and no other installation does.
//!
//! Spec: RFC 9700 §4.14.2, OAuth 2.1 §4.3.
//! Differs: a window in which the answer is repeated (docs/divergences.md).

use crypto::Opaque;
use model::{
    Actor, Span,
    event::{InstallationEnd, Network, RefreshReplayed, RefreshReuseNoticed, RefreshReused, ReuseSign},
};
use privilege::installation;
use store::{Commit, Refresh, RefreshState, Rotation, StoreError, Tx, secrets::Vault};

use super::refresh_request::{Outcome, RefreshRequest, Standing};
use crate::{
    client_auth::ClientTx,
    context::Context,
    error::TokenError,
    issue::{self, Renewal},
};

/// The same answer again, a refusal, or the end of the installation.
pub(super) async fn answer(
    cx: &Context,
    tx: &mut ClientTx<'_, '_>,
    asked: &RefreshRequest,
    refresh: Refresh,
    rotation: Rotation,
) -> Result<Commit<Outcome>, TokenError> {
    if !is_retry(cx, tx, &rotation) {
        return too_late(tx, refresh).await;
    }
    let auth = asked.client.client.client.auth;
    let nonce = rotation.nonce.as_deref().ok_or(TokenError::RefreshUsed)?;
    if rotation.used_by != Some(auth) || asked.client.proves_a_key() {
        return Err(TokenError::RefreshUsed);
    }
    let presented = asked.form.require("refresh_token")?;
    let successor = Opaque::following("rt", Vault::of(&cx.store).master(), nonce, presented);
    match tx.refresh(successor.digest()).await? {
        // What the first answer bound to a key is told again to nobody else.
        Some((next, RefreshState::Live)) if tx.now() < next.not_after && next.key.as_ref() == tx.refresh_key() => {}
        _ => return Err(TokenError::RefreshUsed),
    }
    if !tx.repeat_refresh(refresh.digest, MOST_REPEATS).await? {
        return Err(TokenError::RefreshUsed);
    }
    let standing = Standing::of(cx, tx, &refresh, &asked.form).await?.narrowed_to(&rotation.answer_scopes)?;
    let order = standing.order(cx, &refresh, Some(rotation.answer_until), Renewal::Keep(successor));
    let (issued_event, issued) = issue::issue(cx, tx, order).await?;
    let another_network = asked.from.differs_from(&rotation.used_from);
    let mut events = vec![
        RefreshReused {
            client: refresh.client.clone(),
            grant: refresh.grant.clone(),
            installation: refresh.installation.clone(),
            network: if another_network { Network::Another } else { Network::TheSameOrUnknown },
            repeats: u64::from(rotation.repeats) + 1,
        }
        .by(Actor::Client(refresh.client.clone())),
        issued_event,
    ];
    if let Some(cause) = unusual(tx, &refresh, another_network).await? {
        tracing::warn!(
            event = RefreshReuseNoticed::NAME, cause = cause.as_str(), client = %refresh.client,
            installation = %refresh.installation, grant = %refresh.grant
        );
        let Refresh { client, grant, installation, .. } = refresh;
        let actor = Actor::Client(client.clone());
        events.push(RefreshReuseNoticed { client, grant, installation, cause }.by(actor));
    }
    Ok(events.into_iter().fold(Commit::nothing(Outcome::Issued(Box::new(issued))), Commit::and))
}

/// Has it only just been used? Clocks of nodes differ: one that is used "in the future" has been used just now.
fn is_retry(cx: &Context, tx: &Tx<'_>, rotation: &Rotation) -> bool {
    let window = cx.config.tokens.refresh_reuse;
    let ends = rotation.at.after(window).min(rotation.reuse_until);
    window.seconds() > 0 && tx.now() < ends
}

/// Spec: RFC 9700 §4.14.2 (the access tokens of both hands die, because one of them is a thief's)
async fn too_late(tx: &mut Tx<'_>, refresh: Refresh) -> Result<Commit<Outcome>, TokenError> {
    match installation::end(tx, &refresh.installation, &refresh.client, InstallationEnd::RefreshReplayed).await? {
        // It had ended before. The refusal has a record of its own.
        None => Ok(Commit::nothing(Outcome::Replayed)),
        Some(ended) => {
            let Refresh { client, grant, installation, .. } = refresh;
            let actor = Actor::Client(client.clone());
            Ok(Commit::with(RefreshReplayed { client, grant, installation }.by(actor), Outcome::Replayed).and(ended))
        }
    }
}

/// What retries do not explain. It is said once a day and installation, or each time that the network is another.
async fn unusual(tx: &mut Tx<'_>, refresh: &Refresh, another_network: bool) -> Result<Option<ReuseSign>, StoreError> {
    if another_network {
        return Ok(Some(ReuseSign::AnotherNetwork));
    }
    let since = tx.now().before(A_DAY);
    let repeats = tx.repeats_since(&refresh.installation, since).await?;
    Ok((repeats == USUAL_A_DAY + 1).then_some(ReuseSign::Often))
}

/// How often one token is answered again.
const MOST_REPEATS: u32 = 16;
/// Repetitions in a day that need no explanation.
const USUAL_A_DAY: u64 = 3;
const A_DAY: Span = Span::from_minutes(24 * 60);
