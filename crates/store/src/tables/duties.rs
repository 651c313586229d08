//! Duties in another's name, and their ends.

use model::{Actor, Duty, DutyEnd, Id, Person, Timestamp, event::DutyEnded};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{After, Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

/// The columns of a duty, of a table called `d`.
macro_rules! duty_columns {
    () => {
        "d.id, d.from_person, d.to_person, d.server, d.since, d.not_after, d.cause, d.ended_at"
    };
}

impl Readers {
    /// The duty of that id.
    pub async fn duty(&self, id: &Id<Duty>) -> Result<Option<Duty>, StoreError> {
        self.one(by_id(id)).await
    }

    /// All of them, newest first.
    pub async fn duties_page(
        &self,
        after: Option<&After<Duty>>,
        limit: u32,
    ) -> Result<Page<Duty, After<Duty>>, StoreError> {
        let sql = concat!(
            "SELECT ",
            duty_columns!(),
            " FROM duty d WHERE d.since <= $1 AND (d.since < $1 OR d.id < $2) ORDER BY d.since DESC, d.id DESC LIMIT $3"
        );
        let (at, id) = after.map_or((i64::MAX, ""), |after| (after.at.micros(), after.id.as_str()));
        let rows: Vec<Duty> = self.all(query(sql).bind(at).bind(id).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |duty| After { at: duty.since, id: duty.id.clone() }))
    }

    /// Those that nobody has ended and in which that person decides, oldest first.
    pub async fn duties_to(&self, person: &Id<Person>) -> Result<Vec<Duty>, StoreError> {
        self.all(query(TO).bind(person.as_str())).await
    }

    /// Those that nobody has ended and that are in the name of that person, oldest first.
    pub async fn duties_from(&self, person: &Id<Person>) -> Result<Vec<Duty>, StoreError> {
        self.all(query(FROM).bind(person.as_str())).await
    }

    /// Those that are over at `now`, although nobody has written it down; at most 256.
    pub async fn over_duties(&self, now: Timestamp) -> Result<Vec<Duty>, StoreError> {
        let sql = concat!(
            "SELECT ",
            duty_columns!(),
            " FROM duty d LEFT JOIN person f ON f.id = d.from_person LEFT JOIN person t ON t.id = d.to_person
              WHERE d.ended_at IS NULL AND (d.not_after <= $1 OR f.id IS NULL OR f.disabled = 1 OR t.id IS NULL
                OR t.disabled = 1 OR NOT (' ' || f.roles || ' ' LIKE '% approver %' OR ' ' || f.roles || ' ' LIKE '% admin %')
                OR EXISTS (SELECT 1 FROM block b WHERE b.kind = 'person' AND b.since >= d.since
                    AND (b.name = d.from_person OR b.name = d.to_person)))
              ORDER BY d.not_after, d.id LIMIT 256"
        );
        self.all(query(sql).bind(now.micros())).await
    }
}

impl Tx<'_> {
    /// The duty of that id.
    pub async fn duty(&mut self, id: &Id<Duty>) -> Result<Option<Duty>, StoreError> {
        self.one(by_id(id)).await
    }

    /// Those that nobody has ended and in which that person decides, oldest first.
    pub async fn duties_to(&mut self, person: &Id<Person>) -> Result<Vec<Duty>, StoreError> {
        self.all(query(TO).bind(person.as_str())).await
    }

    /// Those that nobody has ended and that are in the name of that person, oldest first.
    pub async fn duties_from(&mut self, person: &Id<Person>) -> Result<Vec<Duty>, StoreError> {
        self.all(query(FROM).bind(person.as_str())).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds a duty.
    pub async fn put_duty(&mut self, duty: &Duty) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO duty (id, from_person, to_person, server, since, not_after) VALUES ($1, $2, $3, $4, $5, $6)";
        let put = query(sql)
            .bind(duty.id.as_str())
            .bind(duty.from.as_str())
            .bind(duty.to.as_str())
            .bind(duty.server.as_ref().map(Id::as_str))
            .bind(duty.since.micros())
            .bind(duty.not_after.micros());
        self.run(put).await?;
        Ok(())
    }

    /// Ends one; `false` when it was over before.
    pub async fn end_duty(&mut self, id: &Id<Duty>, cause: DutyEnd, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE duty SET cause = $2, ended_at = $3 WHERE id = $1 AND ended_at IS NULL";
        let ended = self.run(query(sql).bind(id.as_str()).bind(cause.as_str()).bind(at.micros())).await? == 1;
        self.bump_epoch().await?;
        Ok(ended)
    }

    /// Ends all in the name of that person. Each has its record.
    pub async fn end_duties_from(&mut self, person: &Id<Person>, cause: DutyEnd) -> Result<(), StoreError> {
        let all = Tx::duties_from(self, person).await?;
        self.end_duties(all, cause).await
    }

    /// Ends all in which that person decides. Each has its record.
    pub async fn end_duties_to(&mut self, person: &Id<Person>, cause: DutyEnd) -> Result<(), StoreError> {
        let all = Tx::duties_to(self, person).await?;
        self.end_duties(all, cause).await
    }

    async fn end_duties(&mut self, all: Vec<Duty>, cause: DutyEnd) -> Result<(), StoreError> {
        let now = self.now;
        for duty in all {
            if self.end_duty(&duty.id, cause, now).await? {
                self.ended.push(DutyEnded::of(&duty, cause).by(Actor::System));
            }
        }
        Ok(())
    }
}

/// More than anybody may have, for clocks that differ.
const TO: &str = concat!(
    "SELECT ",
    duty_columns!(),
    " FROM duty d WHERE d.to_person = $1 AND d.ended_at IS NULL ORDER BY d.since, d.id LIMIT 1024"
);
const FROM: &str = concat!(
    "SELECT ",
    duty_columns!(),
    " FROM duty d WHERE d.from_person = $1 AND d.ended_at IS NULL ORDER BY d.since, d.id LIMIT 1024"
);

fn by_id(id: &Id<Duty>) -> Statement<'_> {
    query(concat!("SELECT ", duty_columns!(), " FROM duty d WHERE d.id = $1")).bind(id.as_str())
}

impl FromColumns for Duty {
    const WHAT: &'static str = "duty";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.parsed()?,
            from: columns.parsed()?,
            to: columns.parsed()?,
            server: columns.optional_parsed()?,
            since: columns.time()?,
            not_after: columns.time()?,
            ended: columns.optional_parsed()?.zip(columns.optional_time()?),
        })
    }
}
