//! Writing down what a revocation ended, in pages that hold up nobody.
//!
//! What is written here was over since the block: see `ended_by_block`.

use std::time::{Duration, Instant};

use model::{Agent, Id, Scope, Target, Timestamp, event::ElevationEnd};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::columns::Columns,
    tables::{elevations::changed_columns, privilege_tx::PrivilegeTx},
};

/// So many agents, or elevations, are gone through at once: as many as [`END_GRANTS_OF_PAGE`] has names.
const PIECE: usize = 16;
/// A transaction that ends much takes no new piece after this: an agent has one grant or a hundred, and the database is
/// on this disk or a room away.
const LONG_ENOUGH: Duration = Duration::from_millis(10);

/// What one page of ends was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndPage {
    /// Grants that ended.
    pub grants: u64,
    /// Elevations that ended apart from those of the grants.
    pub elevations: u64,
    /// Where the next page begins; `None` when there is none.
    pub next: Option<PageStart>,
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageStart {
    /// The agent after which it begins.
    after: String,
    /// The agents are done, and elevations are left.
    elevations: bool,
}

impl PrivilegeTx<'_, '_> {
    /// Writes down some of what the block on `target` since `since` has ended: as much as holds up nobody. The epoch stays:
    /// nothing of this was in force any more.
    pub async fn end_page_of(
        &mut self,
        target: &Target,
        since: Timestamp,
        from: PageStart,
    ) -> Result<EndPage, StoreError> {
        let began = Instant::now();
        let mut page = self.end_piece_of(target, since, from).await?;
        while began.elapsed() < LONG_ENOUGH
            && let Some(from) = page.next.take()
        {
            let piece = self.end_piece_of(target, since, from).await?;
            page.grants += piece.grants;
            page.elevations += piece.elevations;
            page.next = piece.next;
        }
        Ok(page)
    }

    async fn end_piece_of(
        &mut self,
        target: &Target,
        since: Timestamp,
        from: PageStart,
    ) -> Result<EndPage, StoreError> {
        let agents = match target {
            _ if from.elevations => None,
            Target::Agent(id) => Some(self.ends_of_agent(id, since).await?),
            Target::Client(id) => Some(self.ends_of_agents(&OF_CLIENT, id.as_str(), since, from.after).await?),
            Target::Person(id) => Some(self.ends_of_agents(&OF_PERSON, id.as_str(), since, from.after).await?),
            Target::Grant(_) | Target::Installation(_) | Target::Server(_) | Target::Tool(..) | Target::All => None,
        };
        match agents {
            Some((grants, Some(after))) => {
                let next = Some(PageStart { after, elevations: false });
                Ok(EndPage { grants, elevations: 0, next })
            }
            agents => {
                let elevations = self.ends_of_elevations(target, since).await?;
                let next = PageStart { after: String::new(), elevations: true };
                let grants = agents.map_or(0, |(grants, _)| grants);
                Ok(EndPage { grants, elevations, next: (elevations > 0).then_some(next) })
            }
        }
    }

    /// Everything that the block on `target` since `since` ended is written down. `false` when it is a newer block now.
    pub async fn ends_are_written(&mut self, target: &Target, since: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE block SET written = 1 WHERE kind = $1 AND name = $2 AND since = $3 AND written = 0";
        let changed =
            self.run(query(sql).bind(target.kind().as_str()).bind(target.name()).bind(since.micros())).await?;
        Ok(changed == 1)
    }

    async fn ends_of_agent(&mut self, id: &Id<Agent>, since: Timestamp) -> Result<(u64, Option<String>), StoreError> {
        let now = self.now;
        let sql = "UPDATE agent_grant SET ended_at = $3 WHERE agent = $1 AND ended_at IS NULL AND created_at <= $2";
        let ended = self.run(query(sql).bind(id.as_str()).bind(since.micros()).bind(now.micros())).await?;
        self.end_what_hangs_on_ended(now, ElevationEnd::Revoked).await?;
        Ok((ended, None))
    }

    /// Those of a page of agents, and the last one of them when there may be more.
    async fn ends_of_agents(
        &mut self,
        of: &OfAgents,
        name: &str,
        since: Timestamp,
        after: String,
    ) -> Result<(u64, Option<String>), StoreError> {
        let now = self.now;
        let page = query(of.page).bind(name).bind(after).bind(PIECE as i64).fetch_all(&mut *self.connection).await;
        self.failed |= page.is_err();
        let page = page?.iter().map(|row| Columns::of("agent", row).text()).collect::<Result<Vec<_>, _>>()?;
        let last = page.last().filter(|_| page.len() == PIECE).cloned();
        let mut ended = 0;
        if let Some(any) = page.last() {
            let mut update = query(END_GRANTS_OF_PAGE).bind(now.micros()).bind(since.micros());
            for at in 0..PIECE {
                update = update.bind(page.get(at).unwrap_or(any).as_str());
            }
            ended += self.run(update).await?;
        }
        if last.is_none()
            && let Some(rest) = of.rest
        {
            ended += self.run(query(rest).bind(name).bind(since.micros()).bind(now.micros())).await?;
        }
        self.end_what_hangs_on_ended(now, ElevationEnd::Revoked).await?;
        Ok((ended, last))
    }

    async fn ends_of_elevations(&mut self, target: &Target, since: Timestamp) -> Result<u64, StoreError> {
        let (sql, name) = match target {
            Target::All => (ends_of_elevations!("'' = $1", "e.requested_at"), String::new()),
            Target::Server(server) => (ends_of_elevations!("g.server = $1", "e.requested_at"), server.to_string()),
            Target::Tool(server, tool) => (
                ends_of_elevations!("e.scope = $1", "e.requested_at"),
                Scope::Tool(server.clone(), tool.clone()).to_string(),
            ),
            Target::Person(person) => (
                ends_of_elevations!(
                    "(e.decided_by = $1 OR e.id IN (SELECT v.elevation FROM elevation_approver v WHERE v.person = $1))",
                    "e.decided_at"
                ),
                person.to_string(),
            ),
            Target::Agent(_) | Target::Client(_) | Target::Grant(_) | Target::Installation(_) => return Ok(0),
        };
        let mut ended = 0;
        for sql in sql {
            let page = query(sql).bind(name.as_str()).bind(since.micros()).bind(self.now.micros()).bind(PIECE as i64);
            ended += self.end_elevations(page, ElevationEnd::Revoked).await?;
        }
        Ok(ended)
    }
}

/// The agents that a block on something else covers, page by page.
struct OfAgents {
    /// A page of their names.
    page: &'static str,
    /// Ends what is not found by its agent, with the last page.
    rest: Option<&'static str>,
}

const OF_CLIENT: OfAgents =
    OfAgents { page: "SELECT id FROM agent WHERE client = $1 AND id > $2 ORDER BY id LIMIT $3", rest: None };
const OF_PERSON: OfAgents = OfAgents {
    page: "SELECT id FROM agent WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3",
    rest: Some("UPDATE agent_grant SET ended_at = $3 WHERE person = $1 AND ended_at IS NULL AND created_at <= $2"),
};

/// The names one by one: asked for those of a range or of another table, a planner may well go through every grant that
/// stands, for each page of a hundred thousand.
const END_GRANTS_OF_PAGE: &str = "UPDATE agent_grant SET ended_at = $1 WHERE ended_at IS NULL AND created_at <= $2
     AND agent IN ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

/// Ends a page of elevations that wait, and one of those in force.
macro_rules! ends_of_elevations {
    ($covers:literal, $before:literal) => {
        [
            concat!(
                "UPDATE elevation SET state = 'ended' WHERE 0 <= $3 AND id IN (SELECT e.id FROM elevation e
                     JOIN agent_grant g ON g.id = e.grant_id WHERE e.state = 'requested' AND ",
                $before,
                " <= $2 AND ",
                $covers,
                " LIMIT $4) RETURNING ",
                changed_columns!()
            ),
            concat!(
                "UPDATE elevation SET state = 'ended', not_after = CASE WHEN not_after > $3 THEN $3 ELSE not_after END
                 WHERE id IN (SELECT e.id FROM elevation e JOIN agent_grant g ON g.id = e.grant_id
                     WHERE e.state = 'active' AND ",
                $before,
                " <= $2 AND ",
                $covers,
                " LIMIT $4) RETURNING ",
                changed_columns!()
            ),
        ]
    };
}
use ends_of_elevations;
