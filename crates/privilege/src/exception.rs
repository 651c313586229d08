//! Exceptions from policies: added for a reason, by somebody's word, and ended.
//!
//! What one is worth is said by policies: what none of them names changes nothing.

use crypto::mint;
use model::{
    Actor, Agent, AgentState, Event, Exception, ExceptionEnd, ExceptionName, Id, Person, Server, Span, Target,
    event::{ExceptionAdded, ExceptionEnded},
    shown,
};
use store::{StoreError, Tx, privilege::PrivilegeTx};

use crate::Refused;

/// So many of one agent stand at once.
pub const OF_AN_AGENT: usize = 32;
/// So many stand at once: every node holds them in memory.
pub const IN_ALL: u64 = 1000;

/// What is to be added.
#[derive(Clone, Debug)]
pub struct ExceptionWish {
    /// What policies call it.
    pub name: ExceptionName,
    /// Who is spared.
    pub agent: Id<Agent>,
    /// Where; everywhere when it says nothing.
    pub server: Option<Id<Server>>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: Id<Person>,
    /// For how long.
    pub lasts: Span,
}

/// Adds one. Servers are known to the configuration alone: whoever calls this has looked there.
///
/// # Errors
/// Agent or owner are not there, retired or stopped; there is no reason; it would last too long, or too many stand; or the
/// agent has it already.
pub async fn add(tx: &mut Tx<'_>, wish: ExceptionWish, actor: Actor) -> Result<(Event, Exception), Refused> {
    let ExceptionWish { name, agent, server, reason, owner, lasts } = wish;
    let Some(agent) = tx.agent(&agent).await? else {
        let hint = "`portcullis agent list` shows them all".to_owned();
        return Err(Refused::UnknownName { kind: "agent", name: agent.to_string(), hint });
    };
    if agent.state == AgentState::Retired {
        return Err(Refused::Retired(agent.id.to_string()));
    }
    let Some(known) = tx.person(&owner).await? else {
        let hint = "`portcullis person list` shows everybody".to_owned();
        return Err(Refused::UnknownName { kind: "person", name: owner.to_string(), hint });
    };
    if known.disabled || tx.is_blocked(&Target::Person(owner.clone())).await? {
        return Err(Refused::OwnerStopped(owner));
    }
    let reason = shown(&reason, 300);
    if reason.is_empty() {
        return Err(Refused::NoReason);
    }
    if lasts.seconds() == 0 || lasts > Exception::LONGEST {
        return Err(Refused::BadException("an exception lasts 1s to 90d"));
    }
    let now = tx.now();
    let standing = tx.standing_exceptions_of(&agent.id).await?;
    let mut standing = standing.iter().filter(|one| one.end(now).is_none());
    if let Some(same) = standing.clone().find(|one| one.name == name && one.server == server) {
        return Err(Refused::ExceptionStands(same.id.clone()));
    }
    if standing.by_ref().count() >= OF_AN_AGENT || tx.count_standing_exceptions().await? >= IN_ALL {
        return Err(Refused::BadException(
            "as many exceptions stand as may, of this agent or in all: end one, `portcullis exception list` shows them",
        ));
    }
    let exception = Exception {
        id: mint(),
        name,
        agent: agent.id,
        server,
        reason,
        owner,
        added_at: now,
        not_after: now.after(lasts),
        ended: None,
    };
    PrivilegeTx::of(tx).put_exception(&exception).await?;
    Ok((ExceptionAdded::of(&exception).by(actor), exception))
}

/// Ends one before its time. Who may is the caller's question.
///
/// # Errors
/// It is not there, or over.
pub async fn end(tx: &mut Tx<'_>, id: Id<Exception>, actor: Actor) -> Result<Event, Refused> {
    let now = tx.now();
    let Some(exception) = tx.exception(&id).await? else { return Err(Refused::UnknownException(id)) };
    let cause = ExceptionEnd::ByHand;
    if exception.end(now).is_some() || !PrivilegeTx::of(tx).end_exception(&id, cause, now).await? {
        return Err(Refused::ExceptionOver(id));
    }
    Ok(ExceptionEnded::of(&exception, cause, now).by(actor))
}

/// Writes down the end of one that is over by itself or by a block; no event when somebody was faster.
pub async fn elapse(tx: &mut Tx<'_>, id: &Id<Exception>) -> Result<Option<Event>, StoreError> {
    let now = tx.now();
    let Some(exception) = tx.exception(id).await? else { return Ok(None) };
    let Some((cause, at)) = exception.end(now) else { return Ok(None) };
    let ended = PrivilegeTx::of(tx).end_exception(id, cause, at).await?;
    Ok(ended.then(|| ExceptionEnded::of(&exception, cause, at).by(Actor::System)))
}
