//! What one call is about: a tool with its class, or the protocol of a server.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    Id, Pin, Scope, Server, Tier, ToolName,
    config::{DefinitionTrust, ServerConfig},
    server::Kind,
    text_enum,
};

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
    /// A rule names it, and its definition is the one that was accepted.
    Rated(Tier),
    /// It counts as high, and waits until a person has looked.
    Held(HeldFor),
}

/// What a held tool waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldFor {
    /// No rule names it: somebody has to say how much harm it can do.
    Tier,
    /// Its server has not said yet what it is, or does not list it.
    Definition,
    /// It is new, and nobody has accepted what it says of itself.
    New,
    /// It is not what was accepted any more.
    Changed,
}

text_enum!(HeldFor { Tier => "tier", Definition => "definition", New => "new", Changed => "changed" });

impl Class {
    /// The tier that it counts as.
    pub fn tier(self) -> Tier {
        match self {
            Self::Rated(tier) => tier,
            Self::Held(_) => Tier::High,
        }
    }
}

impl Class {
    /// What the rules of its server say of a tool, and what is known of its definition. What is known of the words of one
    /// resource, its rule does not say: [`CallTarget::held_by`].
    pub fn of(rules: &ServerConfig, tool: &ToolName, pin: impl FnOnce(&ToolName) -> Pin) -> Self {
        let Some(tier) = rules.tier(tool) else { return Self::Held(HeldFor::Tier) };
        let is_pinned = matches!(tool.kind(), Kind::Tool(_) | Kind::Prompt(_));
        if !is_pinned || rules.definitions == DefinitionTrust::Unpinned {
            return Self::Rated(tier);
        }
        match pin(tool) {
            Pin::Accepted => Self::Rated(tier),
            Pin::Unknown => Self::Held(HeldFor::Definition),
            Pin::New => Self::Held(HeldFor::New),
            Pin::Changed => Self::Held(HeldFor::Changed),
        }
    }

    /// What it waits for, if it is held.
    pub fn held(self) -> Option<HeldFor> {
        match self {
            Self::Rated(_) => None,
            Self::Held(why) => Some(why),
        }
    }
}

impl CallTarget {
    /// The `tool` as the rules of its server classify it, with what is known of its definition; the protocol, when there is
    /// none.
    pub fn of(rules: &ServerConfig, tool: Option<ToolName>, pin: impl FnOnce(&ToolName) -> Pin) -> Self {
        let Some(tool) = tool else { return Self::Protocol };
        let class = Class::of(rules, &tool, pin);
        Self::Tool(tool, class)
    }

    /// The same, held as well by what is known of the words of a resource that it names. One that its server never listed
    /// came with no words: its rule is all.
    #[must_use]
    pub fn held_by(self, pin: Pin) -> Self {
        let why = match pin {
            Pin::New => HeldFor::New,
            Pin::Changed => HeldFor::Changed,
            Pin::Accepted | Pin::Unknown => return self,
        };
        match self {
            Self::Tool(tool, Class::Rated(_)) => Self::Tool(tool, Class::Held(why)),
            held => held,
        }
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

    /// What it waits for, if it is held.
    pub fn held(&self) -> Option<HeldFor> {
        match self {
            Self::Protocol => None,
            Self::Tool(_, class) => class.held(),
        }
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

    fn rules(more: &str) -> ServerConfig {
        let rules = format!(
            r#"{{"url": "http://127.0.0.1:1/mcp", "tools": {{"get_*": "low", "make_*": "medium", "drop_*": "high"}},
                "prompts": {{"*": "low"}}, "resources": {{"docs": {{"uri": "file:///*", "tier": "low"}}}}{more}}}"#
        );
        serde_json::from_str(&rules).unwrap()
    }

    #[test]
    fn what_no_rule_names_is_high_and_held() {
        let server = "tickets".parse().unwrap();
        for (tool, tier, held, scope) in [
            (None, Tier::Low, None, "tickets:low"),
            (Some("get_ticket"), Tier::Low, None, "tickets:low"),
            (Some("make_ticket"), Tier::Medium, None, "tickets:medium"),
            (Some("drop_ticket"), Tier::High, None, "tickets.drop_ticket"),
            (Some("other"), Tier::High, Some(HeldFor::Tier), "tickets.other"),
        ] {
            let target = CallTarget::of(&rules(""), tool.map(|tool| tool.parse().unwrap()), |_| Pin::Accepted);
            let found = (target.tier(), target.held(), target.scope(&server).to_string());
            assert_eq!(found, (tier, held, scope.to_owned()), "{tool:?}");
        }
    }

    #[test]
    fn a_resource_is_held_by_its_words_and_not_for_want_of_them() {
        let target = || CallTarget::of(&rules(""), Some(ToolName::of_resource("docs")), |_| Pin::Unknown);
        for (pin, held) in [
            (Pin::Accepted, None),
            (Pin::Unknown, None),
            (Pin::New, Some(HeldFor::New)),
            (Pin::Changed, Some(HeldFor::Changed)),
        ] {
            assert_eq!(target().held_by(pin).held(), held, "{pin:?}");
        }
        let unnamed = CallTarget::of(&rules(""), Some(ToolName::unnamed("resource")), |_| Pin::Unknown);
        assert_eq!(unnamed.held_by(Pin::Changed).held(), Some(HeldFor::Tier), "no rule names it");
        assert_eq!(CallTarget::Protocol.held_by(Pin::New), CallTarget::Protocol);
    }

    #[test]
    fn what_is_not_what_was_accepted_is_high_and_held_whatever_rule_names_it() {
        for (pin, held) in [
            (Pin::Accepted, None),
            (Pin::Unknown, Some(HeldFor::Definition)),
            (Pin::New, Some(HeldFor::New)),
            (Pin::Changed, Some(HeldFor::Changed)),
        ] {
            for tool in ["get_ticket".parse().unwrap(), ToolName::of_prompt("summarize").unwrap()] {
                let class = Class::of(&rules(""), &tool, |_| pin);
                assert_eq!((class.held(), class.tier() == Tier::High), (held, held.is_some()), "{tool} {pin:?}");
                let class = Class::of(&rules(r#", "definitions": "unpinned""#), &tool, |_| pin);
                assert_eq!(class, Class::Rated(Tier::Low));
            }
            assert_eq!(Class::of(&rules(""), &ToolName::of_resource("docs"), |_| pin), Class::Rated(Tier::Low));
        }
    }
}
