//! What may be issued to whom, scope by scope, and who has to say yes first.
//!
//! What a client asks for is a wish, never evidence: clients unite all scopes they ever held (MCP 2026-07-28), so every
//! scope is judged anew, against the rules and against policy.
//!
//! Spec: RFC 6749 §3.3; MCP 2026-07-28 basic/authorization.

use std::sync::Arc;

use model::{
    Authority, CallTarget, Class, Decision, HeldFor, Id, Pin, Scope, ScopeSet, Server, StepUp, Tier, ToolName,
    config::{ProofConfig, ProofDemand, ServerConfig},
};
use policy::Policies;
use store::Pins;

use super::Asker;

/// What a scope takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The standing grant is enough.
    Standing,
    /// An elevation, once these people said yes.
    Elevation(StepUp),
}

/// Why a scope can not be issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIssuable {
    /// The tool waits until a person has looked.
    #[error("the tool of scope `{0}` {waits}", waits = waits(*.1))]
    Held(Scope, HeldFor),
    /// The tool is not in the high tier, and only there has each its own scope.
    #[error("scope `{asked}` is for the high tier only; this tool is in the {tier} tier, ask for `{instead}`")]
    NotHigh {
        /// What was asked for.
        asked: Scope,
        /// Where the tool is.
        tier: Tier,
        /// What covers it.
        instead: Scope,
    },
    /// Policy says no, whatever is held.
    #[error("policy does not allow scope `{0}` to this agent")]
    Forbidden(Scope, Vec<String>),
    /// Policy issues the agent no token for the server.
    #[error("policy issues this agent no token for the server `{0}`")]
    NoToken(Id<Server>, Vec<String>),
    /// Policy lets the agent not even speak to the server.
    #[error("policy does not allow this agent on the server `{0}`")]
    NoConnection(Id<Server>, Vec<String>),
    /// Only a token that is bound to a key may carry it.
    #[error("scope `{0}` is issued only to a client that proves a key: send a DPoP proof with the token request")]
    NeedsKey(Scope),
    /// Nothing was asked for that can be had.
    #[error("nothing of `{0}` can be issued to this agent")]
    NothingLeft(ScopeSet),
}

fn waits(why: HeldFor) -> &'static str {
    match why {
        HeldFor::Tier => "waits for an operator to classify it",
        HeldFor::Definition => "is not listed by its server",
        HeldFor::New => "is new, and waits until an administrator has accepted what it says of itself",
        HeldFor::Changed => "has changed, and waits until an administrator has accepted the change",
    }
}

impl NotIssuable {
    /// The ids of the policies that said no, for records and the log. The client is not told.
    pub fn policies(&self) -> &[String] {
        match self {
            Self::Forbidden(_, policies) | Self::NoToken(_, policies) | Self::NoConnection(_, policies) => policies,
            Self::Held(..) | Self::NotHigh { .. } | Self::NeedsKey(_) | Self::NothingLeft(_) => &[],
        }
    }
}

/// What can be issued of what was asked for.
#[derive(Debug)]
pub struct Plan {
    /// What each scope takes.
    pub possible: Vec<(Scope, Need)>,
    /// Why the others can not be had.
    pub left_out: Vec<NotIssuable>,
}

/// Who asks for what of a server.
#[derive(Clone, Debug)]
pub struct Issuing<'a> {
    /// The policies.
    pub policies: &'a Policies,
    /// Who asks.
    pub asker: Asker<'a>,
    /// Of which server.
    pub server: &'a Id<Server>,
    /// Its rules.
    pub rules: &'a ServerConfig,
    /// What is known of what it lists.
    pub pins: Arc<Pins>,
    /// For which tiers a key has to be proved.
    pub proof: ProofConfig,
}

/// What policy says to a token for `server`, whatever is in it.
pub fn token(policies: &Policies, asker: &Asker<'_>, server: &Id<Server>) -> Decision {
    policies.decide_issuing(&asker.question(server, &CallTarget::Protocol, Authority::Standing))
}

impl Issuing<'_> {
    /// What each of `asked` takes. What can not be had is left out: what policy forbids, a tool that is held, one that
    /// moved to another tier.
    ///
    /// # Errors
    /// The agent gets no token for the server, may not even speak to it, or nothing is left.
    pub fn plan(&self, asked: &ScopeSet) -> Result<Plan, NotIssuable> {
        self.may_be_issued()?;
        let mut plan = Plan { possible: Vec::new(), left_out: Vec::new() };
        for scope in asked.iter() {
            match self.need(scope) {
                Ok(need) => plan.possible.push((scope.clone(), need)),
                Err(refused) => plan.left_out.push(refused),
            }
        }
        if !plan.possible.is_empty() {
            return Ok(plan);
        }
        Err(plan.left_out.into_iter().next().unwrap_or_else(|| NotIssuable::NothingLeft(asked.clone())))
    }

    /// May the agent have a token for the server, and speak to it at all?
    ///
    /// # Errors
    /// It may not.
    pub fn may_be_issued(&self) -> Result<(), NotIssuable> {
        let low = Scope::Low(self.server.clone());
        self.has_key_for(&low)?;
        match token(self.policies, &self.asker, self.server) {
            Decision::Allow { .. } => {}
            Decision::StepUp { .. } | Decision::Deny { .. } if self.a_key_would_issue() => {
                return Err(NotIssuable::NeedsKey(low));
            }
            Decision::StepUp { policies, .. } | Decision::Deny { policies, .. } => {
                return Err(NotIssuable::NoToken(self.server.clone(), policies));
            }
        }
        match self.ask(&CallTarget::Protocol) {
            Decision::Allow { .. } => Ok(()),
            Decision::StepUp { .. } | Decision::Deny { .. } if self.a_key_would_help(&CallTarget::Protocol) => {
                Err(NotIssuable::NeedsKey(low))
            }
            Decision::StepUp { policies, .. } | Decision::Deny { policies, .. } => {
                Err(NotIssuable::NoConnection(self.server.clone(), policies))
            }
        }
    }

    /// Is a key proved, where the configuration demands one for the tier?
    fn has_key_for(&self, scope: &Scope) -> Result<(), NotIssuable> {
        match (self.proof.of(scope.tier()), self.asker.if_it_proved()) {
            (ProofDemand::Required, Some(_)) => Err(NotIssuable::NeedsKey(scope.clone())),
            _ => Ok(()),
        }
    }

    /// Would policy say something else to whoever proves a key?
    fn a_key_would_help(&self, target: &CallTarget) -> bool {
        let proved = self.asker.if_it_proved().map(|asker| asker.question(self.server, target, Authority::Standing));
        proved.is_some_and(|question| !matches!(self.policies.decide_fully(&question), Decision::Deny { .. }))
    }

    /// Would whoever proves a key be issued a token?
    fn a_key_would_issue(&self) -> bool {
        let proved = self.asker.if_it_proved().map(|asker| token(self.policies, &asker, self.server));
        matches!(proved, Some(Decision::Allow { .. }))
    }

    /// What one scope of the server takes.
    ///
    /// # Errors
    /// It can not be had.
    pub fn need(&self, scope: &Scope) -> Result<Need, NotIssuable> {
        self.has_key_for(scope)?;
        let forbidden = |by: Option<Vec<String>>| match by {
            Some(by) => NotIssuable::Forbidden(scope.clone(), by),
            None => NotIssuable::NeedsKey(scope.clone()),
        };
        match scope {
            Scope::Low(_) => Ok(Need::Standing),
            Scope::Medium(_) => {
                // A bucket may be asked for when at least one of its tools may.
                let (mut by, mut key) = (Vec::new(), false);
                let needs = self.rules.examples(Tier::Medium);
                let needs = needs.filter_map(|name| match self.tool(name, Tier::Medium) {
                    Ok(need) => Some(need),
                    Err(policies) => {
                        key |= policies.is_none();
                        by.extend(policies.into_iter().flatten());
                        None
                    }
                });
                // What some of them can be called without may still be needed for the others.
                let least = needs.min_by_key(|need| match need {
                    Need::Elevation(StepUp::Consent) => 0,
                    Need::Standing => 1,
                    Need::Elevation(StepUp::Approval) => 2,
                });
                by.sort_unstable();
                by.dedup();
                least.ok_or_else(|| forbidden((!key).then_some(by)))
            }
            Scope::Tool(_, tool) => match Class::of(self.rules, tool, |tool| self.pin(tool)) {
                Class::Held(why) => Err(NotIssuable::Held(scope.clone(), why)),
                Class::Rated(Tier::High) => self.tool(tool.clone(), Tier::High).map_err(forbidden),
                Class::Rated(tier) => {
                    let instead = Scope::needed(self.server, tool, tier);
                    Err(NotIssuable::NotHigh { asked: scope.clone(), tier, instead })
                }
            },
        }
    }

    /// What is known of a tool. What a server offers that was never listed is not known yet, and is found out by the
    /// first call.
    fn pin(&self, tool: &ToolName) -> Pin {
        if self.pins.is_listed(self.server) { self.pins.pin(self.server, tool) } else { Pin::Accepted }
    }

    /// What a tool takes, or the policies that forbid it whatever is held; none of them, when a key would help.
    fn tool(&self, tool: ToolName, tier: Tier) -> Result<Need, Option<Vec<String>>> {
        let target = CallTarget::Tool(tool, Class::Rated(tier));
        match self.ask(&target) {
            Decision::Allow { .. } => Ok(Need::Standing),
            Decision::StepUp { by, .. } => Ok(Need::Elevation(by)),
            Decision::Deny { policies, .. } => Err((!self.a_key_would_help(&target)).then_some(policies)),
        }
    }

    fn ask(&self, target: &CallTarget) -> Decision {
        self.policies.decide_fully(&self.asker.question(self.server, target, Authority::Standing))
    }
}
