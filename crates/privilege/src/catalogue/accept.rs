//! A person accepts a definition: exactly the one that they looked at.

use catalogue::{ArgumentSchema, Definition};
use crypto::Digest;
use model::{Actor, Event, Id, Pin, Server, ToolName};
use policy::Policies;
use store::{Accepted, Tx, privilege::PrivilegeTx};

use super::{fit::fits, observe::accepted};
use crate::Refused;

/// Makes the definition with that digest the one that counts.
///
/// # Errors
/// It is not what the server lists any more, it looks like another tool that counts, calls could not be checked by it, or a
/// policy would not mean anything any more with what it says of its arguments.
pub async fn accept(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    name: &ToolName,
    definition: &Digest,
    policies: &Policies,
    actor: Actor,
) -> Result<Event, Refused> {
    let qualified = || name.qualified(server);
    let Some(mut entry) = tx.catalogue_entry(server, name).await? else {
        let hint = "`portcullis tool list` shows what servers list".to_owned();
        return Err(Refused::UnknownName { kind: "tool", name: qualified(), hint });
    };
    if entry.seen != *definition {
        return Err(Refused::DefinitionMoved { tool: qualified() });
    }
    if entry.pin() == Pin::Accepted {
        return Err(Refused::DefinitionAccepted { tool: qualified() });
    }
    let alike = tx.look_alikes(server, name, &entry.shape).await?.into_iter().find(|other| other.accepted.is_some());
    if let Some(other) = alike {
        return Err(Refused::LooksLike { tool: qualified(), other: other.name.qualified(server) });
    }
    let kept = tx.definition(definition).await?.and_then(|text| Definition::kept(name.clone(), &text));
    let kept = kept.ok_or_else(|| Refused::DefinitionMoved { tool: qualified() })?;
    ArgumentSchema::of(&kept).map_err(|why| Refused::Unchecked { tool: qualified(), why })?;
    fits(policies, server, &kept).map_err(|why| Refused::BreaksPolicy { tool: qualified(), why })?;
    let replaces = entry.accepted.as_ref().map(|accepted| accepted.definition.to_hex());
    entry.accepted = Some(Accepted { definition: *definition, at: tx.now(), by: actor.to_string() });
    entry.changes = 0;
    PrivilegeTx::of(tx).put_catalogue_entry(&entry).await?;
    Ok(accepted(&entry, replaces, false).by(actor))
}
