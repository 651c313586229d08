//! People: who consents, approves, administers and audits.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Id, text_enum};

/// A human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name to log in with.
    pub id: Id<Person>,
    /// The name on pages.
    pub display_name: String,
    /// What this person may do besides owning agents.
    pub roles: BTreeSet<Role>,
    /// Disabled people can neither log in nor be acted for.
    pub disabled: bool,
}

/// Marker of [`Id`]: a group of people, such as a department or a shift. What its members may do, policies say.
#[derive(Debug)]
pub enum Group {}

/// What a person may do besides consenting for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decide elevations of other people's agents.
    Approver,
    /// Read everything in the console.
    Auditor,
    /// Revoke, restore, suspend and enrol. Includes the other two.
    Admin,
}

text_enum!(Role { Approver => "approver", Auditor => "auditor", Admin => "admin" });

impl Person {
    /// Does this person hold `role`, directly or through `admin`?
    pub fn holds(&self, role: Role) -> bool {
        !self.disabled && (self.roles.contains(&role) || self.roles.contains(&Role::Admin))
    }
}
