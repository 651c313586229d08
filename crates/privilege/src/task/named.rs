//! May a call be made in the task that it names?

use model::{Agent, Grant, Id, Task, TaskEnd, TaskStage};
use store::{Store, StoreError};

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInTask {
    /// There is none of that agent, for that person. Whether others have it is nobody's business.
    #[error("this agent has no task `{0}` here: name one of its own, or none")]
    Unknown(String),
    /// The token belongs to another one.
    #[error("the access token belongs to the task `{0}`: name that one, or none")]
    OfToken(Id<Task>),
    /// Its agent said that it is complete.
    #[error("the task `{0}` was said to be complete, and a person has to confirm that: open another one for more")]
    Completing(Id<Task>),
    /// It is over.
    #[error("the task `{id}` is over ({cause}), and everything that was given for it: open another one for more")]
    Over {
        /// Which one.
        id: Id<Task>,
        /// What ended it.
        cause: TaskEnd,
    },
}

/// Why nothing is known of a task that is named.
#[derive(Debug)]
pub enum NamedError {
    /// No call may be made in it.
    Not(NotInTask),
    /// The store failed.
    Store(StoreError),
}

/// The task of a call of `agent` under `grant` that names `named`, with a token that belongs to `of_token`.
///
/// # Errors
/// No call may be made in it.
pub async fn named(
    store: &Store,
    (agent, grant): (&Agent, &Grant),
    named: Option<&str>,
    of_token: Option<&Id<Task>>,
) -> Result<Option<Task>, NamedError> {
    let refused = |why| Err(NamedError::Not(why));
    let id = match (named, of_token) {
        (None, None) => return Ok(None),
        (None, Some(id)) => id.clone(),
        (Some(named), Some(id)) if named != id.as_str() => return refused(NotInTask::OfToken(id.clone())),
        (Some(named), _) => match named.parse() {
            Ok(id) => id,
            Err(_) => return refused(NotInTask::Unknown(model::shown(named, 64))),
        },
    };
    let task = store.task(&id).await.map_err(NamedError::Store)?;
    let Some(task) = task.filter(|task| task.agent == agent.id && task.person == grant.person) else {
        return refused(NotInTask::Unknown(id.to_string()));
    };
    match (task.end(store.now()), task.stage) {
        (Some((cause, _)), _) => refused(NotInTask::Over { id, cause }),
        (None, TaskStage::Completing) => refused(NotInTask::Completing(id)),
        (None, _) if task.max_uses.is_some_and(|most| task.uses >= most) => {
            refused(NotInTask::Over { id, cause: TaskEnd::UsedUp })
        }
        (None, _) => Ok(Some(task)),
    }
}
