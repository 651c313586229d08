//! Putting the time of a store right again, after a clock that ran ahead made changes in it.
//!
//! Time here never goes back by itself: the latest change is the mark that everybody's `now` stays at or above. So
//! one change that was made a fortnight ahead stops the clock of all for a fortnight. The way out is an act of the
//! operator, and it is careful: nothing that was given in the time that never was stays given, and nothing that was used
//! can be used again.

use model::{Span, Timestamp, event::ElevationEnd};
use sqlx::query;

use crate::{
    epoch::lease::{LOOK_EVERY, Signs, signs},
    error::StoreError,
    sql::connect::{Connect, Purpose},
    tables::privilege_tx::PrivilegeTx,
};

/// For so long after, nothing is accepted that may be used once only: the clock that ran ahead may have forgotten what was
/// used. No such value lives for longer.
pub const USED_VALUES_UNKNOWN: Span = Span::from_minutes(5);

/// What ended because it could not be said when it had been given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutRight {
    /// Grants that were made later than now.
    pub grants: u64,
    /// Installations that were made, or refreshed, later than now.
    pub installations: u64,
    /// Elevations that were open.
    pub elevations: u64,
    /// Sessions of people.
    pub sessions: u64,
}

/// No node gave a sign of life while somebody looked for as long as one may be silent.
///
/// Only [`crate::Store::no_node_runs`] makes it. A node that starts afterwards leaves a sign that is not among these.
#[derive(Clone, Debug)]
pub struct NoNodeRuns {
    signs: Signs,
}

impl NoNodeRuns {
    /// Looks for nodes, which takes as long as one may be silent.
    ///
    /// # Errors
    /// [`StoreError::NodesRun`] when there is one.
    pub(crate) async fn look(connect: &Connect) -> Result<Self, StoreError> {
        let mut connection = connect.connect(Purpose::Watch).await?;
        let seen = Self { signs: signs(&mut connection).await? };
        tokio::time::sleep(connect.silence() + 2 * LOOK_EVERY).await;
        seen.holds(&signs(&mut connection).await?)?;
        Ok(seen)
    }

    fn holds(&self, now: &Signs) -> Result<(), StoreError> {
        let alive: Vec<&str> = now
            .iter()
            .filter(|(name, sign)| self.signs.get(*name) != Some(sign))
            .map(|(name, _)| name.as_str())
            .collect();
        if alive.is_empty() { Ok(()) } else { Err(StoreError::NodesRun(alive.join(", "))) }
    }
}

impl PrivilegeTx<'_, '_> {
    /// Lets this change, and all after it, be made at `wall`, which is earlier than the last one. Ends what was given later
    /// than that, every elevation, session, code and login under way; bumps the epoch.
    ///
    /// No node may run: each holds the later time in memory. One that started since `seen` was looked for is seen here,
    /// because a start leaves its sign of life in the transaction that reads the time. One that only hung meanwhile ends when
    /// it goes on. Access tokens of the later time are for whoever calls this to end, with their keys.
    ///
    /// # Errors
    /// [`StoreError::NodesRun`]; nothing is changed then.
    pub async fn put_clock_right(&mut self, wall: Timestamp, seen: &NoNodeRuns) -> Result<PutRight, StoreError> {
        let now = signs(self.connection).await;
        self.failed |= now.is_err();
        // INVARIANT: this transaction holds the head of the log, and a start reads that under its lock.
        seen.holds(&now?)?;
        let counts = [
            "UPDATE agent_grant SET ended_at = $1 WHERE created_at > $1 AND (ended_at IS NULL OR ended_at > $1)",
            "UPDATE installation SET ended_at = $1 WHERE ended_at IS NULL AND (since > $1 OR last_refresh > $1
                 OR id IN (SELECT family FROM refresh_token WHERE issued_at > $1))",
        ];
        let mut done = PutRight::default();
        for (sql, count) in counts.into_iter().zip([&mut done.grants, &mut done.installations]) {
            *count = self.run(query(sql).bind(wall.micros())).await?;
        }
        // The one record of this change stands for the ends of all elevations: it is the way out, and must not fail because
        // there are many.
        let elevations = "UPDATE elevation SET state = 'ended' WHERE state IN ('requested', 'active')";
        done.elevations = self.run(query(elevations)).await?;
        self.end_what_hangs_on_ended(wall, ElevationEnd::GrantEnded).await?;
        done.sessions = self.run(query("DELETE FROM session")).await?;
        for sql in ["DELETE FROM code", "DELETE FROM flow", "DELETE FROM enrolment"] {
            self.run(query(sql)).await?;
        }
        for sql in [
            "UPDATE refresh_token SET state = 'ended', nonce = NULL WHERE state <> 'ended'
             AND family IN (SELECT id FROM installation WHERE ended_at = $1)",
            "UPDATE task SET state = 'ended', cause = 'revoked', ended_at = $1 WHERE state <> 'ended'",
            "UPDATE duty SET cause = 'time_over', ended_at = $1 WHERE ended_at IS NULL",
            "UPDATE policy_exception SET cause = 'elapsed', ended_at = $1 WHERE ended_at IS NULL",
            // A block that was lifted later than now goes on to stop what was issued before now.
            "UPDATE block SET since = $1 WHERE since > $1",
            "UPDATE block SET lifted_at = $1 WHERE lifted_at > $1",
            "UPDATE signing_key SET made_at = $1 WHERE made_at > $1",
            "UPDATE client SET fetched_at = $1, fresh_until = $1 WHERE fetched_at > $1",
        ] {
            self.run(query(sql).bind(wall.micros())).await?;
        }
        self.now = wall;
        let unknown_until = "INSERT INTO used_once (kind, word, not_after) VALUES ('clock', 'put_right', $1)
             ON CONFLICT (kind, word) DO UPDATE SET not_after = excluded.not_after";
        self.run(query(unknown_until).bind(wall.after(USED_VALUES_UNKNOWN).micros())).await?;
        self.put_right = true;
        self.bump_epoch().await?;
        Ok(done)
    }
}
