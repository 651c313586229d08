//! Grants, and whether what hangs on one still stands.

use model::{Agent, Grant, Id, Installation, ScopeSet, Server, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::{
        agents::agent_columns,
        ended_by_block::{earlier, grant_ended_by_block},
        privilege_tx::PrivilegeTx,
    },
};

/// The columns of a grant, of a table called `g` with its agent `a`.
macro_rules! grant_columns {
    () => {
        concat!(
            "g.id, g.agent, g.person, g.server, g.scopes, g.created_at, g.not_after, g.ended_at, ",
            grant_ended_by_block!()
        )
    };
}
pub(crate) use grant_columns;

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
        self.one(by_id(id)).await
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let found: Option<Grant> = self.one(live(agent, server, now)).await?;
        Ok(found.filter(|grant| grant.is_live(now)))
    }

    /// Every grant of an agent, newest first.
    pub async fn grants_of(&self, agent: &Id<Agent>) -> Result<Vec<Grant>, StoreError> {
        let sql = concat!(
            "SELECT ",
            grant_columns!(),
            from_grants!(),
            " WHERE g.agent = $1 ORDER BY g.created_at DESC, g.id"
        );
        self.all(query(sql).bind(agent.as_str())).await
    }

    /// All that must be alive for a call under the grant by one of its installations, in one statement.
    pub async fn grant_holder(
        &self,
        id: &Id<Grant>,
        installation: Option<&Id<Installation>>,
    ) -> Result<Option<GrantHolder>, StoreError> {
        let sql = concat!(
            "SELECT ",
            grant_columns!(),
            ", ",
            agent_columns!(),
            ", p.disabled, o.disabled,
             (SELECT COUNT(*) FROM block b WHERE b.kind = 'installation' AND b.name = $2)
             FROM agent_grant g JOIN agent a ON a.id = g.agent
             LEFT JOIN person p ON p.id = g.person LEFT JOIN person o ON o.id = a.owner
             WHERE g.id = $1"
        );
        self.one(query(sql).bind(id.as_str()).bind(installation.map_or("", Id::as_str))).await
    }
}

impl Tx<'_> {
    /// The grant of that id, ended or not.
    pub async fn grant(&mut self, id: &Id<Grant>) -> Result<Option<Grant>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The live grant of an agent on a server.
    pub async fn live_grant(
        &mut self,
        agent: &Id<Agent>,
        server: &Id<Server>,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let found: Option<Grant> = self.one(live(agent, server, now)).await?;
        Ok(found.filter(|grant| grant.is_live(now)))
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds a grant. One of the same agent and server that expired or was stopped is ended first; a live one makes this
    /// fail.
    pub async fn put_grant(&mut self, grant: &Grant) -> Result<(), StoreError> {
        let sql = "SELECT id FROM agent_grant WHERE agent = $1 AND server = $2 AND ended_at IS NULL";
        if let Some(row) = self.row(query(sql).bind(grant.agent.as_str()).bind(grant.server.as_str())).await?
            && let Some(before) = self.grant(&Columns::of("grant", &row).parsed()?).await?
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
}

fn by_id(id: &Id<Grant>) -> Statement<'_> {
    query(concat!("SELECT ", grant_columns!(), from_grants!(), " WHERE g.id = $1")).bind(id.as_str())
}

fn live<'q>(agent: &'q Id<Agent>, server: &'q Id<Server>, now: Timestamp) -> Statement<'q> {
    let sql = concat!(
        "SELECT ",
        grant_columns!(),
        from_grants!(),
        " WHERE g.agent = $1 AND g.server = $2 AND g.ended_at IS NULL AND g.not_after > $3"
    );
    query(sql).bind(agent.as_str()).bind(server.as_str()).bind(now.micros())
}

impl FromColumns for Grant {
    const WHAT: &'static str = "grant";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
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
}

impl FromColumns for GrantHolder {
    const WHAT: &'static str = "holder of a grant";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (grant, agent) = (Grant::read(columns)?, Agent::read(columns)?);
        let (person, owner) = (columns.optional_flag()?, columns.optional_flag()?);
        // A name that is not in the store is nobody, and nobody may be acted for.
        let person_disabled = (grant.person.is_some() && person.unwrap_or(true)) || owner.unwrap_or(true);
        Ok(Self { grant, agent, person_disabled, installation_ended: columns.flag()? })
    }
}
