//! The audit records of calls that were refused. Never a token, never an argument.

use model::{
    AccessClaims, Actor, CallTarget, Event, Id, Server,
    event::{CallRefused, CallRest, Facts, Verdict},
};

use super::Refusal;
use crate::{
    call::Call,
    principal::Principal,
    record::described::{method, uri},
};

/// What is known of a call that was refused.
pub struct About<'a> {
    /// The call.
    pub call: &'a Call,
    /// What it is about, when that was found out.
    pub target: Option<&'a CallTarget>,
    /// The policies that said so.
    pub policies: Vec<String>,
    /// The digest of all policies.
    pub policy: &'a str,
    /// How old the facts were.
    pub facts: Facts,
    /// By what its arguments were checked, and what the log says of them, when they were looked at.
    pub rest: CallRest,
}

/// A call was refused.
pub fn refused(refusal: &Refusal, principal: &Principal, about: About<'_>) -> Event {
    let About { call, target, policies, policy, facts, rest } = about;
    let of = Caller::of(principal);
    let mut record = of.refused(&call.server.id, refusal);
    record.method = Some(method(call));
    record.request = Some(call.request.clone());
    record.uri = uri(call);
    record.revision = Some(call.revision.name());
    record.tool = target.and_then(CallTarget::tool).cloned().map(Into::into);
    record.tier = target.map(CallTarget::tier);
    record.held = target.and_then(CallTarget::held);
    record.policy = Some(policy.into());
    record.policies = policies;
    record.rest = call.told_of_task();
    record.facts = Some(facts);
    record.rest = CallRest { key: principal.key().cloned(), ..rest };
    record.by(of.actor())
}

/// Somebody known was refused before it was clear what they wanted.
pub fn refused_early(refusal: &Refusal, server: &Id<Server>, principal: &Principal, request: &str) -> Event {
    let of = Caller::of(principal);
    let mut record = of.refused(server, refusal);
    record.request = Some(request.into());
    record.rest.key = principal.key().cloned();
    record.by(of.actor())
}

/// A token of ours came whose grant, agent or person is dead.
pub fn refused_dead(refusal: &Refusal, server: &Id<Server>, claims: &AccessClaims) -> Event {
    let of = Caller {
        agent: &claims.agent_id,
        client: &claims.client_id,
        grant: &claims.grant_id,
        person: None,
        jti: &claims.jti,
    };
    let mut record = of.refused(server, refusal);
    record.why = Some(refusal.to_string());
    record.by(of.actor())
}

/// Who is refused.
struct Caller<'a> {
    agent: &'a Id<model::Agent>,
    client: &'a model::ClientId,
    grant: &'a Id<model::Grant>,
    person: Option<&'a Id<model::Person>>,
    jti: &'a str,
}

impl<'a> Caller<'a> {
    fn of(principal: &'a Principal) -> Self {
        let (grant, agent) = (principal.grant(), principal.agent());
        Self {
            agent: &agent.id,
            client: &agent.client,
            grant: &grant.id,
            person: grant.person.as_ref(),
            jti: &principal.claims().jti,
        }
    }

    fn actor(&self) -> Actor {
        Actor::Agent(self.agent.clone())
    }

    /// As far as anything is known: who, where, and why not.
    fn refused(&self, server: &Id<Server>, refusal: &Refusal) -> CallRefused {
        let (decision, scope, by) = match refusal {
            Refusal::StepUp { scopes, by, .. } => (Verdict::StepUp, Some(scopes.to_string()), Some(*by)),
            _ => (Verdict::Deny, None, None),
        };
        CallRefused {
            agent: self.agent.clone(),
            client: self.client.clone(),
            grant: self.grant.clone(),
            person: self.person.cloned(),
            jti: self.jti.to_owned(),
            server: server.clone(),
            method: None,
            request: None,
            uri: None,
            revision: None,
            decision,
            reason: refusal.reason(),
            why: None,
            held: None,
            tier: None,
            scope,
            by,
            tool: None,
            elevation: refusal.elevation().cloned(),
            asked: refusal.asked().cloned(),
            policy: None,
            policies: Vec::new(),
            facts: None,
            rest: CallRest::default(),
        }
    }
}
