//! People, their passwords and their enrolment links.

use model::{Id, Person, Timestamp};
use sqlx::{AnyConnection, query};
use token::Digest;

use crate::{
    error::StoreError,
    sql::{columns::Columns, readers::Readers, tx::Tx},
};

impl Readers {
    /// The person of that name.
    pub async fn person(&self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        let mut reader = self.lend().await?;
        let found = by_id(reader.connection(), id).await;
        reader.done(found)
    }

    /// Everybody, by name.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let mut reader = self.lend().await?;
        let sql = "SELECT id, display_name, roles, disabled FROM person ORDER BY id";
        let rows = query(sql).fetch_all(reader.connection()).await.map_err(StoreError::from);
        reader.done(rows)?.iter().map(|row| person(&mut Columns::of("person", row))).collect()
    }

    /// The stored password hash; `None` when there is no such person or no password yet.
    pub async fn password_phc(&self, id: &Id<Person>) -> Result<Option<String>, StoreError> {
        let mut reader = self.lend().await?;
        let row = query("SELECT password_phc FROM person WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(reader.connection())
            .await
            .map_err(StoreError::from);
        match reader.done(row)? {
            Some(row) => Columns::of("person", &row).optional_text(),
            None => Ok(None),
        }
    }

    /// Whose enrolment link this is, when it is still good.
    pub async fn enrolment(&self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        let mut reader = self.lend().await?;
        let row = query("SELECT person FROM enrolment WHERE digest = $1 AND not_after > $2")
            .bind(digest.to_hex())
            .bind(now.micros())
            .fetch_optional(reader.connection())
            .await
            .map_err(StoreError::from);
        reader.done(row)?.map(|row| Columns::of("enrolment", &row).parsed()).transpose()
    }
}

impl Tx<'_> {
    /// The person of that name.
    pub async fn person(&mut self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        by_id(self.connection, id).await
    }

    /// Adds or changes a person. `password_phc` of `None` keeps the stored one.
    ///
    /// Disabling somebody ends the sessions and bumps the epoch.
    pub async fn put_person(&mut self, person: &Person, password_phc: Option<&str>) -> Result<(), StoreError> {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
        self.run(
            query(
                "INSERT INTO person (id, display_name, roles, disabled, password_phc) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, roles = excluded.roles,
                 disabled = excluded.disabled, password_phc = COALESCE(excluded.password_phc, person.password_phc)",
            )
            .bind(person.id.as_str())
            .bind(&person.display_name)
            .bind(roles.join(" "))
            .bind(i64::from(person.disabled))
            .bind(password_phc),
        )
        .await?;
        if person.disabled {
            self.end_sessions_of(&person.id).await?;
            self.bump_epoch().await?;
        }
        Ok(())
    }

    /// Puts `new` in the place of `old`, another hash of the same password. A password that was changed meanwhile stays.
    pub async fn rehash_password(&mut self, id: &Id<Person>, old: &str, new: &str) -> Result<(), StoreError> {
        let sql = "UPDATE person SET password_phc = $3 WHERE id = $1 AND password_phc = $2";
        self.run(query(sql).bind(id.as_str()).bind(old).bind(new)).await.map(drop)
    }

    /// Sets the password hash of a person.
    pub async fn set_password(&mut self, id: &Id<Person>, phc: &str) -> Result<(), StoreError> {
        self.run(query("UPDATE person SET password_phc = $2 WHERE id = $1").bind(id.as_str()).bind(phc)).await?;
        Ok(())
    }

    /// Makes an enrolment link good until `not_after`; an older one of the person is void.
    pub async fn offer_enrolment(
        &mut self,
        id: &Id<Person>,
        digest: Digest,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            query(
                "INSERT INTO enrolment (digest, person, not_after) VALUES ($1, $2, $3)
             ON CONFLICT (person) DO UPDATE SET digest = excluded.digest, not_after = excluded.not_after",
            )
            .bind(digest.to_hex())
            .bind(id.as_str())
            .bind(not_after.micros()),
        )
        .await?;
        Ok(())
    }

    /// Makes the person's enrolment link void, if there is one.
    pub async fn void_enrolment(&mut self, id: &Id<Person>) -> Result<(), StoreError> {
        self.run(query("DELETE FROM enrolment WHERE person = $1").bind(id.as_str())).await?;
        Ok(())
    }

    /// Uses an enrolment link up; of several callers one gets the person.
    pub async fn take_enrolment(&mut self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        self.row(
            query("DELETE FROM enrolment WHERE digest = $1 AND not_after > $2 RETURNING person")
                .bind(digest.to_hex())
                .bind(now.micros()),
        )
        .await?
        .map(|row| Columns::of("enrolment", &row).parsed())
        .transpose()
    }
}

async fn by_id(connection: &mut AnyConnection, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
    query("SELECT id, display_name, roles, disabled FROM person WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?
        .map(|row| person(&mut Columns::of("person", &row)))
        .transpose()
}

pub(crate) fn person(columns: &mut Columns<'_>) -> Result<Person, StoreError> {
    Ok(Person {
        id: columns.parsed()?,
        display_name: columns.text()?,
        roles: columns
            .text()?
            .split_whitespace()
            .map(|role| role.parse().map_err(|error: String| columns.unreadable(error)))
            .collect::<Result<_, _>>()?,
        disabled: columns.flag()?,
    })
}
