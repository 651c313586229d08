//! People, their passwords and their enrolment links.

use crypto::Digest;
use model::{Id, Person, Role, Timestamp};
use sqlx::query;

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

impl Readers {
    /// The person of that name.
    pub async fn person(&self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        self.one(by_id(id)).await
    }

    /// People by name.
    pub async fn people_page(
        &self,
        after: Option<&Id<Person>>,
        limit: u32,
    ) -> Result<Page<Person, Id<Person>>, StoreError> {
        let sql = "SELECT id, display_name, roles, disabled FROM person WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = self.all(query(sql).bind(after.map_or("", Id::as_str)).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |person: &Person| person.id.clone()))
    }

    /// People who hold that role, directly or through `admin`, by name.
    pub async fn holders_page(
        &self,
        role: Role,
        after: Option<&Id<Person>>,
        limit: u32,
    ) -> Result<Page<Person, Id<Person>>, StoreError> {
        let sql = "SELECT id, display_name, roles, disabled FROM person WHERE id > $1 AND disabled = 0
               AND (' ' || roles || ' ' LIKE $3 OR ' ' || roles || ' ' LIKE $4) ORDER BY id LIMIT $2";
        let with = |role: Role| format!("% {} %", role.as_str());
        let statement = query(sql).bind(after.map_or("", Id::as_str)).bind(more_than(limit));
        let rows = self.all(statement.bind(with(role)).bind(with(Role::Admin))).await?;
        Ok(Page::of(rows, limit, |person: &Person| person.id.clone()))
    }

    /// How many people there are.
    pub async fn count_people(&self) -> Result<u64, StoreError> {
        Ok(self.one(query("SELECT COUNT(*) FROM person")).await?.unwrap_or(0))
    }

    /// How many people have that role.
    pub async fn count_people_with(&self, role: Role) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM person WHERE ' ' || roles || ' ' LIKE $1";
        Ok(self.one(query(sql).bind(format!("% {} %", role.as_str()))).await?.unwrap_or(0))
    }

    /// The stored password hash; `None` when there is no such person or no password yet.
    pub async fn password_phc(&self, id: &Id<Person>) -> Result<Option<String>, StoreError> {
        let sql = "SELECT password_phc FROM person WHERE id = $1";
        Ok(self.one::<Phc>(query(sql).bind(id.as_str())).await?.and_then(|Phc(phc)| phc))
    }

    /// Whose enrolment link this is, when it is still good.
    pub async fn enrolment(&self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        let sql = "SELECT person FROM enrolment WHERE digest = $1 AND not_after > $2";
        self.one(query(sql).bind(digest.to_hex()).bind(now.micros())).await
    }
}

impl Tx<'_> {
    /// The person of that name.
    pub async fn person(&mut self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        self.one(by_id(id)).await
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

    /// Makes the person's enrolment link void, if there is one.
    pub async fn void_enrolment(&mut self, id: &Id<Person>) -> Result<(), StoreError> {
        self.run(query("DELETE FROM enrolment WHERE person = $1").bind(id.as_str())).await?;
        Ok(())
    }

    /// Uses an enrolment link up; of several callers one gets the person.
    pub async fn take_enrolment(&mut self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        let sql = "DELETE FROM enrolment WHERE digest = $1 AND not_after > $2 RETURNING person";
        self.one(query(sql).bind(digest.to_hex()).bind(now.micros())).await
    }
}

impl PrivilegeTx<'_, '_> {
    /// Adds or changes a person. `password_phc` of `None` keeps the stored one.
    ///
    /// Disabling somebody ends the sessions and bumps the epoch.
    pub async fn put_person(&mut self, person: &Person, password_phc: Option<&str>) -> Result<(), StoreError> {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
        let sql = "INSERT INTO person (id, display_name, roles, disabled, password_phc) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (id) DO UPDATE SET display_name = excluded.display_name, roles = excluded.roles,
                 disabled = excluded.disabled, password_phc = COALESCE(excluded.password_phc, person.password_phc)";
        self.run(
            query(sql)
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

    /// Makes an enrolment link good until `not_after`; an older one of the person is void.
    pub async fn offer_enrolment(
        &mut self,
        id: &Id<Person>,
        digest: Digest,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO enrolment (digest, person, not_after) VALUES ($1, $2, $3)
             ON CONFLICT (person) DO UPDATE SET digest = excluded.digest, not_after = excluded.not_after";
        self.run(query(sql).bind(digest.to_hex()).bind(id.as_str()).bind(not_after.micros())).await?;
        Ok(())
    }
}

fn by_id(id: &Id<Person>) -> Statement<'_> {
    query("SELECT id, display_name, roles, disabled FROM person WHERE id = $1").bind(id.as_str())
}

impl FromColumns for Person {
    const WHAT: &'static str = "person";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        person_or_nobody(columns)?.ok_or_else(|| columns.unreadable("it is not there"))
    }
}

/// A person, as the outer side of a join has them.
pub(crate) fn person_or_nobody(columns: &mut Columns<'_>) -> Result<Option<Person>, StoreError> {
    let (id, display_name) = (columns.optional_parsed()?, columns.optional_text()?);
    let (roles, disabled) = (columns.optional_text()?, columns.optional_flag()?);
    let (Some(id), Some(display_name), Some(roles), Some(disabled)) = (id, display_name, roles, disabled) else {
        return Ok(None);
    };
    let roles = roles.split_whitespace().map(|role| role.parse().map_err(|error: String| columns.unreadable(error)));
    Ok(Some(Person { id, display_name, roles: roles.collect::<Result<_, _>>()?, disabled }))
}

/// Whose an enrolment link is.
impl FromColumns for Id<Person> {
    const WHAT: &'static str = "enrolment";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.parsed()
    }
}

/// The hash of a password.
struct Phc(Option<String>);

impl FromColumns for Phc {
    const WHAT: &'static str = "person";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.optional_text().map(Self)
    }
}
