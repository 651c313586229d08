//! Who there is, what they may do, and the link with which they set a password.
//!
//! The record of a person who was added or changed says all that `audit verify` needs to notice another change of the row.

use std::collections::BTreeSet;

use model::{Actor, Event, EventName, Id, Person, Role, Span, Target};
use store::{Commit, Store};
use token::Opaque;

use crate::GovernanceError;

/// How long an enrolment link is good for.
pub const ENROLMENT: Span = Span::from_minutes(24 * 60);

/// The record of a person who was added or changed.
pub fn person_changed(person: &Person, actor: Actor, change: &str) -> Event {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
    Event::new(EventName::PersonChanged, actor)
        .with("person", &person.id)
        .with("roles", roles.join(" "))
        .with("disabled", if person.disabled { "yes" } else { "no" })
        .with("change", change)
}

/// Adds somebody who is not there yet.
///
/// # Errors
/// [`GovernanceError::PersonExists`] when there is somebody of that name, whoever it is.
pub async fn add_person(store: &Store, person: &Person, actor: Actor) -> Result<(), GovernanceError> {
    let person = person.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                if let Some(known) = tx.person(&person.id).await? {
                    return Err(GovernanceError::PersonExists(known));
                }
                tx.put_person(&person, None).await?;
                Ok(Commit::with(person_changed(&person, actor, "added"), ()))
            })
        })
        .await
}

/// Gives a person these roles and no others. Sessions stay: what one may do is asked of the store each time.
pub async fn set_roles(
    store: &Store,
    id: &Id<Person>,
    roles: BTreeSet<Role>,
    actor: Actor,
) -> Result<Person, GovernanceError> {
    let id = id.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let mut person = tx.person(&id).await?.ok_or_else(|| unknown(&id))?;
                if person.roles == roles {
                    return Ok(Commit::nothing(person));
                }
                person.roles = roles;
                tx.put_person(&person, None).await?;
                // Decisions that wait are asked again.
                tx.bump_epoch().await?;
                Ok(Commit::with(person_changed(&person, actor, "other roles"), person))
            })
        })
        .await
}

/// A ticket with which `person` sets a password once, within [`ENROLMENT`]; one from before is void.
///
/// # Errors
/// Also for whoever is disabled or revoked: it would open nothing.
pub async fn offer_enrolment(store: &Store, id: &Id<Person>, actor: Actor) -> Result<Opaque, GovernanceError> {
    let (ticket, id) = (Opaque::mint("pcl_enrol"), id.clone());
    let digest = ticket.digest();
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let person = tx.person(&id).await?.ok_or_else(|| unknown(&id))?;
                if person.disabled || tx.is_blocked(&Target::Person(id.clone())).await? {
                    return Err(GovernanceError::PersonStopped(id));
                }
                tx.offer_enrolment(&id, digest, now.after(ENROLMENT)).await?;
                let event = Event::new(EventName::EnrolmentOffered, actor).with("person", &id);
                Ok(Commit::with(event, ()))
            })
        })
        .await?;
    Ok(ticket)
}

fn unknown(id: &Id<Person>) -> GovernanceError {
    let hint = "`portcullis person list` shows everybody".to_owned();
    GovernanceError::UnknownName { kind: "person", name: id.to_string(), hint }
}
