//! A server listed something: what is new, what is different, and what is again what it was.
//!
//! A name is never forgotten: what was accepted stays accepted when the server does not list it for a while, and what was
//! refused by nobody accepting it stays held.

use catalogue::{ArgumentSchema, Definition, hides_characters, is_plain, shape};
use crypto::Digest;
use model::{
    Actor, Event, Id, ListKind, Pin, Server, Sighting,
    config::DefinitionTrust,
    event::{DefinitionAccepted, DefinitionSeen, ServerListed},
    resource::ResourceWords,
};
use policy::Policies;
use store::{Accepted, CatalogueEntry, Lists, StoreError, Tx, privilege::PrivilegeTx};

use super::fit::fits;

/// A definition that was listed, and when it could count without anybody looking. Found out before the transaction, which
/// holds up everybody.
#[derive(Clone, Debug)]
pub struct Listed {
    definition: Definition,
    counts: Counts,
}

/// When a definition counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    /// When a person accepted it.
    Accepted,
    /// Also on the first list of a server whose first list counts: calls can be checked by it, it hides no characters, and
    /// every policy still means what it says.
    OnFirstList,
    /// At once: it is a resource of which a list says nothing that anybody has to look at.
    AtOnce,
}

impl Listed {
    /// One of which nothing more is known: nothing can be checked by it.
    pub fn unchecked(definition: Definition) -> Self {
        Self { definition, counts: Counts::Accepted }
    }

    /// One that `server` listed.
    pub fn of(server: &Id<Server>, definition: Definition, policies: &Policies) -> Self {
        let may_count = ArgumentSchema::of(&definition).is_ok()
            && !hides_characters(&definition)
            && fits(policies, server, &definition).is_ok();
        Self { definition, counts: if may_count { Counts::OnFirstList } else { Counts::Accepted } }
    }

    /// A resource under a rule that says when its words need a person.
    pub fn of_resource(definition: Definition, words: ResourceWords) -> Self {
        let counts = match words {
            ResourceWords::Pinned => Counts::OnFirstList,
            ResourceWords::Plain if is_plain(&definition) => Counts::AtOnce,
            ResourceWords::Plain => Counts::Accepted,
        };
        Self { definition, counts }
    }
}

/// A list that was seen from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Which one.
    pub list: ListKind,
    /// So many different names were in it.
    pub items: u64,
    /// So many items besides could not be read.
    pub unreadable: u64,
    /// What all of it was.
    pub definitions: Digest,
}

/// How much of a server's lists was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// These lists are whole, and were not before, or were empty.
    pub whole: Vec<Whole>,
    /// What was observed before in this way is the rest of them, and no more follows.
    pub ends: bool,
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
/// And more of its resources, which have their own room, so that they take it from no tool.
const RESOURCES: u64 = 2_048;
/// A definition that changed so often since somebody accepted one is held until somebody does again; what it says
/// meanwhile is not kept.
const CHANGES: u64 = 16;

/// Takes down what a server listed.
pub async fn observe(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    trust: DefinitionTrust,
    extent: &Extent,
    all: &[Listed],
) -> Result<Observed, StoreError> {
    let before = tx.lists(server).await?;
    let mut observed = Observed { events: Vec::new(), not_kept: 0 };
    let (resources, others) = tx.count_names(server).await?;
    let mut room = (RESOURCES.saturating_sub(resources), NAMES.saturating_sub(others));
    for listed in all {
        let definition = &listed.definition;
        let list = ListKind::of(definition.name());
        let Some(entry) = tx.catalogue_entry(server, definition.name()).await? else {
            let room = if list == Some(ListKind::Resources) { &mut room.0 } else { &mut room.1 };
            if *room == 0 {
                observed.not_kept += 1;
                continue;
            }
            *room -= 1;
            let is_first = trust == DefinitionTrust::FirstSeen && list.is_some_and(|list| first(extent, &before, list));
            let counts = match listed.counts {
                Counts::AtOnce => true,
                Counts::OnFirstList => is_first && is_alone(all, definition),
                Counts::Accepted => false,
            };
            observed.events.push(begin(tx, server, definition, counts, is_first).await?);
            continue;
        };
        observed.events.extend(again(tx, entry, listed).await?);
    }
    if extent.ends {
        for whole in &extent.whole {
            observed.events.extend(seen_whole(tx, server, &before, whole).await?);
        }
    }
    Ok(observed)
}

/// Is it the first whole list of its kind? A server that listed nothing at all has not begun.
fn first(extent: &Extent, before: &Lists, list: ListKind) -> bool {
    let is_whole = extent.whole.iter().any(|whole| whole.list == list);
    is_whole && (!before.contains_key(&list) || before.values().all(|items| *items == 0))
}

/// The first whole list of its kind, or the first that has something in it, is written down.
async fn seen_whole(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    before: &Lists,
    whole: &Whole,
) -> Result<Option<Event>, StoreError> {
    let Whole { list, items, unreadable, definitions } = whole;
    if before.get(list).is_some_and(|before| *before > 0 || *items == 0) {
        return Ok(None);
    }
    PrivilegeTx::of(tx).put_listed(server, *list, *items).await?;
    let (server, definitions) = (server.clone(), definitions.to_hex());
    let listed = ServerListed { server, list: *list, items: *items, unreadable: *unreadable, definitions };
    Ok(Some(listed.by(Actor::System)))
}

/// A name that was never seen.
async fn begin(
    tx: &mut Tx<'_>,
    server: &Id<Server>,
    definition: &Definition,
    counts: bool,
    is_first: bool,
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
    Ok(if counts { accepted(&entry, None, is_first).by(Actor::System) } else { seen(&entry, Sighting::New) })
}

/// A name that was seen before.
async fn again(tx: &mut Tx<'_>, mut entry: CatalogueEntry, listed: &Listed) -> Result<Option<Event>, StoreError> {
    let (definition, was) = (&listed.definition, entry.pin());
    let is_accepted = entry.accepted.as_ref().is_some_and(|accepted| accepted.definition == definition.digest());
    let counts = listed.counts == Counts::AtOnce && !is_accepted;
    if entry.seen == definition.digest() && !counts || was != Pin::Accepted && entry.changes >= CHANGES {
        return Ok(None);
    }
    entry.seen = definition.digest();
    entry.seen_at = tx.now();
    entry.changes += 1;
    let replaces = entry.accepted.as_ref().map(|accepted| accepted.definition.to_hex());
    if counts {
        let by = Actor::System.to_string();
        entry.accepted = Some(Accepted { definition: definition.digest(), at: tx.now(), by });
    }
    PrivilegeTx::of(tx).put_definition(&definition.digest(), definition.text()).await?;
    PrivilegeTx::of(tx).put_catalogue_entry(&entry).await?;
    if counts {
        return Ok(Some(accepted(&entry, replaces, false).by(Actor::System)));
    }
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
