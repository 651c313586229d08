//! A new key for access tokens: published before it signs, and the old one believed until its last token is over.

use model::{Actor, Event, Span, Timestamp, event::KeyMade};
use store::{Commit, SealedKey, Store, StoreError, Tx};

/// How long a key is published before it signs: twice what others may keep the key set (`max-age`).
const PUBLISHED_BEFORE: Span = Span::from_minutes(10);
/// How long the old keys are believed after the new one signs: the longest life of an access token, and a minute for
/// clocks that differ.
const BELIEVED_AFTER: Span = Span::from_minutes(11);

/// How urgent a new key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Nobody notices.
    Routine,
    /// The old key is in other hands: the new one signs at once, and every access token of the old ones is dead.
    Compromised,
}

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The new key's `kid`.
    pub kid: String,
    /// When it begins to sign.
    pub signs_from: Timestamp,
    /// When the old keys are not believed any more.
    pub old_gone_at: Timestamp,
}

/// Makes a new key for access tokens and gives the others an end.
pub async fn rotate_keys(store: &Store, urgency: Urgency, actor: Actor) -> Result<Rotation, StoreError> {
    let key = store.new_access_key();
    store
        .write(move |tx| {
            Box::pin(async move {
                let (event, rotation) = rotate(tx, &key, urgency, actor).await?;
                Ok(Commit::with(event, rotation))
            })
        })
        .await
}

/// The same as a part of a change.
pub(crate) async fn rotate(
    tx: &mut Tx<'_>,
    key: &SealedKey,
    urgency: Urgency,
    actor: Actor,
) -> Result<(Event, Rotation), StoreError> {
    let now = tx.now();
    let (signs_from, old_gone_at) = match urgency {
        Urgency::Routine => {
            let signs_from = now.after(PUBLISHED_BEFORE);
            (signs_from, signs_from.after(BELIEVED_AFTER))
        }
        // A token says its second only: what is issued in this one is the new key's.
        Urgency::Compromised => (Timestamp::from_seconds(now.seconds()), Timestamp::from_seconds(now.seconds())),
    };
    tx.put_access_key(key, signs_from).await?;
    let retired = tx.retire_access_keys(key, old_gone_at).await?;
    let made = KeyMade {
        key: key.kid.clone(),
        purpose: "access",
        signs_from: Some(signs_from.into()),
        old_gone_at: Some(old_gone_at.into()),
        retired: Some(retired),
    };
    Ok((made.by(actor), Rotation { kid: key.kid.clone(), signs_from, old_gone_at }))
}
