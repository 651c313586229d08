//! People, their passwords and their enrolment links.

use model::{Id, Person, Timestamp};
use token::Digest;

use crate::{Store, StoreError, Tx};

impl Store {
    /// The person of that name.
    pub async fn person(&self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        todo!()
    }

    /// Everybody, by name.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        todo!()
    }

    /// The stored password hash; `None` when there is no such person or no password yet.
    pub async fn password_phc(&self, id: &Id<Person>) -> Result<Option<String>, StoreError> {
        todo!()
    }

    /// Whose enrolment link this is, when it is still good.
    pub async fn enrolment(&self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        todo!()
    }
}

impl Tx<'_> {
    /// The person of that name.
    pub async fn person(&mut self, id: &Id<Person>) -> Result<Option<Person>, StoreError> {
        todo!()
    }

    /// Adds or changes a person. `password_phc` of `None` keeps the stored one.
    pub async fn put_person(&mut self, person: &Person, password_phc: Option<&str>) -> Result<(), StoreError> {
        todo!()
    }

    /// Sets the password hash of a person.
    pub async fn set_password(&mut self, id: &Id<Person>, phc: &str) -> Result<(), StoreError> {
        todo!()
    }

    /// Makes an enrolment link good until `not_after`; an older one of the person is void.
    pub async fn offer_enrolment(
        &mut self,
        id: &Id<Person>,
        digest: Digest,
        not_after: Timestamp,
    ) -> Result<(), StoreError> {
        todo!()
    }

    /// Uses an enrolment link up; of several callers one gets the person.
    pub async fn take_enrolment(&mut self, digest: Digest, now: Timestamp) -> Result<Option<Id<Person>>, StoreError> {
        todo!()
    }
}
