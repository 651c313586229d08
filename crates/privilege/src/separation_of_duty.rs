//! Separation of duty: who may decide about whose privilege.
//!
//! An approval is worth something because somebody else gives it. The approver is not the person the
//! agent acts for, nor the agent's owner; and nobody but the agent or one of these two can have asked.
//!
//! Spec: NIST SP 800-53 AC-5.

use std::sync::Arc;

use model::{Actor, Agent, Elevation, Grant, Id, Person, Role, StepUp};
use policy::Policies;

/// The person who decides, how they came to us, and the policies that narrow what they may.
#[derive(Clone, Debug)]
pub struct Decider {
    person: Id<Person>,
    actor: Actor,
    policies: Arc<Policies>,
}

impl Decider {
    /// An operator with access to the data directory decides in the name of `person`. The audit says so.
    pub fn at_the_command_line(person: Person, policies: Arc<Policies>) -> Self {
        Self { person: person.id, actor: Actor::Operator, policies }
    }

    /// The person decides through a page, and has just logged in: the caller has seen to that.
    pub fn signed_in(person: Id<Person>, policies: Arc<Policies>) -> Self {
        Self { actor: Actor::Person(person.clone()), person, policies }
    }

    /// Who decides.
    pub fn person(&self) -> &Id<Person> {
        &self.person
    }

    /// The policies that narrow what they may.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// How it reads in the audit.
    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

/// Why a person may not decide about an elevation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DutyError {
    /// The person is not there (any more), or disabled.
    NotAPerson(Id<Person>),
    /// Approvals are for approvers.
    NotAnApprover(Id<Person>),
    /// The agent acts for this very person.
    ActedFor(Id<Person>),
    /// The agent is this person's own.
    Owner(Id<Person>),
    /// Somebody who counts with this has decided already.
    CountsAlready(Id<Person>),
    /// A consent is given by one person only.
    NotTheirConsent(Id<Person>),
    /// Policy leaves this to others.
    ByPolicy {
        /// Who may not.
        person: Id<Person>,
        /// The policies that said so; none, when none permits it.
        policies: Vec<String>,
    },
}

impl DutyError {
    /// What stands against it, in a few words without a full stop.
    pub fn happened(&self) -> String {
        match self {
            Self::NotAPerson(id) => format!("`{id}` is not a person who may act here"),
            Self::NotAnApprover(id) => format!("`{id}` is not an approver"),
            Self::ActedFor(id) => format!("the agent acts for `{id}`, and nobody approves for themselves"),
            Self::Owner(id) => format!("the agent belongs to `{id}`, and nobody approves for their own agent"),
            Self::ByPolicy { person, policies } if policies.is_empty() => {
                format!("no policy permits `{person}` to approve this")
            }
            Self::ByPolicy { person, policies } => {
                format!("policy leaves this to other approvers than `{person}` ({})", policies.join(", "))
            }
            Self::CountsAlready(id) => format!("`{id}` counts in this already, and nobody counts twice"),
            Self::NotTheirConsent(id) => {
                format!("only `{id}` can consent to this: it is about what that person lets the agent do")
            }
        }
    }

    /// Whom it is about.
    pub fn person(&self) -> Option<&Id<Person>> {
        match self {
            Self::NotAPerson(id) | Self::NotAnApprover(id) | Self::ActedFor(id) | Self::Owner(id) => Some(id),
            Self::CountsAlready(id) | Self::ByPolicy { person: id, .. } => Some(id),
            // That one is who could.
            Self::NotTheirConsent(_) => None,
        }
    }

    /// What to do about it, when there is anything.
    pub fn to_do(&self) -> Option<&'static str> {
        match self {
            Self::NotAnApprover(_) => Some("give the role in `people` in portcullis.yaml"),
            Self::ActedFor(_) | Self::Owner(_) | Self::ByPolicy { .. } | Self::CountsAlready(_) => {
                Some("ask another approver")
            }
            Self::NotAPerson(_) | Self::NotTheirConsent(_) => None,
        }
    }
}

/// May `person` say yes to `elevation`?
pub fn may_approve(person: &Person, elevation: &Elevation, grant: &Grant, agent: &Agent) -> Result<(), DutyError> {
    if person.disabled {
        return Err(DutyError::NotAPerson(person.id.clone()));
    }
    match elevation.by {
        StepUp::Consent => {
            let whose = consenter(grant, agent);
            if *whose == person.id { Ok(()) } else { Err(DutyError::NotTheirConsent(whose.clone())) }
        }
        StepUp::Approval => {
            may_stand_in(person, elevation, grant, agent)?;
            match person.holds(Role::Approver) {
                true => Ok(()),
                false => Err(DutyError::NotAnApprover(person.id.clone())),
            }
        }
    }
}

/// May `person` say yes to `elevation` in the name of an approver? As for themselves, but for the role.
pub fn may_stand_in(person: &Person, elevation: &Elevation, grant: &Grant, agent: &Agent) -> Result<(), DutyError> {
    match elevation.by {
        _ if person.disabled => Err(DutyError::NotAPerson(person.id.clone())),
        // A consent is nobody else's.
        StepUp::Consent => Err(DutyError::NotTheirConsent(consenter(grant, agent).clone())),
        StepUp::Approval if grant.person.as_ref() == Some(&person.id) => Err(DutyError::ActedFor(person.id.clone())),
        StepUp::Approval if agent.owner == person.id => Err(DutyError::Owner(person.id.clone())),
        StepUp::Approval => Ok(()),
    }
}

/// May `person` say no? Everybody who may say yes, and the people who answer for the agent: a no takes
/// nothing that is not theirs.
pub fn may_deny(person: &Person, elevation: &Elevation, grant: &Grant, agent: &Agent) -> Result<(), DutyError> {
    match may_approve(person, elevation, grant, agent) {
        Err(DutyError::ActedFor(_) | DutyError::Owner(_)) => Ok(()),
        Err(DutyError::NotTheirConsent(_)) if agent.owner == person.id => Ok(()),
        other => other,
    }
}

/// The one person whose consent counts: whom the agent acts for, or the owner of one that acts for itself.
pub fn consenter<'a>(grant: &'a Grant, agent: &'a Agent) -> &'a Id<Person> {
    grant.person.as_ref().unwrap_or(&agent.owner)
}
