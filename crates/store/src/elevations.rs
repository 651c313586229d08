//! Elevations: asked for, decided, used, ended.
//!
//! Every step is one conditional statement, so of several callers one wins.

use model::{Agent, Elevation, ElevationState, Grant, Id, Scope, Span, Timestamp};
use sqlx::{AnyConnection, any::AnyRow, query};

use crate::{Store, StoreError, Tx, columns::Columns, stopped::elevation_stopped};

/// The columns [`elevation`] reads, of a table called `e`.
macro_rules! elevation_columns {
    () => {
        concat!(
            "e.id, e.grant_id, e.scope, e.step_up, e.state, e.reason, e.requested_at, e.decide_before, e.decided_by, \
             e.decided_at, e.lasts, e.not_after, e.max_uses, e.uses, ",
            elevation_stopped!()
        )
    };
}

/// The same of a row that was just changed, which is none that is stopped.
macro_rules! changed_columns {
    () => {
        "id, grant_id, scope, step_up, state, reason, requested_at, decide_before, decided_by, decided_at, lasts, \
         not_after, max_uses, uses, CAST(NULL AS BIGINT)"
    };
}

pub(crate) use changed_columns;

impl Store {
    /// The elevation of that id.
    pub async fn elevation(&self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let found = by_id(reader.connection(), id).await;
        reader.done(found)
    }

    /// The newest `limit` elevations, newest first.
    pub async fn elevations(&self, limit: u32) -> Result<Vec<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e ORDER BY e.requested_at DESC, e.id DESC LIMIT $1"
        );
        let rows = query(sql).bind(i64::from(limit)).fetch_all(reader.connection()).await;
        all(&reader.done(rows.map_err(StoreError::from))?)
    }

    /// Those that wait for a decision at `now`, oldest first.
    pub async fn pending(&self, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.state = 'requested' AND e.decide_before > $1 ORDER BY e.requested_at, e.id"
        );
        let rows = query(sql).bind(now.micros()).fetch_all(reader.connection()).await;
        let mut pending = all(&reader.done(rows.map_err(StoreError::from))?)?;
        pending.retain(|elevation| elevation.is_pending(now));
        Ok(pending)
    }

    /// Those whose time is over at `now` although nobody has ended them: active beyond their end, or
    /// asked for and never decided. Oldest first, at most 256.
    pub async fn elapsed_elevations(&self, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE (e.state = 'active' AND e.not_after <= $1)
              OR (e.state = 'requested' AND e.decide_before <= $1) ORDER BY e.requested_at, e.id LIMIT 256"
        );
        let rows = query(sql).bind(now.micros()).fetch_all(reader.connection()).await;
        all(&reader.done(rows.map_err(StoreError::from))?)
    }

    /// The newest one that was asked for under this grant and for this scope, whatever became of it.
    pub async fn newest_elevation(&self, grant: &Id<Grant>, scope: &Scope) -> Result<Option<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.grant_id = $1 AND e.scope = $2 ORDER BY e.requested_at DESC, e.id DESC LIMIT 1"
        );
        let rows = query(sql).bind(grant.as_str()).bind(scope.to_string()).fetch_all(reader.connection()).await;
        Ok(all(&reader.done(rows.map_err(StoreError::from))?)?.into_iter().next())
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        let mut reader = self.reader().await?;
        let found = live(reader.connection(), grant, now).await;
        reader.done(found)
    }
}

impl Tx<'_> {
    /// The elevation of that id.
    pub async fn elevation(&mut self, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
        by_id(self.connection, id).await
    }

    /// The one that waits for a decision about this scope of this grant.
    pub async fn pending_for(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e WHERE e.grant_id = $1 AND e.scope = $2 AND e.state = 'requested' AND e.decide_before > $3
              ORDER BY e.requested_at, e.id"
        );
        let pending = query(sql).bind(grant.as_str()).bind(scope.to_string()).bind(now.micros());
        let pending = pending.fetch_all(&mut *self.connection).await;
        self.failed |= pending.is_err();
        Ok(all(&pending?)?.into_iter().find(|elevation| elevation.is_pending(now)))
    }

    /// How many of an agent's wait for a decision.
    pub async fn count_pending_of(&mut self, agent: &Id<Agent>, now: Timestamp) -> Result<u32, StoreError> {
        let row = self
            .row(
                query(
                    "SELECT COUNT(*) FROM elevation e JOIN agent_grant g ON g.id = e.grant_id
             WHERE g.agent = $1 AND e.state = 'requested' AND e.decide_before > $2",
                )
                .bind(agent.as_str())
                .bind(now.micros()),
            )
            .await?;
        row.map_or(Ok(0), |row| Columns::of("elevation", &row).number())
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
        let rows = query(sql).bind(agent.as_str()).bind(since.micros()).fetch_all(&mut *self.connection).await;
        self.failed |= rows.is_err();
        all(&rows?)
    }

    /// Those of a grant that may be used at `now`.
    pub async fn live_elevations(&mut self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
        live(self.connection, grant, now).await
    }

    /// Adds an elevation in whatever state.
    pub async fn put_elevation(&mut self, elevation: &Elevation) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO elevation (id, grant_id, scope, step_up, state, reason, requested_at, decide_before,
                 decided_by, decided_at, lasts, not_after, max_uses, uses)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            )
            .bind(elevation.id.as_str())
            .bind(elevation.grant.as_str())
            .bind(elevation.scope.to_string())
            .bind(elevation.by.as_str())
            .bind(elevation.state.as_str())
            .bind(&elevation.reason)
            .bind(elevation.requested_at.micros())
            .bind(elevation.decide_before.micros())
            .bind(elevation.decided_by.as_deref())
            .bind(elevation.decided_at.map(Timestamp::micros))
            .bind(elevation.lasts.seconds() as i64)
            .bind(elevation.not_after.map(Timestamp::micros))
            .bind(i64::from(elevation.max_uses))
            .bind(i64::from(elevation.uses)),
        )
        .await?;
        Ok(())
    }

    /// Requested → active; `false` when it was decided before or had lapsed.
    pub async fn activate_elevation(
        &mut self,
        id: &Id<Elevation>,
        decided_by: &str,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET state = 'active', decided_by = $2, decided_at = $3, not_after = $4
                   WHERE id = $1 AND state = 'requested' AND decide_before > $3";
        let changed =
            self.run(query(sql).bind(id.as_str()).bind(decided_by).bind(now.micros()).bind(not_after.micros())).await?;
        Ok(changed == 1)
    }

    /// Requested → denied; `false` when it was decided before or had lapsed.
    pub async fn deny_elevation(
        &mut self,
        id: &Id<Elevation>,
        decided_by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET state = 'denied', decided_by = $2, decided_at = $3
                   WHERE id = $1 AND state = 'requested' AND decide_before > $3";
        let changed = self.run(query(sql).bind(id.as_str()).bind(decided_by).bind(now.micros())).await?;
        Ok(changed == 1)
    }

    /// Requested or active → ended; `false` when it was over before. An active one's end moves forward to
    /// `now`, and the epoch is bumped when that took something away.
    pub async fn end_elevation(&mut self, id: &Id<Elevation>, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET state = 'ended',
                       not_after = CASE WHEN not_after > $2 THEN $2 ELSE not_after END
                   WHERE id = $1 AND state IN ('requested', 'active') RETURNING not_after";
        let Some(row) = self.row(query(sql).bind(id.as_str()).bind(now.micros())).await? else { return Ok(false) };
        if Columns::of("elevation", &row).optional_time()? == Some(now) {
            self.bump_epoch().await?;
        }
        Ok(true)
    }

    /// Takes one use of that elevation of that grant, if it is live now; the last use ends it.
    /// Of several callers no more than `max_uses` get an answer.
    pub async fn use_elevation_of(
        &mut self,
        grant: &Id<Grant>,
        id: &Id<Elevation>,
    ) -> Result<Option<Elevation>, StoreError> {
        let sql = concat!(
            "UPDATE elevation AS e SET uses = uses + 1,
                 state = CASE WHEN uses + 1 >= max_uses THEN 'ended' ELSE state END
             WHERE id = $1 AND grant_id = $2 AND state = 'active' AND not_after > $3 AND uses < max_uses AND ",
            elevation_stopped!(),
            " IS NULL RETURNING ",
            changed_columns!()
        );
        let now = self.now.micros();
        self.row(query(sql).bind(id.as_str()).bind(grant.as_str()).bind(now))
            .await?
            .map(|row| elevation(&row))
            .transpose()
    }
}

impl Tx<'_> {
    /// Gives one use of that elevation of that grant back. `None` when there is none to give back.
    ///
    /// If the last use ended it and its time is not over, it is in force again, unless anything was taken away
    /// since the epoch of that [stamp](Store::epoch_stamp): who ends what is used up leaves no trace on it, so a change is taken for that.
    pub async fn return_use_of(
        &mut self,
        grant: &Id<Grant>,
        id: &Id<Elevation>,
        not_after: Timestamp,
        epoch: Option<&str>,
    ) -> Result<Option<Elevation>, StoreError> {
        let sql = concat!(
            "UPDATE elevation SET uses = uses - 1,
                 state = CASE WHEN state = 'ended' AND uses >= max_uses AND not_after = $3 AND not_after > $4
                     AND (SELECT stamp FROM epoch ORDER BY value DESC LIMIT 1) = $5 THEN 'active' ELSE state END
             WHERE id = $1 AND grant_id = $2 AND uses > 0 RETURNING ",
            changed_columns!()
        );
        let now = self.now.micros();
        let query = query(sql).bind(id.as_str()).bind(grant.as_str());
        self.row(query.bind(not_after.micros()).bind(now).bind(epoch.unwrap_or_default()))
            .await?
            .map(|row| elevation(&row))
            .transpose()
    }
}

async fn by_id(connection: &mut AnyConnection, id: &Id<Elevation>) -> Result<Option<Elevation>, StoreError> {
    query(concat!("SELECT ", elevation_columns!(), " FROM elevation e WHERE e.id = $1"))
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(|row| elevation(&row))
        .transpose()
}

async fn live(connection: &mut AnyConnection, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<Elevation>, StoreError> {
    let sql = concat!(
        "SELECT ",
        elevation_columns!(),
        " FROM elevation e WHERE e.grant_id = $1 AND e.state = 'active' AND e.not_after > $2 AND e.uses < e.max_uses
          ORDER BY e.not_after, e.id"
    );
    let mut live = all(&query(sql).bind(grant.as_str()).bind(now.micros()).fetch_all(connection).await?)?;
    live.retain(|elevation| elevation.is_live(now));
    Ok(live)
}

fn all(rows: &[AnyRow]) -> Result<Vec<Elevation>, StoreError> {
    rows.iter().map(elevation).collect()
}

pub(crate) fn elevation(row: &AnyRow) -> Result<Elevation, StoreError> {
    let mut columns = Columns::of("elevation", row);
    let mut elevation = Elevation {
        id: columns.parsed()?,
        grant: columns.parsed()?,
        scope: columns.parsed()?,
        by: columns.parsed()?,
        state: columns.parsed()?,
        reason: columns.text()?,
        requested_at: columns.time()?,
        decide_before: columns.time()?,
        decided_by: columns.optional_text()?,
        decided_at: columns.optional_time()?,
        lasts: Span::from_seconds(columns.number()?),
        not_after: columns.optional_time()?,
        max_uses: columns.number()?,
        uses: columns.number()?,
    };
    let waits_or_stands = matches!(elevation.state, ElevationState::Requested | ElevationState::Active);
    if let (Some(stopped), true) = (columns.optional_time()?, waits_or_stands) {
        elevation.state = ElevationState::Ended;
        elevation.not_after = elevation.not_after.map(|end| end.min(stopped));
    }
    Ok(elevation)
}
