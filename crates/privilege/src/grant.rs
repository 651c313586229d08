//! Grants: the baseline of an agent on a server.

use crypto::mint;
use model::{
    Actor, Agent, Event, Grant, Id, Person, Scope, ScopeSet, Server, Span,
    event::{GrantChange, GrantMade},
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

/// The one live grant of `agent` on `server`, made when there is none, for `person` if it acts for one. One that is live keeps
/// its end, because nobody has consented again.
pub async fn find_or_make(
    tx: &mut Tx<'_>,
    (agent, person): (&Agent, Option<&Id<Person>>),
    server: &Id<Server>,
    lasts: Span,
    actor: Actor,
) -> Result<(Grant, Option<Event>), StoreError> {
    let now = tx.now();
    if let Some(grant) = tx.live_grant(&agent.id, server, now).await? {
        return Ok((grant, None));
    }
    let grant = fresh(tx, agent, person, server, lasts);
    PrivilegeTx::of(tx).put_grant(&grant).await?;
    let made = GrantMade::of(&grant, GrantChange::Made).by(actor);
    Ok((grant, Some(made)))
}

/// The same for `person`, who has just consented: a grant that is live gets a new end.
pub async fn consent(
    tx: &mut Tx<'_>,
    agent: &Agent,
    person: &Id<Person>,
    server: &Id<Server>,
    lasts: Span,
) -> Result<Consented, StoreError> {
    let now = tx.now();
    let (grant, change) = match tx.live_grant(&agent.id, server, now).await? {
        Some(grant) => {
            let (scopes, not_after) = (baseline(server), now.after(lasts));
            PrivilegeTx::of(tx).extend_grant(&grant.id, &scopes, not_after).await?;
            (Grant { scopes, not_after, ..grant }, GrantChange::Extended)
        }
        None => {
            let grant = fresh(tx, agent, Some(person), server, lasts);
            PrivilegeTx::of(tx).put_grant(&grant).await?;
            (grant, GrantChange::Made)
        }
    };
    let event = GrantMade::of(&grant, change).by(Actor::Person(person.clone()));
    Ok(Consented { grant, is_new: change == GrantChange::Made, event })
}

/// What a consent made of a grant.
#[derive(Debug)]
pub struct Consented {
    /// As it stands now.
    pub grant: Grant,
    /// There was none before.
    pub is_new: bool,
    /// The record.
    pub event: Event,
}

fn fresh(tx: &Tx<'_>, agent: &Agent, person: Option<&Id<Person>>, server: &Id<Server>, lasts: Span) -> Grant {
    Grant {
        id: mint(),
        agent: agent.id.clone(),
        person: person.cloned(),
        server: server.clone(),
        scopes: baseline(server),
        created_at: tx.now(),
        not_after: tx.now().after(lasts),
        ended_at: None,
    }
}

/// Never more than the low tier: everything above it is an elevation.
fn baseline(server: &Id<Server>) -> ScopeSet {
    [Scope::Low(server.clone())].into_iter().collect()
}
