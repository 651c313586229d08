//! `person`: everybody who may log in.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::{Context, Result, bail};
use model::{Id, Person, Role};
use privilege::person::ENROLMENT;
use serde_json::json;

use super::{
    order::{self, Carried},
    revoke,
    visit::{AT_A_TIME, Visit},
};
use crate::{
    cli,
    node::order::{Link, Order, Outcome},
    output,
};

/// Runs `person …`.
pub async fn run(visit: &Visit, command: cli::Person) -> Result<ExitCode> {
    match command {
        cli::Person::List => list(visit).await,
        cli::Person::Add { name, display_name, roles } => add(visit, &name, display_name, &roles).await,
        cli::Person::Link { name } => link(visit, &name).await,
        cli::Person::Role { name, roles } => role(visit, &name, &roles).await,
        cli::Person::Disable { name, reason } => {
            revoke::revoke(visit, cli::Kill { kind: cli::TargetKind::Person, name: Some(name), reason }).await
        }
    }
}

async fn list(visit: &Visit) -> Result<ExitCode> {
    let (_, store) = visit.open().await?;
    let state = |person: &Person| match governance::inventory::blocked_person(&store, &person.id) {
        Some(_) => "revoked",
        None if person.disabled => "disabled",
        None => "active",
    };
    let mut listing = output::Listing::of(visit.json, &["NAME", "SHOWN AS", "ROLES", "STATE"]);
    let mut after = None;
    loop {
        let page = store.people_page(after.as_ref(), AT_A_TIME).await?;
        for person in &page.items {
            let whole = || {
                let mut shown = serde_json::to_value(person)?;
                shown["state"] = state(person).into();
                Ok(shown)
            };
            let row = || {
                let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
                vec![person.id.to_string(), person.display_name.clone(), roles.join(", "), state(person).into()]
            };
            listing.push(whole, row)?;
        }
        listing.page();
        after = page.next;
        if after.is_none() {
            return Ok(listing.end());
        }
    }
}

async fn link(visit: &Visit, name: &str) -> Result<ExitCode> {
    let id: Id<Person> = name.parse()?;
    let (link, through) = offered(visit, name).await?;
    visit.tell(
        &json!({"person": id, "enrolment": link, "through": through}),
        format!("Once, within {ENROLMENT}, this link sets the password of {id}, through {through}:\n{link}"),
    )
}

async fn role(visit: &Visit, name: &str, roles: &[String]) -> Result<ExitCode> {
    let order = Order::SetRoles { name: name.to_owned(), roles: parsed(roles)? };
    let carried = order::carry_out(visit, &order).await?;
    let Carried { outcome: Outcome::Person(person), through } = carried else {
        bail!("the roles were set, and whoever set them did not say so; `portcullis person list` shows them");
    };
    let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
    let said = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
    let mut shown = serde_json::to_value(&person)?;
    shown["through"] = through.into();
    visit.tell(&shown, format!("{} has {said}, through {through}", person.id))
}

async fn add(visit: &Visit, name: &str, display_name: Option<String>, roles: &[String]) -> Result<ExitCode> {
    let id: Id<Person> = name.parse()?;
    let order = Order::AddPerson { name: name.to_owned(), display_name, roles: parsed(roles)? };
    let through = order::carry_out(visit, &order).await?.through;
    let (link, _) = offered(visit, name)
        .await
        .with_context(|| format!("{id} is added, and has no link yet; `portcullis person link {id}` makes one"))?;
    visit.tell(
        &json!({"person": id, "enrolment": link, "through": through}),
        format!("{id} is added, through {through}. Once, within {ENROLMENT}, this link sets their password:\n{link}"),
    )
}

async fn offered(visit: &Visit, name: &str) -> Result<(String, &'static str)> {
    match order::carry_out(visit, &Order::OfferLink { name: name.to_owned() }).await? {
        Carried { outcome: Outcome::Link(Link(link)), through } => Ok((link, through)),
        _ => bail!("whoever was asked for a link answered something else"),
    }
}

fn parsed(roles: &[String]) -> Result<BTreeSet<Role>> {
    let roles = roles.iter().map(|role| role.parse::<Role>()).collect::<Result<BTreeSet<_>, _>>();
    roles.map_err(|why| anyhow::anyhow!("--role: {why}"))
}
