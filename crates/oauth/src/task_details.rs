//! `authorization_details` of the type `io.portcullis/task`: the task that a token is to belong to.
//!
//! A client opens one with its purpose, or goes on in one that is open by its id. The same table says what is advertised.
//!
//! Spec: RFC 9396 §2, §5, §7 and §10.

use model::{Id, Span, Task};
use serde::{Deserialize, Serialize};

/// The types that there are. Spec: RFC 9396 §10
pub const TYPES: &[&str] = &[TASK];

const TASK: &str = "io.portcullis/task";
/// Longer than any that makes sense.
const LONGEST: usize = 4096;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskDetails {
    /// A new task.
    Open {
        /// What it is for.
        purpose: String,
        /// How long it lasts at the most.
        lasts: Option<Span>,
        /// It ends when nothing was called for so long.
        idle: Option<Span>,
        /// Calls it is good for.
        uses: Option<u32>,
    },
    /// One that is open.
    Continue(Id<Task>),
}

/// Why they can not be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskDetailsError {
    /// Longer than any that makes sense.
    #[error("authorization_details are longer than 4096 bytes")]
    TooLong,
    /// No array of objects with a type, or members that mean nothing here.
    #[error(
        "authorization_details must be an array of one object: type, and either id, or purpose with lasts, idle and uses"
    )]
    Malformed,
    /// Spec: RFC 9396 §5
    #[error("the only type of authorization_details here is io.portcullis/task")]
    UnknownType,
    /// One token belongs to one task.
    #[error("a token belongs to one task: authorization_details have one object")]
    Several,
}

/// What the answer says of it. Spec: RFC 9396 §7
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskGranted {
    /// `io.portcullis/task`
    #[serde(rename = "type")]
    pub kind: String,
    /// The task.
    pub id: Id<Task>,
    /// What it is for, as it was written down.
    pub purpose: String,
}

impl TaskGranted {
    /// `task`.
    pub fn of(task: &Task) -> Self {
        Self { kind: TASK.to_owned(), id: task.id.clone(), purpose: task.purpose.clone() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "type")]
    _type: String,
    id: Option<Id<Task>>,
    purpose: Option<String>,
    lasts: Option<Span>,
    idle: Option<Span>,
    uses: Option<u32>,
}

/// Reads the parameter.
///
/// # Errors
/// Why it means nothing here.
pub fn parse(text: &str) -> Result<TaskDetails, TaskDetailsError> {
    use TaskDetailsError as E;
    if text.len() > LONGEST {
        return Err(E::TooLong);
    }
    let kinds: Vec<Kind> = serde_json::from_str(text).map_err(|_| E::Malformed)?;
    if kinds.iter().any(|kind| !TYPES.contains(&kind.kind.as_str())) {
        return Err(E::UnknownType);
    }
    if kinds.len() > 1 {
        return Err(E::Several);
    }
    let [wire]: [Wire; 1] = serde_json::from_str(text).map_err(|_| E::Malformed)?;
    match wire {
        Wire { id: Some(id), purpose: None, lasts: None, idle: None, uses: None, .. } => Ok(TaskDetails::Continue(id)),
        Wire { id: None, purpose: Some(purpose), lasts, idle, uses, .. } => {
            Ok(TaskDetails::Open { purpose, lasts, idle, uses })
        }
        _ => Err(E::Malformed),
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 9396 §2
    #[test]
    fn a_task_is_opened_by_its_purpose_or_named_by_its_id() {
        let open = parse(r#"[{"type":"io.portcullis/task","purpose":"close 4711","lasts":"2h","uses":3}]"#).unwrap();
        let expected = TaskDetails::Open {
            purpose: "close 4711".into(),
            lasts: Some(Span::from_minutes(120)),
            idle: None,
            uses: Some(3),
        };
        assert_eq!(open, expected);
        let named = parse(r#"[{"type":"io.portcullis/task","id":"tsk_1"}]"#).unwrap();
        assert_eq!(named, TaskDetails::Continue("tsk_1".parse().unwrap()));
    }

    /// Spec: RFC 9396 §5
    /// Field: K9
    #[test]
    fn what_means_nothing_here_is_refused_and_never_ignored() {
        use TaskDetailsError as E;
        let check = |text: &str, expected| assert_eq!(parse(text), Err(expected), "{text}");
        check("", E::Malformed);
        check("[]", E::Malformed);
        check("{}", E::Malformed);
        check(r#"[{"purpose":"x"}]"#, E::Malformed);
        check(r#"[{"type":"payment"}]"#, E::UnknownType);
        check(r#"[{"type":"io.portcullis/task","purpose":"x"},{"type":"payment"}]"#, E::UnknownType);
        check(
            r#"[{"type":"io.portcullis/task","purpose":"x"},{"type":"io.portcullis/task","purpose":"y"}]"#,
            E::Several,
        );
        check(r#"[{"type":"io.portcullis/task"}]"#, E::Malformed);
        check(r#"[{"type":"io.portcullis/task","id":"tsk_1","purpose":"x"}]"#, E::Malformed);
        check(r#"[{"type":"io.portcullis/task","id":"tsk 1"}]"#, E::Malformed);
        check(r#"[{"type":"io.portcullis/task","purpose":"x","purpose":"y"}]"#, E::Malformed);
        check(r#"[{"type":"io.portcullis/task","purpose":"x","scope":"all"}]"#, E::Malformed);
        check(&format!(r#"[{{"type":"io.portcullis/task","purpose":"{}"}}]"#, "x".repeat(5000)), E::TooLong);
    }
}
