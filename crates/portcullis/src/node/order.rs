//! What an operator orders at the command line, carried out by whoever has the store open: the node that runs, or the
//! command itself.

use std::{collections::BTreeSet, fmt, sync::Arc};

use anyhow::{Result, anyhow, bail};
use governance::orders;
use model::{
    Actor, AgentState, ElevationState, ExceptionName, Id, Person, Role, Span, Target, Timestamp, config::Config,
};
use policy::Policies;
use privilege::{
    Refused, duty::delegate::DutyWish, exception::ExceptionWish, key::Urgency, rotation::Rotation, task::open::TaskWish,
};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

use super::decision::{MayDiffer, decision, yes};

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
    /// Let nothing above the low tier stand for an agent, or what policies say again.
    SetEligibleOnly {
        /// Which one.
        name: String,
        /// Nothing?
        eligible_only: bool,
    },
    /// Say who answers for what an agent is for.
    SetSponsor {
        /// Which one.
        name: String,
        /// Who; nobody when left out.
        sponsor: Option<String>,
    },
    /// Approve an elevation in the name of a person.
    Approve {
        /// Which one.
        elevation: String,
        /// Who approves.
        approver: String,
        /// For how many seconds, when shorter than was asked for.
        lasts: Option<u32>,
        /// The number that whoever asked sees.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
        /// What of the one call may differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        may_differ: Option<MayDiffer>,
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
    /// Open a task of an agent.
    OpenTask {
        /// Whose work it is.
        agent: String,
        /// What it is for.
        purpose: String,
        /// For how many seconds at the most.
        lasts: u32,
        /// After how many seconds without a call it ends; 0: that does not end it.
        idle: u32,
        /// For how many calls.
        uses: Option<u32>,
    },
    /// End a task with all that belongs to it.
    EndTask {
        /// Which one.
        task: String,
    },
    /// Hand the approving of one person to another.
    DelegateDuty {
        /// In whose name.
        from: String,
        /// Who decides.
        to: String,
        /// For how many seconds at the most.
        lasts: u32,
        /// For requests of this server alone.
        server: Option<String>,
    },
    /// End a duty in another's name.
    EndDuty {
        /// Which one.
        duty: String,
    },
    /// Spare an agent what a policy says.
    AddException {
        /// What policies call it.
        name: ExceptionName,
        /// Who is spared.
        agent: String,
        /// Where; everywhere when it says nothing.
        server: Option<String>,
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// For how many seconds.
        lasts: u32,
    },
    /// End an exception before its time.
    EndException {
        /// Which one.
        exception: String,
    },
    /// Accept what a tool says of itself.
    AcceptDefinition {
        /// `server.tool`.
        tool: String,
        /// The digest of what was looked at, or the first digits of it.
        definition: String,
    },
    /// Say which key a rotation would replace.
    NewestKey,
    /// Make a new key for access tokens.
    RotateKey {
        /// The `kid` of the key in whose place it comes: the order is carried out once, however often it is given.
        replaces: String,
        /// The new one signs at once, and the old ones are believed by nobody.
        compromised: bool,
    },
    /// Add a person.
    AddPerson {
        /// The login name.
        name: String,
        /// The name on pages.
        display_name: Option<String>,
        /// What they may do.
        roles: BTreeSet<Role>,
    },
    /// Give a person these roles and no others.
    SetRoles {
        /// The login name.
        name: String,
        /// What they may do.
        roles: BTreeSet<Role>,
    },
    /// Make a link with which a person sets a password; older ones are void.
    OfferLink {
        /// The login name.
        name: String,
    },
}

/// What there is to say of an order that was carried out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing more.
    Done,
    /// The `kid` that was asked for.
    Key(String),
    /// The key that was made.
    Rotated {
        /// Its `kid`.
        kid: String,
        /// When it begins to sign.
        signs_from: Timestamp,
        /// When the old keys are not believed any more.
        old_gone_at: Timestamp,
    },
    /// The id of the exception that was added.
    Exception(String),
    /// The id of the task that was opened.
    Task(String),
    /// The id of the duty that was handed over.
    Duty(String),
    /// The person, as they are now.
    Person(Person),
    /// The link that was made.
    Link(Link),
}

/// A link that sets a password: shown to whoever ordered it, and never in a log.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Link(pub String);

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}

impl Outcome {
    fn rotated(rotation: Rotation) -> Self {
        let Rotation { kid, signs_from, old_gone_at } = rotation;
        Self::Rotated { kid, signs_from, old_gone_at }
    }
}

/// Why an order was not carried out.
#[derive(Debug)]
pub enum NotDone {
    /// It can not be, and whoever gave it has to mend that.
    Refused(String),
    /// What it would do is done already: what to say to whoever hears of it for the first time, and of what was done.
    AlreadySo(String, Box<Outcome>),
    /// The store failed; somebody with another connection may have more luck.
    Store(String),
}

impl Order {
    /// Carries it out. What it takes away is on disk; that every node knows is asked of
    /// [`Store::wait_until_everywhere`].
    pub async fn carry_out(
        &self,
        config: &Config,
        store: &Store,
        policies: Option<&Arc<Policies>>,
    ) -> Result<Outcome, NotDone> {
        self.tried(config, store, policies).await.map_err(|error| self.judged(&error))
    }

    /// Without `policies`, those of the configuration count: no node runs that has any.
    async fn tried(&self, config: &Config, store: &Store, policies: Option<&Arc<Policies>>) -> Result<Outcome> {
        const WHO: Actor = Actor::Operator;
        let in_force =
            || policies.map_or_else(|| super::policies(config).map(Arc::new), |policies| Ok(policies.clone()));
        match self {
            Self::Revoke { kind, name, reason } => {
                let target = target(kind, name)?;
                privilege::block::check_named(config, &target)?;
                orders::revoke(store, &target, WHO, reason).await?;
            }
            Self::Restore { kind, name, reason } => {
                orders::restore(store, &target(kind, name)?, WHO, reason).await?;
            }
            Self::SetAgent { name, state } => orders::set_agent_state(store, &name.parse()?, *state, WHO).await?,
            Self::SetEligibleOnly { name, eligible_only } => {
                orders::set_eligible_only(store, &name.parse()?, *eligible_only, WHO).await?;
            }
            Self::SetSponsor { name, sponsor } => {
                let sponsor = sponsor.as_deref().map(str::parse).transpose()?;
                orders::set_sponsor(store, &name.parse()?, sponsor, WHO).await?;
            }
            Self::Approve { elevation, approver, lasts, number, may_differ } => {
                let (id, decider) = decision(store, elevation, approver, in_force()?).await?;
                orders::approve_with(store, &id, &decider, yes(*lasts, *number, may_differ.clone())).await?;
            }
            Self::Deny { elevation, approver } => {
                let (id, decider) = decision(store, elevation, approver, in_force()?).await?;
                orders::deny(store, &id, &decider).await?;
            }
            Self::End { elevation } => orders::end(store, &elevation.parse()?, WHO).await?,
            Self::OpenTask { agent, purpose, lasts, idle, uses } => {
                let wish = TaskWish {
                    agent: agent.parse()?,
                    grant: None,
                    purpose: purpose.clone(),
                    lasts: Span::from_seconds(*lasts),
                    idle: Span::from_seconds(*idle),
                    uses: *uses,
                };
                let task = orders::open_task(store, wish, WHO).await?;
                return Ok(Outcome::Task(task.id.to_string()));
            }
            Self::AddException { name, agent, server, reason, owner, lasts } => {
                let server = server.as_deref().map(str::parse).transpose()?;
                if let Some(server) = &server {
                    privilege::block::check_named(config, &Target::Server(Id::clone(server)))?;
                }
                let wish = ExceptionWish {
                    name: name.clone(),
                    agent: agent.parse()?,
                    server,
                    reason: reason.clone(),
                    owner: owner.parse()?,
                    lasts: Span::from_seconds(*lasts),
                };
                let exception = orders::add_exception(store, wish, WHO).await?;
                return Ok(Outcome::Exception(exception.id.to_string()));
            }
            Self::EndException { exception } => orders::end_exception(store, &exception.parse()?, WHO).await?,
            Self::EndTask { task } => orders::end_task(store, &task.parse()?, WHO).await?,
            Self::DelegateDuty { from, to, lasts, server } => {
                let server = server.as_deref().map(str::parse).transpose()?;
                if let Some(server) = &server {
                    privilege::block::check_named(config, &Target::Server(Id::clone(server)))?;
                }
                let lasts = Span::from_seconds(*lasts);
                let wish = DutyWish { from: from.parse()?, to: to.parse()?, server, lasts };
                return Ok(Outcome::Duty(orders::delegate_duty(store, wish, WHO).await?.id.to_string()));
            }
            Self::EndDuty { duty } => orders::end_duty(store, &duty.parse()?, WHO).await?,
            Self::AcceptDefinition { tool, definition } => {
                let (server, name) = model::ToolName::of_qualified(tool).map_err(anyhow::Error::msg)?;
                let entry = store.catalogue_entry(&server, &name).await?;
                let seen = entry.map(|entry| entry.seen).filter(|seen| seen.to_hex().starts_with(definition));
                let seen = seen.ok_or_else(|| Refused::DefinitionMoved { tool: tool.clone() })?;
                orders::accept_definition(store, (&server, &name), seen, &in_force()?, WHO).await?;
            }
            Self::NewestKey => return Ok(Outcome::Key(orders::newest_key(store).await?)),
            Self::RotateKey { replaces, compromised } => {
                let urgency = if *compromised { Urgency::Compromised } else { Urgency::Routine };
                return Ok(Outcome::rotated(orders::rotate_keys(store, urgency, replaces, WHO).await?));
            }
            Self::AddPerson { name, display_name, roles } => {
                let person = person(name, display_name.as_ref(), roles)?;
                orders::add_person(store, &person, WHO).await?;
                return Ok(Outcome::Person(person));
            }
            Self::SetRoles { name, roles } => {
                let id = name.parse()?;
                if config.people.contains_key(&id) {
                    bail!("`{name}` is declared in the configuration; change `people.{name}.roles` there");
                }
                return Ok(Outcome::Person(orders::set_roles(store, &id, roles.clone(), WHO).await?));
            }
            Self::OfferLink { name } => {
                return Ok(Outcome::Link(offer_link(store, config, &name.parse()?).await?));
            }
        }
        Ok(Outcome::Done)
    }

    /// Does it matter to what other nodes hold in memory?
    pub const fn concerns_every_node(&self) -> bool {
        !matches!(
            self,
            Self::Approve { .. }
                | Self::Deny { .. }
                | Self::OpenTask { .. }
                | Self::DelegateDuty { .. }
                | Self::NewestKey
                | Self::AddPerson { .. }
                | Self::OfferLink { .. }
        )
    }

    /// May it make the store that it is for? The first people are added before the first start.
    pub const fn may_be_the_first(&self) -> bool {
        matches!(self, Self::AddPerson { .. } | Self::OfferLink { .. })
    }

    /// Which kind of failure that is.
    fn judged(&self, error: &anyhow::Error) -> NotDone {
        let said = format!("{error:#}");
        if error.downcast_ref::<StoreError>().is_some() {
            return NotDone::Store(said);
        }
        use Refused as E;
        let already = match (self, error.downcast_ref::<Refused>()) {
            (_, Some(E::Store(_))) => return NotDone::Store(said),
            (
                Self::Revoke { .. } | Self::Restore { .. } | Self::End { .. } | Self::Deny { .. },
                Some(E::GrantEnded(_) | E::InstallationEnded(_) | E::NotRevoked { .. } | E::AlreadyOver(_)),
            ) => Some(Outcome::Done),
            (Self::EndException { .. }, Some(E::ExceptionOver(_))) => Some(Outcome::Done),
            (Self::AddException { .. }, Some(E::ExceptionStands(id))) => Some(Outcome::Exception(id.to_string())),
            (Self::EndTask { .. }, Some(E::TaskOver(_))) => Some(Outcome::Done),
            (Self::EndDuty { .. }, Some(E::DutyOver(_))) => Some(Outcome::Done),
            (Self::DelegateDuty { .. }, Some(E::DutyStands(id))) => Some(Outcome::Duty(id.to_string())),
            (Self::AcceptDefinition { .. }, Some(E::DefinitionAccepted { .. })) => Some(Outcome::Done),
            (Self::SetEligibleOnly { .. }, Some(E::EligibleAlready { .. }))
            | (Self::SetSponsor { .. }, Some(E::SponsorAlready { .. })) => Some(Outcome::Done),
            (Self::SetAgent { state, .. }, Some(E::Unchanged { state: is, .. })) if is == state => Some(Outcome::Done),
            (Self::Approve { approver, .. }, Some(E::AlreadyDecided { state, by }))
                if *state == ElevationState::Active && by.as_deref() == Some(approver) =>
            {
                Some(Outcome::Done)
            }
            (Self::Deny { approver, .. }, Some(E::AlreadyDecided { state, by }))
                if *state == ElevationState::Denied && by.as_deref() == Some(approver) =>
            {
                Some(Outcome::Done)
            }
            // A key that is believed for minutes is not what whoever lost it has ordered.
            (Self::RotateKey { compromised, .. }, Some(E::KeyReplaced { successor, .. }))
                if !compromised || successor.old_gone_at <= successor.signs_from =>
            {
                Some(Outcome::rotated(successor.clone()))
            }
            (Self::AddPerson { name, display_name, roles }, Some(E::PersonExists(known)))
                if person(name, display_name.as_ref(), roles).is_ok_and(|wanted| wanted == *known) =>
            {
                Some(Outcome::Person(known.clone()))
            }
            _ => None,
        };
        match already {
            Some(outcome) => NotDone::AlreadySo(said, Box::new(outcome)),
            None => NotDone::Refused(said),
        }
    }
}

fn person(name: &str, display_name: Option<&String>, roles: &BTreeSet<Role>) -> Result<Person> {
    let display_name = display_name.cloned().unwrap_or_else(|| name.to_owned());
    Ok(Person { id: name.parse()?, display_name, roles: roles.clone(), disabled: false })
}

/// A one-time link with which the person sets a password.
pub async fn offer_link(store: &Store, config: &Config, person: &Id<Person>) -> Result<Link> {
    let ticket = orders::offer_enrolment(store, person, Actor::Operator).await?;
    Ok(Link(format!("{}/enrol?ticket={}", config.public_url.as_str(), ticket.expose())))
}

fn target(kind: &str, name: &str) -> Result<Target> {
    Target::parse(kind, name).map_err(|why| anyhow!(why))
}
