//! What servers say of what they offer and of themselves, for whoever has to accept it.

use catalogue::{Definition, Difference, Note, differences, notes, proposal};
use model::{Id, Server, Tier, ToolName, config::ServerConfig, server::Kind};
use store::{CatalogueEntry, Store, StoreError};

/// A tool, prompt, template or resource, or words of the server itself, with all that a person has to see before they accept it.
#[derive(Clone, Debug)]
pub struct Look {
    /// What it is, and what of it counts.
    pub entry: CatalogueEntry,
    /// What the server lists now.
    pub listed: Definition,
    /// What counts, when that is something else.
    pub accepted: Option<Definition>,
    /// What to look at.
    pub notes: Vec<Note>,
    /// Where the two differ; nothing when nothing was accepted.
    pub differences: Vec<Difference>,
}

impl Look {
    /// What its own words suggest, of what has a tier of its own.
    pub fn proposed(&self) -> Option<Tier> {
        match self.entry.name.kind() {
            Kind::Prompt(_) => Some(proposal::of_prompt(&self.listed.listed())),
            Kind::Tool(_) => Some(proposal::of_tool(&self.listed.listed())),
            Kind::Resource(_) | Kind::Template(_) | Kind::Uri(_) | Kind::Words(_) | Kind::Unnamed(_) => None,
        }
    }

    /// What its own words suggest, when that is more than `rules` say: a person may raise the tier, and nothing that a
    /// server says lowers it.
    pub fn raises(&self, rules: &ServerConfig) -> Option<Tier> {
        let tier = rules.tier(&self.entry.name)?;
        self.proposed().filter(|proposed| *proposed > tier)
    }
}

/// A tool or prompt of a server; `None` when the server never listed it.
pub async fn look(store: &Store, server: &Id<Server>, name: &ToolName) -> Result<Option<Look>, StoreError> {
    let Some(entry) = store.catalogue_entry(server, name).await? else { return Ok(None) };
    of_entry(store, entry).await.map(Some)
}

/// The same, of an entry.
pub async fn of_entry(store: &Store, entry: CatalogueEntry) -> Result<Look, StoreError> {
    let listed = kept(store, &entry, &entry.seen).await?;
    let counts = entry.accepted.as_ref().map(|accepted| accepted.definition).filter(|digest| *digest != entry.seen);
    let accepted = match counts {
        Some(digest) => Some(kept(store, &entry, &digest).await?),
        None => None,
    };
    let alike = store.look_alikes(&entry.server, &entry.name, &entry.shape).await?;
    let alike = alike.into_iter().map(|other| Note::LooksLike { other: other.name.to_string() });
    Ok(Look {
        notes: notes(&listed, accepted.as_ref()).into_iter().chain(alike).collect(),
        differences: accepted.as_ref().map(|accepted| differences(accepted, &listed)).unwrap_or_default(),
        entry,
        listed,
        accepted,
    })
}

async fn kept(store: &Store, entry: &CatalogueEntry, digest: &crypto::Digest) -> Result<Definition, StoreError> {
    let text = store.definition(digest).await?;
    let definition = text.and_then(|text| Definition::kept(entry.name.clone(), &text));
    let definition = definition.filter(|definition| definition.digest() == *digest);
    definition.ok_or(StoreError::Unreadable { what: "definition", why: "its text is not what was kept".into() })
}
