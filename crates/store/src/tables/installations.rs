//! Installations: what one authorization gave to one copy of a client, and how it ends.
//!
//! Ending one ends its refresh tokens and its code in their rows, and leaves a block of its name for as long as an
//! access token of it can live. The block is looked up by that name together with the grant, at the price of one
//! index: there may be very many, so no node holds them in memory.

use model::{Grant, Id, Installation, Person, Target, Timestamp, block::Block};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

/// The columns of an installation.
macro_rules! columns {
    () => {
        "SELECT id, grant_id, client, person, since, last_refresh, not_after, hard_end, ended_at FROM installation"
    };
}

/// The newest are listed, so many of them.
const LISTED: i64 = 500;

impl Readers {
    /// The installation of that id, ended or not.
    pub async fn installation(&self, id: &Id<Installation>) -> Result<Option<Installation>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The installations that act for a person, newest first, ended ones too while they are remembered.
    pub async fn installations_of_person(&self, person: &Id<Person>) -> Result<Vec<Installation>, StoreError> {
        let sql = concat!(columns!(), " WHERE person = $1 ORDER BY since DESC, id LIMIT $2");
        self.all(query(sql).bind(person.as_str()).bind(LISTED)).await
    }

    /// The installations under a grant, newest first, ended ones too while they are remembered.
    pub async fn installations_of_grant(&self, grant: &Id<Grant>) -> Result<Vec<Installation>, StoreError> {
        let sql = concat!(columns!(), " WHERE grant_id = $1 ORDER BY since DESC, id LIMIT $2");
        self.all(query(sql).bind(grant.as_str()).bind(LISTED)).await
    }
}

impl Tx<'_> {
    /// The installation of that id, ended or not.
    pub async fn installation(&mut self, id: &Id<Installation>) -> Result<Option<Installation>, StoreError> {
        self.one(by_id(id)).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds an installation.
    pub async fn put_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        let sql = "INSERT INTO installation (id, grant_id, client, person, since, last_refresh, not_after, hard_end,
                 ended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        self.run(
            query(sql)
                .bind(installation.id.as_str())
                .bind(installation.grant.as_str())
                .bind(installation.client.as_str())
                .bind(installation.person.as_ref().map(Id::as_str))
                .bind(installation.since.micros())
                .bind(installation.last_refresh.map(Timestamp::micros))
                .bind(installation.not_after.micros())
                .bind(installation.hard_end.micros())
                .bind(installation.ended_at.map(Timestamp::micros)),
        )
        .await?;
        Ok(())
    }

    /// Writes down that an installation was refreshed, and until when it lives on.
    pub async fn installation_refreshed(
        &mut self,
        id: &Id<Installation>,
        now: Timestamp,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE installation SET last_refresh = $2, not_after = $3 WHERE id = $1 AND ended_at IS NULL";
        self.run(query(sql).bind(id.as_str()).bind(now.micros()).bind(not_after.micros())).await?;
        Ok(())
    }

    /// Ends an installation with its code and all its tokens, and bumps the epoch; `false` when it had ended before.
    ///
    /// Tokens of client credentials name an installation of their own, which has no row: it is ended all the same.
    pub async fn end_installation(&mut self, id: &Id<Installation>, now: Timestamp) -> Result<bool, StoreError> {
        let target = Target::Installation(id.clone());
        let ended = match self.installation(id).await? {
            Some(installation) => installation.ended_at.is_some(),
            None => self.is_blocked(&target).await?,
        };
        if ended {
            return Ok(false);
        }
        let sql = "UPDATE installation SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
        self.run(query(sql).bind(id.as_str()).bind(now.micros())).await?;
        for sql in [
            "UPDATE refresh_token SET state = 'ended', nonce = NULL WHERE family = $1 AND state <> 'ended'",
            "DELETE FROM code WHERE installation = $1 AND used = 0",
        ] {
            self.run(query(sql).bind(id.as_str())).await?;
        }
        self.put_block(&Block { target, at: now, reason: "the installation was ended".into(), lifted_at: None })
            .await?;
        Ok(true)
    }
}

fn by_id(id: &Id<Installation>) -> Statement<'_> {
    query(concat!(columns!(), " WHERE id = $1")).bind(id.as_str())
}

impl FromColumns for Installation {
    const WHAT: &'static str = "installation";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.parsed()?,
            grant: columns.parsed()?,
            client: columns.parsed()?,
            person: columns.optional_parsed()?,
            since: columns.time()?,
            last_refresh: columns.optional_time()?,
            not_after: columns.time()?,
            hard_end: columns.time()?,
            ended_at: columns.optional_time()?,
        })
    }
}
