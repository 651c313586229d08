//! The outbox: messages for receivers outside, until they were taken or given up.
//!
//! A row is put here by the transaction that records what it tells of. Who sends takes a lease on it first, so of several nodes
//! one sends; a lease that its node did not live to give back runs out. Sending is no change of anything, so it has no record;
//! giving up has one.

use model::{Id, Message, Timestamp};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, all, one},
        tx::Tx,
    },
};

/// More do not wait for one receiver: the oldest makes room.
const WAITING: u64 = 1_000;

/// A message that is being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Its id: the same however often it is sent.
    pub id: Id<Message>,
    /// For whom.
    pub receiver: String,
    /// What it is about.
    pub kind: String,
    /// What is sent.
    pub body: String,
    /// How often it was tried before.
    pub attempts: u32,
    /// Since when it could be sent.
    pub since: Timestamp,
}

/// How it stands with a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxState {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages of the last days that were given up.
    pub given_up: u64,
    /// Since when nothing arrives.
    pub failing_since: Option<Timestamp>,
    /// When it took the last one.
    pub delivered_at: Option<Timestamp>,
    /// Since when it wants no more.
    pub off_since: Option<Timestamp>,
    /// What came back the last time.
    pub said: Option<String>,
}

impl Readers {
    /// The receivers for whom something is to be sent at `now`.
    pub async fn receivers_due(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let sql =
            "SELECT DISTINCT receiver FROM outbox WHERE state = 'waiting' AND due_at <= $1 AND leased_until <= $1";
        Ok(self.all::<Name>(query(sql).bind(now.micros())).await?.into_iter().map(|Name(name)| name).collect())
    }

    /// How it stands with a receiver.
    pub async fn outbox_state(&self, receiver: &str) -> Result<OutboxState, StoreError> {
        let count = "SELECT COUNT(*) FROM outbox WHERE receiver = $1 AND state = $2";
        let waiting = self.one(query(count).bind(receiver).bind("waiting")).await?.unwrap_or_default();
        let given_up = self.one(query(count).bind(receiver).bind("given_up")).await?.unwrap_or_default();
        let known = "SELECT off_since, failing_since, delivered_at FROM receiver WHERE name = $1";
        let Known(off_since, failing_since, delivered_at) =
            self.one(query(known).bind(receiver)).await?.unwrap_or_default();
        let said = "SELECT said FROM outbox WHERE receiver = $1 AND said IS NOT NULL ORDER BY due_at DESC, id LIMIT 1";
        let said = self.one::<Name>(query(said).bind(receiver)).await?.map(|Name(said)| said);
        Ok(OutboxState { waiting, given_up, failing_since, delivered_at, off_since, said })
    }
}

impl Tx<'_> {
    /// Gives up what waits for a receiver and could be sent before `since`, and the message `tried` in any case; how many.
    pub async fn give_up_messages(
        &mut self,
        receiver: &str,
        since: Timestamp,
        tried: &Id<Message>,
    ) -> Result<u64, StoreError> {
        let sql = "UPDATE outbox SET state = 'given_up', ended_at = $2
             WHERE receiver = $1 AND state = 'waiting' AND (first_due_at < $3 OR id = $4)";
        let now = self.now().micros();
        self.run(query(sql).bind(receiver).bind(now).bind(since.micros()).bind(tried.as_str())).await
    }

    /// A receiver wants no more: nothing is put into the outbox for it, and what waits is given up; how many, or `None` when
    /// it was so before.
    pub async fn switch_receiver_off(&mut self, receiver: &str) -> Result<Option<u64>, StoreError> {
        let off = "INSERT INTO receiver (name, off_since) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET off_since = excluded.off_since WHERE receiver.off_since IS NULL";
        let now = self.now().micros();
        if self.run(query(off).bind(receiver).bind(now)).await? == 0 {
            return Ok(None);
        }
        let given_up = "UPDATE outbox SET state = 'given_up', ended_at = $2 WHERE receiver = $1 AND state = 'waiting'";
        self.run(query(given_up).bind(receiver).bind(now)).await.map(Some)
    }

    /// A receiver gets messages again; `false` when it did anyway.
    pub async fn switch_receiver_on(&mut self, receiver: &str) -> Result<bool, StoreError> {
        let on = "UPDATE receiver SET off_since = NULL, failing_since = NULL WHERE name = $1 AND off_since IS NOT NULL";
        Ok(self.run(query(on).bind(receiver)).await? > 0)
    }
}

/// Puts a message for `receiver` into the outbox, unless it wants no more or was told of the same a short while ago.
pub(crate) async fn put(
    connection: &mut AnyConnection,
    receiver: &str,
    (id, message, body): (&Id<Message>, &Message, &str),
    now: Timestamp,
) -> Result<(), StoreError> {
    let off = query("SELECT COUNT(*) FROM receiver WHERE name = $1 AND off_since IS NOT NULL").bind(receiver);
    if one::<u64>(connection, off).await?.unwrap_or_default() > 0 {
        return Ok(());
    }
    let Some(due) = first_due(connection, receiver, message, now).await? else { return Ok(()) };
    let waiting = query("SELECT COUNT(*) FROM outbox WHERE receiver = $1 AND state = 'waiting'").bind(receiver);
    if one::<u64>(connection, waiting).await?.unwrap_or_default() >= WAITING {
        tracing::error!(event = "message_dropped", receiver, "too many wait: the oldest makes room");
        let oldest = "DELETE FROM outbox WHERE id = (SELECT id FROM outbox WHERE receiver = $1 AND state = 'waiting'
             ORDER BY first_due_at, id LIMIT 1)";
        query(oldest).bind(receiver).execute(&mut *connection).await?;
    }
    let sql = "INSERT INTO outbox (id, receiver, kind, pace, body, state, first_due_at, due_at, leased_until, attempts)
         VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6, 0, 0)";
    let statement = query(sql)
        .bind(id.as_str())
        .bind(receiver)
        .bind(message.kind.as_str())
        .bind(message.pace.as_deref())
        .bind(body)
        .bind(due.micros());
    statement.execute(connection).await?;
    Ok(())
}

/// When it may be sent. What comes too soon after the last one waits for the end of the pause, and stands for all that comes
/// until then: `None`.
async fn first_due(
    connection: &mut AnyConnection,
    receiver: &str,
    message: &Message,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(pace) = &message.pace else { return Ok(Some(now)) };
    let last = "SELECT first_due_at FROM outbox WHERE receiver = $1 AND pace = $2 AND first_due_at <= $3
         ORDER BY first_due_at DESC LIMIT 1";
    let horizon = now.after(Message::PACE);
    let last = one::<Moment>(connection, query(last).bind(receiver).bind(pace).bind(horizon.micros())).await?;
    Ok(match last.map(|Moment(at)| at) {
        Some(last) if last > now => None,
        Some(last) => Some(now.max(last.after(Message::PACE))),
        None => Some(now),
    })
}

/// Takes the message that has waited longest for this receiver, until `until` or until it is said what became of it.
pub(crate) async fn take(
    connection: &mut AnyConnection,
    receiver: &str,
    lease: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<Option<Posting>, StoreError> {
    // Asked again outside: of two that chose the same row the second one finds it leased.
    let sql = "UPDATE outbox SET lease = $2, leased_until = $4
         WHERE state = 'waiting' AND due_at <= $3 AND leased_until <= $3
           AND id = (SELECT id FROM outbox WHERE receiver = $1 AND state = 'waiting' AND due_at <= $3
                       AND leased_until <= $3 ORDER BY first_due_at, id LIMIT 1)
         RETURNING id, receiver, kind, body, attempts, first_due_at";
    let statement = query(sql).bind(receiver).bind(lease).bind(now.micros()).bind(until.micros());
    let taken = all::<Posting>(connection, statement).await?;
    Ok(taken.into_iter().next())
}

/// It was taken by its receiver.
pub(crate) async fn sent(
    connection: &mut AnyConnection,
    posting: &Posting,
    lease: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET state = 'sent', ended_at = $3, leased_until = 0, attempts = attempts + 1, said = NULL
         WHERE id = $1 AND lease = $2 AND state = 'waiting'";
    query(sql).bind(posting.id.as_str()).bind(lease).bind(now.micros()).execute(&mut *connection).await?;
    let well = "INSERT INTO receiver (name, delivered_at) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET delivered_at = excluded.delivered_at, failing_since = NULL";
    query(well).bind(&posting.receiver).bind(now.micros()).execute(connection).await?;
    Ok(())
}

/// It was not, and is tried again at `next`. When the receiver is `away`, all that waits for it is tried no sooner.
pub(crate) async fn failed(
    connection: &mut AnyConnection,
    posting: &Posting,
    lease: &str,
    (said, away): (&str, bool),
    (now, next): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET due_at = $3, leased_until = 0, attempts = attempts + 1, said = $4
         WHERE id = $1 AND lease = $2 AND state = 'waiting'";
    let statement = query(sql).bind(posting.id.as_str()).bind(lease).bind(next.micros()).bind(said);
    statement.execute(&mut *connection).await?;
    if away {
        let others = "UPDATE outbox SET due_at = $2 WHERE receiver = $1 AND state = 'waiting' AND due_at < $2";
        query(others).bind(&posting.receiver).bind(next.micros()).execute(&mut *connection).await?;
    }
    let failing = "INSERT INTO receiver (name, failing_since) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET failing_since = COALESCE(receiver.failing_since, excluded.failing_since)";
    query(failing).bind(&posting.receiver).bind(now.micros()).execute(connection).await?;
    Ok(())
}

impl FromColumns for Posting {
    const WHAT: &'static str = "message";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.parsed()?,
            receiver: columns.text()?,
            kind: columns.text()?,
            body: columns.text()?,
            attempts: columns.number()?,
            since: columns.time()?,
        })
    }
}

struct Name(String);

impl FromColumns for Name {
    const WHAT: &'static str = "message";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.text().map(Self)
    }
}

struct Moment(Timestamp);

impl FromColumns for Moment {
    const WHAT: &'static str = "message";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.time().map(Self)
    }
}

#[derive(Default)]
struct Known(Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);

impl FromColumns for Known {
    const WHAT: &'static str = "receiver";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self(columns.optional_time()?, columns.optional_time()?, columns.optional_time()?))
    }
}
