//! Tasks: a named piece of work, with a purpose, to which privilege belongs and with which it ends.
//!
//! open → ended, or open → completing → ended. There is no way back, and nothing of it is changed meanwhile: another
//! purpose is another task.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Agent, Grant, Id, Person, Span, Timestamp, id::Minted, text_enum};

/// A named piece of work of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: Id<Task>,
    /// Whose work it is.
    pub agent: Id<Agent>,
    /// For whom; none for an autonomous agent.
    pub person: Option<Id<Person>>,
    /// The grant with which it was opened, and with which it ends; none when a person opened it.
    pub grant: Option<Id<Grant>>,
    /// What it is for, in the words of whoever opened it.
    pub purpose: String,
    /// SHA-256 over what never changes of it, as canonical JSON: 64 digits.
    pub digest: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Its end at the latest.
    pub deadline: Timestamp,
    /// It ends when no call of it was allowed for so long; none: that ends it never.
    pub idle: Option<Span>,
    /// Calls it is good for; none: as many as its time allows.
    pub max_uses: Option<u32>,
    /// Calls that were allowed in it.
    pub uses: u32,
    /// When the last of them was, or when it was opened.
    pub last_used_at: Timestamp,
    /// Where it stands.
    pub stage: TaskStage,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStage {
    /// Calls may be made in it.
    Open,
    /// Its agent said that it is complete, and a person has to confirm: high privilege was used in it. No call is made in it
    /// any more.
    Completing,
    /// Over.
    Ended(TaskEnd, Timestamp),
}

/// What ended a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskEnd {
    /// Its agent said that it is complete; where that takes a person, one confirmed.
    Completed,
    /// Its time was over.
    Deadline,
    /// No call was made in it for too long.
    Idle,
    /// The last call that it was good for was made.
    UsedUp,
    /// A person or the operator ended it.
    ByHand,
    /// A revocation covers it, or its agent was suspended or retired.
    Revoked,
    /// The grant with which it was opened ended.
    GrantEnded,
}

text_enum!(TaskEnd {
    Completed => "completed",
    Deadline => "deadline",
    Idle => "idle",
    UsedUp => "used_up",
    ByHand => "by_hand",
    Revoked => "revoked",
    GrantEnded => "grant_ended",
});

impl TaskEnd {
    /// Did somebody take it away? Then calls under way end with it; what ended by itself lets them finish.
    pub const fn is_taken_away(self) -> bool {
        match self {
            Self::Completed | Self::ByHand | Self::Revoked | Self::GrantEnded => true,
            Self::Deadline | Self::Idle | Self::UsedUp => false,
        }
    }
}

/// Where a task stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Calls may be made in it.
    Open,
    /// It waits for a person to confirm that it is complete.
    Completing,
    /// Over.
    Ended,
}

text_enum!(TaskState { Open => "open", Completing => "completing", Ended => "ended" });

impl Minted for Task {
    const PREFIX: &'static str = "tsk";
}

impl Task {
    /// The longest purpose, in characters.
    pub const LONGEST_PURPOSE: usize = 500;
    /// The longest that a task may last.
    pub const LONGEST: Span = Span::from_minutes(8 * 60);

    /// What has ended it by `now`, whether or not anybody has written that down, and since when.
    pub fn end(&self, now: Timestamp) -> Option<(TaskEnd, Timestamp)> {
        if let TaskStage::Ended(cause, at) = self.stage {
            return Some((cause, at));
        }
        let idle = self.idle.map(|idle| (TaskEnd::Idle, self.last_used_at.after(idle)));
        let by_time = match idle {
            // Who waits for a person is not idle.
            Some((_, at)) if self.stage == TaskStage::Open && at < self.deadline => idle,
            _ => Some((TaskEnd::Deadline, self.deadline)),
        };
        by_time.filter(|(_, at)| now >= *at)
    }

    /// May a call be made in it at `now`?
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.stage == TaskStage::Open && self.end(now).is_none() && self.max_uses.is_none_or(|most| self.uses < most)
    }

    /// Where it stands at `now`, in a word.
    pub fn state(&self, now: Timestamp) -> TaskState {
        match (self.end(now), self.stage) {
            (Some(_), _) | (None, TaskStage::Ended(..)) => TaskState::Ended,
            (None, TaskStage::Completing) => TaskState::Completing,
            (None, TaskStage::Open) => TaskState::Open,
        }
    }

    /// The command that ends it.
    pub fn stop(&self) -> String {
        Self::stop_of(&self.id)
    }

    /// The command that ends the task of that id.
    pub fn stop_of(id: &Id<Self>) -> String {
        format!("portcullis task end {id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(stage: TaskStage) -> Task {
        let opened_at = Timestamp::from_seconds(1000);
        Task {
            id: "tsk_1".parse().unwrap(),
            agent: "scribe".parse().unwrap(),
            person: None,
            grant: None,
            purpose: "close the spill".into(),
            digest: String::new(),
            opened_at,
            deadline: opened_at.after(Span::from_seconds(600)),
            idle: Some(Span::from_seconds(60)),
            max_uses: Some(2),
            uses: 0,
            last_used_at: opened_at,
            stage,
        }
    }

    #[test]
    fn a_task_ends_at_the_first_of_its_ends_and_not_a_moment_later() {
        let check = |task: &Task, second: i64, expected: Option<TaskEnd>| {
            let now = Timestamp::from_seconds(second);
            assert_eq!(task.end(now).map(|(cause, _)| cause), expected, "{second}");
            assert_eq!(task.is_open(now), expected.is_none() && task.stage == TaskStage::Open, "{second}");
        };
        let open = task(TaskStage::Open);
        check(&open, 1059, None);
        check(&open, 1060, Some(TaskEnd::Idle));
        let used = Task { last_used_at: Timestamp::from_seconds(1590), ..open.clone() };
        check(&used, 1599, None);
        check(&used, 1600, Some(TaskEnd::Deadline));
        let busy = Task { idle: None, ..open.clone() };
        check(&busy, 1599, None);
        check(&busy, 1600, Some(TaskEnd::Deadline));
        let waits = task(TaskStage::Completing);
        check(&waits, 1061, None);
        check(&waits, 1600, Some(TaskEnd::Deadline));
        let ended = task(TaskStage::Ended(TaskEnd::ByHand, Timestamp::from_seconds(1001)));
        check(&ended, 1002, Some(TaskEnd::ByHand));
    }

    #[test]
    fn nothing_is_called_in_a_task_whose_uses_are_gone() {
        let used_up = Task { uses: 2, ..task(TaskStage::Open) };
        assert!(!used_up.is_open(Timestamp::from_seconds(1001)));
    }
}
