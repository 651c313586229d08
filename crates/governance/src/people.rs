//! Who there is, what they may do, and the link with which they set a password.

use std::collections::BTreeSet;

use model::{
    Actor, Id, Person, Role, Span, Target,
    event::{EnrolmentOffered, PersonChange, PersonChanged},
};
use store::{Commit, Store};
use token::Opaque;

use crate::GovernanceError;

/// How long an enrolment link is good for.
pub const ENROLMENT: Span = Span::from_minutes(24 * 60);

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
                Ok(Commit::with(PersonChanged::of(&person, PersonChange::Added).by(actor), ()))
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
                let changed = PersonChanged::of(&person, PersonChange::Roles);
                Ok(Commit::with(changed.by(actor), person))
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
                Ok(Commit::with(EnrolmentOffered { person: id }.by(actor), ()))
            })
        })
        .await?;
    Ok(ticket)
}

fn unknown(id: &Id<Person>) -> GovernanceError {
    let hint = "`portcullis person list` shows everybody".to_owned();
    GovernanceError::UnknownName { kind: "person", name: id.to_string(), hint }
}
