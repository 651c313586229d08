//! What policy says to one call, whatever is held: for people who ask why, and for tests of policies.

use model::{Authority, CallTarget, Decision, Id, Server};
use policy::Policies;

use super::Asker;

/// What policy says when the agent holds this much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What it holds.
    pub holds: Authority,
    /// What policy says then.
    pub decision: Decision,
}

/// What policy says with the standing grant alone, with the person's consent, and with another person's approval.
pub fn explain(policies: &Policies, asker: &Asker<'_>, server: &Id<Server>, target: &CallTarget) -> [Explained; 3] {
    [Authority::Standing, Authority::Consent, Authority::Approval]
        .map(|holds| Explained { holds, decision: with(policies, asker, server, target, holds) })
}

/// What policy says when the agent holds `holds`.
pub fn with(
    policies: &Policies,
    asker: &Asker<'_>,
    server: &Id<Server>,
    target: &CallTarget,
    holds: Authority,
) -> Decision {
    policies.decide_anew(&asker.question(server, target, holds))
}
