//! A new key for access tokens: published before it signs, and the old one believed until its last token is over.

use model::{Actor, Event, Span, Timestamp, event::KeyMade};
use store::{SealedKey, StoreError, Tx, privilege::PrivilegeTx};

use crate::{refused::Refused, rotation::Rotation};

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

/// Makes `key` the new key for access tokens in the place of `replaces`, and gives the others an end.
///
/// An order that got no answer may have been carried out, and is not to be carried out twice: so it says which key it
/// replaces.
///
/// # Errors
/// [`Refused::KeyReplaced`] when that is not the newest key any more.
pub async fn replace(
    tx: &mut Tx<'_>,
    key: &SealedKey,
    urgency: Urgency,
    replaces: String,
    actor: Actor,
) -> Result<(Event, Rotation), Refused> {
    let keys = tx.access_keys().await?;
    let newest = keys.iter().find(|key| key.gone_at.is_none());
    if let Some(newest) = newest.filter(|newest| newest.kid != replaces) {
        let Some(old) = keys.iter().find(|key| key.kid == replaces) else {
            let hint = "`portcullis key list` shows them all".to_owned();
            return Err(Refused::UnknownName { kind: "key", name: replaces, hint });
        };
        let successor = Rotation {
            kid: newest.kid.clone(),
            signs_from: newest.signs_from,
            old_gone_at: old.gone_at.unwrap_or_default(),
        };
        return Err(Refused::KeyReplaced { replaces, successor });
    }
    Ok(rotate(tx, key, urgency, actor).await?)
}

/// Makes `key` the new key, whichever was the newest before.
pub async fn rotate(
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
    PrivilegeTx::of(tx).put_access_key(key, signs_from).await?;
    let retired = PrivilegeTx::of(tx).retire_access_keys(key, old_gone_at).await?;
    let made = KeyMade {
        key: key.kid.clone(),
        purpose: "access",
        signs_from: Some(signs_from.into()),
        old_gone_at: Some(old_gone_at.into()),
        retired: Some(retired),
    };
    Ok((made.by(actor), Rotation { kid: key.kid.clone(), signs_from, old_gone_at }))
}
