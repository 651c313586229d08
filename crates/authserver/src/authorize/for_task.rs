//! The task to which what is authorized belongs: one that the request opens or names, one that the person opens, or the one
//! in which a call lacked what is asked for.
//!
//! Clients that know nothing of tasks get a token that belongs to one, and everything they do with it is done in it.
//!
//! Spec: RFC 9396 §2, §5 and §9.1; docs/decisions/0034-privilege-belongs-to-a-task.md.

use model::{Actor, Agent, Event, Grant, Id, Person, Span, Task};
use oauth::{Form, task_details::TaskDetails};
use privilege::{
    Refused,
    task::{
        lacked,
        open::{self, TaskWish},
    },
};
use store::{StoreError, Tx};

use super::request::AuthorizeRequest;
use crate::{context::Context, error::AuthorizeError};

/// To which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForTask {
    /// To none: it counts in calls without a task.
    None,
    /// To none, as the person said of one that was guessed.
    Elsewhere(Id<Task>),
    /// To one that is opened with it.
    Opens(NewTask),
    /// To this one, which is open.
    Is {
        task: Task,
        /// Does the token belong to it as well? Otherwise its calls name it.
        is_of_token: bool,
        /// Nobody asked for it: a call in it lacked what is asked for, and the person may say that this is for another.
        is_guess: bool,
    },
}

/// A task as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewTask {
    pub(super) purpose: String,
    pub(super) lasts: Span,
    pub(super) idle: Span,
    pub(super) uses: Option<u32>,
}

impl NewTask {
    /// What a client asks for, if it can be had at all.
    pub(super) fn of(details: &TaskDetails) -> Result<Option<Self>, Refused> {
        let TaskDetails::Open { purpose, lasts, idle, uses } = details else { return Ok(None) };
        let (lasts, idle) = (lasts.unwrap_or(TaskWish::LASTS), idle.unwrap_or(TaskWish::IDLE));
        let purpose = open::makes_sense(purpose, lasts, *uses)?;
        Ok(Some(Self { purpose, lasts, idle, uses: *uses }))
    }

    /// What the person asks for on the form: nothing, unless they say what for.
    pub(super) fn in_form(form: &Form) -> Result<Option<Self>, Refused> {
        let purpose = form.value(PURPOSE).unwrap_or_default().trim();
        if purpose.is_empty() {
            return Ok(None);
        }
        let chosen = CHOICES.iter().find(|choice| form.value(LASTS) == Some(choice.0));
        let lasts = chosen.map_or(TaskWish::LASTS, |(_, _, lasts)| *lasts);
        let purpose = open::makes_sense(purpose, lasts, None)?;
        Ok(Some(Self { purpose, lasts, idle: TaskWish::IDLE, uses: None }))
    }
}

impl ForTask {
    /// What the request is for, as far as the client and its calls say.
    pub(super) async fn of(
        cx: &Context,
        wanted: &AuthorizeRequest,
        agent: &Agent,
        grant: Option<&Grant>,
    ) -> Result<Result<Self, AuthorizeError>, StoreError> {
        let now = cx.store.now();
        match &wanted.task {
            Some(details @ TaskDetails::Open { .. }) => Ok(match NewTask::of(details) {
                Ok(Some(new)) => Ok(Self::Opens(new)),
                Ok(None) => Ok(Self::None),
                Err(refused) => Err(AuthorizeError::Task(refused)),
            }),
            Some(TaskDetails::Continue(id)) => {
                let person = grant.and_then(|grant| grant.person.as_ref());
                let task = cx.store.task(id).await?;
                let task = task.filter(|task| task.agent == agent.id && task.person.as_ref() == person);
                Ok(match task {
                    None => Err(AuthorizeError::Task(Refused::UnknownTask(id.clone()))),
                    Some(task) if task.is_open(now) => Ok(Self::Is { task, is_of_token: true, is_guess: false }),
                    Some(_) => Err(AuthorizeError::Task(Refused::TaskOver(id.clone()))),
                })
            }
            None => {
                let Some(grant) = grant else { return Ok(Ok(Self::None)) };
                let config = &cx.config.elevation;
                let found = lacked::lately(&cx.store, config, (&agent.id, grant), &wanted.scopes, now).await?;
                Ok(Ok(found.map_or(Self::None, |found| Self::Is {
                    task: found.task,
                    is_of_token: found.by_token,
                    is_guess: true,
                })))
            }
        }
    }

    /// The task that is there already.
    pub(super) fn id(&self) -> Option<&Id<Task>> {
        match self {
            Self::Is { task, .. } => Some(&task.id),
            Self::None | Self::Elsewhere(_) | Self::Opens(_) => None,
        }
    }

    /// May a call that was made in `asked` be asked for with it? What is approved is good in the task in which it was called.
    pub(super) fn fits(&self, asked: Option<&Id<Task>>) -> bool {
        match self {
            Self::None | Self::Elsewhere(_) => true,
            Self::Opens(_) => false,
            Self::Is { task, is_of_token, .. } => !is_of_token || asked == Some(&task.id),
        }
    }

    /// What the page says of it, for comparison when the form comes back.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::None | Self::Elsewhere(_) => String::new(),
            Self::Opens(new) => format!("new {} {} {:?} {}", new.lasts, new.idle, new.uses, new.purpose),
            Self::Is { task, .. } => task.id.to_string(),
        }
    }

    /// As the person said on the form.
    pub(super) fn answered(&mut self, form: &Form) {
        if let Self::Is { task, is_guess: true, .. } = self
            && form.value(WHERE) == Some(ELSEWHERE)
        {
            *self = Self::Elsewhere(task.id.clone());
        }
    }
}

/// The task as it is in the transaction, with what its opening writes down, and whether the token belongs to it.
#[derive(Default)]
pub(super) struct Given {
    pub(super) task: Option<Task>,
    pub(super) is_of_token: bool,
    pub(super) event: Option<Event>,
}

/// Why there is none.
pub(super) enum NotGiven {
    /// It ended while the page was read.
    Over,
    Refused(Refused),
}

/// Opens it, or finds it still open.
pub(super) async fn give(
    tx: &mut Tx<'_>,
    wanted: &ForTask,
    (agent, grant): (&Agent, &Grant),
    person: &Id<Person>,
) -> Result<Result<Given, NotGiven>, StoreError> {
    match wanted {
        ForTask::None => Ok(Ok(Given::default())),
        ForTask::Elsewhere(task) => {
            lacked::settled(tx, task).await?;
            Ok(Ok(Given::default()))
        }
        ForTask::Opens(new) => {
            let NewTask { purpose, lasts, idle, uses } = new.clone();
            let (agent, grant) = (agent.id.clone(), Some(grant.clone()));
            let wish = TaskWish { agent, grant, purpose, lasts, idle, uses };
            match open::open(tx, wish, Actor::Person(person.clone())).await {
                Ok((event, task)) => Ok(Ok(Given { task: Some(task), is_of_token: true, event: Some(event) })),
                Err(Refused::Store(error)) => Err(error),
                Err(refused) => Ok(Err(NotGiven::Refused(refused))),
            }
        }
        ForTask::Is { task, is_of_token, .. } => {
            let now = tx.now();
            match tx.task(&task.id).await?.filter(|task| task.is_open(now)) {
                Some(task) => {
                    lacked::settled(tx, &task.id).await?;
                    Ok(Ok(Given { task: Some(task), is_of_token: *is_of_token, event: None }))
                }
                None => Ok(Err(NotGiven::Over)),
            }
        }
    }
}

/// How long a piece of work may take: as the form says it, in words, and for how long.
pub(super) const CHOICES: &[(&str, &str, Span)] = &[
    ("15m", "15 minutes", Span::from_minutes(15)),
    ("1h", "an hour", Span::from_minutes(60)),
    ("2h", "two hours", TaskWish::LASTS),
    ("8h", "eight hours", Task::LONGEST),
];

/// Fields of the form.
pub(super) const PURPOSE: &str = "task_purpose";
pub(super) const LASTS: &str = "task_lasts";
pub(super) const WHERE: &str = "task";
pub(super) const ELSEWHERE: &str = "elsewhere";
