//! The kill switch: revoke and restore.
//!
//! A block stands until it is lifted, and stops whatever it covers on every node. What names an identity
//! (an agent, a person, a client) also ends the grants it covers, because credentials that were issued
//! under them may be in other hands. A server, a tool or everything is stopped and can go on later; the
//! elevations that were asked for or in force there end for good. An installation is one login of one copy of a
//! client: ending it ends the tokens of that copy, and leaves the grant to the others.
//!
//! Turning it is one short transaction, however much it covers: the block, the epoch and the record. What it ends is
//! refused from that moment by the block itself, and [written down afterwards](write_ends), in pages.

use model::{
    Actor, Block, Id, Installation, Target,
    config::Config,
    event::{EndsWritten, Restored, Revoked},
};
use store::{Commit, PageStart, Store, StoreError, Tx};

use crate::GovernanceError;

/// Stops `target` at once. Every node refuses once [`Store::wait_until_everywhere`] returns.
///
/// Servers and tools are known to the configuration alone: check those names with [`check_named`].
pub async fn revoke(store: &Store, target: &Target, actor: Actor, reason: &str) -> Result<(), GovernanceError> {
    let reason = said(reason)?;
    let turned = async || {
        let (wanted, actor, reason) = (target.clone(), actor.clone(), reason.clone());
        store.write(move |tx| Box::pin(async move { turn(tx, wanted, actor, reason).await })).await
    };
    match turned().await {
        // Room is kept back for exactly this.
        Err(GovernanceError::Store(error)) if error.is_disk_full() && store.give_back_disk() => turned().await,
        // Names are looked for only when there is nothing to stop.
        Err(GovernanceError::UnknownName { kind, name, .. }) => {
            let hint = hint(store, target).await?;
            Err(GovernanceError::UnknownName { kind, name, hint })
        }
        turned => turned,
    }
}

async fn turn(tx: &mut Tx<'_>, target: Target, actor: Actor, reason: String) -> Result<Commit<()>, GovernanceError> {
    let now = tx.now();
    if !is_known(tx, &target).await? {
        return Err(GovernanceError::UnknownName { kind: target.kind(), name: target.name(), hint: String::new() });
    }
    match &target {
        Target::Grant(id) => {
            if !tx.end_grant(id, now).await? {
                return Err(GovernanceError::GrantEnded(id.clone()));
            }
        }
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
    Ok(Commit::with(Revoked::of(&target, reason).by(actor), ()))
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
                    let page = tx.end_page_of(&target, since, from).await?;
                    let ends =
                        Ends { grants: before.grants + page.grants, elevations: before.elevations + page.elevations };
                    let is_last = page.next.is_none();
                    if (is_last && tx.ends_are_written(&target, since).await?) || page.grants + page.elevations > 0 {
                        let written = EndsWritten {
                            target: target.kind(),
                            name: target.name(),
                            complete: is_last,
                            grants_ended: ends.grants,
                            elevations_ended: ends.elevations,
                        };
                        return Ok(Commit::with(written.by(Actor::System), (page.next, ends)));
                    }
                    Ok(Commit::nothing((page.next, ends)))
                })
            });
            (next, ends) = page.await?;
        }
        all.grants += ends.grants;
        all.elevations += ends.elevations;
    }
    Ok(all)
}

/// What was written down of what blocks ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Grants.
    pub grants: u64,
    /// Elevations apart from those of the grants.
    pub elevations: u64,
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
    let target = target.clone();
    store
        .write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                if !tx.lift_block(&target, now).await? {
                    let standing = tx.standing_blocks().await?;
                    let targets = standing.iter().map(|block| block.target.to_string());
                    let hint = listed("revoked are", targets, "nothing is revoked");
                    return Err(GovernanceError::NotRevoked { target, hint });
                }
                Ok(Commit::with(Restored::of(&target, reason).by(actor), ()))
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

/// Is there anything of that name? What only the configuration knows is not asked here.
async fn is_known(tx: &mut Tx<'_>, target: &Target) -> Result<bool, StoreError> {
    Ok(match target {
        Target::Agent(id) => tx.agent(id).await?.is_some(),
        Target::Person(id) => tx.person(id).await?.is_some(),
        Target::Grant(id) => tx.grant(id).await?.is_some(),
        Target::Installation(id) => tx.installation(id).await?.is_some(),
        Target::Client(id) => id.is_metadata_url() || tx.knows_client(id).await?,
        Target::Server(_) | Target::Tool(..) | Target::All => true,
    })
}

/// What there is instead of a name that stands for nothing.
async fn hint(store: &Store, target: &Target) -> Result<String, StoreError> {
    Ok(match target {
        Target::Agent(_) => {
            let agents = store.agents().await?;
            listed("there are", agents.iter().map(|agent| agent.id.to_string()), "there are none")
        }
        Target::Person(_) => {
            let people = store.people().await?;
            listed("there are", people.iter().map(|person| person.id.to_string()), "there are none")
        }
        Target::Grant(_) => "`portcullis grant list` shows those that stand".into(),
        Target::Installation(_) => {
            "the page `/me` lists those of a person; a token of client credentials is stopped with its agent".into()
        }
        _ => {
            let agents = store.agents().await?;
            let mut clients: Vec<String> = agents.iter().map(|agent| agent.client.to_string()).collect();
            clients.sort();
            clients.dedup();
            listed("those that came here are", clients.into_iter(), "none came here yet")
        }
    })
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

pub(crate) fn said(reason: &str) -> Result<String, GovernanceError> {
    let reason = pages::shown(reason, 300);
    if reason.is_empty() { Err(GovernanceError::NoReason) } else { Ok(reason) }
}
