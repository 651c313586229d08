//! Who there is, what they may do, and the link with which they set a password.

use std::collections::BTreeSet;

use crypto::Opaque;
use model::{
    Actor, Event, Id, Person, Role, Span, Target,
    event::{EnrolmentOffered, PersonChange, PersonChanged},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::{Refused, duty::delegate::lost};

/// How long an enrolment link is good for.
pub const ENROLMENT: Span = Span::from_minutes(24 * 60);

/// Adds somebody who is not there yet.
///
/// # Errors
/// [`Refused::PersonExists`] when there is somebody of that name, whoever it is.
pub async fn add(tx: &mut Tx<'_>, person: &Person, actor: Actor) -> Result<Event, Refused> {
    if let Some(known) = tx.person(&person.id).await? {
        return Err(Refused::PersonExists(known));
    }
    PrivilegeTx::of(tx).put_person(person, None).await?;
    Ok(PersonChanged::of(person, PersonChange::Added).by(actor))
}

/// Gives a person these roles and no others. Sessions stay: what one may do is asked of the store each time. No event
/// when they had them already.
pub async fn set_roles(
    tx: &mut Tx<'_>,
    id: &Id<Person>,
    roles: BTreeSet<Role>,
    actor: Actor,
) -> Result<(Option<Event>, Person), Refused> {
    let mut person = tx.person(id).await?.ok_or_else(|| unknown(id))?;
    if person.roles == roles {
        return Ok((None, person));
    }
    person.roles = roles;
    PrivilegeTx::of(tx).put_person(&person, None).await?;
    lost(tx, &person).await?;
    // Decisions that wait are asked again.
    tx.bump_epoch().await?;
    Ok((Some(PersonChanged::of(&person, PersonChange::Roles).by(actor)), person))
}

/// Makes `ticket` one with which `person` sets a password once, within [`ENROLMENT`]; one from before is void.
///
/// # Errors
/// Also for whoever is disabled or revoked: it would open nothing.
pub async fn offer_enrolment(tx: &mut Tx<'_>, id: Id<Person>, ticket: &Opaque, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let person = tx.person(&id).await?.ok_or_else(|| unknown(&id))?;
    if person.disabled || tx.is_blocked(&Target::Person(id.clone())).await? {
        return Err(Refused::PersonStopped(id));
    }
    PrivilegeTx::of(tx).offer_enrolment(&id, ticket.digest(), now.after(ENROLMENT)).await?;
    Ok(EnrolmentOffered { person: id }.by(actor))
}

/// Keeps a person as the configuration declares them, with a new password when `phc` is one. The log says who there is
/// and what they may do, so that a row that somebody else changed is noticed.
pub async fn declare(tx: &mut Tx<'_>, person: &Person, phc: Option<&str>) -> Result<Declared, StoreError> {
    let known = tx.person(&person.id).await?;
    PrivilegeTx::of(tx).put_person(person, phc).await?;
    lost(tx, person).await?;
    let change = match &known {
        None => Some(PersonChange::Added),
        Some(known) if known.disabled => Some(PersonChange::DeclaredAgain),
        Some(known) if known.roles != person.roles => Some(PersonChange::Roles),
        Some(_) => None,
    };
    let named = change.map(|change| PersonChanged::of(person, change).by(Actor::System));
    if known.is_none() || phc.is_none() {
        return Ok(Declared { named, password: None });
    }
    tx.end_sessions_of(&person.id).await?;
    let changed = PersonChanged {
        person: person.id.clone(),
        change: PersonChange::Password,
        roles: None,
        disabled: None,
        grants_ended: None,
    };
    Ok(Declared { named, password: Some(changed.by(Actor::System)) })
}

/// What a declaration changed.
#[derive(Debug)]
pub struct Declared {
    /// Who they are, or what they may do.
    pub named: Option<Event>,
    /// Their password.
    pub password: Option<Event>,
}

/// Disables a person whom the configuration does not declare any more.
///
/// Who comes back under the name may be somebody else: nothing is left to inherit.
pub async fn withdraw(tx: &mut Tx<'_>, id: &Id<Person>) -> Result<Option<Event>, StoreError> {
    let Some(mut person) = tx.person(id).await? else { return Ok(None) };
    person.disabled = true;
    PrivilegeTx::of(tx).put_person(&person, None).await?;
    lost(tx, &person).await?;
    tx.void_enrolment(id).await?;
    let now = tx.now();
    PrivilegeTx::of(tx).end_exceptions_of_owner(id).await?;
    let grants = PrivilegeTx::of(tx).end_grants_of_person(id, now).await?;
    let changed = PersonChanged::of(&person, PersonChange::Disabled);
    Ok(Some(PersonChanged { grants_ended: Some(grants), ..changed }.by(Actor::System)))
}

fn unknown(id: &Id<Person>) -> Refused {
    let hint = "`portcullis person list` shows everybody".to_owned();
    Refused::UnknownName { kind: "person", name: id.to_string(), hint }
}
