//! Ends of grants, with all that hangs on them.

use model::{Agent, Grant, Id, Person, Timestamp, event::ElevationEnd};
use sqlx::query;

use crate::{
    error::StoreError,
    tables::{elevations::changed_columns, privilege_tx::PrivilegeTx},
};

impl PrivilegeTx<'_, '_> {
    /// Ends a grant with its elevations, installations, codes and refresh tokens, and bumps the epoch; `false` when it
    /// had ended before.
    pub async fn end_grant(&mut self, id: &Id<Grant>, now: Timestamp) -> Result<bool, StoreError> {
        let ended = self
            .run(
                query("UPDATE agent_grant SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL")
                    .bind(id.as_str())
                    .bind(now.micros()),
            )
            .await?;
        self.end_what_hangs_on(id, now).await?;
        Ok(ended == 1)
    }

    /// Ends every grant under which somebody acts for `person`, or an agent of theirs acts, and bumps the epoch. Returns
    /// how many.
    pub async fn end_grants_of_person(&mut self, person: &Id<Person>, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE agent_grant SET ended_at = $2 WHERE ended_at IS NULL
                   AND (person = $1 OR agent IN (SELECT id FROM agent WHERE owner = $1))";
        self.end_grants(sql, person.as_str(), now).await
    }

    /// Ends every grant of an agent, and bumps the epoch. Returns how many.
    pub async fn end_grants_of_agent(&mut self, agent: &Id<Agent>, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE agent_grant SET ended_at = $2 WHERE ended_at IS NULL AND agent = $1";
        self.end_grants(sql, agent.as_str(), now).await
    }

    async fn end_grants(&mut self, sql: &'static str, of: &str, now: Timestamp) -> Result<u64, StoreError> {
        let ended = self.run(query(sql).bind(of).bind(now.micros())).await?;
        self.end_what_hangs_on_ended(now, ElevationEnd::GrantEnded).await?;
        self.bump_epoch().await?;
        Ok(ended)
    }

    /// What hangs on the grants that ended at `at`, as [`Self::end_grant`] does it for one. The epoch stays.
    pub(crate) async fn end_what_hangs_on_ended(
        &mut self,
        at: Timestamp,
        cause: ElevationEnd,
    ) -> Result<(), StoreError> {
        let elevations = concat!(
            "UPDATE elevation SET state = 'ended' WHERE state IN ('requested', 'active')
             AND grant_id IN (SELECT id FROM agent_grant WHERE ended_at = $1) RETURNING ",
            changed_columns!()
        );
        self.end_elevations(query(elevations).bind(at.micros()), cause).await?;
        self.end_tasks_of_ended_grants(at).await?;
        for sql in [
            "UPDATE installation SET ended_at = $1 WHERE ended_at IS NULL
             AND grant_id IN (SELECT id FROM agent_grant WHERE ended_at = $1)",
            "UPDATE refresh_token SET state = 'ended', nonce = NULL WHERE state <> 'ended'
             AND grant_id IN (SELECT id FROM agent_grant WHERE ended_at = $1)",
            "DELETE FROM code WHERE used = 0 AND grant_id IN (SELECT id FROM agent_grant WHERE ended_at = $1)",
        ] {
            self.run(query(sql).bind(at.micros())).await?;
        }
        Ok(())
    }

    /// The same for one, with the epoch.
    pub(crate) async fn end_what_hangs_on(&mut self, id: &Id<Grant>, at: Timestamp) -> Result<(), StoreError> {
        let installations = "UPDATE installation SET ended_at = $2 WHERE grant_id = $1 AND ended_at IS NULL";
        self.run(query(installations).bind(id.as_str()).bind(at.micros())).await?;
        let elevations = concat!(
            "UPDATE elevation SET state = 'ended' WHERE grant_id = $1 AND state IN ('requested', 'active') RETURNING ",
            changed_columns!()
        );
        self.end_elevations(query(elevations).bind(id.as_str()), ElevationEnd::GrantEnded).await?;
        self.end_tasks_of_grant(id).await?;
        for sql in [
            "UPDATE refresh_token SET state = 'ended', nonce = NULL WHERE grant_id = $1 AND state <> 'ended'",
            "DELETE FROM code WHERE grant_id = $1 AND used = 0",
        ] {
            self.run(query(sql).bind(id.as_str())).await?;
        }
        self.bump_epoch().await
    }
}
