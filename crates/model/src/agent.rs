//! Agents: non-human identities with an owner, a purpose and an end.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ClientId, Id, Person, Timestamp};

/// A non-human identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Its name, unique in the installation: `nightly-reconciler`, `claude-code@ada`.
    pub id: Id<Agent>,
    /// What it is called on pages, as its client says or the file declares.
    pub title: String,
    /// Whose it is. For an interactive agent: the person it acts for.
    pub owner: Id<Person>,
    /// Why it exists.
    pub purpose: String,
    /// With whose authority it acts.
    pub kind: AgentKind,
    /// The OAuth client it presents itself as.
    pub client: ClientId,
    /// How well the client's identity is proven.
    pub assurance: Assurance,
    /// May it do anything at all?
    pub state: AgentState,
    /// First seen or declared.
    pub created_at: Timestamp,
}

/// With whose authority an agent acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// For a person who logged in and consented.
    Delegated,
    /// For itself, by client credentials.
    Autonomous,
}

/// May an agent do anything at all?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Yes, within its grants.
    Active,
    /// Not until somebody resumes it.
    Suspended,
    /// Never again.
    Retired,
}

/// How well a client's identity is proven; ordered, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// A public client that comes back over loopback: any local program can claim the name.
    Declared,
    /// A metadata document on a domain we trust, with an https redirect of its own.
    Published,
    /// Holds a key: `private_key_jwt`.
    Proven,
}

macro_rules! text_enum {
    ($type:ty { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $type {
            /// The word stored, logged and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is none of: {}", [$($text),+].join(", "))),
                }
            }
        }
    };
}
pub(crate) use text_enum;

text_enum!(AgentKind { Delegated => "delegated", Autonomous => "autonomous" });
text_enum!(AgentState { Active => "active", Suspended => "suspended", Retired => "retired" });
text_enum!(Assurance { Declared => "declared", Published => "published", Proven => "proven" });
