//! An agent says that its task is complete.
//!
//! That takes privilege away, so it may; but a person who approved something of it looks at what came of it first. Until
//! then nothing more is called in it, and its deadline runs.

use model::{
    Actor, Agent, Event, Id, Task, TaskEnd,
    event::{TaskEnded, TaskProposedComplete},
};
use store::{Tx, privilege::PrivilegeTx};

use crate::Refused;

/// Ends a task of `agent`, or lets it wait for a person when high privilege was used in it.
///
/// # Errors
/// There is none of that agent, or it is not open.
pub async fn complete(tx: &mut Tx<'_>, id: Id<Task>, agent: &Id<Agent>) -> Result<Event, Refused> {
    let now = tx.now();
    let task = tx.task(&id).await?.filter(|task| task.agent == *agent);
    let Some(task) = task else { return Err(Refused::UnknownTask(id)) };
    if task.end(now).is_some() {
        return Err(Refused::TaskOver(id));
    }
    let actor = Actor::Agent(agent.clone());
    if tx.used_what_was_approved(&id).await? {
        return match PrivilegeTx::of(tx).propose_task_complete(&id).await? {
            true => Ok(TaskProposedComplete::of(&task).by(actor)),
            false => Err(Refused::TaskOver(id)),
        };
    }
    match PrivilegeTx::of(tx).end_task(&id, TaskEnd::Completed, now).await? {
        true => Ok(TaskEnded::of(&task, TaskEnd::Completed, now).by(actor)),
        false => Err(Refused::TaskOver(id)),
    }
}
