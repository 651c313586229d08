//! Agents.

use model::{Agent, AgentState, ClientId, Id, Person};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, tx::Tx},
};

impl Readers {
    /// The agent of that name.
    pub async fn agent(&self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        let mut reader = self.lend().await?;
        let found = by_id(reader.connection(), id).await;
        reader.done(found)
    }

    /// Every agent, by name.
    pub async fn agents(&self) -> Result<Vec<Agent>, StoreError> {
        let mut reader = self.lend().await?;
        let sql = concat!("SELECT ", agent_columns!(), " FROM agent a ORDER BY a.id");
        let rows = query(sql).fetch_all(reader.connection()).await.map_err(StoreError::from);
        reader.done(rows)?.iter().map(|row| agent(&mut Columns::of("agent", row))).collect()
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        let mut reader = self.lend().await?;
        let found = delegated(reader.connection(), client, owner).await;
        reader.done(found)
    }
}

impl Tx<'_> {
    /// The agent of that name.
    pub async fn agent(&mut self, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
        by_id(self.connection, id).await
    }

    /// The delegated agent that presents `client` and acts for `owner`.
    pub async fn agent_of(&mut self, client: &ClientId, owner: &Id<Person>) -> Result<Option<Agent>, StoreError> {
        delegated(self.connection, client, owner).await
    }

    /// Adds or changes an agent. The time it was first seen and its state stay: only
    /// [`Self::set_agent_state`] changes a state, so nobody resumes an agent by describing it. Bumps the epoch, because what nodes
    /// hold in memory about an agent that is known already may be wrong now.
    pub async fn put_agent(&mut self, agent: &Agent) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO agent (id, title, owner, purpose, kind, client, assurance, state, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, owner = excluded.owner,
                 purpose = excluded.purpose, kind = excluded.kind, client = excluded.client,
                 assurance = excluded.assurance",
            )
            .bind(agent.id.as_str())
            .bind(&agent.title)
            .bind(agent.owner.as_str())
            .bind(&agent.purpose)
            .bind(agent.kind.as_str())
            .bind(agent.client.as_str())
            .bind(agent.assurance.as_str())
            .bind(agent.state.as_str())
            .bind(agent.created_at.micros()),
        )
        .await?;
        self.bump_epoch().await
    }

    /// Changes the state and bumps the epoch; `false` when it was so already, is retired for good,
    /// or there is no such agent.
    pub async fn set_agent_state(&mut self, id: &Id<Agent>, state: AgentState) -> Result<bool, StoreError> {
        let changed = self
            .run(
                query("UPDATE agent SET state = $2 WHERE id = $1 AND state <> $2 AND state <> 'retired'")
                    .bind(id.as_str())
                    .bind(state.as_str()),
            )
            .await?;
        self.bump_epoch().await?;
        Ok(changed == 1)
    }
}

async fn by_id(connection: &mut AnyConnection, id: &Id<Agent>) -> Result<Option<Agent>, StoreError> {
    query(concat!("SELECT ", agent_columns!(), " FROM agent a WHERE a.id = $1"))
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(|row| agent(&mut Columns::of("agent", &row)))
        .transpose()
}

async fn delegated(
    connection: &mut AnyConnection,
    client: &ClientId,
    owner: &Id<Person>,
) -> Result<Option<Agent>, StoreError> {
    let sql = concat!(
        "SELECT ",
        agent_columns!(),
        " FROM agent a WHERE a.client = $1 AND a.owner = $2 AND a.kind = 'delegated'"
    );
    query(sql)
        .bind(client.as_str())
        .bind(owner.as_str())
        .fetch_optional(connection)
        .await?
        .map(|row| agent(&mut Columns::of("agent", &row)))
        .transpose()
}

/// The columns [`agent`] reads, of a table called `a`.
macro_rules! agent_columns {
    () => {
        "a.id, a.title, a.owner, a.purpose, a.kind, a.client, a.assurance, a.state, a.created_at"
    };
}
use agent_columns;
pub(crate) use agent_columns as columns_of_agent;

pub(crate) fn agent(columns: &mut Columns<'_>) -> Result<Agent, StoreError> {
    Ok(Agent {
        id: columns.parsed()?,
        title: columns.text()?,
        owner: columns.parsed()?,
        purpose: columns.text()?,
        kind: columns.parsed()?,
        client: columns.parsed()?,
        assurance: columns.parsed()?,
        state: columns.parsed()?,
        created_at: columns.time()?,
    })
}
