//! What policies can name of a definition, and whether they would hold with it.

use catalogue::Definition;
use model::{Id, Server};
use policy::{InputType, Policies, PolicyError};

/// What policies can name of the arguments of a tool that is defined like this.
pub fn input(definition: &Definition) -> InputType {
    definition.value().get("inputSchema").map(InputType::of).unwrap_or_default()
}

/// Would every policy still mean what it says, if this counted?
///
/// # Errors
/// The first that would not.
pub(super) fn fits(policies: &Policies, server: &Id<Server>, definition: &Definition) -> Result<(), PolicyError> {
    policies.fit(server, definition.name(), &input(definition))
}
