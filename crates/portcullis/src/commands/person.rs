//! `person`: everybody who may log in.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::{Context, Result, bail};
use model::{
    Actor, Id, Person, Role, Span,
    config::Config,
    event::{EnrolmentOffered, PersonChange, PersonChanged},
};
use serde_json::json;
use store::{Commit, Store, StoreError};
use token::Opaque;

use super::{Visit, kill};
use crate::{cli, output};

/// How long an enrolment link is good for.
const ENROLMENT: Span = Span::from_minutes(24 * 60);

/// Runs `person …`.
pub async fn run(visit: &Visit, command: cli::Person) -> Result<ExitCode> {
    match command {
        cli::Person::List => list(visit).await,
        cli::Person::Add { name, display_name, roles } => add(visit, &name, display_name, &roles).await,
        cli::Person::Link { name } => link(visit, &name).await,
        cli::Person::Role { name, roles } => role(visit, &name, &roles).await,
        cli::Person::Disable { name, reason } => {
            kill::revoke(visit, cli::Kill { kind: cli::TargetKind::Person, name: Some(name), reason }).await
        }
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let people = store.people().await?;
    let state = |person: &Person| match governance::inventory::blocked_person(&store, &person.id) {
        Some(_) => "revoked",
        None if person.disabled => "disabled",
        None => "active",
    };
    if visit.json {
        let shown = people.iter().map(|person| {
            let mut shown = serde_json::to_value(person)?;
            shown["state"] = state(person).into();
            Ok(shown)
        });
        output::json(&shown.collect::<Result<Vec<_>>>()?)?;
        return Ok(output::OK);
    }
    output::table(
        &["NAME", "SHOWN AS", "ROLES", "STATE"],
        people.iter().map(|person| {
            let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
            vec![person.id.to_string(), person.display_name.clone(), roles.join(", "), state(person).into()]
        }),
    );
    Ok(output::OK)
}

async fn link(visit: &Visit, name: &str) -> Result<ExitCode> {
    let (config, store) = visit.open().await?;
    let person = found(&store, name).await?;
    if person.disabled || governance::inventory::blocked_person(&store, &person.id).is_some() {
        bail!("`{name}` is disabled or revoked, and a link would open nothing");
    }
    let link = offer_enrolment(&store, &config, &person.id).await?;
    if visit.json {
        output::json(&json!({"person": person.id, "enrolment": link}))?;
    } else {
        output::line(format!("Once, within {ENROLMENT}, this link sets the password of {}:\n{link}", person.id));
    }
    Ok(output::OK)
}

async fn role(visit: &Visit, name: &str, roles: &[String]) -> Result<ExitCode> {
    let roles = parsed(roles)?;
    let (config, store) = visit.open().await?;
    let mut person = found(&store, name).await?;
    if config.people.contains_key(&person.id) {
        bail!("`{name}` is declared in {}; change `people.{name}.roles` there", visit.file.display());
    }
    person.roles = roles;
    let changed = person.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let event = PersonChanged::of(&changed, PersonChange::Roles);
                tx.put_person(&changed, None).await?;
                // What a session may do is asked of the store; decisions that wait are asked again.
                tx.bump_epoch().await?;
                Ok(Commit::with(event.by(Actor::Operator), ()))
            })
        })
        .await?;
    let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
    let said = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    if visit.json {
        output::json(&person)?;
    } else {
        output::line(format!("{} has {said}", person.id));
    }
    Ok(output::OK)
}

async fn found(store: &Store, name: &str) -> Result<Person> {
    let id: Id<Person> = name.parse()?;
    let person = store.person(&id).await?;
    person.with_context(|| format!("there is no person `{name}`; `portcullis person list` shows everybody"))
}

fn parsed(roles: &[String]) -> Result<BTreeSet<Role>> {
    let roles = roles.iter().map(|role| role.parse::<Role>()).collect::<Result<BTreeSet<_>, _>>();
    roles.map_err(|why| anyhow::anyhow!("--role: {why}"))
}

async fn add(visit: &Visit, name: &str, display_name: Option<String>, roles: &[String]) -> Result<ExitCode> {
    let roles = parsed(roles)?;
    let id: Id<Person> = name.parse()?;
    // The first people are added before the first start.
    let (config, store) = visit.open_or(store::Missing::IsMade).await?;
    if store.person(&id).await?.is_some() {
        bail!("there is a person `{name}` already; `portcullis person list` shows everybody");
    }
    let person =
        Person { display_name: display_name.unwrap_or_else(|| id.to_string()), id: id.clone(), roles, disabled: false };
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let event = PersonChanged::of(&person, PersonChange::Added);
                tx.put_person(&person, None).await?;
                Ok(Commit::with(event.by(Actor::Operator), ()))
            })
        })
        .await?;
    let link = offer_enrolment(&store, &config, &id).await?;
    if visit.json {
        output::json(&json!({"person": id, "enrolment": link}))?;
    } else {
        output::line(format!("{id} is added. Once, within {ENROLMENT}, this link sets their password:\n{link}"));
    }
    Ok(output::OK)
}

/// Makes a one-time link with which `person` sets a password.
pub async fn offer_enrolment(store: &Store, config: &Config, person: &Id<Person>) -> Result<String> {
    let ticket = Opaque::mint("pcl_enrol");
    let (digest, person) = (ticket.digest(), person.clone());
    let not_after = store.now().after(ENROLMENT);
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.offer_enrolment(&person, digest, not_after).await?;
                Ok(Commit::with(EnrolmentOffered { person }.by(Actor::Operator), ()))
            })
        })
        .await
        .context("the enrolment link could not be stored")?;
    Ok(format!("{}/enrol?ticket={}", config.public_url.as_str(), ticket.expose()))
}
