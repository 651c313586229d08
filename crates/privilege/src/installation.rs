//! The installation that tokens are issued to, and its end by evidence about one credential.
//!
//! A code that is redeemed twice, a refresh token that comes back late, a client that gives up a token: each says
//! something about one copy of a client. So the installation ends and the grant stands; only a person, an
//! administrator or policy ends a grant.
//!
//! Spec: RFC 6749 §4.1.2, RFC 9700 §4.14.2, RFC 7009 §2.1.

use model::{
    Actor, ClientId, Event, Grant, Id, Installation, Timestamp,
    event::{InstallationEnd, InstallationEnded},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

/// An installation that begins now, under `grant`, and lives until `not_after` unless it is refreshed.
pub async fn begin(
    tx: &mut Tx<'_>,
    id: &Id<Installation>,
    grant: &Grant,
    client: &ClientId,
    not_after: Timestamp,
) -> Result<(), StoreError> {
    let now = tx.now();
    let hard_end = now.after(Installation::LONGEST);
    PrivilegeTx::of(tx)
        .put_installation(&Installation {
            id: id.clone(),
            grant: grant.id.clone(),
            client: client.clone(),
            person: grant.person.clone(),
            since: now,
            last_refresh: None,
            not_after: not_after.min(hard_end),
            hard_end,
            ended_at: None,
        })
        .await
}

/// It was refreshed now, and lives until `not_after` unless it is refreshed again.
pub async fn refreshed(tx: &mut Tx<'_>, id: &Id<Installation>, not_after: Timestamp) -> Result<(), StoreError> {
    let now = tx.now();
    PrivilegeTx::of(tx).installation_refreshed(id, now, not_after).await
}

/// Ends it; `None` when it had ended before. The event belongs into the same commit, after that of its cause.
pub async fn end(
    tx: &mut Tx<'_>,
    id: &Id<Installation>,
    client: &ClientId,
    cause: InstallationEnd,
) -> Result<Option<Event>, StoreError> {
    let (now, known) = (tx.now(), tx.installation(id).await?);
    if !PrivilegeTx::of(tx).end_installation(id, now).await? {
        return Ok(None);
    }
    let (grant, person) = known.map(|known| (known.grant, known.person)).unzip();
    let ended =
        InstallationEnded { installation: id.clone(), client: client.clone(), grant, person: person.flatten(), cause };
    Ok(Some(ended.by(Actor::Client(client.clone()))))
}
