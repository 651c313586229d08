//! What a list may show: what can be used now, what can be after a step-up, and nothing else.
//!
//! Spec: MCP 2026-07-28 server/tools (lists may differ by authorization).

use model::{Authority, CallTarget, Decision, Elevation, Id, Scope, Server, StepUp};
use policy::Policies;

use super::{Approvals, Asker, Elevated, elevated};

/// How far what is listed is within reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A call would be allowed.
    Usable {
        /// The scope that stands for it.
        scope: Scope,
        /// With what is held.
        with: Authority,
    },
    /// A call would be allowed after a step-up.
    StepUp {
        /// The scope to ask for.
        scope: Scope,
        /// Who has to say yes.
        by: StepUp,
    },
    /// A call would be allowed, or could be asked for, with a token that is bound to a key.
    Key {
        /// The scope that stands for it.
        scope: Scope,
    },
}

/// How far `target` is within reach of who holds `live`, of which an approval of one call opens no tool; `None` when nothing could open it, so that it is not to be seen.
pub fn reach(
    policies: &Policies,
    asker: &Asker<'_>,
    server: &Id<Server>,
    target: &CallTarget,
    approvals: Approvals<'_>,
    live: &[Elevation],
) -> Option<Reach> {
    let most = |authority| policies.decide_most(&asker.question(server, target, authority));
    match most(Authority::Standing) {
        Decision::Allow { .. } => Some(Reach::Usable { scope: target.scope(server), with: Authority::Standing }),
        Decision::Deny { .. } => {
            let proved = asker.if_it_proved()?.question(server, target, Authority::Standing);
            match policies.decide_most(&proved) {
                Decision::Allow { .. } | Decision::StepUp { .. } => Some(Reach::Key { scope: target.scope(server) }),
                Decision::Deny { .. } => None,
            }
        }
        Decision::StepUp { scope, by, .. } => {
            let covers = |one: &Elevated<'_>| approvals.covered_by(one.elevation).is_ok();
            let with = elevated(live, &scope, |authority| Some(most(authority))).find(covers).map(|one| one.authority);
            Some(match with {
                Some(with) => Reach::Usable { scope, with },
                None => Reach::StepUp { scope, by },
            })
        }
    }
}
