//! The names of the schema, parsed once.

use std::sync::LazyLock;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

macro_rules! types {
    ($($name:ident = $text:literal),* $(,)?) => {
        $(pub(crate) static $name: LazyLock<EntityTypeName> =
            LazyLock::new(|| $text.parse().expect("a type of the built-in schema is a name"));)*
    };
}

types! {
    ACTION = "Action",
    AGENT = "Agent",
    ASSURANCE = "Assurance",
    AUTHORITY = "Authority",
    GROUP = "Group",
    KIND = "Kind",
    PERSON = "Person",
    SERVER = "Server",
    TIER = "Tier",
    TOOL = "Tool",
    TOOL_GROUP = "ToolGroup",
}

/// The group of all calls.
pub(crate) static CALL: LazyLock<EntityUid> = LazyLock::new(|| uid(&ACTION, "call"));

/// Actions that are everywhere, and whether each is in the group [`CALL`].
pub(crate) const BUILT_IN: [(&str, bool); 8] = [
    ("connect", false),
    ("issue", false),
    ("elevate", false),
    ("approve", false),
    ("call", false),
    ("read_resource", true),
    ("get_prompt", true),
    ("call_unlisted", true),
];

/// Is an action of this name everywhere?
pub(crate) fn is_built_in(action: &str) -> bool {
    BUILT_IN.iter().any(|(name, _)| *name == action)
}

/// An entity by its type and id.
pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
