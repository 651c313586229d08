//! A server listed something: what is new, what is different, and what is again what it was.
//!
//! A name is never forgotten: what was accepted stays accepted when the server does not list it for a while, and what was
//! refused by nobody accepting it stays held.

use catalogue::{ArgumentSchema, Definition, shape};
use model::{
    Actor, Event, Id, Pin, Server, Sighting,
    config::DefinitionTrust,
    event::{DefinitionAccepted, DefinitionSeen},
};
use policy::Policies;
use store::{Accepted, CatalogueEntry, StoreError, Tx, privilege::PrivilegeTx};

use super::fit::fits;

/// A definition that was listed, and whether it could count without anybody looking: calls can be checked by it, and every
/// policy still means what it says. Found out before the transaction, which holds up everybody.
#[derive(Clone, Debug)]
pub struct Listed {
    definition: Definition,
    may_count: bool,
}

impl Listed {
    /// One of which nothing more is known: nothing can be checked by it.
    pub fn unchecked(definition: Definition) -> Self {
        Self { definition, may_count: false }
    }

    /// One that `server` listed.
    pub fn of(server: &Id<Server>, definition: Definition, policies: &Policies) -> Self {
        let is_checkable = ArgumentSchema::of(&definition).is_ok();
        Self { may_count: is_checkable && fits(policies, server, &definition).is_ok(), definition }
    }
}

/// How much of a server's lists was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A part.
    Some,
    /// All that there is, and what was observed before in this way is the rest of it.
    All,
    /// All that there is, of which more follows.
    AllWithMore,
}

/// What came of it.
#[derive(Debug)]
pub struct Observed {
    /// What is to be recorded.
    pub events: Vec<Event>,
    /// Names that are not kept, because the server has too many.
    pub not_kept: usize,
}

/// More names of one server are not kept, and so never accepted.
const NAMES: u64 = 16_384;
/// A definition that changed so often since somebody accepted one is held until somebody does again; what it says
/// meanwhile is not kept.
const CHANGES: u64 = 16;

/// Takes down what a server listed.
pub async fn observe(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    trust: DefinitionTrust,
    extent: Extent,
    all: &[Listed],
) -> Result<Observed, StoreError> {
    let first = extent != Extent::Some && !tx.is_listed(server).await?;
    let mut observed = Observed { events: Vec::new(), not_kept: 0 };
    let mut room = NAMES.saturating_sub(tx.count_names(server).await?);
    for listed in all {
        let definition = &listed.definition;
        let Some(entry) = tx.catalogue_entry(server, definition.name()).await? else {
            if room == 0 {
                observed.not_kept += 1;
                continue;
            }
            room -= 1;
            let counts = first && trust == DefinitionTrust::FirstSeen && listed.may_count;
            observed.events.push(begin(tx, server, definition, counts && is_alone(all, definition)).await?);
            continue;
        };
        observed.events.extend(again(tx, entry, definition).await?);
    }
    if first && extent == Extent::All {
        PrivilegeTx::of(tx).put_listed(server).await?;
    }
    Ok(observed)
}

/// A name that was never seen.
async fn begin(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    definition: &Definition,
    counts: bool,
) -> Result<Event, StoreError> {
    let (now, shape) = (tx.now(), shape(definition.name()).to_string());
    let counts = counts && tx.look_alikes(server, definition.name(), &shape).await?.is_empty();
    let by = Actor::System.to_string();
    let entry = CatalogueEntry {
        server: server.clone(),
        name: definition.name().clone(),
        shape,
        seen: definition.digest(),
        seen_at: now,
        changes: 0,
        accepted: counts.then(|| Accepted { definition: definition.digest(), at: now, by }),
    };
    PrivilegeTx::of(tx).put_definition(&definition.digest(), definition.text()).await?;
    PrivilegeTx::of(tx).put_catalogue_entry(&entry).await?;
    Ok(if counts { accepted(&entry, None, true).by(Actor::System) } else { seen(&entry, Sighting::New) })
}

/// A name that was seen before.
async fn again(
    tx: &mut Tx<'_>,
    mut entry: CatalogueEntry,
    definition: &Definition,
) -> Result<Option<Event>, StoreError> {
    let was = entry.pin();
    if entry.seen == definition.digest() || was != Pin::Accepted && entry.changes >= CHANGES {
        return Ok(None);
    }
    entry.seen = definition.digest();
    entry.seen_at = tx.now();
    entry.changes += 1;
    PrivilegeTx::of(tx).put_definition(&definition.digest(), definition.text()).await?;
    PrivilegeTx::of(tx).put_catalogue_entry(&entry).await?;
    let sighting = match entry.pin() {
        Pin::Accepted => Sighting::Back,
        Pin::Changed => Sighting::Changed,
        Pin::New | Pin::Unknown => Sighting::New,
    };
    Ok(Some(seen(&entry, sighting)))
}

/// Does no other definition of the same list look like it?
fn is_alone(all: &[Listed], one: &Definition) -> bool {
    let is_alike = |other: &&Listed| shape(other.definition.name()) == shape(one.name());
    all.iter().filter(is_alike).count() == 1
}

fn seen(entry: &CatalogueEntry, sighting: Sighting) -> Event {
    DefinitionSeen {
        server: entry.server.clone(),
        tool: entry.name.clone().into(),
        definition: entry.seen.to_hex(),
        sighting,
        accepted: entry.accepted.as_ref().map(|accepted| accepted.definition.to_hex()),
    }
    .by(Actor::System)
}

pub(super) fn accepted(entry: &CatalogueEntry, replaces: Option<String>, first_list: bool) -> DefinitionAccepted {
    DefinitionAccepted {
        server: entry.server.clone(),
        tool: entry.name.clone().into(),
        definition: entry.seen.to_hex(),
        replaces,
        first_list,
    }
}
