//! Asked calls: exact calls that were refused, for as long as somebody may ask for them.

use model::{Agent, AskedCall, Elevation, Grant, Id, Scope, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::{elevations::elevation_columns, ended_by_block::elevation_ended_by_block, privilege_tx::PrivilegeTx},
};

/// The columns of an asked call, of a table called `c`.
macro_rules! asked_columns {
    () => {
        "c.id, c.grant_id, c.task, c.scope, c.definition, c.arguments, c.salt, c.installation, c.asked_at, c.not_after, \
         c.requested_at"
    };
}

impl Readers {
    /// The asked call of that id, whether anybody may still ask for it or not.
    pub async fn asked_call(&self, id: &Id<AskedCall>) -> Result<Option<AskedCall>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The newest one of this grant and scope that may be asked for at `now`.
    pub async fn newest_asked_call(
        &self,
        grant: &Id<Grant>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<AskedCall>, StoreError> {
        self.one(newest(grant, &scope.to_string(), now)).await
    }

    /// Those of this grant that may be asked for at `now`, newest first.
    pub async fn asked_calls(&self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<AskedCall>, StoreError> {
        self.all(open_at(grant, now)).await
    }

    /// The newest elevation for one exact call of this scope that somebody approved for the agent, but for `other`.
    pub async fn last_approved_call(
        &self,
        agent: &Id<Agent>,
        scope: &Scope,
        other: &Id<Elevation>,
    ) -> Result<Option<Elevation>, StoreError> {
        let sql = concat!(
            "SELECT ",
            elevation_columns!(),
            " FROM elevation e JOIN agent_grant g ON g.id = e.grant_id
              WHERE g.agent = $1 AND e.scope = $2 AND e.id <> $3 AND e.exact_call IS NOT NULL
                AND e.state IN ('active', 'ended') AND e.decided_by IS NOT NULL
              ORDER BY e.requested_at DESC, e.id DESC LIMIT 1"
        );
        self.one(query(sql).bind(agent.as_str()).bind(scope.to_string()).bind(other.as_str())).await
    }

    /// The arguments of an asked call, sealed.
    pub(crate) async fn sealed_arguments(&self, id: &Id<AskedCall>) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Sealed> =
            self.one(query("SELECT sealed FROM asked_call WHERE id = $1").bind(id.as_str())).await?;
        Ok(found.map(|Sealed(bytes)| bytes))
    }
}

impl Tx<'_> {
    /// The asked call of that id, whether anybody may still ask for it or not.
    pub async fn asked_call(&mut self, id: &Id<AskedCall>) -> Result<Option<AskedCall>, StoreError> {
        self.one(by_id(id)).await
    }

    /// The newest one of this grant and scope that may be asked for at `now`.
    pub async fn newest_asked_call(
        &mut self,
        grant: &Id<Grant>,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Option<AskedCall>, StoreError> {
        self.one(newest(grant, &scope.to_string(), now)).await
    }

    /// Those of this grant that may be asked for at `now`, newest first.
    pub async fn asked_calls(&mut self, grant: &Id<Grant>, now: Timestamp) -> Result<Vec<AskedCall>, StoreError> {
        self.all(open_at(grant, now)).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Keeps an asked call with its sealed arguments; one that is there already begins anew.
    pub async fn put_asked_call(&mut self, asked: &AskedCall, sealed: &[u8]) -> Result<(), StoreError> {
        let sql = "INSERT INTO asked_call (id, grant_id, task, scope, definition, arguments, salt, installation, asked_at, not_after,
                 sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (id) DO UPDATE SET installation = $8, asked_at = $9, not_after = $10, sealed = $11";
        let statement = query(sql)
            .bind(asked.id.as_str())
            .bind(asked.grant.as_str())
            .bind(asked.task.as_ref().map(Id::as_str))
            .bind(asked.scope.to_string())
            .bind(asked.definition.as_deref())
            .bind(&asked.arguments)
            .bind(&asked.salt)
            .bind(asked.installation.as_ref().map(Id::as_str))
            .bind(asked.asked_at.micros())
            .bind(asked.not_after.micros())
            .bind(sealed);
        self.run(statement).await?;
        Ok(())
    }

    /// Somebody asked for it: its arguments are kept for who decides.
    pub async fn asked_call_is_requested(&mut self, id: &Id<AskedCall>) -> Result<(), StoreError> {
        let now = self.now().micros();
        self.run(query("UPDATE asked_call SET requested_at = $2 WHERE id = $1").bind(id.as_str()).bind(now)).await?;
        Ok(())
    }
}

fn by_id(id: &Id<AskedCall>) -> Statement<'_> {
    query(concat!("SELECT ", asked_columns!(), " FROM asked_call c WHERE c.id = $1")).bind(id.as_str())
}

fn newest<'a>(grant: &'a Id<Grant>, scope: &'a str, now: Timestamp) -> Statement<'a> {
    let sql = concat!(
        "SELECT ",
        asked_columns!(),
        " FROM asked_call c WHERE c.grant_id = $1 AND c.scope = $2 AND c.not_after > $3
            AND (c.requested_at IS NULL OR c.requested_at < c.asked_at) ORDER BY c.asked_at DESC, c.id LIMIT 1"
    );
    query(sql).bind(grant.as_str()).bind(scope).bind(now.micros())
}

/// No more than a grant may have, and some for clocks that differ.
fn open_at(grant: &Id<Grant>, now: Timestamp) -> Statement<'_> {
    let sql = concat!(
        "SELECT ",
        asked_columns!(),
        " FROM asked_call c WHERE c.grant_id = $1 AND c.not_after > $2
            AND (c.requested_at IS NULL OR c.requested_at < c.asked_at) ORDER BY c.asked_at DESC, c.id LIMIT 64"
    );
    query(sql).bind(grant.as_str()).bind(now.micros())
}

impl FromColumns for AskedCall {
    const WHAT: &'static str = "asked call";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.parsed()?,
            grant: columns.parsed()?,
            task: columns.optional_parsed()?,
            scope: columns.parsed()?,
            definition: columns.optional_text()?,
            arguments: columns.text()?,
            salt: columns.text()?,
            installation: columns.optional_parsed()?,
            asked_at: columns.time()?,
            not_after: columns.time()?,
            requested_at: columns.optional_time()?,
        })
    }
}

struct Sealed(Vec<u8>);

impl FromColumns for Sealed {
    const WHAT: &'static str = "asked call";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self(columns.bytes()?))
    }
}
