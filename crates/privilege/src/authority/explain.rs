//! What policy says to one call, whatever is held: for people who ask why, and for tests of policies.

use model::{Authority, CallTarget, Decision, Id, Server};
use policy::{Arguments, Policies, Untypable};

use super::Asker;

/// What policy says when the agent holds this much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What it holds.
    pub holds: Authority,
    /// What policy says then.
    pub decision: Decision,
}

/// With which arguments a call is asked about.
#[derive(Clone, Copy, Debug)]
pub enum With<'a> {
    /// With those that allow the most.
    Any,
    /// With these.
    These(Arguments<'a>),
}

/// What policy says with the standing grant alone, with the person's consent, and with another person's approval.
///
/// # Errors
/// A policy looks at the arguments, and can not compare them.
pub fn explain(
    policies: &Policies,
    asker: &Asker<'_>,
    (server, target): (&Id<Server>, &CallTarget),
    arguments: With<'_>,
) -> Result<[Explained; 3], Untypable> {
    let with = |holds| Ok(Explained { holds, decision: with(policies, asker, (server, target), holds, arguments)? });
    Ok([with(Authority::Standing)?, with(Authority::Consent)?, with(Authority::Approval)?])
}

/// What policy says when the agent holds `holds`.
///
/// # Errors
/// As [`explain`].
pub fn with(
    policies: &Policies,
    asker: &Asker<'_>,
    (server, target): (&Id<Server>, &CallTarget),
    holds: Authority,
    arguments: With<'_>,
) -> Result<Decision, Untypable> {
    let question = asker.question(server, target, holds);
    match arguments {
        With::Any => Ok(policies.decide_most(&question)),
        With::These(arguments) => policies.decide_anew(&question, arguments),
    }
}

/// Does what policy says depend on the arguments?
pub fn depends(policies: &Policies, asker: &Asker<'_>, server: &Id<Server>, target: &CallTarget) -> bool {
    policies.depends_on_arguments(&asker.question(server, target, Authority::Standing))
}
