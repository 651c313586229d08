//! Checking a password: the same words and the same work whether the name exists or not.
//!
//! Spec: OWASP password storage (Argon2id), OWASP authentication (enumeration).

use std::sync::{MutexGuard, PoisonError};

use model::{Id, Person, Secret, Target, event::LoginRefusalCause as Cause};
use store::StoreError;

use crate::{
    context::Context,
    password_queue::{Busy, Place},
    throttle::{Lines, Throttle},
};

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// One answer for an unknown name, a wrong password, a disabled and a blocked person. The person is for the
    /// record alone.
    #[error("name or password is wrong")]
    Wrong { person: Option<Id<Person>>, cause: Cause },
    #[error("too many attempts; try again in {seconds} s")]
    Wait { seconds: u64 },
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A place in the line, when there is one; no address gets all of them.
pub(crate) fn stand_in_line(cx: &Context) -> Result<Place, Busy> {
    cx.queue.place(net::caller::address())
}

/// Where a try comes from.
pub(crate) struct TriedFrom<'a> {
    /// The mark that the browser got with the form.
    pub(crate) mark: &'a str,
    /// The number it is known by, when somebody logged in as this person with it before.
    pub(crate) device: Option<String>,
}

/// A person whose password was right.
pub(crate) struct Proved {
    pub(crate) person: Person,
    /// Their hash is not made as those of today are.
    pub(crate) rehash: Option<Rehash>,
}

/// Another hash of the same password.
#[derive(Clone)]
pub(crate) struct Rehash {
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The person of that name, when the password is theirs.
pub(crate) async fn check(
    cx: &Context,
    name: &str,
    password: Secret,
    from: TriedFrom<'_>,
) -> Result<Proved, LoginError> {
    if name.len() > LONGEST_NAME {
        return Err(LoginError::Wrong { person: None, cause: Cause::NameTooLong });
    }
    let (place, lines) = match &from.device {
        Some(device) => (cx.queue.place_of_the_known()?, Lines::known(name, device)),
        None => (stand_in_line(cx)?, Lines::stranger(name, from.mark, net::caller::address())),
    };
    throttle(cx).reserve(&lines, cx.store.now()).map_err(|wait| LoginError::Wait { seconds: wait.seconds })?;
    let id: Option<Id<Person>> = name.parse().ok();
    let person = match &id {
        Some(id) => cx.store.person(id).await?,
        None => None,
    };
    let phc = match &person {
        Some(person) => cx.store.password_phc(&person.id).await?,
        None => None,
    };
    // A hash that the file declares is the file's: another one would be taken for a change at the next start.
    let declared = id.as_ref().and_then(|id| cx.config.people.get(id)).is_some_and(|one| one.password_hash.is_some());
    let verdict = cx
        .queue
        .at_its_turn(place, move |memory| match phc {
            Some(phc) => memory.check_password(&password, &phc).map_err(|_| Cause::WrongPassword).map(|()| {
                let stays = declared || crypto::is_of_today(&phc);
                (!stays).then(|| Rehash { new: memory.hash_password(&password), old: phc })
            }),
            None => {
                memory.check_nobody(&password);
                Err(Cause::NoPassword)
            }
        })
        .await?;
    let cause = match (verdict, &person) {
        (Ok(_), Some(person)) if person.disabled => Cause::Disabled,
        (Ok(_), Some(person)) if is_blocked(cx, &person.id) => Cause::Blocked,
        (Ok(rehash), Some(found)) => {
            throttle(cx).succeeded(&lines);
            return Ok(Proved { person: found.clone(), rehash });
        }
        (Err(_), None) => Cause::UnknownName,
        (Err(cause), Some(_)) => cause,
        (Ok(_), None) => Cause::NotChecked,
    };
    Err(LoginError::Wrong { person: person.map(|person| person.id), cause })
}

/// The hash of a new password.
pub(crate) async fn hash(cx: &Context, place: Place, password: Secret) -> Result<String, Busy> {
    cx.queue.at_its_turn(place, move |memory| memory.hash_password(&password)).await
}

/// A block on the person ends their sessions and bars new ones. A block on everything does not: somebody has to lift it.
pub(crate) fn is_blocked(cx: &Context, person: &Id<Person>) -> bool {
    let blocks = cx.store.blocks();
    blocks.iter().any(|block| block.lifted_at.is_none() && block.target == Target::Person(person.clone()))
}

fn throttle(cx: &Context) -> MutexGuard<'_, Throttle> {
    cx.throttle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Longest name anybody has here, in bytes.
const LONGEST_NAME: usize = 128;
