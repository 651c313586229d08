//! What is asked of policy, and what it may answer. Never a `bool`.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Agent, AgentKind, Assurance, CallTarget, Class, Exceptions, Id, Person, Scope, Server, ToolName, text_enum,
};

/// May this agent make this call? Everything a policy can see is in here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who wants to act.
    pub agent: Id<Agent>,
    /// With whose authority.
    pub kind: AgentKind,
    /// How well it is known.
    pub assurance: Assurance,
    /// Who answers for it.
    pub owner: Id<Person>,
    /// Why it exists.
    pub purpose: Arc<str>,
    /// Who answers for what it is for.
    pub sponsor: Option<Id<Person>>,
    /// Nothing above the low tier stands for it.
    pub eligible_only: bool,
    /// For whom.
    pub person: Option<Id<Person>>,
    /// Where.
    pub server: Id<Server>,
    /// What it is about.
    pub target: CallTarget,
    /// What the agent holds for this call right now.
    pub authority: Authority,
    /// The exceptions that hold for it there, of those that a policy asks for.
    pub exceptions: Exceptions,
    /// Its token is bound to a key, and this very request proves that key.
    pub key_proven: bool,
}

/// May a person say yes to what an agent asked for? The whole of what a policy sees of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApprovalQuestion {
    /// Who would say yes.
    pub approver: Id<Person>,
    /// To which agent.
    pub agent: Id<Agent>,
    /// With whose authority that acts.
    pub kind: AgentKind,
    /// How well it is known.
    pub assurance: Assurance,
    /// Who answers for it.
    pub owner: Id<Person>,
    /// Why it exists.
    pub purpose: Arc<str>,
    /// Who answers for what it is for.
    pub sponsor: Option<Id<Person>>,
    /// Nothing above the low tier stands for it.
    pub eligible_only: bool,
    /// For whom it acts.
    pub person: Option<Id<Person>>,
    /// Where.
    pub server: Id<Server>,
    /// To which tool; `None` for a whole tier of the server.
    pub tool: Option<(ToolName, Class)>,
}

/// What an agent holds for a call; ordered, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The standing grant alone.
    Standing,
    /// An elevation to which the person consented.
    Consent,
    /// An elevation that another person approved.
    Approval,
}

text_enum!(Authority { Standing => "standing", Consent => "consent", Approval => "approval" });

/// Who has to say yes for a step-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepUp {
    /// The person the agent acts for. An autonomous agent has none, so its owner.
    Consent,
    /// Another person.
    Approval,
}

text_enum!(StepUp { Consent => "consent", Approval => "approval" });

impl StepUp {
    /// What an agent holds once these people said yes.
    pub const fn authority(self) -> Authority {
        match self {
            Self::Consent => Authority::Consent,
            Self::Approval => Authority::Approval,
        }
    }
}

/// What policy said, with the policies that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead.
    Allow {
        /// Ids of the permits that matched.
        policies: Vec<String>,
    },
    /// Not with what the agent holds, but with `scope`, once the people named by `by` said yes.
    StepUp {
        /// The scope to ask for.
        scope: Scope,
        /// Who has to say yes.
        by: StepUp,
        /// Ids of the forbids that stand in the way now, and of the permits that matched once it is held.
        policies: Vec<String>,
    },
    /// Not at all: no scope can cure it.
    Deny {
        /// Why, as a stable word.
        reason: DenyReason,
        /// Ids of the forbids that matched.
        policies: Vec<String>,
    },
}

/// Why a call was denied for good; stable words for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenyReason {
    /// A policy forbids it.
    Forbidden,
    /// No policy permits it, whatever scope is held.
    NotPermitted,
    /// The tool matches no rule and waits for a person to classify it.
    Held,
    /// Deciding failed. An error is never a yes.
    EvaluationError,
    /// A policy looks at the arguments, and they are none that it could compare.
    UntypedInput,
}

text_enum!(DenyReason {
    Forbidden => "forbidden",
    NotPermitted => "not_permitted",
    Held => "held",
    EvaluationError => "evaluation_error",
    UntypedInput => "untyped_input",
});

impl Decision {
    /// The ids of the policies that decided. None when nothing permits it, or when deciding failed.
    pub fn policies(&self) -> &[String] {
        match self {
            Self::Allow { policies } | Self::StepUp { policies, .. } | Self::Deny { policies, .. } => policies,
        }
    }

    /// `allow`, `step_up` or `deny`: the word in the audit.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::StepUp { .. } => "step_up",
            Self::Deny { .. } => "deny",
        }
    }
}
