//! The audit records of a call: decided, refused, ended. Never a token, never an argument.

use model::{
    AccessClaims, Actor, CallTarget, Event, Id, Server,
    event::{CallDecided, CallRefused, CallRest, Facts, Rests, Verdict},
};
use privilege::authority::Basis;

use crate::{authority::Refused, call::Call, live::Live, permit::Permit, refusal::Refusal};

/// A call was allowed and is about to be sent.
pub fn decided(permit: &Permit<Call>, policy: &str) -> CallDecided {
    let (call, live, target) = (permit.call(), permit.live(), permit.target());
    let (grant, agent) = (live.grant(), live.agent());
    CallDecided {
        agent: agent.id.clone(),
        client: agent.client.clone(),
        grant: grant.id.clone(),
        person: grant.person.clone(),
        jti: live.claims().jti.clone(),
        server: call.server.id.clone(),
        method: method(call),
        request: call.request.clone(),
        uri: uri(call),
        revision: call.revision.name(),
        decision: Verdict::Allow,
        tier: target.tier(),
        scope: target.scope(&call.server.id),
        tool: target.tool().cloned().map(Into::into),
        authority: match permit.basis() {
            Basis::Standing => Rests::Standing,
            Basis::Elevation { .. } => Rests::Elevation,
        },
        elevation: None,
        policy: policy.into(),
        policies: permit.policies().to_vec(),
        facts: permit.facts().clone(),
        rest: CallRest::default(),
    }
}

/// A call was refused.
pub fn refused(refused: &Refused, policy: &str, facts: Facts) -> Event {
    let Refused { refusal, call, live, target, policies } = refused;
    let of = Principal::of(live);
    let mut record = of.refused(&call.server.id, refusal);
    record.method = Some(method(call));
    record.request = Some(call.request.clone());
    record.uri = uri(call);
    record.revision = Some(call.revision.name());
    record.tool = refused.tool().cloned().map(Into::into);
    record.tier = target.as_ref().map(CallTarget::tier);
    record.policy = Some(policy.into());
    record.policies.clone_from(policies);
    record.facts = Some(facts);
    record.by(of.actor())
}

/// Somebody known was refused before it was clear what they wanted.
pub fn refused_early(refusal: &Refusal, server: &Id<Server>, live: &Live, request: &str) -> Event {
    let of = Principal::of(live);
    let mut record = of.refused(server, refusal);
    record.request = Some(request.into());
    record.by(of.actor())
}

/// A token of ours came whose grant, agent or person is dead.
pub fn refused_dead(refusal: &Refusal, server: &Id<Server>, claims: &AccessClaims) -> Event {
    let of = Principal {
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
struct Principal<'a> {
    agent: &'a Id<model::Agent>,
    client: &'a model::ClientId,
    grant: &'a Id<model::Grant>,
    person: Option<&'a Id<model::Person>>,
    jti: &'a str,
}

impl<'a> Principal<'a> {
    fn of(live: &'a Live) -> Self {
        let (grant, agent) = (live.grant(), live.agent());
        Self {
            agent: &agent.id,
            client: &agent.client,
            grant: &grant.id,
            person: grant.person.as_ref(),
            jti: &live.claims().jti,
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
            reason: refusal.word(),
            why: None,
            tier: None,
            scope,
            by,
            tool: None,
            elevation: refusal.elevation().cloned(),
            policy: None,
            policies: Vec::new(),
            facts: None,
            rest: CallRest::default(),
        }
    }
}

/// As long as a log line may be.
fn method(call: &Call) -> String {
    call.method().chars().take(128).collect()
}

/// As long as a log line may be; where it matters, the rule that matched is named beside it.
fn uri(call: &Call) -> Option<String> {
    let uri = call.called()?.params().uri.as_deref()?;
    Some(uri.chars().take(256).collect())
}
