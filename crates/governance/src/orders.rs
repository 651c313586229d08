//! What people and operators order, each in one transaction: the console and the command line come here.
//!
//! The rules are those of [`privilege`]; here is what a transaction can not have: the reason in words that can be shown,
//! a second try on a full disk, a hint at what there is instead of a name that stands for nothing.

use std::{collections::BTreeSet, sync::Arc};

use crypto::{Digest, Opaque};
use model::{
    Actor, Agent, AgentState, Duty, Elevation, Event, Exception, Id, Installation, Person, Role, Server, Span, Target,
    Task, ToolName, shown,
};
use policy::Policies;
use privilege::{
    Decider, Refused, agent,
    block::{self, Ends, listed},
    catalogue,
    clock::{self, ClockAccepted},
    duty::{self, delegate::DutyWish},
    elevation::{decide, end},
    exception::{self, ExceptionWish},
    key::{self, Urgency},
    latitude::{self, LatitudeWish},
    person,
    rotation::Rotation,
    task::{self, open::TaskWish},
};
use store::{Commit, PageStart, Store, StoreError};

pub use decide::Approved;
use decide::{Terms, Typed};

/// One change that is recorded by one event and gives something back.
macro_rules! change {
    ($store:expr, $tx:ident => $work:expr) => {
        $store
            .write::<_, Refused, _>(move |$tx| {
                Box::pin(async move {
                    let (event, given) = $work;
                    Ok(Commit::with(event, given))
                })
            })
            .await
    };
}

/// Approves an elevation, for `lasts` or as long as was asked for; the last one whose approval it takes puts it in force.
pub async fn approve(
    store: &Store,
    id: &Id<Elevation>,
    decider: &Decider,
    lasts: Option<Span>,
) -> Result<Approved, Refused> {
    approve_with(store, id, decider, Yes { lasts, ..Yes::default() }).await
}

/// A yes, and on what terms.
#[derive(Clone, Debug, Default)]
pub struct Yes {
    /// For how long, when shorter than was asked for.
    pub lasts: Option<Span>,
    /// The number that whoever asked sees, where that is asked for.
    pub number: Option<u32>,
    /// What of the one call may differ.
    pub latitude: Option<LatitudeWish>,
}

/// The same, on these terms.
///
/// # Errors
/// As for [`decide::approve`]; nothing of the call can vary like that; or the number is missing, or another one. A wrong one is on record, and the third one has denied it.
pub async fn approve_with(
    store: &Store,
    id: &Id<Elevation>,
    decider: &Decider,
    Yes { lasts, number, latitude }: Yes,
) -> Result<Approved, Refused> {
    let elevation = store.elevation(id).await?;
    // What the call was is kept as it was asked for, so it is the same inside of the transaction.
    let latitude = match (latitude, &elevation) {
        (Some(wish), Some(elevation)) => Some((latitude::of(store, elevation, &wish).await?, wish.uses)),
        _ => None,
    };
    let number = match (number, elevation.and_then(|elevation| store.matching_number(&elevation))) {
        (None, _) => Typed::Nothing,
        (Some(typed), Some(number)) if number.is(typed) => Typed::Right,
        (Some(_), _) => Typed::Wrong,
    };
    let (id, decider, terms) = (id.clone(), decider.clone(), Terms { lasts, number, latitude });
    let approved = store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let (event, approved) = decide::approve(tx, &id, &decider, terms).await?;
                Ok(recorded(event, approved))
            })
        })
        .await?;
    match approved {
        Approved::WrongNumber(left) => Err(Refused::WrongNumber { left }),
        approved => Ok(approved),
    }
}

/// Says no to a request that waits.
pub async fn deny(store: &Store, id: &Id<Elevation>, decider: &Decider) -> Result<(), Refused> {
    let (id, decider) = (id.clone(), decider.clone());
    change!(store, tx => (decide::deny(tx, &id, &decider).await?, ()))
}

/// Ends an elevation before its time, or withdraws the request for one. Who may is the caller's question.
pub async fn end(store: &Store, id: &Id<Elevation>, actor: Actor) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (end::end(tx, id, actor).await?, ()))
}

/// Puts an agent into `state`. A retired agent never comes back, and its grants end with it.
pub async fn set_agent_state(store: &Store, id: &Id<Agent>, state: AgentState, actor: Actor) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (agent::set_state(tx, id, state, actor).await?, ()))
}

/// Makes of what stands above the low tier for an agent what it has to ask for, or takes that back.
pub async fn set_eligible_only(
    store: &Store,
    id: &Id<Agent>,
    eligible_only: bool,
    actor: Actor,
) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (agent::set_eligible_only(tx, id, eligible_only, actor).await?, ()))
}

/// Says who answers for what an agent is for; `None` for nobody.
pub async fn set_sponsor(
    store: &Store,
    id: &Id<Agent>,
    sponsor: Option<Id<Person>>,
    actor: Actor,
) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (agent::set_sponsor(tx, id, sponsor, actor).await?, ()))
}

/// Stops `target` at once. Every node refuses once [`Store::wait_until_everywhere`] returns.
///
/// Servers and tools are known to the configuration alone: check those names with [`privilege::block::check_named`].
pub async fn revoke(store: &Store, target: &Target, actor: Actor, reason: &str) -> Result<(), Refused> {
    let reason = said(reason)?;
    let turned = async || {
        let (target, actor, reason) = (target.clone(), actor.clone(), reason.clone());
        change!(store, tx => (block::revoke(tx, target, actor, reason).await?, ()))
    };
    match turned().await {
        // Room is kept back for exactly this.
        Err(Refused::Store(error)) if error.is_disk_full() && store.give_back_disk() => turned().await,
        // Names are looked for only when there is nothing to stop.
        Err(Refused::UnknownName { kind, name, .. }) => {
            let hint = hint(store, target).await?;
            Err(Refused::UnknownName { kind, name, hint })
        }
        turned => turned,
    }
}

/// Ends one installation for good: what one authorization gave to one copy of a client. Its grant stands, and so do
/// the other installations under it. Every node refuses once [`Store::wait_until_everywhere`] returns.
pub async fn end_installation(store: &Store, id: &Id<Installation>, actor: Actor, reason: &str) -> Result<(), Refused> {
    revoke(store, &Target::Installation(id.clone()), actor, reason).await
}

/// Lifts the block on `target`. What was issued before the block stays dead.
pub async fn restore(store: &Store, target: &Target, actor: Actor, reason: &str) -> Result<(), Refused> {
    let (target, reason) = (target.clone(), said(reason)?);
    change!(store, tx => (block::restore(tx, target, actor, reason).await?, ()))
}

/// Writes down what the blocks ended that nobody has written down yet: some at a time, each in a transaction of its
/// own, so that it holds up nobody. Any number of processes may do so at once. Returns how much it was.
pub async fn write_ends(store: &Store) -> Result<Ends, StoreError> {
    let mut all = Ends::default();
    for block in store.unwritten_blocks().await? {
        let mut ends = Ends::default();
        let mut next = Some(PageStart::default());
        while let Some(from) = next {
            let (target, since, before) = (block.target.clone(), block.at, ends);
            let page = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let page = block::write_page_of_ends(tx, &target, since, from, before).await?;
                    Ok(recorded(page.event, (page.next, page.ends)))
                })
            });
            (next, ends) = page.await?;
        }
        all.grants += ends.grants;
        all.elevations += ends.elevations;
    }
    Ok(all)
}

/// Opens a task. Who may is the caller's question.
pub async fn open_task(store: &Store, wish: TaskWish, actor: Actor) -> Result<Task, Refused> {
    change!(store, tx => task::open::open(tx, wish, actor).await?)
}

/// Ends a task with all that belongs to it; of one that was said to be complete, this confirms it. Who may is the
/// caller's question.
pub async fn end_task(store: &Store, id: &Id<Task>, actor: Actor) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (task::end::end(tx, id, actor).await?, ()))
}

/// Hands approving in the name of one person to another one. Who may is the caller's question.
pub async fn delegate_duty(store: &Store, wish: DutyWish, actor: Actor) -> Result<Duty, Refused> {
    change!(store, tx => duty::delegate::delegate(tx, wish, actor).await?)
}

/// Ends a duty in another's name before its time. Who may is the caller's question.
pub async fn end_duty(store: &Store, id: &Id<Duty>, actor: Actor) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (duty::end::end(tx, &id, actor).await?, ()))
}

/// Adds an exception from policies. Who may, and whether there is such a server, is the caller's question.
pub async fn add_exception(store: &Store, wish: ExceptionWish, actor: Actor) -> Result<Exception, Refused> {
    change!(store, tx => exception::add(tx, wish, actor).await?)
}

/// Ends an exception before its time. Who may is the caller's question.
pub async fn end_exception(store: &Store, id: &Id<Exception>, actor: Actor) -> Result<(), Refused> {
    let id = id.clone();
    change!(store, tx => (exception::end(tx, id, actor).await?, ()))
}

/// Writes down the ends of duties, tasks, exceptions and elevations that ran out, and of requests that nobody decided.
pub async fn write_elapsed(store: &Store) -> Result<(), StoreError> {
    for task in store.elapsed_tasks(store.now()).await? {
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { Ok(recorded(task::end::elapse(tx, &task.id).await?, ())) })
            })
            .await?;
    }
    for duty in store.over_duties(store.now()).await? {
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { Ok(recorded(duty::end::elapse(tx, &duty.id).await?, ())) })
            })
            .await?;
    }
    for exception in store.elapsed_exceptions(store.now()).await? {
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { Ok(recorded(exception::elapse(tx, &exception.id).await?, ())) })
            })
            .await?;
    }
    for elevation in store.elapsed_elevations(store.now()).await? {
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { Ok(recorded(end::elapse(tx, &elevation).await?, ())) })
            })
            .await?;
    }
    Ok(())
}

/// Makes the definition with that digest the one that counts, if every policy still holds with it.
pub async fn accept_definition(
    store: &Store,
    (server, tool): (&Id<Server>, &ToolName),
    definition: Digest,
    policies: &Arc<Policies>,
    actor: Actor,
) -> Result<(), Refused> {
    let (server, tool, policies) = (server.clone(), tool.clone(), policies.clone());
    change!(store, tx => (catalogue::accept(tx, &server, &tool, &definition, &policies, actor).await?, ()))
}

/// Adds somebody who is not there yet.
///
/// # Errors
/// [`Refused::PersonExists`] when there is somebody of that name, whoever it is.
pub async fn add_person(store: &Store, person: &Person, actor: Actor) -> Result<(), Refused> {
    let person = person.clone();
    change!(store, tx => (person::add(tx, &person, actor).await?, ()))
}

/// Gives a person these roles and no others.
pub async fn set_roles(store: &Store, id: &Id<Person>, roles: BTreeSet<Role>, actor: Actor) -> Result<Person, Refused> {
    let id = id.clone();
    store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let (event, person) = person::set_roles(tx, &id, roles, actor).await?;
                Ok(recorded(event, person))
            })
        })
        .await
}

/// A ticket with which `person` sets a password once, within [`person::ENROLMENT`]; one from before is void.
pub async fn offer_enrolment(store: &Store, id: &Id<Person>, actor: Actor) -> Result<Opaque, Refused> {
    let (ticket, id) = (Opaque::mint("pcl_enrol"), id.clone());
    change!(store, tx => (person::offer_enrolment(tx, id, &ticket, actor).await?, ticket))
}

/// The `kid` of the key that has no end: the one that a rotation replaces.
pub async fn newest_key(store: &Store) -> Result<String, StoreError> {
    let keys = store.access_keys().await?;
    let newest = keys.into_iter().find(|key| key.gone_at.is_none());
    newest
        .map(|key| key.kid)
        .ok_or(StoreError::Unreadable { what: "signing key", why: "each of them has an end".into() })
}

/// Makes a new key for access tokens in the place of `replaces`, and gives the others an end.
///
/// # Errors
/// [`Refused::KeyReplaced`] when that is not the newest key any more.
pub async fn rotate_keys(store: &Store, urgency: Urgency, replaces: &str, actor: Actor) -> Result<Rotation, Refused> {
    let (key, replaces) = (store.new_access_key(), replaces.to_owned());
    change!(store, tx => key::replace(tx, &key, urgency, replaces, actor).await?)
}

/// Goes on from what this machine's clock says. Ends what was given later than that, every elevation, session and login
/// under way, and every access token. For [`store::USED_VALUES_UNKNOWN`] no client assertion is accepted.
///
/// Takes as long as a node may be silent, to see whether one runs. One that starts meanwhile is seen too.
pub async fn accept_clock(store: &Store, actor: Actor, reason: &str) -> Result<ClockAccepted, Refused> {
    let reason = said(reason)?;
    let seen = store.no_node_runs().await?;
    let (wall, key) = (store.clock().now(), store.new_access_key());
    store
        .write::<_, Refused, _>(move |tx| {
            Box::pin(async move {
                let ([accepted, made], given) = clock::accept(tx, wall, &seen, &key, actor, reason).await?;
                Ok(Commit::with(accepted, given).and(made))
            })
        })
        .await
}

/// A change that may have been none.
fn recorded<T>(event: Option<Event>, given: T) -> Commit<T> {
    match event {
        Some(event) => Commit::with(event, given),
        None => Commit::nothing(given),
    }
}

/// What there is instead of a name that stands for nothing.
async fn hint(store: &Store, target: &Target) -> Result<String, StoreError> {
    Ok(match target {
        Target::Agent(_) => {
            let first = store.agents_page(None, NAMED).await?.items;
            let names = first.iter().map(|agent| agent.id.to_string()).collect();
            some_of("there are", names, store.count_agents().await?, "there are none")
        }
        Target::Person(_) => {
            let first = store.people_page(None, NAMED).await?.items;
            let names = first.iter().map(|person| person.id.to_string()).collect();
            some_of("there are", names, store.count_people().await?, "there are none")
        }
        Target::Grant(_) => "`portcullis grant list` shows those that stand".into(),
        Target::Installation(_) => {
            "the page `/me` lists those of a person; a token of client credentials is stopped with its agent".into()
        }
        _ => {
            let first = store.clients_of_agents(NAMED).await?;
            let names = first.iter().map(ToString::to_string).collect();
            some_of("those that came here are", names, store.count_clients_of_agents().await?, "none came here yet")
        }
    })
}

/// The first of `count` names, and how many more there are.
fn some_of(lead: &str, names: Vec<String>, count: u64, none: &str) -> String {
    let more = count.saturating_sub(names.len() as u64);
    let first = listed(lead, names.into_iter(), none);
    if more == 0 { first } else { format!("{first} and {more} more") }
}

/// So many names a hint has.
const NAMED: u32 = 10;

fn said(reason: &str) -> Result<String, Refused> {
    let reason = shown(reason, 300);
    if reason.is_empty() { Err(Refused::NoReason) } else { Ok(reason) }
}
