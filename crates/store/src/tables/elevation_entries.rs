//! Elevations with whom they are about, as lists and as numbers.

use model::{Agent, Elevation, Grant, Id, Person, Scope, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{After, Page, more_than},
        readers::Readers,
        statement::FromColumns,
    },
    tables::{
        agents::agent_columns,
        elevations::elevation_columns,
        ended_by_block::{elevation_ended_by_block, grant_ended_by_block},
        grants::grant_columns,
        people::person_or_nobody,
    },
};

/// An elevation, with whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElevationEntry {
    /// The elevation.
    pub elevation: Elevation,
    /// The grant it belongs to.
    pub grant: Grant,
    /// The agent it is for.
    pub agent: Agent,
    /// The person it acts for, when it acts for somebody.
    pub person: Option<Person>,
    /// Whose it is.
    pub owner: Option<Person>,
}

/// The rows of [`ElevationEntry`].
macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            elevation_columns!(),
            ", ",
            grant_columns!(),
            ", ",
            agent_columns!(),
            ", p.id, p.display_name, p.roles, p.disabled, o.id, o.display_name, o.roles, o.disabled
             FROM elevation e JOIN agent_grant g ON g.id = e.grant_id JOIN agent a ON a.id = g.agent
             LEFT JOIN person p ON p.id = g.person LEFT JOIN person o ON o.id = a.owner ",
            $rest
        )
    };
}

impl Readers {
    /// The elevation of that id.
    pub async fn elevation_entry(&self, id: &Id<Elevation>) -> Result<Option<ElevationEntry>, StoreError> {
        self.one(query(entries!("WHERE e.id = $1")).bind(id.as_str())).await
    }

    /// Those in whatever state, newest first.
    pub async fn elevation_entries(
        &self,
        after: Option<&After<Elevation>>,
        limit: u32,
    ) -> Result<Page<ElevationEntry, After<Elevation>>, StoreError> {
        let sql = entries!(
            "WHERE e.requested_at <= $1 AND (e.requested_at < $1 OR e.id < $2)
             ORDER BY e.requested_at DESC, e.id DESC LIMIT $3"
        );
        let (at, id) = newest(after);
        let rows = self.all(query(sql).bind(at).bind(id).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, place))
    }

    /// Those in force at `now`, newest first.
    pub async fn live_elevation_entries(
        &self,
        now: Timestamp,
        after: Option<&After<Elevation>>,
        limit: u32,
    ) -> Result<Page<ElevationEntry, After<Elevation>>, StoreError> {
        let sql = entries!(
            "WHERE e.state = 'active' AND e.not_after > $4 AND e.requested_at <= $1
               AND (e.requested_at < $1 OR e.id < $2) ORDER BY e.requested_at DESC, e.id DESC LIMIT $3"
        );
        let (at, id) = newest(after);
        let rows = self.all(query(sql).bind(at).bind(id).bind(more_than(limit)).bind(now.micros())).await?;
        Ok(Page::of(rows, limit, place).keep(|entry| entry.elevation.is_live(now)))
    }

    /// Those of an agent that are in force at `now`, newest first.
    pub async fn live_elevation_entries_of(
        &self,
        agent: &Id<Agent>,
        now: Timestamp,
    ) -> Result<Vec<ElevationEntry>, StoreError> {
        let sql = entries!(
            "WHERE e.state = 'active' AND e.not_after > $1 AND g.agent = $2 ORDER BY e.requested_at DESC, e.id DESC"
        );
        let mut live: Vec<ElevationEntry> = self.all(query(sql).bind(now.micros()).bind(agent.as_str())).await?;
        live.retain(|entry| entry.elevation.is_live(now));
        Ok(live)
    }

    /// Those that wait for a decision at `now`, oldest first.
    pub async fn pending_entries(
        &self,
        now: Timestamp,
        after: Option<&After<Elevation>>,
        limit: u32,
    ) -> Result<Page<ElevationEntry, After<Elevation>>, StoreError> {
        let sql = entries!(
            "WHERE e.state = 'requested' AND e.decide_before > $4 AND e.requested_at >= $1
               AND (e.requested_at > $1 OR e.id > $2) ORDER BY e.requested_at, e.id LIMIT $3"
        );
        let (at, id) = after.map_or((i64::MIN, ""), |after| (after.at.micros(), after.id.as_str()));
        let rows = self.all(query(sql).bind(at).bind(id).bind(more_than(limit)).bind(now.micros())).await?;
        Ok(Page::of(rows, limit, place).keep(|entry| entry.elevation.is_pending(now)))
    }

    /// The oldest that wait for a decision at `now` and are about agents of `person`, or act for them; at most `most`.
    pub async fn pending_entries_of(
        &self,
        person: &Id<Person>,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<ElevationEntry>, StoreError> {
        let sql = entries!(
            "WHERE e.state = 'requested' AND e.decide_before > $2 AND (g.person = $1 OR a.owner = $1)
             ORDER BY e.requested_at, e.id LIMIT $3"
        );
        let statement = query(sql).bind(person.as_str()).bind(now.micros()).bind(i64::from(most));
        let mut pending: Vec<ElevationEntry> = self.all(statement).await?;
        pending.retain(|entry| entry.elevation.is_pending(now));
        Ok(pending)
    }

    /// How many are in force at `now`, by scope.
    pub async fn count_live_elevations(&self, now: Timestamp) -> Result<Vec<(Scope, u64)>, StoreError> {
        let written =
            "SELECT scope, COUNT(*) FROM elevation WHERE state = 'active' AND not_after > $1 AND uses < max_uses
               AND (idle_until IS NULL OR idle_until > $1)
             GROUP BY scope ORDER BY scope";
        let unwritten = concat!(
            "SELECT e.scope, COUNT(*) FROM elevation e WHERE e.state = 'active' AND e.not_after > $1
               AND e.uses < e.max_uses AND (e.idle_until IS NULL OR e.idle_until > $1) AND ",
            elevation_ended_by_block!(),
            " IS NULL GROUP BY e.scope ORDER BY e.scope"
        );
        let is_written = self.ends_are_all_written().await?;
        self.all(query(if is_written { written } else { unwritten }).bind(now.micros())).await
    }

    /// How many wait for a decision at `now`.
    pub async fn count_pending(&self, now: Timestamp) -> Result<u64, StoreError> {
        let written = "SELECT COUNT(*) FROM elevation WHERE state = 'requested' AND decide_before > $1";
        let unwritten = concat!(
            "SELECT COUNT(*) FROM elevation e WHERE e.state = 'requested' AND e.decide_before > $1 AND ",
            elevation_ended_by_block!(),
            " IS NULL"
        );
        let is_written = self.ends_are_all_written().await?;
        let statement = query(if is_written { written } else { unwritten }).bind(now.micros());
        Ok(self.one(statement).await?.unwrap_or(0))
    }
}

/// Before the first of a list whose newest come first.
fn newest(after: Option<&After<Elevation>>) -> (i64, &str) {
    after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()))
}

fn place(entry: &ElevationEntry) -> After<Elevation> {
    After { at: entry.elevation.requested_at, id: entry.elevation.id.clone() }
}

impl FromColumns for ElevationEntry {
    const WHAT: &'static str = "elevation";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            elevation: Elevation::read(columns)?,
            grant: Grant::read(columns)?,
            agent: Agent::read(columns)?,
            person: person_or_nobody(columns)?,
            owner: person_or_nobody(columns)?,
        })
    }
}

impl FromColumns for (Scope, u64) {
    const WHAT: &'static str = "number of elevations";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok((columns.parsed()?, columns.number()?))
    }
}
