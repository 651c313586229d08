//! The audit record of a call that was allowed. Never a token, never an argument.

use model::event::{CallDecided, CallRest, Rests, Verdict};
use privilege::authority::Basis;

use super::described::{method, uri};
use crate::{call::Call, permit::Permit};

/// A call was allowed and is about to be sent.
pub fn decided(permit: &Permit<Call>, policy: &str) -> CallDecided {
    let (call, principal, target) = (permit.call(), permit.principal(), permit.target());
    let (grant, agent) = (principal.grant(), principal.agent());
    CallDecided {
        agent: agent.id.clone(),
        client: agent.client.clone(),
        grant: grant.id.clone(),
        person: grant.person.clone(),
        jti: principal.claims().jti.clone(),
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
        rest: CallRest {
            definition: permit.definition().map(|definition| definition.to_hex()),
            arguments: permit.arguments().map(str::to_owned),
            exceptions: permit.excepted().ids(),
            key: principal.key().cloned(),
            ..call.told_of_task()
        },
    }
}
