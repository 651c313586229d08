//! Tasks, and their steps: opened, used, said to be complete, ended with all that belongs to them.
//!
//! Every step is one conditional statement, so of several callers one wins.

use model::{
    Actor, Agent, Grant, Id, Person, Scope, ScopeSet, Span, Task, TaskEnd, TaskStage, Timestamp,
    event::{ElevationEnd, TaskEnded},
};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{After, Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::{elevations::changed_columns, privilege_tx::PrivilegeTx},
};

/// Since when a task `t` is stopped for good by a block on whom it names; `NULL` when it is not.
macro_rules! task_ended_by_block {
    () => {
        "(SELECT MIN(b.since) FROM agent a JOIN block b ON
             (b.kind = 'all' AND b.name = '' AND b.since >= t.opened_at)
          OR (b.kind = 'agent' AND b.name = t.agent AND b.since >= t.opened_at)
          OR (b.kind = 'client' AND b.name = a.client AND b.since >= t.opened_at)
          OR (b.kind = 'person' AND b.name = t.person AND b.since >= t.opened_at)
          OR (b.kind = 'person' AND b.name = a.owner AND b.since >= t.opened_at)
          WHERE a.id = t.agent)"
    };
}

/// The columns of a task, of a table called `t`.
macro_rules! task_columns {
    () => {
        concat!(
            "t.id, t.agent, t.person, t.grant_id, t.purpose, t.digest, t.opened_at, t.deadline, t.idle, t.max_uses, \
             t.uses, t.last_used_at, t.state, t.cause, t.ended_at, ",
            task_ended_by_block!()
        )
    };
}

/// The same of a row that was just changed.
macro_rules! changed_task {
    () => {
        "id, agent, person, grant_id, purpose, digest, opened_at, deadline, idle, max_uses, uses, last_used_at, state, \
         cause, ended_at, CAST(NULL AS BIGINT)"
    };
}

impl Readers {
    /// The task of that id.
    pub async fn task(&self, id: &Id<Task>) -> Result<Option<Task>, StoreError> {
        self.one(by_id(id)).await
    }

    /// All of them, newest first.
    pub async fn tasks_page(
        &self,
        after: Option<&After<Task>>,
        limit: u32,
    ) -> Result<Page<Task, After<Task>>, StoreError> {
        let sql = concat!(
            "SELECT ",
            task_columns!(),
            " FROM task t WHERE t.opened_at <= $1 AND (t.opened_at < $1 OR t.id < $2)
              ORDER BY t.opened_at DESC, t.id DESC LIMIT $3"
        );
        let (at, id) = after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()));
        let rows: Vec<Task> = self.all(query(sql).bind(at).bind(id).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |task| After { at: task.opened_at, id: task.id.clone() }))
    }

    /// Those of one agent, newest first.
    pub async fn tasks_of_agent_page(
        &self,
        agent: &Id<Agent>,
        after: Option<&After<Task>>,
        limit: u32,
    ) -> Result<Page<Task, After<Task>>, StoreError> {
        let sql = concat!(
            "SELECT ",
            task_columns!(),
            " FROM task t WHERE t.agent = $1 AND t.opened_at <= $2 AND (t.opened_at < $2 OR t.id < $3)
              ORDER BY t.opened_at DESC, t.id DESC LIMIT $4"
        );
        let (at, id) = after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()));
        let found = query(sql).bind(agent.as_str()).bind(at).bind(id).bind(more_than(limit));
        let rows: Vec<Task> = self.all(found).await?;
        Ok(Page::of(rows, limit, |task| After { at: task.opened_at, id: task.id.clone() }))
    }

    /// Those that `person` answers for and that nobody has ended, newest first: of agents that act for them, or are theirs.
    pub async fn standing_tasks_of_person(&self, person: &Id<Person>, limit: u32) -> Result<Vec<Task>, StoreError> {
        let sql = concat!(
            "SELECT ",
            task_columns!(),
            " FROM task t JOIN agent o ON o.id = t.agent WHERE t.state <> 'ended' AND (t.person = $1 OR o.owner = $1)
              ORDER BY t.opened_at DESC, t.id DESC LIMIT $2"
        );
        self.all(query(sql).bind(person.as_str()).bind(i64::from(limit))).await
    }

    /// The open task in which a call of `agent` for `person` lacked one of `scopes` last, since `since`.
    pub async fn task_that_lacked(
        &self,
        (agent, person): (&Id<Agent>, Option<&Id<Person>>),
        scopes: &ScopeSet,
        since: Timestamp,
    ) -> Result<Option<TaskThatLacked>, StoreError> {
        let sql = concat!(
            "SELECT t.lacked, t.lacked_by_token, ",
            task_columns!(),
            " FROM task t WHERE t.agent = $1 AND t.state = 'open' AND t.lacked_at >= $2 ORDER BY t.lacked_at DESC LIMIT 64"
        );
        let found: Vec<TaskThatLacked> = self.all(query(sql).bind(agent.as_str()).bind(since.micros())).await?;
        let asks = |one: &TaskThatLacked| one.task.person.as_ref() == person && scopes.iter().any(|s| *s == one.lacked);
        Ok(found.into_iter().find(asks))
    }

    /// Those that are over at `now` although nobody has written it down; at most 256.
    pub async fn elapsed_tasks(&self, now: Timestamp) -> Result<Vec<Task>, StoreError> {
        let sql = concat!(
            "SELECT ",
            task_columns!(),
            " FROM task t WHERE t.state <> 'ended' AND (t.deadline <= $1
                OR (t.state = 'open' AND t.idle > 0 AND t.last_used_at + t.idle * 1000000 <= $1) OR ",
            task_ended_by_block!(),
            " IS NOT NULL) ORDER BY t.opened_at, t.id LIMIT 256"
        );
        self.all(query(sql).bind(now.micros())).await
    }
}

impl Tx<'_> {
    /// The task of that id.
    pub async fn task(&mut self, id: &Id<Task>) -> Result<Option<Task>, StoreError> {
        self.one(by_id(id)).await
    }

    /// Those of an agent that nobody has ended.
    pub async fn standing_tasks(&mut self, agent: &Id<Agent>) -> Result<Vec<Task>, StoreError> {
        let sql = concat!("SELECT ", task_columns!(), " FROM task t WHERE t.agent = $1 AND t.state <> 'ended'");
        self.all(query(sql).bind(agent.as_str())).await
    }

    /// Was a call made in it that took the approval of another person?
    pub async fn used_what_was_approved(&mut self, id: &Id<Task>) -> Result<bool, StoreError> {
        let sql = "SELECT id FROM elevation WHERE task = $1 AND step_up = 'approval' AND uses > 0 LIMIT 1";
        Ok(self.row(query(sql).bind(id.as_str())).await?.is_some())
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds a task that was just opened.
    pub async fn put_task(&mut self, task: &Task) -> Result<(), StoreError> {
        let sql = "INSERT INTO task (id, agent, person, grant_id, purpose, digest, opened_at, deadline, idle, max_uses,
                 uses, last_used_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open')";
        let put = query(sql)
            .bind(task.id.as_str())
            .bind(task.agent.as_str())
            .bind(task.person.as_ref().map(Id::as_str))
            .bind(task.grant.as_ref().map(Id::as_str))
            .bind(&task.purpose)
            .bind(&task.digest)
            .bind(task.opened_at.micros())
            .bind(task.deadline.micros())
            .bind(task.idle.map_or(0, Span::seconds) as i64)
            .bind(task.max_uses.map(i64::from))
            .bind(i64::from(task.uses))
            .bind(task.last_used_at.micros());
        self.run(put).await?;
        Ok(())
    }

    /// Counts one call of it, if one may be made in it now: then it is not idle.
    pub async fn use_task(&mut self, id: &Id<Task>) -> Result<Option<Task>, StoreError> {
        let sql = concat!(
            "UPDATE task AS t SET uses = uses + 1, last_used_at = CASE WHEN last_used_at < $2 THEN $2 ELSE last_used_at END
             WHERE id = $1 AND state = 'open' AND deadline > $2 AND (idle = 0 OR last_used_at + idle * 1000000 > $2)
               AND (max_uses IS NULL OR uses < max_uses) AND ",
            task_ended_by_block!(),
            " IS NULL RETURNING ",
            changed_task!()
        );
        let now = self.now.micros();
        self.one(query(sql).bind(id.as_str()).bind(now)).await
    }

    /// Keeps what a call in it lacked, so that what is asked for next can be for the task; by `token`: the call came with
    /// a token that belongs to it.
    pub async fn task_lacks(&mut self, id: &Id<Task>, scope: &Scope, by_token: bool) -> Result<(), StoreError> {
        let sql = "UPDATE task SET lacked = $2, lacked_at = $3, lacked_by_token = $4 WHERE id = $1 AND state = 'open'";
        let now = self.now.micros();
        let by_token = i64::from(by_token);
        self.run(query(sql).bind(id.as_str()).bind(scope.to_string()).bind(now).bind(by_token)).await?;
        Ok(())
    }

    /// What it lacked was asked for.
    pub async fn task_lacks_nothing(&mut self, id: &Id<Task>) -> Result<(), StoreError> {
        let sql = "UPDATE task SET lacked = NULL, lacked_at = NULL, lacked_by_token = NULL WHERE id = $1";
        self.run(query(sql).bind(id.as_str())).await?;
        Ok(())
    }

    /// Open → completing; `false` when it was not open.
    pub async fn propose_task_complete(&mut self, id: &Id<Task>) -> Result<bool, StoreError> {
        let sql = "UPDATE task SET state = 'completing' WHERE id = $1 AND state = 'open'";
        let changed = self.run(query(sql).bind(id.as_str())).await? == 1;
        self.bump_epoch().await?;
        Ok(changed)
    }

    /// Ends it since `at`, and with it what belongs to it; `false` when it was over before.
    ///
    /// What somebody takes away ends now, with the calls under way; what ended by itself lets them finish.
    pub async fn end_task(&mut self, id: &Id<Task>, cause: TaskEnd, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE task SET state = 'ended', cause = $2, ended_at = $3 WHERE id = $1 AND state <> 'ended'";
        if self.run(query(sql).bind(id.as_str()).bind(cause.as_str()).bind(at.micros())).await? == 0 {
            return Ok(false);
        }
        self.end_what_belongs_to(id, cause).await?;
        Ok(true)
    }

    /// Ends every task of an agent that stands.
    pub async fn end_tasks_of_agent(&mut self, agent: &Id<Agent>) -> Result<(), StoreError> {
        let sql = concat!(
            "UPDATE task SET state = 'ended', cause = 'revoked', ended_at = $2 WHERE agent = $1 AND state <> 'ended'
             RETURNING ",
            changed_task!()
        );
        let now = self.now.micros();
        self.end_tasks(query(sql).bind(agent.as_str()).bind(now), TaskEnd::Revoked).await
    }

    /// Ends the tasks that were opened with a grant.
    pub(crate) async fn end_tasks_of_grant(&mut self, grant: &Id<Grant>) -> Result<(), StoreError> {
        let sql = concat!(
            "UPDATE task SET state = 'ended', cause = 'grant_ended', ended_at = $2
             WHERE grant_id = $1 AND state <> 'ended' RETURNING ",
            changed_task!()
        );
        let now = self.now.micros();
        self.end_tasks(query(sql).bind(grant.as_str()).bind(now), TaskEnd::GrantEnded).await
    }

    /// The same of those grants that ended at `at`.
    pub(crate) async fn end_tasks_of_ended_grants(&mut self, at: Timestamp) -> Result<(), StoreError> {
        let sql = concat!(
            "UPDATE task SET state = 'ended', cause = 'grant_ended', ended_at = $1 WHERE state <> 'ended'
               AND grant_id IN (SELECT id FROM agent_grant WHERE ended_at = $1) RETURNING ",
            changed_task!()
        );
        self.end_tasks(query(sql).bind(at.micros()), TaskEnd::GrantEnded).await
    }

    async fn end_tasks(&mut self, statement: Statement<'_>, cause: TaskEnd) -> Result<(), StoreError> {
        let (now, ended): (_, Vec<Task>) = (self.now, self.all(statement).await?);
        for task in ended {
            self.ended.push(TaskEnded::of(&task, cause, now).by(Actor::System));
            self.end_what_belongs_to(&task.id, cause).await?;
        }
        Ok(())
    }

    async fn end_what_belongs_to(&mut self, id: &Id<Task>, cause: TaskEnd) -> Result<(), StoreError> {
        let by_itself = concat!(
            "UPDATE elevation SET state = 'ended' WHERE 0 <= $2 AND task = $1 AND state IN ('requested', 'active')
             RETURNING ",
            changed_columns!()
        );
        let taken_away = concat!(
            "UPDATE elevation SET state = 'ended', not_after = CASE WHEN not_after > $2 THEN $2 ELSE not_after END
             WHERE task = $1 AND state IN ('requested', 'active') RETURNING ",
            changed_columns!()
        );
        let (is_taken_away, now) = (cause.is_taken_away(), self.now.micros());
        let sql = if is_taken_away { taken_away } else { by_itself };
        self.end_elevations(query(sql).bind(id.as_str()).bind(now), ElevationEnd::TaskEnded).await?;
        if is_taken_away {
            self.bump_epoch().await?;
        }
        Ok(())
    }
}

fn by_id(id: &Id<Task>) -> Statement<'_> {
    query(concat!("SELECT ", task_columns!(), " FROM task t WHERE t.id = $1")).bind(id.as_str())
}

/// An open task, and what a call in it lacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskThatLacked {
    /// Which.
    pub task: Task,
    /// What.
    pub lacked: Scope,
    /// The call came with a token that belongs to the task; otherwise it named the task itself.
    pub by_token: bool,
}

impl FromColumns for TaskThatLacked {
    const WHAT: &'static str = "task";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { lacked: columns.parsed()?, by_token: columns.flag()?, task: Task::read(columns)? })
    }
}

impl FromColumns for Task {
    const WHAT: &'static str = "task";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (id, agent, person, grant) =
            (columns.parsed()?, columns.parsed()?, columns.optional_parsed()?, columns.optional_parsed()?);
        let (purpose, digest, opened_at, deadline) =
            (columns.text()?, columns.text()?, columns.time()?, columns.time()?);
        let idle = Some(columns.number()?).filter(|idle| *idle > 0).map(Span::from_seconds);
        let max_uses = columns.optional_number()?;
        let (uses, last_used_at) = (columns.number()?, columns.time()?);
        let (state, cause, ended_at) = (columns.text()?, columns.optional_parsed()?, columns.optional_time()?);
        let blocked = columns.optional_time()?;
        let stage = match (state.as_str(), cause, ended_at) {
            ("ended", Some(cause), Some(at)) => TaskStage::Ended(cause, at),
            ("open", None, None) => TaskStage::Open,
            ("completing", None, None) => TaskStage::Completing,
            _ => return Err(columns.unreadable("where it stands can not be known")),
        };
        let stage = match (stage, blocked) {
            (TaskStage::Ended(..), _) | (_, None) => stage,
            (_, Some(at)) => TaskStage::Ended(TaskEnd::Revoked, at),
        };
        Ok(Self {
            id,
            agent,
            person,
            grant,
            purpose,
            digest,
            opened_at,
            deadline,
            idle,
            max_uses,
            uses,
            last_used_at,
            stage,
        })
    }
}
