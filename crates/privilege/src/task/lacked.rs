//! What a call in a task lacked: whoever asks for that next asks for the task, whose name a client has no place for.
//!
//! An authorization request comes from a browser and says nothing of the call that was refused. Without this a person would
//! consent to something that counts outside of the task alone, and the call would be refused for ever.

use model::{Agent, Grant, Id, Scope, ScopeSet, Task, Timestamp, config::ElevationConfig};
use store::{Store, StoreError, TaskThatLacked, Tx, privilege::PrivilegeTx};

/// Keeps it. `by_token`: the call came with a token that belongs to the task.
pub async fn note(tx: &mut Tx<'_>, task: &Id<Task>, scope: &Scope, by_token: bool) -> Result<(), StoreError> {
    PrivilegeTx::of(tx).task_lacks(task, scope, by_token).await
}

/// The open task in which a call under `grant` lacked one of `scopes` a short while ago, the latest first.
pub async fn lately(
    store: &Store,
    config: &ElevationConfig,
    (agent, grant): (&Id<Agent>, &Grant),
    scopes: &ScopeSet,
    now: Timestamp,
) -> Result<Option<TaskThatLacked>, StoreError> {
    let since = now.before(config.ask_within);
    let found = store.task_that_lacked((agent, grant.person.as_ref()), scopes, since).await?;
    Ok(found.filter(|found| found.task.is_open(now)))
}

/// It was asked for, or its person wants it elsewhere: what is asked for next is a matter of its own.
pub async fn settled(tx: &mut Tx<'_>, task: &Id<Task>) -> Result<(), StoreError> {
    PrivilegeTx::of(tx).task_lacks_nothing(task).await
}
