//! May a person say yes to what an agent asked for? Policy narrows what the role allows, by server, tool, agent and group.
//!
//! Who has the role, and that nobody approves for themselves, is no matter of policy: [`crate::separation_of_duty`].

use model::{Agent, ApprovalQuestion, Class, Decision, Elevation, Grant, Id, Person, Scope, StepUp, Tier};
use policy::Policies;

use crate::separation_of_duty::DutyError;

/// Asks policy about a yes of `approver`. Whose own consent it is, is asked by nobody.
///
/// # Errors
/// Policy says no.
pub fn approve(
    policies: &Policies,
    approver: &Id<Person>,
    (elevation, grant, agent): (&Elevation, &Grant, &Agent),
) -> Result<(), DutyError> {
    if elevation.by == StepUp::Consent {
        return Ok(());
    }
    let tool = match &elevation.scope {
        Scope::Tool(_, tool) => Some((tool.clone(), Class::Rated(Tier::High))),
        Scope::Low(_) | Scope::Medium(_) => None,
    };
    let question = ApprovalQuestion {
        approver: approver.clone(),
        agent: agent.id.clone(),
        kind: agent.kind,
        assurance: agent.assurance,
        owner: agent.owner.clone(),
        purpose: agent.purpose.as_str().into(),
        sponsor: agent.sponsor.clone(),
        eligible_only: agent.eligible_only,
        person: grant.person.clone(),
        server: grant.server.clone(),
        tool,
    };
    match policies.decide_approval(&question) {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { policies, .. } | Decision::StepUp { policies, .. } => {
            Err(DutyError::ByPolicy { person: approver.clone(), policies })
        }
    }
}
