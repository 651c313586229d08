//! A task as the pages show it.

use model::{Task, TaskStage, Timestamp, shown};

use crate::relative_time::{When, long, when};

/// A task as a row.
pub struct TaskLine {
    /// Its id.
    pub id: String,
    /// Whose work it is.
    pub agent: String,
    /// For whom; `itself` when nobody.
    pub person: String,
    /// What it is for.
    pub purpose: String,
    /// `open`, `completing`, or `ended`.
    pub state: &'static str,
    /// Where it stands, in words.
    pub stands: String,
    /// Its end at the latest, or when it ended.
    pub until: When,
    /// When it was opened.
    pub opened: When,
    /// When its last call was allowed.
    pub used: When,
    /// Calls that were allowed in it, and how many may be.
    pub uses: String,
    /// Was any call made in it?
    pub is_used: bool,
    /// After how long without a call it ends.
    pub idle: Option<String>,
    /// SHA-256 over what never changes of it.
    pub digest: String,
    /// Can it still be ended?
    pub is_standing: bool,
    /// Does it wait for a person to confirm that it is complete?
    pub is_completing: bool,
}

impl TaskLine {
    /// From a task, at `now`.
    pub fn of(task: &Task, now: Timestamp) -> Self {
        let end = task.end(now);
        let stands = match end {
            Some((cause, _)) => format!("ended: {}", cause.as_str().replace('_', " ")),
            None if task.stage == TaskStage::Completing => "said to be complete".to_owned(),
            None => "open".to_owned(),
        };
        let most = task.max_uses.map_or_else(String::new, |most| format!(" of {most}"));
        Self {
            id: task.id.to_string(),
            agent: task.agent.to_string(),
            person: task.person.as_ref().map_or_else(|| "itself".to_owned(), ToString::to_string),
            purpose: shown(&task.purpose, Task::LONGEST_PURPOSE),
            state: task.state(now).as_str(),
            stands,
            until: when(now, end.map_or(task.deadline, |(_, at)| at)),
            opened: when(now, task.opened_at),
            used: when(now, task.last_used_at),
            uses: format!("{}{most}", task.uses),
            is_used: task.uses > 0,
            idle: task.idle.map(long),
            digest: task.digest.clone(),
            is_standing: end.is_none(),
            is_completing: end.is_none() && task.stage == TaskStage::Completing,
        }
    }
}
