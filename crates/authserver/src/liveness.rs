//! Whether anything may be issued under a grant right now.
//!
//! Spec: RFC 9700 §4.14 (never above the grant, as it stands now).

use model::{
    Agent, AgentKind, AgentState, ClientId, Grant, Id, NotStanding, Person, Server, Standing, TargetKind, Timestamp,
};
use privilege::standing;
use store::{Store, StoreError, Tx};

/// Why nothing is issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Dead {
    #[error("the grant has ended; authorize again")]
    GrantEnded,
    #[error("the agent is {0}")]
    AgentNotActive(AgentState),
    #[error("the agent is not known here")]
    AgentUnknown,
    #[error("the person behind this agent is disabled")]
    PersonDisabled,
    #[error("access is blocked: {0}")]
    Blocked(TargetKind),
}

/// The agent of `grant`, when everything that must be alive is. `issued_at` is when the code or refresh token
/// that is presented was made: what was issued before a block stays dead after it is lifted.
pub(crate) async fn check(
    tx: &mut Tx<'_>,
    grant: &Grant,
    client: &ClientId,
    issued_at: Timestamp,
) -> Result<Result<Agent, Dead>, StoreError> {
    let Some(agent) = tx.agent(&grant.agent).await? else { return Ok(Err(Dead::AgentUnknown)) };
    let alive = is_alive(tx, &acting(&agent, client, Some(grant), &grant.server), issued_at).await?;
    Ok(match alive {
        Ok(()) if grant.is_live(tx.now()) => Ok(agent),
        Ok(()) => Err(Dead::GrantEnded),
        Err(dead) => Err(dead),
    })
}

impl From<NotStanding> for Dead {
    fn from(not: NotStanding) -> Self {
        match not {
            NotStanding::AgentNotActive(state) => Self::AgentNotActive(state),
            NotStanding::OwnerDisabled => Self::PersonDisabled,
            NotStanding::Blocked(target) => Self::Blocked(target.kind()),
            NotStanding::GrantEnded => Self::GrantEnded,
        }
    }
}

/// Who acts where, as `client`; there may be no grant yet.
pub(crate) fn acting<'a>(
    agent: &'a Agent,
    client: &'a ClientId,
    grant: Option<&'a Grant>,
    server: &'a Id<Server>,
) -> Standing<'a> {
    let person = (agent.kind == AgentKind::Delegated).then_some(&agent.owner);
    Standing { agent, client, person, grant, server, tool: None }
}

/// Is everything alive that must be, by what stands inside this transaction?
pub(crate) async fn is_alive(
    tx: &mut Tx<'_>,
    acting: &Standing<'_>,
    issued_at: Timestamp,
) -> Result<Result<(), Dead>, StoreError> {
    Ok(standing::stands(tx, acting, issued_at).await?.map_err(Dead::from))
}

/// The same by what is in memory, for a page. What is then done is asked again inside its transaction.
pub(crate) fn seems_alive(store: &Store, acting: &Standing<'_>, owner: &Person) -> Result<(), Dead> {
    Ok(acting.stands(owner.disabled, store.blocks().iter(), store.now())?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Assurance, Block, ManualClock, Span, Target, config::StoreUrl};
    use store::{Commit, Missing, OpenOptions, privilege::PrivilegeTx};

    use super::*;

    fn bot() -> Agent {
        Agent {
            id: "bot".parse().unwrap(),
            title: "Bot".into(),
            owner: "ada".parse().unwrap(),
            purpose: "to test".into(),
            kind: AgentKind::Autonomous,
            client: "https://bot.test/client.json".parse().unwrap(),
            assurance: Assurance::Proven,
            state: AgentState::Active,
            created_at: Timestamp::from_seconds(1),
            sponsor: None,
            eligible_only: false,
        }
    }

    /// Is `bot` alive, and would it seem so to a page, inside a transaction that has just blocked `target`?
    async fn after_a_block_on(target: Target) -> (Result<(), Dead>, Result<(), Dead>) {
        let directory = tempfile::tempdir().unwrap();
        let options = OpenOptions {
            url: StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().into(),
            origin: "test/audit".into(),
            clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000))),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        };
        let store = Store::open(options).await.unwrap();
        let memory = store.clone();
        let asked = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let block = Block { target, at: tx.now(), reason: "a drill".into(), lifted_at: None };
                PrivilegeTx::of(tx).put_block(&block).await?;
                let (bot, server) = (bot(), "tickets".parse().unwrap());
                let ada = Person {
                    id: "ada".parse().unwrap(),
                    display_name: "Ada".into(),
                    roles: [].into(),
                    disabled: false,
                };
                PrivilegeTx::of(tx).put_person(&ada, None).await?;
                let (acting, now) = (acting(&bot, &bot.client, None, &server), tx.now());
                let is_alive = is_alive(tx, &acting, now).await?;
                let seems = seems_alive(&memory, &acting, &ada);
                Ok(Commit::with(model::event::examples::any(), (is_alive, seems)))
            })
        });
        asked.await.unwrap()
    }

    /// Field: N18
    #[tokio::test]
    async fn a_block_counts_from_within_its_own_transaction_whatever_is_in_memory() {
        for (kind, name) in [
            ("agent", "bot"),
            ("person", "ada"),
            ("client", "https://bot.test/client.json"),
            ("server", "tickets"),
            ("all", ""),
        ] {
            let (is_alive, seems) = after_a_block_on(Target::parse(kind, name).unwrap()).await;
            assert_eq!((is_alive, seems), (Err(Dead::Blocked(kind.parse().unwrap())), Ok(())), "{kind}");
        }
    }

    #[tokio::test]
    async fn a_block_on_somebody_else_stops_nobody() {
        for (kind, name) in [("agent", "other"), ("person", "bob"), ("server", "files"), ("tool", "tickets.get_it")] {
            let (is_alive, _) = after_a_block_on(Target::parse(kind, name).unwrap()).await;
            assert_eq!(is_alive, Ok(()), "{kind}");
        }
    }
}
