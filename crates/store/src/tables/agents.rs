//! Agents.

use model::{Agent, AgentState, ClientId, Id, Person, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

impl Readers {
    /// The agent of that name.
    pub async fn agent(&self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        self.one(by_id(id)).await
    }

    /// Agents by name.
    pub async fn agents_page(
        &self,
        after: Option<&Id<Agent>>,
        limit: u32,
    ) -> Result<Page<Agent, Id<Agent>>, StoreError> {
        let sql = concat!("SELECT ", agent_columns!(), " FROM agent a WHERE a.id > $1 ORDER BY a.id LIMIT $2");
        let rows = self.all(query(sql).bind(after.map_or("", Id::as_str)).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |agent: &Agent| agent.id.clone()))
    }

    /// The agents of `person`, and those that act for them at `now`, by name.
    pub async fn agents_of_person(
        &self,
        person: &Id<Person>,
        now: Timestamp,
        after: Option<&Id<Agent>>,
        limit: u32,
    ) -> Result<Page<Agent, Id<Agent>>, StoreError> {
        let sql = concat!(
            "SELECT ",
            agent_columns!(),
            " FROM agent a WHERE a.id IN (
                 SELECT id FROM (SELECT id FROM agent WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $4) o
                 UNION SELECT agent FROM (SELECT DISTINCT agent FROM agent_grant WHERE person = $1 AND ended_at IS NULL
                     AND not_after > $3 AND agent > $2 ORDER BY agent LIMIT $4) f)
             ORDER BY a.id LIMIT $4"
        );
        let statement = query(sql).bind(person.as_str()).bind(after.map_or("", Id::as_str)).bind(now.micros());
        let rows = self.all(statement.bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |agent: &Agent| agent.id.clone()))
    }

    /// The first `limit` clients that agents present.
    pub async fn clients_of_agents(&self, limit: u32) -> Result<Vec<ClientId>, StoreError> {
        let sql = "SELECT DISTINCT client FROM agent ORDER BY client LIMIT $1";
        self.all(query(sql).bind(i64::from(limit))).await
    }

    /// How many different clients agents present.
    pub async fn count_clients_of_agents(&self) -> Result<u64, StoreError> {
        Ok(self.one(query("SELECT COUNT(DISTINCT client) FROM agent")).await?.unwrap_or(0))
    }

    /// How many agents there are.
    pub async fn count_agents(&self) -> Result<u64, StoreError> {
        Ok(self.one(query("SELECT COUNT(*) FROM agent")).await?.unwrap_or(0))
    }

    /// How many agents `owner` answers for.
    pub async fn count_agents_of(&self, owner: &Id<Person>) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM agent WHERE owner = $1";
        Ok(self.one(query(sql).bind(owner.as_str())).await?.unwrap_or(0))
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        self.one(delegated(client, owner)).await
    }
}

impl Tx<'_> {
    /// The agent of that name.
    pub async fn agent(&mut self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&mut self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        self.one(delegated(client, owner)).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds or changes an agent. The time it was first seen, its state and whether it is only eligible stay: only
    /// [`Self::set_agent_state`] and [`Self::set_eligible_only`] change these, so nobody resumes an agent by describing it. Bumps the epoch, because what nodes
    /// hold in memory about an agent that is known already may be wrong now.
    pub async fn put_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        let sql = "INSERT INTO agent (id, title, owner, purpose, kind, client, assurance, state, created_at, sponsor, eligible_only)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, owner = excluded.owner,
                 purpose = excluded.purpose, kind = excluded.kind, client = excluded.client,
                 assurance = excluded.assurance, sponsor = excluded.sponsor";
        self.run(
            query(sql)
                .bind(agent.id.as_str())
                .bind(&agent.title)
                .bind(agent.owner.as_str())
                .bind(&agent.purpose)
                .bind(agent.kind.as_str())
                .bind(agent.client.as_str())
                .bind(agent.assurance.as_str())
                .bind(agent.state.as_str())
                .bind(agent.created_at.micros())
                .bind(agent.sponsor.as_ref().map(Id::as_str))
                .bind(i64::from(agent.eligible_only)),
        )
        .await?;
        self.bump_epoch().await
    }

    /// Lets nothing above the low tier stand for it, or what policies say again, and bumps the epoch; `false` when it was so
    /// already, or there is no such agent.
    pub async fn set_eligible_only(&mut self, id: &Id<Agent>, eligible_only: bool) -> Result<bool, StoreError> {
        let (sql, value) =
            ("UPDATE agent SET eligible_only = $2 WHERE id = $1 AND eligible_only <> $2", i64::from(eligible_only));
        let changed = self.run(query(sql).bind(id.as_str()).bind(value)).await?;
        self.bump_epoch().await?;
        Ok(changed == 1)
    }

    /// Changes the state and bumps the epoch; `false` when it was so already, is retired for good,
    /// or there is no such agent.
    pub async fn set_agent_state(&mut self, id: &Id<Agent>, state: AgentState) -> Result<bool, StoreError> {
        let sql = "UPDATE agent SET state = $2 WHERE id = $1 AND state <> $2 AND state <> 'retired'";
        let changed = self.run(query(sql).bind(id.as_str()).bind(state.as_str())).await?;
        self.bump_epoch().await?;
        Ok(changed == 1)
    }
}

fn by_id(id: &Id<Agent>) -> Statement<'_> {
    query(concat!("SELECT ", agent_columns!(), " FROM agent a WHERE a.id = $1")).bind(id.as_str())
}

fn delegated<'q>(client: &'q ClientId, owner: &'q Id<Person>) -> Statement<'q> {
    let sql = concat!(
        "SELECT ",
        agent_columns!(),
        " FROM agent a WHERE a.client = $1 AND a.owner = $2 AND a.kind = 'delegated'"
    );
    query(sql).bind(client.as_str()).bind(owner.as_str())
}

/// The columns of an agent, of a table called `a`.
macro_rules! agent_columns {
    () => {
        "a.id, a.title, a.owner, a.purpose, a.kind, a.client, a.assurance, a.state, a.created_at, a.sponsor, a.eligible_only"
    };
}
pub(crate) use agent_columns;

/// What an agent presents.
impl FromColumns for ClientId {
    const WHAT: &'static str = "agent";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.parsed()
    }
}

impl FromColumns for Agent {
    const WHAT: &'static str = "agent";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.parsed()?,
            title: columns.text()?,
            owner: columns.parsed()?,
            purpose: columns.text()?,
            kind: columns.parsed()?,
            client: columns.parsed()?,
            assurance: columns.parsed()?,
            state: columns.parsed()?,
            created_at: columns.time()?,
            sponsor: columns.optional_parsed()?,
            eligible_only: columns.flag()?,
        })
    }
}
