//! A batch: what one transaction of the writer carries out, change by change.

use std::collections::VecDeque;

use model::{Event, Message, Timestamp};
use sqlx::{AnyConnection, raw_sql};

use crate::{
    engine::job::{Answer, Change, Job},
    error::StoreError,
    log::{
        append::encoded,
        index::Postings,
        open_calls::{Moves, OpenCalls},
    },
    sql::tx::Tx,
};

/// One transaction in the making.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) waiting: VecDeque<Job>,
    /// Those that ran, with the index of their first record.
    pub(super) ran: Vec<(u64, Answer)>,
    pub(super) records: Vec<Vec<u8>>,
    pub(super) changes: bool,
    /// There is a savepoint that nothing has changed since.
    pub(super) at_savepoint: bool,
    pub(super) bumped: bool,
    /// Time goes on from there, although it was later before.
    pub(super) put_right: Option<Timestamp>,
    pub(super) moves: Moves,
    pub(super) postings: Postings,
    /// What is to be told of its events.
    pub(super) messages: Vec<Message>,
}

impl Batch {
    /// `records` of `events` come after those that are there, the first of them at index `first`.
    pub(super) fn extend(&mut self, first: u64, events: &[Event], records: Vec<Vec<u8>>) {
        for (index, event) in (first..).zip(events) {
            self.postings.note(event, index);
        }
        self.messages.extend(events.iter().filter_map(Message::of));
        self.records.extend(records);
    }
}

/// Runs one change between two savepoints.
pub(super) async fn run(
    connection: &mut AnyConnection,
    change: Box<dyn Change>,
    now: Timestamp,
    first: u64,
    batch: &mut Batch,
    calls: &mut OpenCalls,
) -> Result<(), StoreError> {
    if !batch.at_savepoint {
        if let Err(error) = raw_sql("SAVEPOINT change").execute(&mut *connection).await {
            change.refuse(StoreError::RolledBack(error.to_string()));
            return Err(error.into());
        }
        batch.at_savepoint = true;
    }
    let mut tx = Tx::begun(connection, now);
    let ran = change.run(&mut tx).await;
    let (bumped, failed, put_right) = (tx.bumped, tx.failed, tx.put_right.then_some(tx.now));
    let kept = match encoded(&ran.events, put_right.unwrap_or(now)) {
        Ok(records) if records.is_empty() => None,
        // The closure went on regardless. PostgreSQL would refuse the release; both shall.
        Ok(_) if failed => Some(Err(StoreError::StatementIgnored)),
        Ok(records) => match raw_sql(NEXT_SAVEPOINT).execute(&mut *connection).await {
            Ok(_) => Some(Ok(records)),
            Err(error) => Some(Err(StoreError::Database(error))),
        },
        Err(error) => Some(Err(error)),
    };
    match kept {
        Some(Ok(records)) => {
            for (index, event) in (first..).zip(&ran.events) {
                calls.note(event, index, &mut batch.moves);
            }
            batch.extend(first, &ran.events, records);
            batch.changes = true;
            batch.bumped |= bumped;
            batch.put_right = put_right.or(batch.put_right);
            batch.ran.push((first, ran.answer));
        }
        Some(Err(error)) => {
            (ran.answer)(Err(error));
            roll_back(connection).await?;
        }
        None => {
            // Answered with the batch: what it read may come from changes that are not on disk yet.
            batch.ran.push((first, ran.answer));
            roll_back(connection).await?;
        }
    }
    Ok(())
}

/// One trip to the database for both; the last one goes with the commit.
const NEXT_SAVEPOINT: &str = "RELEASE SAVEPOINT change; SAVEPOINT change";
/// Back to the savepoint, which stays for the next change.
async fn roll_back(connection: &mut AnyConnection) -> Result<(), StoreError> {
    raw_sql("ROLLBACK TO SAVEPOINT change").execute(connection).await?;
    Ok(())
}
