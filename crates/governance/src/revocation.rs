//! The kill switch: revoke and restore.
//!
//! A block stands until it is lifted, and stops whatever it covers on every node. What names an identity
//! (an agent, a person, a client) also ends the grants it covers, because credentials that were issued
//! under them may be in other hands. A server, a tool or everything is stopped and can go on later; the
//! elevations that were asked for or in force there end for good. An installation is one login of one copy of a
//! client: ending it ends the tokens of that copy, and leaves the grant to the others.

use model::{
    Actor, Agent, Block, Elevation, Event, EventName, Grant, Id, Installation, Scope, Target, block::Covered,
    config::Config,
};
use store::{Commit, Store};

use crate::GovernanceError;

/// What a turn of the kill switch ended, besides what it stops from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// Grants that ended.
    pub grants: u64,
    /// Elevations that ended apart from those of the ended grants.
    pub elevations: u64,
}

/// Stops `target` at once. Every node refuses once [`Store::wait_until_everywhere`] returns.
///
/// Servers and tools are known to the configuration alone: check those names with [`check_named`].
pub async fn revoke(store: &Store, target: &Target, actor: Actor, reason: &str) -> Result<Revocation, GovernanceError> {
    let reason = said(reason)?;
    known(store, target).await?;
    let now = store.now();
    let reach = Reach::of(store, target).await?;
    let target = target.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let mut ended = Revocation::default();
                for grant in &reach.grants {
                    ended.grants += u64::from(tx.end_grant(&grant.id, now).await?);
                }
                for elevation in &reach.elevations {
                    ended.elevations += u64::from(tx.end_elevation(&elevation.id, now).await?);
                }
                match &target {
                    Target::Grant(id) if ended.grants == 0 => {
                        return Err(GovernanceError::GrantEnded(id.clone()));
                    }
                    Target::Grant(_) => {}
                    Target::Installation(id) => {
                        if !tx.end_installation(id, now).await? {
                            return Err(GovernanceError::InstallationEnded(id.clone()));
                        }
                    }
                    _ => {
                        let block = Block { target: target.clone(), at: now, reason: reason.clone(), lifted_at: None };
                        tx.put_block(&block).await?;
                    }
                }
                if let Target::Person(id) = &target {
                    tx.end_sessions_of(id).await?;
                    tx.void_enrolment(id).await?;
                }
                tx.bump_epoch().await?;
                let event = about(EventName::Revoked, actor, &target, &reason)
                    .count("grants_ended", ended.grants)
                    .count("elevations_ended", ended.elevations);
                Ok(Commit::with(event, ended))
            })
        })
        .await
}

/// Ends one installation for good: what one authorization gave to one copy of a client. Its grant stands, and so do
/// the other installations under it. Every node refuses once [`Store::wait_until_everywhere`] returns.
pub async fn end_installation(
    store: &Store,
    id: &Id<Installation>,
    actor: Actor,
    reason: &str,
) -> Result<(), GovernanceError> {
    revoke(store, &Target::Installation(id.clone()), actor, reason).await.map(drop)
}

/// Lifts the block on `target`. What was issued before the block stays dead.
pub async fn restore(store: &Store, target: &Target, actor: Actor, reason: &str) -> Result<(), GovernanceError> {
    let reason = said(reason)?;
    if matches!(target, Target::Grant(_)) {
        return Err(GovernanceError::GrantIsFinal);
    }
    if matches!(target, Target::Installation(_)) {
        return Err(GovernanceError::InstallationIsFinal);
    }
    let standing: Vec<Block> =
        store.all_blocks().await?.into_iter().filter(|block| block.lifted_at.is_none()).collect();
    let target = target.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                if !tx.lift_block(&target, now).await? {
                    let targets = standing.iter().map(|block| block.target.to_string());
                    let hint = listed("revoked are", targets, "nothing is revoked");
                    return Err(GovernanceError::NotRevoked { target, hint });
                }
                Ok(Commit::with(about(EventName::Restored, actor, &target, &reason), ()))
            })
        })
        .await
}

/// Refuses a server, a tool or a client that the configuration does not know: a mistyped name would look
/// revoked while the real one goes on. A client that shows itself by a URL may be revoked before it comes.
pub fn check_named(config: &Config, target: &Target) -> Result<(), GovernanceError> {
    match target {
        Target::Server(server) | Target::Tool(server, _) if !config.servers.contains_key(server) => {
            Err(GovernanceError::UnknownName {
                kind: "server",
                name: server.to_string(),
                hint: listed("there are", config.servers.keys().map(ToString::to_string), "there are none at all"),
            })
        }
        _ => Ok(()),
    }
}

/// What a target covers and a revocation ends.
struct Reach {
    grants: Vec<Grant>,
    elevations: Vec<Elevation>,
}

impl Reach {
    async fn of(store: &Store, target: &Target) -> Result<Self, GovernanceError> {
        let now = store.now();
        let grants = match target {
            Target::Grant(id) => store.grant(id).await?.into_iter().collect(),
            Target::Agent(id) => store.grants_of(id).await?,
            Target::Client(_) | Target::Person(_) => {
                let agents = store.agents().await?;
                let mut grants = store.grants(Some(now)).await?;
                grants
                    .retain(|grant| agents.iter().any(|agent| agent.id == grant.agent && names(target, agent, grant)));
                grants
            }
            Target::Installation(_) | Target::Server(_) | Target::Tool(..) | Target::All => Vec::new(),
        };
        let mut elevations = match target {
            Target::Server(_) | Target::Tool(..) | Target::All | Target::Person(_) => {
                store.elevations(LATEST_ELEVATIONS).await?
            }
            Target::Agent(_) | Target::Client(_) | Target::Grant(_) | Target::Installation(_) => Vec::new(),
        };
        elevations
            .retain(|elevation| (elevation.is_pending(now) || elevation.is_live(now)) && ends_with(target, elevation));
        Ok(Self { grants, elevations })
    }
}

/// Elevations live minutes; more than these are never alive at a time.
const LATEST_ELEVATIONS: u32 = 10_000;

fn names(target: &Target, agent: &Agent, grant: &Grant) -> bool {
    let covered = Covered {
        agent: &agent.id,
        person: grant.person.as_ref(),
        owner: &agent.owner,
        client: &agent.client,
        grant: Some(&grant.id),
        server: &grant.server,
        tool: None,
    };
    let block = Block { target: target.clone(), at: grant.created_at, reason: String::new(), lifted_at: None };
    block.stops(&covered, grant.created_at)
}

/// Does the elevation open what is stopped, or rest on the word of the person who is?
fn ends_with(target: &Target, elevation: &Elevation) -> bool {
    match (target, &elevation.scope) {
        (Target::All, _) => true,
        (Target::Server(server), scope) => server == scope.server(),
        (Target::Tool(server, tool), Scope::Tool(at, scope)) => server == at && tool == scope,
        // Whoever has the approver's session may have approved for anybody.
        (Target::Person(person), _) => elevation.decided_by.as_deref() == Some(person.as_str()),
        _ => false,
    }
}

async fn known(store: &Store, target: &Target) -> Result<(), GovernanceError> {
    let unknown = |kind: &'static str, name: &dyn std::fmt::Display, hint: String| {
        Err(GovernanceError::UnknownName { kind, name: name.to_string(), hint })
    };
    match target {
        Target::Agent(id) if store.agent(id).await?.is_none() => {
            let agents = store.agents().await?;
            unknown("agent", id, listed("there are", agents.iter().map(|agent| agent.id.to_string()), "there are none"))
        }
        Target::Person(id) if store.person(id).await?.is_none() => {
            let people = store.people().await?;
            unknown("person", id, listed("there are", people.iter().map(|p| p.id.to_string()), "there are none"))
        }
        Target::Grant(id) if store.grant(id).await?.is_none() => {
            unknown("grant", id, "`portcullis grant list` shows those that stand".into())
        }
        Target::Installation(id) if store.installation(id).await?.is_none() => unknown(
            "installation",
            id,
            "the page `/me` lists those of a person; a token of client credentials is stopped with its agent".into(),
        ),
        Target::Client(id) if !id.is_metadata_url() && store.client(id).await?.is_none() => {
            let agents = store.agents().await?;
            if agents.iter().any(|agent| agent.client == *id) {
                return Ok(());
            }
            let mut clients: Vec<String> = agents.iter().map(|agent| agent.client.to_string()).collect();
            clients.sort();
            clients.dedup();
            unknown("client", id, listed("those that came here are", clients.into_iter(), "none came here yet"))
        }
        _ => Ok(()),
    }
}

/// At most ten names: `there are a, b, … and 5 more`.
fn listed(lead: &str, names: impl Iterator<Item = String>, none: &str) -> String {
    let names: Vec<String> = names.collect();
    match names.len() {
        0 => none.to_owned(),
        count @ ..=10 => format!("{lead} {}", names[..count].join(", ")),
        count => format!("{lead} {} and {} more", names[..10].join(", "), count - 10),
    }
}

fn said(reason: &str) -> Result<String, GovernanceError> {
    let reason = pages::shown(reason, 300);
    if reason.is_empty() { Err(GovernanceError::NoReason) } else { Ok(reason) }
}

fn about(name: EventName, actor: Actor, target: &Target, reason: &str) -> Event {
    Event::new(name, actor).with("target", target.kind()).with("name", target.name()).with("reason", reason)
}
