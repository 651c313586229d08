//! What an agent may do: the one place where policy is asked, for calls, lists, issuing and pages.
//!
//! Effective authority is what the agent, the person it acts for, the credential it shows and the elevation it holds all
//! allow. The scope of a token above the baseline is a hint; what counts is the elevation that is live now.
//!
//! [`mod@decide`] answers for one call, [`mod@reach`] for a list that shows what could be called, [`mod@plan`] for what
//! may be issued and who has to say yes first. All three ask [`Asker::question`], so what is issued can be used, and what
//! is listed as usable is.
//!
//! Policies may look at the arguments of a call. A list and a token are asked for before there are any, so they are told
//! what is so for those that allow the most; and what is issued is enough for whatever a call could be sent back for.
//!
//! [`mod@approve`] asks whether a person may say yes.
//!
//! Whether it still stands is another question: [`model::Standing`].
//!
//! Spec: MCP basic/authorization (scope challenge, scope hierarchies).

use model::{
    Agent, AgentKind, Authority, CallTarget, Decision, Elevation, Exceptions, Grant, Id, Person, Question, Scope,
    Server, Thumbprint,
};

pub mod approve;
pub mod decide;
pub mod exact;
pub mod excepted;
pub mod explain;
pub mod plan;
pub mod reach;

pub use decide::{Allowed, Basis, NotAllowed, decide};
pub use exact::{Approvals, Unfit};
pub use excepted::Excepted;
pub use explain::{Explained, explain};
pub use plan::{Need, NotIssuable};
pub use reach::{Reach, reach};

/// Who asks, as policy sees it.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    agent: &'a Agent,
    person: Option<&'a Id<Person>>,
    exceptions: Exceptions,
    key_proven: bool,
}

impl<'a> Asker<'a> {
    /// An agent, whatever it holds: one that is delegated acts for its owner.
    pub fn of(agent: &'a Agent) -> Self {
        Self {
            agent,
            person: (agent.kind == AgentKind::Delegated).then_some(&agent.owner),
            exceptions: Exceptions::default(),
            key_proven: false,
        }
    }

    /// An agent by this grant, for the person who gave it.
    pub fn by_grant(agent: &'a Agent, grant: &'a Grant) -> Self {
        Self { person: grant.person.as_ref(), ..Self::of(agent) }
    }

    /// The same, spared what these say.
    #[must_use]
    pub fn excepted(self, excepted: &Excepted) -> Self {
        Self { exceptions: excepted.names().clone(), ..self }
    }

    /// The same, with a token that is bound to a key which the request proves, or with one that is not.
    #[must_use]
    pub fn proving(self, key: Option<&Thumbprint>) -> Self {
        Self { key_proven: key.is_some(), ..self }
    }

    /// The same, as if it had proved a key; `None`, when it has.
    #[must_use]
    pub fn if_it_proved(&self) -> Option<Self> {
        (!self.key_proven).then(|| Self { key_proven: true, ..self.clone() })
    }

    /// What is asked of policy, when it holds `authority`.
    fn question(&self, server: &Id<Server>, target: &CallTarget, authority: Authority) -> Question {
        Question {
            agent: self.agent.id.clone(),
            kind: self.agent.kind,
            assurance: self.agent.assurance,
            owner: self.agent.owner.clone(),
            purpose: self.agent.purpose.as_str().into(),
            sponsor: self.agent.sponsor.clone(),
            eligible_only: self.agent.eligible_only,
            person: self.person.cloned(),
            server: server.clone(),
            target: target.clone(),
            authority,
            exceptions: self.exceptions.clone(),
            key_proven: self.key_proven,
        }
    }
}

/// An elevation with which policy allows something.
struct Elevated<'e> {
    elevation: &'e Elevation,
    authority: Authority,
    /// The permits that matched with it.
    policies: Vec<String>,
}

/// Those of `elevations` that cover `scope` and with which `decide` allows it, in their order. Which calls of the scope each
/// covers is asked of [`exact`].
fn elevated<'e>(
    elevations: &'e [Elevation],
    scope: &Scope,
    decide: impl Fn(Authority) -> Option<Decision>,
) -> impl Iterator<Item = Elevated<'e>> {
    elevations.iter().filter(|elevation| elevation.scope.implies(scope)).filter_map(move |elevation| {
        let authority = elevation.by.authority();
        match decide(authority)? {
            Decision::Allow { policies } => Some(Elevated { elevation, authority, policies }),
            Decision::StepUp { .. } | Decision::Deny { .. } => None,
        }
    })
}
