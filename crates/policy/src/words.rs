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

/// Actions of what has no definition, beside [`CALL`].
pub(crate) const BUILT_IN: [&str; 6] = ["connect", "call", "read_resource", "get_prompt", "call_unlisted", "approve"];

/// An entity by its type and id.
pub(crate) fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
