//! Elevations: which there are, and which of them wait or may be used.

use model::{Agent, Approval, Decided, Elevation, EndsWith, Grant, Id, Person, Scope, Span, Stage, Task, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::ended_by_block::elevation_ended_by_block,
};

/// The columns of an elevation, of a table called `e`.
macro_rules! elevation_columns {
    () => {
        concat!(
            "e.id, e.grant_id, e.scope, e.exact_call, e.step_up, e.state, e.reason, e.requested_at, e.decide_before, e.decided_by, \
             e.decided_at, e.lasts, e.not_after, e.max_uses, e.uses, \
             e.task, e.idle, e.idle_until, e.quorum, ",
            elevation_ended_by_block!()
        )
    };
}
pub(crate) use elevation_columns;

/// The same of a row that was just changed, which is none that is stopped.
macro_rules! changed_columns {
    () => {
        "id, grant_id, scope, exact_call, step_up, state, reason, requested_at, decide_before, decided_by, decided_at, lasts, \
         not_after, max_uses, uses, task, idle, idle_until, quorum, CAST(NULL AS BIGINT)"
    };
}

pub(crate) use changed_columns;

impl Readers {
    /// The elevation of that id.
    pub async fn elevation(&self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        self.one(by_id(id)).await
    }

    /// Those whose time is over at `now` although nobody has ended them: active beyond their end, or
    /// asked for and never decided. Oldest first, at most 256.
    pub async fn elapsed_elevations(&self, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE (e.state = 'active' AND (e.not_after <= $1 OR e.idle_until <= $1))
              OR (e.state = 'requested' AND e.decide_before <= $1) ORDER BY e.requested_at, e.id LIMIT 256"
        );
        self.all(query(sql).bind(now.micros())).await
    }

    /// The newest one that was asked for under this grant and for this scope, whatever became of it.
    pub async fn newest_elevation(&self, grant: &Id<Grant>, scope: &Scope) -> Result<Option<Elevation>, StoreError> {
        self.one(of_scope(grant, &scope.to_string(), 1)).await
    }

    /// The newest that were asked for under this grant and for this scope, newest first: those that still matter to a call.
    pub async fn recent_elevations(&self, grant: &Id<Grant>, scope: &Scope) -> Result<Vec<Elevation>, StoreError> {
        self.all(of_scope(grant, &scope.to_string(), 16)).await
    }

    /// The newest requests for an approval since `since`, whatever became of them: at most `most`.
    pub async fn approvals_since(&self, since: Timestamp, most: u32) -> Result<Vec<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.requested_at > $1 AND e.step_up = 'approval'
              ORDER BY e.requested_at DESC, e.id DESC LIMIT $2"
        );
        self.all(query(sql).bind(since.micros()).bind(i64::from(most))).await
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        Ok(live_at(self.all(may_be_used(grant, now)).await?, now))
    }
}

impl Tx<'_> {
    /// The elevation of that id.
    pub async fn elevation(&mut self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The newest one that was asked for under this grant and for this scope, whatever became of it.
    pub async fn newest_elevation(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
    ) -> Result<Option<Elevation>, StoreError> {
        self.one(of_scope(grant, &scope.to_string(), 1)).await
    }

    /// Those that wait for a decision about this scope of this grant, in this task, oldest first.
    pub async fn pending_for(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
        task: Option<&Id<Task>>,
        now: Timestamp,
    ) -> Result<Vec<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.grant_id = $1 AND e.scope = $2 AND e.state = 'requested' AND e.decide_before > $3
              ORDER BY e.requested_at, e.id"
        );
        let pending = query(sql).bind(grant.as_str()).bind(scope.to_string()).bind(now.micros());
        let mut pending: Vec<Elevation> = self.all(pending).await?;
        pending.retain(|elevation| elevation.is_pending(now) && elevation.ends_with.task.as_ref() == task);
        Ok(pending)
    }

    /// How many wait for an approval at `now`: of agents of `owner`, and in all.
    pub async fn count_waiting(&mut self, owner: &Id<Person>, now: Timestamp) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT COUNT(CASE WHEN a.owner = $1 THEN 1 END), COUNT(*) FROM elevation e
             JOIN agent_grant g ON g.id = e.grant_id JOIN agent a ON a.id = g.agent
             WHERE e.state = 'requested' AND e.step_up = 'approval' AND e.decide_before > $2";
        let counted: Option<Waiting> = self.one(query(sql).bind(owner.as_str()).bind(now.micros())).await?;
        Ok(counted.map_or((0, 0), |Waiting(theirs, all)| (theirs, all)))
    }

    /// Those of an agent, under whatever grant, that were denied after `since` or asked for after it and never
    /// decided; newest first, at most 256. An agent can end its grant, and get a new one, but not these.
    pub async fn unwelcome_elevations(
        &mut self,
        agent: &Id<Agent>,
        since: Timestamp,
    ) -> Result<Vec<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.grant_id IN (SELECT id FROM agent_grant WHERE agent = $1)
               AND ((e.state = 'denied' AND e.decided_at > $2) OR (e.decided_at IS NULL AND e.requested_at > $2))
              ORDER BY e.requested_at DESC, e.id DESC LIMIT 256"
        );
        self.all(query(sql).bind(agent.as_str()).bind(since.micros())).await
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&mut self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        Ok(live_at(self.all(may_be_used(grant, now)).await?, now))
    }
}

fn by_id(id: &Id<Elevation>) -> Statement<'_> {
    query(concat!("SELECT ", elevation_columns!(), " FROM elevation e WHERE e.id = $1")).bind(id.as_str())
}

fn of_scope<'a>(grant: &'a Id<Grant>, scope: &'a str, most: i64) -> Statement<'a> {
    let sql = concat!(
        "SELECT ",
        elevation_columns!(),
        " FROM elevation e WHERE e.grant_id = $1 AND e.scope = $2 ORDER BY e.requested_at DESC, e.id DESC LIMIT $3"
    );
    query(sql).bind(grant.as_str()).bind(scope).bind(most)
}

fn may_be_used(grant: &Id<Grant>, now: Timestamp) -> Statement<'_> {
    let sql = concat!(
        "SELECT ",
        elevation_columns!(),
        " FROM elevation e WHERE e.grant_id = $1 AND e.state = 'active' AND e.not_after > $2 AND e.uses < e.max_uses
            AND (e.idle_until IS NULL OR e.idle_until > $2)
          ORDER BY e.not_after, e.id"
    );
    query(sql).bind(grant.as_str()).bind(now.micros())
}

/// Without those that a block ended.
fn live_at(mut elevations: Vec<Elevation>, now: Timestamp) -> Vec<Elevation> {
    elevations.retain(|elevation| elevation.is_live(now));
    elevations
}

struct Waiting(u64, u64);

impl FromColumns for Waiting {
    const WHAT: &'static str = "number of requests";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self(columns.number()?, columns.number()?))
    }
}

impl FromColumns for Elevation {
    const WHAT: &'static str = "elevation";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (id, grant, scope) = (columns.parsed()?, columns.parsed()?, columns.parsed()?);
        let call = columns.optional_json()?;
        let (by, state, reason) = (columns.parsed()?, columns.parsed()?, columns.text()?);
        let (requested_at, decide_before) = (columns.time()?, columns.time()?);
        let decided = columns.optional_text()?.zip(columns.optional_time()?).map(|(by, at)| Decided { by, at });
        let (lasts, not_after) = (Span::from_seconds(columns.number()?), columns.optional_time()?);
        let (max_uses, uses) = (columns.number()?, columns.number()?);
        let task = columns.optional_parsed()?;
        let idle = Some(columns.number()?).filter(|idle| *idle > 0).map(Span::from_seconds);
        let ends_with = EndsWith { task, idle, idle_until: columns.optional_time()? };
        let quorum = columns.optional_json()?.unwrap_or_default();
        let stage = Stage::of(state, decided, not_after, uses).map_err(|why| columns.unreadable(why))?;
        let stage = match (stage, columns.optional_time()?) {
            (Stage::Requested, Some(_)) => Stage::Ended(None),
            (Stage::Active(approval), Some(blocked)) => {
                Stage::Ended(Some(Approval { not_after: approval.not_after.min(blocked), ..approval }))
            }
            (stage, _) => stage,
        };
        Ok(Self {
            id,
            grant,
            scope,
            call,
            by,
            quorum,
            reason,
            requested_at,
            decide_before,
            lasts,
            max_uses,
            ends_with,
            stage,
        })
    }
}
