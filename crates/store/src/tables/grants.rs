//! Grants, and whether what hangs on one still stands.

use model::{Agent, Grant, Id, Installation, Person, ScopeSet, Server, Timestamp, event::ElevationEnd};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, tx::Tx},
    tables::{
        agents,
        elevations::changed_columns,
        ended_by_block::{earlier, grant_ended_by_block},
    },
};

/// The columns [`grant`] reads, of a table called `g` with its agent `a`.
macro_rules! grant_columns {
    () => {
        concat!(
            "g.id, g.agent, g.person, g.server, g.scopes, g.created_at, g.not_after, g.ended_at, ",
            grant_ended_by_block!()
        )
    };
}

/// The table of grants, each with its agent.
macro_rules! from_grants {
    () => {
        " FROM agent_grant g LEFT JOIN agent a ON a.id = g.agent"
    };
}

/// Everything that must be alive for a call under a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantHolder {
    /// The grant, ended or not.
    pub grant: Grant,
    /// Its agent, in whatever state.
    pub agent: Agent,
    /// The person it acts for, or the agent's owner, is disabled or unknown.
    pub person_disabled: bool,
    /// The installation that acts was ended.
    pub installation_ended: bool,
}

impl Readers {
    /// The grant of that id, ended or not.
    pub async fn grant(&self, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
        let mut reader = self.lend().await?;
        let found = by_id(reader.connection(), id).await;
        reader.done(found)
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let mut reader = self.lend().await?;
        let found = live(reader.connection(), agent, server, now).await;
        reader.done(found)
    }

    /// Grants, newest first; with `live_only`, those that stand at that time.
    pub async fn grants(&self, live_only: Option<Timestamp>) -> Result<Vec<Grant>, StoreError> {
        let mut reader = self.lend().await?;
        let rows = match live_only {
            None => {
                let sql =
                    concat!("SELECT ", grant_columns!(), concat!(from_grants!(), " ORDER BY g.created_at DESC, g.id"));
                query(sql).fetch_all(reader.connection()).await
            }
            Some(now) => {
                let sql = concat!(
                    "SELECT ",
                    grant_columns!(),
                    from_grants!(),
                    " WHERE g.ended_at IS NULL AND g.not_after > $1 ORDER BY g.created_at DESC, g.id"
                );
                query(sql).bind(now.micros()).fetch_all(reader.connection()).await
            }
        };
        let rows = reader.done(rows.map_err(StoreError::from))?;
        let mut grants: Vec<Grant> =
            rows.iter().map(|row| grant(&mut Columns::of("grant", row))).collect::<Result<_, _>>()?;
        grants.retain(|grant| live_only.is_none_or(|now| grant.is_live(now)));
        Ok(grants)
    }

    /// Every grant of an agent, newest first.
    pub async fn grants_of(&self, agent: &Id<Agent>) -> Result<Vec<Grant>, StoreError> {
        let mut reader = self.lend().await?;
        let sql = concat!(
            "SELECT ",
            grant_columns!(),
            from_grants!(),
            " WHERE g.agent = $1 ORDER BY g.created_at DESC, g.id"
        );
        let rows = query(sql).bind(agent.as_str()).fetch_all(reader.connection()).await.map_err(StoreError::from);
        reader.done(rows)?.iter().map(|row| grant(&mut Columns::of("grant", row))).collect()
    }

    /// All that must be alive for a call under the grant by one of its installations, in one statement.
    pub async fn grant_holder(
        &self,
        id: &Id<Grant>,
        installation: Option<&Id<Installation>>,
    ) -> Result<Option<GrantHolder>, StoreError> {
        let mut reader = self.lend().await?;
        let sql = concat!(
            "SELECT ",
            grant_columns!(),
            ", ",
            agents::columns_of_agent!(),
            ", p.disabled, o.disabled,
             (SELECT COUNT(*) FROM block b WHERE b.kind = 'installation' AND b.name = $2)
             FROM agent_grant g JOIN agent a ON a.id = g.agent
             LEFT JOIN person p ON p.id = g.person LEFT JOIN person o ON o.id = a.owner
             WHERE g.id = $1"
        );
        let statement = query(sql).bind(id.as_str()).bind(installation.map_or("", Id::as_str));
        let row = statement.fetch_optional(reader.connection()).await.map_err(StoreError::from);
        let Some(row) = reader.done(row)? else { return Ok(None) };
        let mut columns = Columns::of("holder of a grant", &row);
        let (grant, agent) = (grant(&mut columns)?, agents::agent(&mut columns)?);
        let (person, owner) = (columns.optional_flag()?, columns.optional_flag()?);
        // A name that is not in the store is nobody, and nobody may be acted for.
        let person_disabled = (grant.person.is_some() && person.unwrap_or(true)) || owner.unwrap_or(true);
        let installation_ended = columns.flag()?;
        Ok(Some(GrantHolder { grant, agent, person_disabled, installation_ended }))
    }
}

impl Tx<'_> {
    /// The grant of that id, ended or not.
    pub async fn grant(&mut self, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
        by_id(self.connection, id).await
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &mut self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        live(self.connection, agent, server, now).await
    }

    /// Adds a grant. One of the same agent and server that expired or was stopped is ended first; a live one makes this
    /// fail.
    pub async fn put_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        let sql = "SELECT id FROM agent_grant WHERE agent = $1 AND server = $2 AND ended_at IS NULL";
        if let Some(row) = self.row(query(sql).bind(grant.agent.as_str()).bind(grant.server.as_str())).await?
            && let Some(before) = by_id(self.connection, &Columns::of("grant", &row).parsed()?).await?
            && !before.is_live(grant.created_at)
        {
            let ended_at = before.ended_at.unwrap_or(before.not_after);
            let sql = "UPDATE agent_grant SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
            self.run(query(sql).bind(before.id.as_str()).bind(ended_at.micros())).await?;
            self.end_what_hangs_on(&before.id, ended_at).await?;
        }
        self.run(
            query(
                "INSERT INTO agent_grant (id, agent, person, server, scopes, created_at, not_after, ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(grant.id.as_str())
            .bind(grant.agent.as_str())
            .bind(grant.person.as_ref().map(Id::as_str))
            .bind(grant.server.as_str())
            .bind(grant.scopes.to_string())
            .bind(grant.created_at.micros())
            .bind(grant.not_after.micros())
            .bind(grant.ended_at.map(Timestamp::micros)),
        )
        .await?;
        Ok(())
    }

    /// Gives a grant that has not ended a new baseline and a new end, and bumps the epoch.
    pub async fn extend_grant(
        &mut self,
        id: &Id<Grant>,
        scopes: &ScopeSet,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            query("UPDATE agent_grant SET scopes = $2, not_after = $3 WHERE id = $1 AND ended_at IS NULL")
                .bind(id.as_str())
                .bind(scopes.to_string())
                .bind(not_after.micros()),
        )
        .await?;
        self.bump_epoch().await
    }

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

    async fn end_what_hangs_on(&mut self, id: &Id<Grant>, at: Timestamp) -> Result<(), StoreError> {
        let installations = "UPDATE installation SET ended_at = $2 WHERE grant_id = $1 AND ended_at IS NULL";
        self.run(query(installations).bind(id.as_str()).bind(at.micros())).await?;
        let elevations = concat!(
            "UPDATE elevation SET state = 'ended' WHERE grant_id = $1 AND state IN ('requested', 'active') RETURNING ",
            changed_columns!()
        );
        self.end_elevations(query(elevations).bind(id.as_str()), ElevationEnd::GrantEnded).await?;
        for sql in [
            "UPDATE refresh_token SET state = 'ended', nonce = NULL WHERE grant_id = $1 AND state <> 'ended'",
            "DELETE FROM code WHERE grant_id = $1 AND used = 0",
        ] {
            self.run(query(sql).bind(id.as_str())).await?;
        }
        self.bump_epoch().await
    }
}

async fn by_id(connection: &mut AnyConnection, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
    query(concat!("SELECT ", grant_columns!(), from_grants!(), " WHERE g.id = $1"))
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(|row| grant(&mut Columns::of("grant", &row)))
        .transpose()
}

async fn live(
    connection: &mut AnyConnection,
    agent: &Id<Agent>,
    server: &Id<Server>,
    now: Timestamp,
) -> Result<Option<Grant>, StoreError> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        from_grants!(),
        " WHERE g.agent = $1 AND g.server = $2 AND g.ended_at IS NULL AND g.not_after > $3"
    );
    let found: Option<Grant> = query(sql)
        .bind(agent.as_str())
        .bind(server.as_str())
        .bind(now.micros())
        .fetch_optional(connection)
        .await?
        .map(|row| grant(&mut Columns::of("grant", &row)))
        .transpose()?;
    Ok(found.filter(|grant| grant.is_live(now)))
}

fn grant(columns: &mut Columns<'_>) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: columns.parsed()?,
        agent: columns.parsed()?,
        person: columns.optional_parsed()?,
        server: columns.parsed()?,
        scopes: columns.parsed()?,
        created_at: columns.time()?,
        not_after: columns.time()?,
        ended_at: earlier(columns.optional_time()?, columns.optional_time()?),
    })
}
