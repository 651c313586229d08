//! Where in the log the records of an agent are.
//!
//! The index has a row for each agent in each block of [`BLOCK`] records. A writer remembers what it wrote of the newest
//! block, so an agent that is busy costs a row for each block and not one for each call, and most transactions bring nothing.
//!
//! It is no evidence. What is found by it is read under the signed head like everything else; whoever takes rows away
//! hides records from a page, and not from the log.
//!
//! Spec: docs/decisions/0031-the-log-has-an-index.md.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Agent, Event, Id, Span, Timestamp, event::Verdict, event::What, text_enum};
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement, all},
    },
};

/// How many records are found together: a quarter of a tile, whose hashes are read to check them.
pub(crate) const BLOCK: u64 = 64;
/// How exact the time of the newest record of a block is.
const EXACT_TO: Span = Span::from_minutes(1);
/// Rows of one statement: so many, or at most [`FEW`]. So there are only a few texts of it to keep ready.
const MANY: usize = 64;
const FEW: usize = 16;

/// What the records of an agent are found for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Indexed {
    /// It acted, or it is what the record is about.
    Agent,
    /// A call of it was allowed.
    Call,
    /// A call of it was refused, and a scope would help.
    StepUp,
}

text_enum!(Indexed { Agent => "agent", Call => "call", StepUp => "step_up" });

/// What one transaction brings.
#[derive(Default)]
pub(crate) struct Postings {
    names: BTreeMap<(u64, Indexed), BTreeSet<Box<str>>>,
}

impl Postings {
    /// `event` is about to be written as the record `index`.
    pub(crate) fn note(&mut self, event: &Event, index: u64) {
        let block = index / BLOCK;
        for agent in event.agents() {
            self.put(block, Indexed::Agent, agent);
        }
        match &event.what {
            What::CallDecided(call) => self.put(block, Indexed::Call, call.agent.as_str()),
            What::CallRefused(call) if call.decision == Verdict::StepUp => {
                self.put(block, Indexed::StepUp, call.agent.as_str());
            }
            _ => {}
        }
    }

    fn put(&mut self, block: u64, word: Indexed, name: &str) {
        let names = self.names.entry((block, word)).or_default();
        if !names.contains(name) {
            names.insert(name.into());
        }
    }

    fn all(&self) -> impl Iterator<Item = Posting<'_>> {
        self.names
            .iter()
            .flat_map(|((block, word), names)| names.iter().map(|name| Posting { word: *word, name, block: *block }))
    }
}

/// A row of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Posting<'n> {
    word: Indexed,
    name: &'n str,
    block: u64,
}

/// What this process wrote of the newest block that it wrote of.
#[derive(Default)]
pub(crate) struct Posted {
    block: u64,
    at: BTreeMap<Indexed, HashMap<Box<str>, Timestamp>>,
}

impl Posted {
    /// Writes what is not in the index yet, or stands there with a time that is too old.
    pub(crate) async fn write(
        &self,
        connection: &mut AnyConnection,
        postings: &Postings,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let rows: Vec<Posting<'_>> = postings.all().filter(|posting| self.is_missing(posting, now)).collect();
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let count = if rest.len() < MANY { rest.len().min(FEW) } else { MANY };
            let (now_written, later) = rest.split_at(count);
            rest = later;
            let mut statement = query(AssertSqlSafe(insert(count)));
            for row in now_written {
                statement = statement.bind(row.word.as_str()).bind(row.name).bind(row.block as i64).bind(now.micros());
            }
            statement.execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The transaction that brought `postings` at `now` is committed.
    pub(crate) fn committed(&mut self, postings: &Postings, now: Timestamp) {
        for posting in postings.all() {
            if posting.block > self.block {
                *self = Self { block: posting.block, ..Self::default() };
            }
            if posting.block == self.block && self.is_missing(&posting, now) {
                self.at.entry(posting.word).or_default().insert(posting.name.into(), now);
            }
        }
    }

    fn is_missing(&self, posting: &Posting<'_>, now: Timestamp) -> bool {
        let is_known = |at: &Timestamp| *at <= now && now < at.after(EXACT_TO);
        let known = self.at.get(&posting.word).and_then(|names| names.get(posting.name));
        posting.block != self.block || !known.is_some_and(is_known)
    }
}

/// The statement for so many rows.
fn insert(rows: usize) -> String {
    let row = |number: usize| {
        let first = number * 4;
        format!("(${}, ${}, ${}, ${})", first + 1, first + 2, first + 3, first + 4)
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!(
        "INSERT INTO log_index (word, name, block, newest) VALUES {}
         ON CONFLICT (word, name, block) DO UPDATE SET newest = excluded.newest",
        rows.join(", ")
    )
}

impl Readers {
    /// When a call of `agent` was last allowed, to the minute. `None`: never, or before the log had an index.
    pub async fn last_call(&self, agent: &Id<Agent>) -> Result<Option<Timestamp>, StoreError> {
        let newest: Option<Found> = self.one(newest(Indexed::Call, agent, 1)).await?;
        Ok(newest.map(|found| found.newest))
    }
}

/// The newest `limit` blocks with records of `agents` since `since`, newest first.
pub(crate) async fn blocks(
    connection: &mut AnyConnection,
    word: Indexed,
    agents: &[Id<Agent>],
    since: Timestamp,
    limit: u32,
) -> Result<Vec<u64>, StoreError> {
    let mut blocks = BTreeSet::new();
    for agent in agents {
        let found: Vec<Found> = all(&mut *connection, newest(word, agent, limit)).await?;
        let is_since = |found: &Found| found.newest.after(EXACT_TO) > since;
        blocks.extend(found.into_iter().take_while(is_since).map(|found| found.block));
    }
    Ok(blocks.into_iter().rev().take(limit as usize).collect())
}

fn newest(word: Indexed, agent: &Id<Agent>, limit: u32) -> Statement<'_> {
    let sql = "SELECT block, newest FROM log_index WHERE word = $1 AND name = $2 ORDER BY block DESC LIMIT $3";
    query(sql).bind(word.as_str()).bind(agent.as_str()).bind(i64::from(limit))
}

struct Found {
    block: u64,
    newest: Timestamp,
}

impl FromColumns for Found {
    const WHAT: &'static str = "row of the index";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self { block: columns.number()?, newest: columns.time()? })
    }
}

#[cfg(test)]
mod tests {
    use model::{Actor, event::examples};

    use super::*;

    fn call(agent: &str) -> Event {
        let agent = agent.parse().unwrap();
        model::event::CallDecided { agent, ..examples::call_decided("a") }.by(Actor::System)
    }

    fn missing(posted: &Posted, postings: &Postings, now: Timestamp) -> usize {
        postings.all().filter(|posting| posted.is_missing(posting, now)).count()
    }

    #[test]
    fn an_agent_that_is_busy_brings_nothing_until_the_next_minute_or_the_next_block() {
        let at = |seconds: i64| Timestamp::from_seconds(1_800_000_000 + seconds);
        let (mut posted, mut postings) = (Posted::default(), Postings::default());
        for index in 0..40 {
            postings.note(&call("scribe"), index);
        }
        assert_eq!(missing(&posted, &postings, at(0)), 2, "its records, and its calls");
        posted.committed(&postings, at(0));
        for (second, brings) in [(1, 0), (59, 0), (60, 2), (-3600, 2)] {
            assert_eq!(missing(&posted, &postings, at(second)), brings, "{second}");
        }
        // What brought nothing does not make the time of the row newer.
        posted.committed(&postings, at(59));
        assert_eq!(missing(&posted, &postings, at(60)), 2);
        let mut others = Postings::default();
        others.note(&call("another"), 41);
        others.note(&call("scribe"), BLOCK);
        assert_eq!(missing(&posted, &others, at(1)), 4);
        posted.committed(&others, at(1));
        assert_eq!(missing(&posted, &others, at(2)), 2, "only the newest block is remembered");
    }

    #[test]
    fn a_refusal_is_found_apart_when_a_scope_would_help() {
        let refused = |decision| {
            let mut postings = Postings::default();
            let refused = model::event::CallRefused { decision, ..examples::call_refused() };
            postings.note(&refused.by(Actor::System), 0);
            postings.all().map(|posting| posting.word).collect::<Vec<_>>()
        };
        assert_eq!(refused(Verdict::StepUp), [Indexed::Agent, Indexed::StepUp]);
        assert_eq!(refused(Verdict::Deny), [Indexed::Agent]);
    }

    #[test]
    fn a_statement_has_a_place_for_each_value() {
        assert!(insert(1).contains("VALUES ($1, $2, $3, $4)\n"));
        assert!(insert(2).contains("VALUES ($1, $2, $3, $4), ($5, $6, $7, $8)\n"));
    }
}
