//! Checking a password: the same words and the same work whether the name exists or not.
//!
//! Spec: OWASP password storage (Argon2id), OWASP authentication (enumeration).

use std::sync::{Mutex, PoisonError};

use model::{Id, Person, Secret, Target};
use store::StoreError;
use token::{Digest, check_nobody, check_password, hash_password};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
};

use super::throttle::Throttle;
use crate::cx::Cx;

/// Password checks: how many at a time, how many may wait for their turn, and which names have to wait.
pub(crate) struct Logins {
    turns: Semaphore,
    line: Semaphore,
    throttle: Mutex<Throttle>,
}

impl Default for Logins {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_A_TIME), line: Semaphore::new(AT_A_TIME + WAITING), throttle: Mutex::default() }
    }
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    /// One answer for an unknown name, a wrong password, a disabled and a blocked person. The person is for the
    /// record alone.
    #[error("name or password is wrong")]
    Wrong { person: Option<Id<Person>>, cause: &'static str },
    #[error("too many attempts; try again in {seconds} s")]
    Wait { seconds: u64 },
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Too many passwords wait to be checked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub(super) struct Busy;

/// A place in the line. Taken before any other work, so that a flood costs next to nothing.
pub(super) struct Place<'a>(SemaphorePermit<'a>);

/// A place in the line, when there is one.
pub(super) fn stand_in_line(cx: &Cx) -> Result<Place<'_>, Busy> {
    cx.logins.line.try_acquire().map(Place).map_err(|_| Busy)
}

/// The person of that name, when the password is theirs.
pub(super) async fn check(cx: &Cx, name: &str, password: Secret) -> Result<Person, LoginError> {
    if name.len() > LONGEST_NAME {
        return Err(LoginError::Wrong { person: None, cause: "name_too_long" });
    }
    let place = stand_in_line(cx)?;
    let digest = Digest::of(name);
    throttle(cx).reserve(digest, cx.store.now()).map_err(|wait| LoginError::Wait { seconds: wait.seconds })?;
    let id: Option<Id<Person>> = name.parse().ok();
    let person = match &id {
        Some(id) => cx.store.person(id).await?,
        None => None,
    };
    let phc = match &person {
        Some(person) => cx.store.password_phc(&person.id).await?,
        None => None,
    };
    let verdict = blocking(cx, place, move || match phc {
        Some(phc) => check_password(&password, &phc).map_err(|_| "wrong_password"),
        None => {
            check_nobody(&password);
            Err("no_password")
        }
    })
    .await;
    let cause = match (verdict, &person) {
        (Some(Ok(())), Some(person)) if person.disabled => "disabled",
        (Some(Ok(())), Some(person)) if is_blocked(cx, &person.id) => "blocked",
        (Some(Ok(())), Some(found)) => {
            throttle(cx).succeeded(digest);
            return Ok(found.clone());
        }
        (Some(Err(_)), None) => "unknown_name",
        (Some(Err(cause)), Some(_)) => cause,
        (None, _) | (_, None) => "not_checked",
    };
    Err(LoginError::Wrong { person: person.map(|person| person.id), cause })
}

/// The hash of a new password.
pub(super) async fn hash(cx: &Cx, place: Place<'_>, password: Secret) -> Option<String> {
    blocking(cx, place, move || hash_password(&password)).await
}

/// Argon2id takes memory and time on purpose: a few at a time, and never on a thread that serves.
async fn blocking<T: Send + 'static>(
    cx: &Cx,
    Place(_line): Place<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let _turn = cx.logins.turns.acquire().await.ok()?;
    spawn_blocking(work).await.ok()
}

/// A block on the person ends their sessions and bars new ones. A block on everything does not: somebody has to lift it.
pub(super) fn is_blocked(cx: &Cx, person: &Id<Person>) -> bool {
    let blocks = cx.store.blocks();
    blocks.iter().any(|block| block.lifted_at.is_none() && block.target == Target::Person(person.clone()))
}

fn throttle(cx: &Cx) -> std::sync::MutexGuard<'_, Throttle> {
    cx.logins.throttle.lock().unwrap_or_else(PoisonError::into_inner)
}

const AT_A_TIME: usize = 2;
const WAITING: usize = 32;
/// Longest name anybody has here, in bytes.
const LONGEST_NAME: usize = 128;
