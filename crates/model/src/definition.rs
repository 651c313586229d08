//! What a server says of a tool or a prompt, and whether somebody has accepted that.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{ToolName, server::Kind, text_enum};

/// What is known of the definition behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// What the server listed last is what was accepted.
    Accepted,
    /// The server listed nothing of that name.
    Unknown,
    /// Nothing of that name was ever accepted.
    New,
    /// Something else was accepted.
    Changed,
}

/// What a server offers, list by list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// `tools/list`.
    Tools,
    /// `prompts/list`.
    Prompts,
    /// `resources/list`.
    Resources,
    /// `resources/templates/list`.
    ResourceTemplates,
    /// What it says of itself when a session begins, or when it is discovered.
    Introduction,
}

text_enum!(ListKind {
    Tools => "tools",
    Prompts => "prompts",
    Resources => "resources",
    ResourceTemplates => "resource_templates",
    Introduction => "introduction",
});

impl ListKind {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Tools, Self::Prompts, Self::Resources, Self::ResourceTemplates, Self::Introduction];

    /// Where that stands; `None` for what stands in no list.
    pub fn of(name: &ToolName) -> Option<Self> {
        match name.kind() {
            Kind::Tool(_) => Some(Self::Tools),
            Kind::Prompt(_) => Some(Self::Prompts),
            Kind::Uri(_) => Some(Self::Resources),
            Kind::Template(_) => Some(Self::ResourceTemplates),
            Kind::Words(_) => Some(Self::Introduction),
            Kind::Resource(_) | Kind::Unnamed(_) => None,
        }
    }
}

/// How what a server lists differs from what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sighting {
    /// Nothing of that name was ever accepted.
    New,
    /// Something else was accepted.
    Changed,
    /// It is again what was accepted.
    Back,
}

text_enum!(Sighting { New => "new", Changed => "changed", Back => "back" });
