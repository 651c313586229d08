//! Exceptions from policies: added, ended, and as a node holds them in memory.

use std::collections::HashMap;

use model::{
    Actor, Agent, Exception, ExceptionEnd, ExceptionName, Id, Person, Server, Timestamp, event::ExceptionEnded,
};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{After, Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement, all},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

/// Since when an exception `e` is stopped for good by a block on whom it names; `NULL` when it is not.
macro_rules! ended_by_block {
    () => {
        "(SELECT MIN(b.since) FROM agent a JOIN block b ON
             (b.kind = 'all' AND b.name = '' AND b.since >= e.added_at)
          OR (b.kind = 'agent' AND b.name = e.agent AND b.since >= e.added_at)
          OR (b.kind = 'client' AND b.name = a.client AND b.since >= e.added_at)
          OR (b.kind = 'person' AND b.name = e.owner AND b.since >= e.added_at)
          OR (b.kind = 'person' AND b.name = a.owner AND b.since >= e.added_at)
          WHERE a.id = e.agent)"
    };
}

/// The columns of an exception, of a table called `e`.
macro_rules! columns {
    () => {
        concat!(
            "e.id, e.name, e.agent, e.server, e.reason, e.owner, e.added_at, e.not_after, e.cause, e.ended_at, ",
            ended_by_block!()
        )
    };
}

/// The same of a row that was just changed.
macro_rules! changed {
    () => {
        "id, name, agent, server, reason, owner, added_at, not_after, cause, ended_at, CAST(NULL AS BIGINT)"
    };
}

/// The exceptions that nobody has ended, by agent, as a node holds them in memory.
#[derive(Debug, Default)]
pub struct StandingExceptions(HashMap<Id<Agent>, Vec<Exception>>);

impl StandingExceptions {
    /// Those that `agent` has on `server` at `now`. The time of each is asked anew each time.
    pub fn of<'a>(
        &'a self,
        agent: &Id<Agent>,
        server: &'a Id<Server>,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Exception> {
        self.0.get(agent).into_iter().flatten().filter(move |exception| exception.holds_on(server, now))
    }

    /// Did somebody end the exception `id` before its time, `not_after`? That its time was over takes nothing away from
    /// what has begun.
    pub fn was_taken_away(
        &self,
        (agent, id): (&Id<Agent>, &Id<Exception>),
        not_after: Timestamp,
        now: Timestamp,
    ) -> bool {
        now < not_after && !self.0.get(agent).into_iter().flatten().any(|one| one.id == *id)
    }

    /// What is in the database.
    pub(crate) async fn read(connection: &mut AnyConnection) -> Result<Self, StoreError> {
        let sql = concat!("SELECT ", columns!(), " FROM policy_exception e WHERE e.ended_at IS NULL");
        let mut by_agent: HashMap<_, Vec<_>> = HashMap::new();
        for exception in all::<Exception>(connection, query(sql)).await? {
            if exception.ended.is_none() {
                by_agent.entry(exception.agent.clone()).or_default().push(exception);
            }
        }
        Ok(Self(by_agent))
    }
}

impl Readers {
    /// The exception of that id.
    pub async fn exception(&self, id: &Id<Exception>) -> Result<Option<Exception>, StoreError> {
        self.one(by_id(id)).await
    }

    /// All of them, newest first.
    pub async fn exceptions_page(
        &self,
        after: Option<&After<Exception>>,
        limit: u32,
    ) -> Result<Page<Exception, After<Exception>>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM policy_exception e WHERE e.added_at <= $1 AND (e.added_at < $1 OR e.id < $2)
              ORDER BY e.added_at DESC, e.id DESC LIMIT $3"
        );
        let (at, id) = after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()));
        let rows: Vec<Exception> = self.all(query(sql).bind(at).bind(id).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |exception| After { at: exception.added_at, id: exception.id.clone() }))
    }

    /// Those of one agent that nobody has ended.
    pub async fn standing_exceptions_of(&self, agent: &Id<Agent>) -> Result<Vec<Exception>, StoreError> {
        self.all(standing(agent)).await
    }

    /// Those that are over at `now` although nobody has written it down; at most 256.
    pub async fn elapsed_exceptions(&self, now: Timestamp) -> Result<Vec<Exception>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            " FROM policy_exception e WHERE e.ended_at IS NULL AND (e.not_after <= $1 OR ",
            ended_by_block!(),
            " IS NOT NULL) ORDER BY e.added_at, e.id LIMIT 256"
        );
        self.all(query(sql).bind(now.micros())).await
    }
}

impl Tx<'_> {
    /// The exception of that id.
    pub async fn exception(&mut self, id: &Id<Exception>) -> Result<Option<Exception>, StoreError> {
        self.one(by_id(id)).await
    }

    /// Those of one agent that nobody has ended.
    pub async fn standing_exceptions_of(&mut self, agent: &Id<Agent>) -> Result<Vec<Exception>, StoreError> {
        self.all(standing(agent)).await
    }

    /// How many nobody has ended.
    pub async fn count_standing_exceptions(&mut self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM policy_exception WHERE ended_at IS NULL";
        Ok(self.one(query(sql)).await?.unwrap_or(0))
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds one. Every node knows it with the next epoch.
    pub async fn put_exception(&mut self, exception: &Exception) -> Result<(), StoreError> {
        let sql = "INSERT INTO policy_exception (id, name, agent, server, reason, owner, added_at, not_after)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let put = query(sql)
            .bind(exception.id.as_str())
            .bind(exception.name.as_str())
            .bind(exception.agent.as_str())
            .bind(exception.server.as_ref().map(Id::as_str))
            .bind(&exception.reason)
            .bind(exception.owner.as_str())
            .bind(exception.added_at.micros())
            .bind(exception.not_after.micros());
        self.run(put).await?;
        self.bump_epoch().await
    }

    /// Ends it since `at`; `false` when that was written down before.
    pub async fn end_exception(
        &mut self,
        id: &Id<Exception>,
        cause: ExceptionEnd,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE policy_exception SET cause = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL";
        if self.run(query(sql).bind(id.as_str()).bind(cause.as_str()).bind(at.micros())).await? == 0 {
            return Ok(false);
        }
        self.bump_epoch().await?;
        Ok(true)
    }

    /// Ends every one of an agent, because it was retired.
    pub async fn end_exceptions_of_agent(&mut self, agent: &Id<Agent>) -> Result<(), StoreError> {
        let sql = concat!(
            "UPDATE policy_exception SET cause = $2, ended_at = $3 WHERE agent = $1 AND ended_at IS NULL RETURNING ",
            changed!()
        );
        let (cause, now) = (ExceptionEnd::AgentRetired, self.now.micros());
        self.end_exceptions(query(sql).bind(agent.as_str()).bind(cause.as_str()).bind(now), cause).await
    }

    /// Ends every one that `owner` answers for, because they were disabled.
    pub async fn end_exceptions_of_owner(&mut self, owner: &Id<Person>) -> Result<(), StoreError> {
        let sql = concat!(
            "UPDATE policy_exception SET cause = $2, ended_at = $3 WHERE owner = $1 AND ended_at IS NULL RETURNING ",
            changed!()
        );
        let (cause, now) = (ExceptionEnd::OwnerDisabled, self.now.micros());
        self.end_exceptions(query(sql).bind(owner.as_str()).bind(cause.as_str()).bind(now), cause).await
    }

    async fn end_exceptions(&mut self, statement: Statement<'_>, cause: ExceptionEnd) -> Result<(), StoreError> {
        let (now, ended): (_, Vec<Exception>) = (self.now, self.all(statement).await?);
        if ended.is_empty() {
            return Ok(());
        }
        self.ended.extend(ended.iter().map(|one| ExceptionEnded::of(one, cause, now).by(Actor::System)));
        self.bump_epoch().await
    }
}

fn by_id(id: &Id<Exception>) -> Statement<'_> {
    query(concat!("SELECT ", columns!(), " FROM policy_exception e WHERE e.id = $1")).bind(id.as_str())
}

fn standing(agent: &Id<Agent>) -> Statement<'_> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM policy_exception e WHERE e.agent = $1 AND e.ended_at IS NULL ORDER BY e.added_at DESC, e.id DESC"
    );
    query(sql).bind(agent.as_str())
}

impl FromColumns for Exception {
    const WHAT: &'static str = "exception";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let id = columns.parsed()?;
        let name = columns.text()?.parse::<ExceptionName>().map_err(|why| columns.unreadable(why))?;
        let (agent, server, reason, owner) =
            (columns.parsed()?, columns.optional_parsed()?, columns.text()?, columns.parsed()?);
        let (added_at, not_after) = (columns.time()?, columns.time()?);
        let (cause, ended_at, blocked) =
            (columns.optional_parsed()?, columns.optional_time()?, columns.optional_time()?);
        let ended = match (cause, ended_at, blocked) {
            (Some(cause), Some(at), _) => Some((cause, at)),
            // What ran out before the block was there is not ended by it.
            (None, None, Some(at)) if at < not_after => Some((ExceptionEnd::Revoked, at)),
            (None, None, _) => None,
            _ => return Err(columns.unreadable("what ended it can not be known")),
        };
        Ok(Self { id, name, agent, server, reason, owner, added_at, not_after, ended })
    }
}
