//! Ends of tasks: by hand, and by themselves. (With a grant or an agent: in the transaction that ends those.)

use model::{Actor, Event, Id, Task, TaskEnd, TaskStage, event::TaskEnded};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Ends a task with all that belongs to it, and with the calls under way in it. Of one that its agent said to be complete,
/// this confirms it. Who may is the caller's question.
///
/// # Errors
/// It is not there, or over.
pub async fn end(tx: &mut Tx<'_>, id: Id<Task>, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let Some(task) = tx.task(&id).await? else { return Err(Refused::UnknownTask(id)) };
    let cause = match task.stage {
        TaskStage::Open => TaskEnd::ByHand,
        TaskStage::Completing => TaskEnd::Completed,
        TaskStage::Ended(..) => return Err(Refused::TaskOver(id)),
    };
    if task.end(now).is_some() || !PrivilegeTx::of(tx).end_task(&id, cause, now).await? {
        return Err(Refused::TaskOver(id));
    }
    Ok(TaskEnded::of(&task, cause, now).by(actor))
}

/// Writes down the end of one that is over by itself or by a block; no event when somebody was faster.
pub async fn elapse(tx: &mut Tx<'_>, id: &Id<Task>) -> Result<Option<Event>, StoreError> {
    let now = tx.now();
    let Some(task) = tx.task(id).await? else { return Ok(None) };
    let Some((cause, at)) = task.end(now) else { return Ok(None) };
    let ended = PrivilegeTx::of(tx).end_task(id, cause, at).await?;
    Ok(ended.then(|| TaskEnded::of(&task, cause, at).by(Actor::System)))
}
