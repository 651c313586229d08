//! What an operator orders at the command line, carried out by whoever has the store open: the node that runs, or the
//! command itself.

use anyhow::{Context, Result, anyhow};
use governance::{Decider, GovernanceError};
use model::{Actor, AgentState, Elevation, ElevationState, Id, Span, Target, config::Config};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

/// An order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// Turn the kill switch.
    Revoke {
        /// What kind of thing.
        kind: String,
        /// Which one.
        name: String,
        /// Why.
        reason: String,
    },
    /// Lift a block.
    Restore {
        /// What kind of thing.
        kind: String,
        /// Which one.
        name: String,
        /// Why.
        reason: String,
    },
    /// Suspend, resume or retire an agent.
    SetAgent {
        /// Which one.
        name: String,
        /// What it shall be.
        state: AgentState,
    },
    /// Approve an elevation in the name of a person.
    Approve {
        /// Which one.
        elevation: String,
        /// Who approves.
        approver: String,
        /// For how many seconds, when shorter than was asked for.
        lasts: Option<u32>,
    },
    /// Deny an elevation in the name of a person.
    Deny {
        /// Which one.
        elevation: String,
        /// Who denies.
        approver: String,
    },
    /// End an elevation before its time.
    End {
        /// Which one.
        elevation: String,
    },
}

/// Why an order was not carried out.
#[derive(Debug)]
pub enum NotDone {
    /// It can not be, and whoever gave it has to mend that.
    Refused(String),
    /// What it would do is done already.
    AlreadySo(String),
    /// The store failed; somebody with another connection may have more luck.
    Store(String),
}

impl Order {
    /// Carries it out. What it takes away is on disk; that every node knows is asked of
    /// [`Store::wait_until_everywhere`].
    pub async fn carry_out(&self, config: &Config, store: &Store) -> Result<(), NotDone> {
        let done = match self {
            Self::Revoke { kind, name, reason } => {
                async {
                    let target = target(kind, name)?;
                    governance::check_named(config, &target)?;
                    Ok(governance::revoke(store, &target, Actor::Operator, reason).await?)
                }
                .await
            }
            Self::Restore { kind, name, reason } => {
                async {
                    let target = target(kind, name)?;
                    Ok(governance::restore(store, &target, Actor::Operator, reason).await?)
                }
                .await
            }
            Self::SetAgent { name, state } => {
                async { Ok(governance::set_agent_state(store, &name.parse()?, *state, Actor::Operator).await?) }.await
            }
            Self::Approve { elevation, approver, lasts } => {
                async {
                    let (id, decider) = decision(store, elevation, approver).await?;
                    Ok(governance::approve(store, &id, &decider, lasts.map(Span::from_seconds)).await.map(drop)?)
                }
                .await
            }
            Self::Deny { elevation, approver } => {
                async {
                    let (id, decider) = decision(store, elevation, approver).await?;
                    Ok(governance::deny(store, &id, &decider).await?)
                }
                .await
            }
            Self::End { elevation } => {
                async { Ok(governance::end(store, &elevation.parse()?, Actor::Operator).await?) }.await
            }
        };
        done.map_err(|error| self.judged(&error))
    }

    /// Does it matter to what other nodes hold in memory?
    pub const fn concerns_every_node(&self) -> bool {
        !matches!(self, Self::Approve { .. } | Self::Deny { .. })
    }

    /// Which kind of failure that is.
    fn judged(&self, error: &anyhow::Error) -> NotDone {
        let said = format!("{error:#}");
        if error.downcast_ref::<StoreError>().is_some() {
            return NotDone::Store(said);
        }
        match (self, error.downcast_ref::<GovernanceError>()) {
            (_, Some(GovernanceError::Store(_))) => NotDone::Store(said),
            (
                _,
                Some(
                    GovernanceError::GrantEnded(_)
                    | GovernanceError::InstallationEnded(_)
                    | GovernanceError::NotRevoked { .. }
                    | GovernanceError::AlreadyOver(_),
                ),
            ) if !matches!(self, Self::Approve { .. }) => NotDone::AlreadySo(said),
            (Self::SetAgent { state, .. }, Some(GovernanceError::Unchanged { state: is, .. })) if is == state => {
                NotDone::AlreadySo(said)
            }
            (Self::Approve { approver, .. }, Some(GovernanceError::AlreadyDecided { state, by }))
                if *state == ElevationState::Active && by.as_deref() == Some(approver) =>
            {
                NotDone::AlreadySo(said)
            }
            (Self::Deny { approver, .. }, Some(GovernanceError::AlreadyDecided { state, by }))
                if *state == ElevationState::Denied && by.as_deref() == Some(approver) =>
            {
                NotDone::AlreadySo(said)
            }
            _ => NotDone::Refused(said),
        }
    }
}

fn target(kind: &str, name: &str) -> Result<Target> {
    Target::parse(kind, name).map_err(|why| anyhow!(why))
}

async fn decision(store: &Store, elevation: &str, approver: &str) -> Result<(Id<Elevation>, Decider)> {
    let person = store.person(&approver.parse()?).await?;
    let person =
        person.with_context(|| format!("there is no person `{approver}`; `portcullis person list` shows everybody"))?;
    Ok((elevation.parse()?, Decider::at_the_command_line(person)))
}
