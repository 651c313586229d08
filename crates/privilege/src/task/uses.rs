//! Calls of a task: each is counted in the transaction that records its decision.

use model::{Actor, Event, Id, Task, TaskEnd, event::TaskEnded};
use store::{StoreError, Tx, privilege::PrivilegeTx};

/// A call that was counted.
#[derive(Debug)]
pub struct Counted {
    /// It was the last one: the record of the end, for after that of the call.
    pub ended: Option<Event>,
}

/// Counts one call of a task; `None` when none may be made in it any more.
pub async fn count(tx: &mut Tx<'_>, id: &Id<Task>) -> Result<Option<Counted>, StoreError> {
    let now = tx.now();
    let Some(task) = PrivilegeTx::of(tx).use_task(id).await? else { return Ok(None) };
    if task.max_uses.is_none_or(|most| task.uses < most) {
        return Ok(Some(Counted { ended: None }));
    }
    PrivilegeTx::of(tx).end_task(id, TaskEnd::UsedUp, now).await?;
    Ok(Some(Counted { ended: Some(TaskEnded::of(&task, TaskEnd::UsedUp, now).by(Actor::System)) }))
}
