//! The steps of an elevation: asked for, decided, used, ended.
//!
//! Every step is one conditional statement, so of several callers one wins.

use model::{
    Actor, Elevation, ExactCall, Grant, Id, Quorum, Span, Timestamp, Yes,
    event::{ElevationEnd, ElevationEnded},
};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{columns::Columns, statement::Statement},
    tables::{elevations::changed_columns, ended_by_block::elevation_ended_by_block, privilege_tx::PrivilegeTx},
};

impl PrivilegeTx<'_, '_> {
    /// Adds an elevation in whatever state.
    pub async fn put_elevation(&mut self, elevation: &Elevation) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO elevation (id, grant_id, scope, exact_call, step_up, state, reason, requested_at, decide_before,
                 decided_by, decided_at, lasts, not_after, max_uses, uses, task, idle, idle_until, quorum)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
            )
            .bind(elevation.id.as_str())
            .bind(elevation.grant.as_str())
            .bind(elevation.scope.to_string())
            .bind(as_stored(elevation.call.as_ref())?)
            .bind(elevation.by.as_str())
            .bind(elevation.state().as_str())
            .bind(&elevation.reason)
            .bind(elevation.requested_at.micros())
            .bind(elevation.decide_before.micros())
            .bind(elevation.decided().map(|decided| decided.by.as_str()))
            .bind(elevation.decided().map(|decided| decided.at.micros()))
            .bind(elevation.lasts.seconds() as i64)
            .bind(elevation.not_after().map(Timestamp::micros))
            .bind(i64::from(elevation.max_uses))
            .bind(i64::from(elevation.uses()))
            .bind(elevation.ends_with.task.as_ref().map(Id::as_str))
            .bind(elevation.ends_with.idle.map_or(0, Span::seconds) as i64)
            .bind(elevation.ends_with.idle_until.map(Timestamp::micros))
            .bind(quorum_as_stored(&elevation.quorum)?),
        )
        .await?;
        self.put_approvers(&elevation.id, &elevation.quorum).await
    }

    /// Binds a request that waits to another call, or to another installation that may make it; `false` when it was decided.
    pub async fn rebind_elevation(&mut self, id: &Id<Elevation>, call: &ExactCall) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET exact_call = $2 WHERE id = $1 AND state = 'requested'";
        let changed = self.run(query(sql).bind(id.as_str()).bind(as_stored(Some(call))?)).await?;
        Ok(changed == 1)
    }

    /// Keeps who has approved a request that waits; `false` when it was decided before or had lapsed.
    pub async fn put_quorum(&mut self, id: &Id<Elevation>, quorum: &Quorum) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET quorum = $2 WHERE id = $1 AND state = 'requested' AND decide_before > $3";
        let now = self.now.micros();
        let changed = self.run(query(sql).bind(id.as_str()).bind(quorum_as_stored(quorum)?).bind(now)).await?;
        if changed == 0 {
            return Ok(false);
        }
        self.run(query("DELETE FROM elevation_approver WHERE elevation = $1").bind(id.as_str())).await?;
        self.put_approvers(id, quorum).await?;
        Ok(true)
    }

    async fn put_approvers(&mut self, id: &Id<Elevation>, quorum: &Quorum) -> Result<(), StoreError> {
        let sql = "INSERT INTO elevation_approver (elevation, person) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        for person in quorum.given.iter().flat_map(Yes::people) {
            self.run(query(sql).bind(id.as_str()).bind(person.as_str())).await?;
        }
        Ok(())
    }

    /// Lets some of the one call that a request is for vary, for so many calls; `false` when it waits no more.
    pub async fn let_vary(&mut self, id: &Id<Elevation>, call: &ExactCall, uses: u32) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET exact_call = $2, max_uses = $3 WHERE id = $1 AND state = 'requested'";
        let statement = query(sql).bind(id.as_str()).bind(as_stored(Some(call))?).bind(i64::from(uses));
        Ok(self.run(statement).await? == 1)
    }

    /// Requested → active; `false` when it was decided before or had lapsed.
    pub async fn activate_elevation(
        &mut self,
        id: &Id<Elevation>,
        decided_by: &str,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET state = 'active', decided_by = $2, decided_at = $3, not_after = $4,
                       idle_until = CASE WHEN idle > 0 THEN $3 + idle * 1000000 ELSE NULL END
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

    /// Active → ended, because somebody who approved it may not approve any more. `false` when it was over before.
    pub async fn end_unapproved_elevation(&mut self, id: &Id<Elevation>) -> Result<bool, StoreError> {
        let sql = concat!(
            "UPDATE elevation SET state = 'ended', not_after = CASE WHEN not_after > $2 THEN $2 ELSE not_after END
             WHERE id = $1 AND state = 'active' RETURNING ",
            changed_columns!()
        );
        let now = self.now.micros();
        let ended = self.end_elevations(query(sql).bind(id.as_str()).bind(now), ElevationEnd::ApproverGone).await?;
        self.bump_epoch().await?;
        Ok(ended == 1)
    }

    /// Active → ended by itself: its end stays what it was, and calls under way go on. `false` when it was over before.
    pub async fn end_idle_elevation(&mut self, id: &Id<Elevation>) -> Result<bool, StoreError> {
        let sql = "UPDATE elevation SET state = 'ended' WHERE id = $1 AND state = 'active'";
        Ok(self.run(query(sql).bind(id.as_str())).await? == 1)
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
                 idle_until = CASE WHEN idle > 0 THEN $3 + idle * 1000000 ELSE NULL END,
                 state = CASE WHEN uses + 1 >= max_uses THEN 'ended' ELSE state END
             WHERE id = $1 AND grant_id = $2 AND state = 'active' AND not_after > $3 AND uses < max_uses
               AND (idle_until IS NULL OR idle_until > $3) AND ",
            elevation_ended_by_block!(),
            " IS NULL RETURNING ",
            changed_columns!()
        );
        let now = self.now.micros();
        self.one(query(sql).bind(id.as_str()).bind(grant.as_str()).bind(now)).await
    }

    /// Gives one use of that elevation of that grant back. `None` when there is none to give back.
    ///
    /// If the last use ended it and its time is not over, it is in force again, unless anything was taken away
    /// since the epoch of that [stamp](crate::Store::epoch_stamp): who ends what is used up leaves no trace on it, so a change is taken for that.
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
        let returned = query(sql).bind(id.as_str()).bind(grant.as_str());
        self.one(returned.bind(not_after.micros()).bind(now).bind(epoch.unwrap_or_default())).await
    }

    /// Runs a statement that ends elevations and returns their `changed_columns!`; how many.
    pub(crate) async fn end_elevations(
        &mut self,
        statement: Statement<'_>,
        cause: ElevationEnd,
    ) -> Result<u64, StoreError> {
        let ended: Vec<Elevation> = self.all(statement).await?;
        let count = ended.len() as u64;
        self.ended.extend(ended.iter().map(|elevation| ElevationEnded::of(elevation, cause).by(Actor::System)));
        Ok(count)
    }
}

/// Nothing, when one person is enough, as in rows from before.
fn quorum_as_stored(quorum: &Quorum) -> Result<Option<String>, StoreError> {
    let text = (!quorum.is_of_one()).then(|| serde_json::to_string(quorum)).transpose();
    text.map_err(|error| StoreError::Unreadable { what: "elevation", why: error.to_string() })
}

fn as_stored(call: Option<&ExactCall>) -> Result<Option<String>, StoreError> {
    let text = call.map(serde_json::to_string).transpose();
    text.map_err(|error| StoreError::Unreadable { what: "elevation", why: error.to_string() })
}
