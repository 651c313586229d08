//! The life of a task: opened, said to be complete, ended.

use schemars::JsonSchema;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::Text;
use crate::{Agent, Grant, Id, Person, Span, Task, TaskEnd, Timestamp};

/// Which task, and whose it is.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskOf {
    /// The task.
    pub task: Id<Task>,
    /// Whose work it is.
    pub agent: Id<Agent>,
    /// For whom; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// SHA-256 over agent, person, purpose, times and uses, as canonical JSON.
    pub task_digest: String,
}

/// A task was opened.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskOpened {
    /// Which.
    #[serde(flatten)]
    pub of: TaskOf,
    /// The grant with which it was opened, and with which it ends.
    pub grant: Option<Id<Grant>>,
    /// What it is for, in the words of whoever opened it.
    pub purpose: String,
    /// Its end at the latest.
    pub until: Text<Timestamp>,
    /// The same in microseconds since 1970, as the digest has it.
    pub deadline: i64,
    /// It ends when nothing was called for so many seconds; 0: that does not end it.
    pub idle: u64,
    /// Calls it is good for.
    pub max_uses: Option<u32>,
    /// How to stop it.
    pub stop: String,
}

/// The agent says that a task is complete, and a person has to confirm it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskProposedComplete {
    /// Which.
    #[serde(flatten)]
    pub of: TaskOf,
    /// Calls that were allowed in it.
    pub uses: u32,
}

/// A task ended, and with it every elevation that belongs to it.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TaskEnded {
    /// Which.
    #[serde(flatten)]
    pub of: TaskOf,
    /// What ended it.
    pub cause: TaskEnd,
    /// Since when it is over, in microseconds since 1970: nothing was allowed in it from then on.
    pub ended_at: i64,
    /// Calls that were allowed in it.
    pub uses: u32,
}

impl TaskOf {
    /// `task`.
    pub fn of(task: &Task) -> Self {
        Self {
            task: task.id.clone(),
            agent: task.agent.clone(),
            person: task.person.clone(),
            task_digest: task.digest.clone(),
        }
    }
}

impl TaskOpened {
    /// `task`.
    pub fn of(task: &Task) -> Self {
        Self {
            of: TaskOf::of(task),
            grant: task.grant.clone(),
            purpose: task.purpose.clone(),
            until: task.deadline.into(),
            deadline: task.deadline.micros(),
            idle: task.idle.map_or(0, Span::seconds),
            max_uses: task.max_uses,
            stop: task.stop(),
        }
    }
}

impl TaskProposedComplete {
    /// `task`.
    pub fn of(task: &Task) -> Self {
        Self { of: TaskOf::of(task), uses: task.uses }
    }
}

impl TaskEnded {
    /// `task` is over since `at`, because of `cause`.
    pub fn of(task: &Task, cause: TaskEnd, at: Timestamp) -> Self {
        Self { of: TaskOf::of(task), cause, ended_at: at.micros(), uses: task.uses }
    }
}
