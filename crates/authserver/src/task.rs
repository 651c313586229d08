//! The task that a token is to belong to: opened with its grant, or one of the agent that is open.
//!
//! Spec: RFC 9396 §5 and §6.

use model::{Actor, Agent, Event, Grant, Id, Task};
use oauth::task_details::TaskDetails;
use privilege::{
    Refused,
    task::open::{self, TaskWish},
};
use store::{StoreError, Tx};

/// What was asked for, as it stands now; with its event when it was opened.
///
/// # Errors
/// It can not be opened, or is none of this agent's that is open.
pub(crate) async fn asked_for(
    tx: &mut Tx<'_>,
    details: TaskDetails,
    agent: &Agent,
    grant: &Grant,
) -> Result<(Task, Option<Event>), Refused> {
    match details {
        TaskDetails::Open { purpose, lasts, idle, uses } => {
            let wish = TaskWish {
                agent: agent.id.clone(),
                grant: Some(grant.clone()),
                purpose,
                lasts: lasts.unwrap_or(TaskWish::LASTS),
                idle: idle.unwrap_or(TaskWish::IDLE),
                uses,
            };
            let (event, task) = open::open(tx, wish, Actor::Agent(agent.id.clone())).await?;
            Ok((task, Some(event)))
        }
        TaskDetails::Continue(id) => {
            let now = tx.now();
            let task = tx.task(&id).await?;
            match task.filter(|task| task.agent == agent.id && task.person == grant.person) {
                None => Err(Refused::UnknownTask(id)),
                Some(task) if task.is_open(now) => Ok((task, None)),
                Some(_) => Err(Refused::TaskOver(id)),
            }
        }
    }
}

/// The task of a login, while calls may be made in it.
pub(crate) async fn still_open(tx: &mut Tx<'_>, task: Option<&Id<Task>>) -> Result<Option<Task>, StoreError> {
    let Some(id) = task else { return Ok(None) };
    let now = tx.now();
    Ok(tx.task(id).await?.filter(|task| task.is_open(now)))
}
