//! Grants that stand, as lists and as numbers.
//!
//! A grant that a block ended is over since the block, also when its row does not say so yet: lists leave it out, and
//! numbers look at each row for as long as a block has ends that are not written down.

use model::{Agent, Grant, Id, ScopeSet, Server, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{After, Page, more_than},
        readers::Readers,
        statement::FromColumns,
    },
    tables::{agents::agent_columns, ended_by_block::grant_ended_by_block, grants::grant_columns},
};

/// A grant and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldGrant {
    /// The grant.
    pub grant: Grant,
    /// The agent that holds it.
    pub agent: Agent,
}

/// How many grants of one server stand with the same baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingGrants {
    /// The server.
    pub server: Id<Server>,
    /// The baseline.
    pub scopes: ScopeSet,
    /// How many.
    pub count: u64,
}

/// The rows of [`HeldGrant`].
macro_rules! held_grants {
    () => {
        concat!(
            "SELECT ",
            grant_columns!(),
            ", ",
            agent_columns!(),
            " FROM agent_grant g JOIN agent a ON a.id = g.agent WHERE g.ended_at IS NULL AND g.not_after > $1"
        )
    };
}

impl Readers {
    /// Those that stand at `now`, newest first.
    pub async fn standing_grants(
        &self,
        now: Timestamp,
        after: Option<&After<Grant>>,
        limit: u32,
    ) -> Result<Page<HeldGrant, After<Grant>>, StoreError> {
        let sql = concat!(
            held_grants!(),
            " AND g.created_at <= $2 AND (g.created_at < $2 OR g.id > $3) ORDER BY g.created_at DESC, g.id LIMIT $4"
        );
        let (at, id) = after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()));
        let rows = self.all(query(sql).bind(now.micros()).bind(at).bind(id).bind(more_than(limit))).await?;
        let place = |held: &HeldGrant| After { at: held.grant.created_at, id: held.grant.id.clone() };
        Ok(Page::of(rows, limit, place).keep(|held| held.grant.is_live(now)))
    }

    /// Those of one agent that stand at `now`, newest first.
    pub async fn standing_grants_of(&self, agent: &Id<Agent>, now: Timestamp) -> Result<Vec<HeldGrant>, StoreError> {
        let sql = concat!(held_grants!(), " AND g.agent = $2 ORDER BY g.created_at DESC, g.id");
        let mut grants: Vec<HeldGrant> = self.all(query(sql).bind(now.micros()).bind(agent.as_str())).await?;
        grants.retain(|held| held.grant.is_live(now));
        Ok(grants)
    }

    /// How many stand at `now`, by server and baseline.
    pub async fn count_standing_grants(&self, now: Timestamp) -> Result<Vec<StandingGrants>, StoreError> {
        let written = "SELECT server, scopes, COUNT(*) FROM agent_grant WHERE ended_at IS NULL AND not_after > $1
             GROUP BY server, scopes ORDER BY server, scopes";
        let unwritten = concat!(
            "SELECT g.server, g.scopes, COUNT(*) FROM agent_grant g LEFT JOIN agent a ON a.id = g.agent
             WHERE g.ended_at IS NULL AND g.not_after > $1 AND ",
            grant_ended_by_block!(),
            " IS NULL GROUP BY g.server, g.scopes ORDER BY g.server, g.scopes"
        );
        let is_written = self.ends_are_all_written().await?;
        self.all(query(if is_written { written } else { unwritten }).bind(now.micros())).await
    }
}

impl FromColumns for HeldGrant {
    const WHAT: &'static str = "grant";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { grant: Grant::read(columns)?, agent: Agent::read(columns)? })
    }
}

impl FromColumns for StandingGrants {
    const WHAT: &'static str = "number of grants";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { server: columns.parsed()?, scopes: columns.parsed()?, count: columns.number()? })
    }
}
