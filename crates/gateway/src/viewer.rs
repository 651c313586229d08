//! Who looks at a list of tools, and what they may do with each.
//!
//! The answer comes from the same question to policy as a call of the tool would ask, so what is listed
//! as usable is usable, and what is absent could not be called.
//!
//! Spec: MCP 2026-07-28 server/tools (lists may differ by authorization).

use std::sync::Arc;

use model::{Authority, Block, Decision, Elevation, Scope, Tier, ToolName};
use policy::Policies;

use crate::{
    authority::{Matter, elevated},
    live::Live,
    protected::Protected,
};

/// Who looks at a list of tools, with everything that decides what they see.
#[derive(Debug)]
pub struct Viewer {
    pub(crate) server: Arc<Protected>,
    pub(crate) live: Arc<Live>,
    pub(crate) policies: Arc<Policies>,
    pub(crate) elevations: Vec<Elevation>,
    pub(crate) blocks: Arc<Vec<Block>>,
}

/// How a listed tool may be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    /// Its tier.
    pub tier: Tier,
    /// The scope that stands for it.
    pub scope: Scope,
    /// Usable now, or after a step-up.
    pub state: &'static str,
    /// By which authority it is usable, or who has to say yes.
    pub by: &'static str,
}

impl Viewer {
    /// How this tool may be used; `None` when it must not even be seen, because nothing could open it.
    pub fn access(&self, name: &str) -> Option<Access> {
        let tool: ToolName = name.parse().ok()?;
        if self.live.tool_is_blocked(&self.blocks, &tool) {
            return None;
        }
        let matter = Matter::of(&self.server, Some(&tool));
        let decision = self.policies.decide(&matter.question(&self.live, Authority::Standing));
        let (scope, state, by) = match decision {
            Decision::Allow { .. } => (matter.scope, "usable", Authority::Standing.as_str()),
            Decision::Deny { .. } => return None,
            Decision::StepUp { scope, by } => {
                match elevated(&self.policies, &self.live, &matter, &self.elevations, &scope) {
                    Some((_, authority)) => (scope, "usable", authority.as_str()),
                    None => (scope, "step_up", by.as_str()),
                }
            }
        };
        Some(Access { tier: matter.tier, scope, state, by })
    }

    /// Seconds until something that is usable now stops being so; `None` when nothing here ends.
    pub fn changes_within(&self, now: model::Timestamp) -> Option<u64> {
        self.elevations.iter().filter_map(|elevation| elevation.not_after).map(|end| now.seconds_until(end)).min()
    }
}
