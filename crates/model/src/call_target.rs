//! What one call is about: a tool with its class, or the protocol of a server.

use crate::{Id, Scope, Server, Tier, ToolName, config::ServerConfig};

/// What is asked for, as the rules of its server classify it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CallTarget {
    /// Everything of the protocol that calls nothing: lists, pings, streams.
    Protocol,
    /// A tool, the resources of a rule, or a prompt.
    Tool(ToolName, Class),
}

/// How a tool was classified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A rule names it.
    Rated(Tier),
    /// No rule names it: it counts as high, and waits until a person has looked.
    Held,
}

impl Class {
    /// The tier that it counts as.
    pub fn tier(self) -> Tier {
        match self {
            Self::Rated(tier) => tier,
            Self::Held => Tier::High,
        }
    }
}

impl CallTarget {
    /// The `tool` as the rules of its server classify it; the protocol, when there is none.
    pub fn of(rules: &ServerConfig, tool: Option<ToolName>) -> Self {
        let Some(tool) = tool else { return Self::Protocol };
        let class = rules.tier(&tool).map_or(Class::Held, Class::Rated);
        Self::Tool(tool, class)
    }

    /// The tool, if it calls one.
    pub fn tool(&self) -> Option<&ToolName> {
        match self {
            Self::Protocol => None,
            Self::Tool(tool, _) => Some(tool),
        }
    }

    /// How much harm it can do.
    pub fn tier(&self) -> Tier {
        match self {
            Self::Protocol => Tier::Low,
            Self::Tool(_, class) => class.tier(),
        }
    }

    /// Is it held, because no rule names it?
    pub fn is_held(&self) -> bool {
        matches!(self, Self::Tool(_, Class::Held))
    }

    /// The scope that stands for it.
    pub fn scope(&self, server: &Id<Server>) -> Scope {
        match self {
            Self::Protocol => Scope::Low(server.clone()),
            Self::Tool(tool, class) => Scope::needed(server, tool, class.tier()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> ServerConfig {
        let rules =
            r#"{"url": "http://127.0.0.1:1/mcp", "tools": {"get_*": "low", "make_*": "medium", "drop_*": "high"}}"#;
        serde_json::from_str(rules).unwrap()
    }

    #[test]
    fn what_no_rule_names_is_high_and_held() {
        let server = "tickets".parse().unwrap();
        for (tool, tier, held, scope) in [
            (None, Tier::Low, false, "tickets:low"),
            (Some("get_ticket"), Tier::Low, false, "tickets:low"),
            (Some("make_ticket"), Tier::Medium, false, "tickets:medium"),
            (Some("drop_ticket"), Tier::High, false, "tickets.drop_ticket"),
            (Some("other"), Tier::High, true, "tickets.other"),
        ] {
            let target = CallTarget::of(&rules(), tool.map(|tool| tool.parse().unwrap()));
            let found = (target.tier(), target.is_held(), target.scope(&server).to_string());
            assert_eq!(found, (tier, held, scope.to_owned()), "{tool:?}");
        }
    }
}
