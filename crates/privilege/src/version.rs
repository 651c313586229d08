//! What decides: the policies and the configuration that are in force on every node.

use model::{Actor, Event, Version, VersionKind, event::PolicyLoaded};
use store::{StoreError, Tx, privilege::PrivilegeTx};

/// Puts `version` in force, and keeps it, so that whoever reads an old decision can read what decided it. The event says
/// that other policies decide from now on; none when they are the same, and none for the configuration, whose record says
/// more (`configuration_applied`). `files` are the names of the files of policies.
pub async fn activate(tx: &mut Tx<'_>, version: &Version, files: &[String]) -> Result<Option<Event>, StoreError> {
    let before = tx.active_version(version.kind).await?;
    if before.as_deref() == Some(&version.digest) {
        return Ok(None);
    }
    PrivilegeTx::of(tx).activate_version(version).await?;
    Ok(match version.kind {
        VersionKind::Configuration => None,
        VersionKind::Policy => {
            let loaded = PolicyLoaded { digest: version.digest.clone(), before, files: files.to_vec() };
            Some(loaded.by(Actor::System))
        }
    })
}
