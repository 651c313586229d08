//! Checking a password: the same words and the same work whether the name exists or not.
//!
//! Spec: OWASP password storage (Argon2id), OWASP authentication (enumeration).

use std::sync::{Mutex, PoisonError};

use model::{Id, Person, Secret, Target};
use store::StoreError;
use token::{check_nobody, check_password, hash_password};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::throttle::Throttle;
use crate::cx::Cx;

/// Password checks: how many at a time, and who has to wait.
pub(crate) struct Logins {
    turns: Semaphore,
    throttle: Mutex<Throttle>,
}

impl Default for Logins {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_A_TIME), throttle: Mutex::default() }
    }
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    /// One answer for an unknown name, a wrong password, a disabled and a blocked person.
    #[error("name or password is wrong")]
    Wrong { cause: &'static str },
    #[error("too many attempts; try again in {seconds} s")]
    Wait { seconds: u64 },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The person of that name, when the password is theirs.
pub(super) async fn check(cx: &Cx, name: &str, password: Secret) -> Result<Person, LoginError> {
    let wrong = |cause| LoginError::Wrong { cause };
    let now = cx.store.now();
    throttle(cx).check(name, now).map_err(|wait| LoginError::Wait { seconds: wait.seconds })?;
    let id: Option<Id<Person>> = name.parse().ok();
    let person = match &id {
        Some(id) => cx.store.person(id).await?,
        None => None,
    };
    let phc = match &person {
        Some(person) => cx.store.password_phc(&person.id).await?,
        None => None,
    };
    let verdict = blocking(cx, move || match phc {
        Some(phc) => check_password(&password, &phc).map_err(|_| "wrong_password"),
        None => {
            check_nobody(&password);
            Err("no_password")
        }
    })
    .await;
    let person = match (verdict, person) {
        (Some(Ok(())), Some(person)) if person.disabled => Err(wrong("disabled")),
        (Some(Ok(())), Some(person)) if is_blocked(cx, &person) => Err(wrong("blocked")),
        (Some(Ok(())), Some(person)) => Ok(person),
        (Some(Err(cause)), _) => Err(wrong(cause)),
        (None, _) | (_, None) => Err(wrong("not_checked")),
    };
    match &person {
        Ok(_) => throttle(cx).succeeded(name),
        Err(_) => throttle(cx).failed(name, now),
    }
    person
}

/// The hash of a new password.
pub(super) async fn hash(cx: &Cx, password: Secret) -> Option<String> {
    blocking(cx, move || hash_password(&password)).await
}

/// Argon2id takes memory and time on purpose: a few at a time, and never on a thread that serves.
async fn blocking<T: Send + 'static>(cx: &Cx, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = cx.logins.turns.acquire().await.ok()?;
    spawn_blocking(work).await.ok()
}

/// A block on the person ends their sessions and bars new ones. A block on everything does not: somebody has to lift it.
fn is_blocked(cx: &Cx, person: &Person) -> bool {
    let blocks = cx.store.blocks();
    blocks.iter().any(|block| block.lifted_at.is_none() && block.target == Target::Person(person.id.clone()))
}

fn throttle(cx: &Cx) -> std::sync::MutexGuard<'_, Throttle> {
    cx.logins.throttle.lock().unwrap_or_else(PoisonError::into_inner)
}

const AT_A_TIME: usize = 2;
