//! One rule for resources: which, how much harm reading them can do, and whether their words need a person.

use serde::{Deserialize, Serialize};

use crate::Tier;

/// One rule: a pattern of URIs, and their tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRule {
    /// The URI; `*` stands for any run of characters but `?` and `#`. Written like `file:///docs/*`.
    pub uri: String,
    /// How much harm reading it can do.
    pub tier: Tier,
    /// When what a list says of such a resource (its name, title, description) needs a person who accepts it: with `plain`
    /// only when it hides characters, addresses the model or is too long to be read; with `pinned` always, as
    /// `definitions` says.
    #[serde(default, skip_serializing_if = "ResourceWords::are_plain")]
    pub words: ResourceWords,
}

/// When the words of a listed resource need a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResourceWords {
    /// When there is something to look at.
    #[default]
    Plain,
    /// Always: for few resources that seldom change.
    Pinned,
}

impl ResourceWords {
    const fn are_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}
