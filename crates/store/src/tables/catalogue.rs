//! What servers say of what they offer and of themselves, and what of it was accepted.

use std::collections::{BTreeMap, HashMap};

use crypto::Digest;
use model::{Id, ListKind, Pin, Server, Timestamp, ToolName};
use sqlx::{AnyConnection, query};

use crate::{
    error::StoreError,
    sql::{
        columns::Columns,
        page::{Page, more_than},
        readers::Readers,
        statement::{FromColumns, Statement, all, one},
        tx::Tx,
    },
    tables::privilege_tx::PrivilegeTx,
};

/// A tool, a prompt, a template or a resource of a server, or what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// Whose.
    pub server: Id<Server>,
    /// What it is called.
    pub name: ToolName,
    /// What is left of the name when all that can be overlooked is taken away.
    pub shape: String,
    /// The definition that the server listed last.
    pub seen: Digest,
    /// Since when it lists that.
    pub seen_at: Timestamp,
    /// How often that changed since somebody accepted one.
    pub changes: u64,
    /// The definition that counts.
    pub accepted: Option<Accepted>,
}

/// A definition that somebody accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Which one.
    pub definition: Digest,
    /// When.
    pub at: Timestamp,
    /// Who, as records name them.
    pub by: String,
}

impl CatalogueEntry {
    /// What is known of it.
    pub fn pin(&self) -> Pin {
        pin(self.seen, self.accepted.as_ref().map(|accepted| accepted.definition))
    }
}

fn pin(seen: Digest, accepted: Option<Digest>) -> Pin {
    match accepted {
        None => Pin::New,
        Some(accepted) if accepted == seen => Pin::Accepted,
        Some(_) => Pin::Changed,
    }
}

/// A place in the catalogue: after this name of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CataloguePlace {
    /// Whose.
    pub server: Id<Server>,
    /// What it is called.
    pub name: ToolName,
}

macro_rules! lists {
    () => {
        "kind, items FROM catalogue_list"
    };
}

/// What counts of all servers, as a node holds it in memory.
#[derive(Debug, Default)]
pub struct Pins {
    version: u64,
    /// The lists that were seen whole, with how much was in each.
    lists: HashMap<Id<Server>, Lists>,
    servers: HashMap<Id<Server>, HashMap<ToolName, Pinned>>,
}

/// The lists of a server that were seen whole, and how much was in each when that was written down.
pub type Lists = BTreeMap<ListKind, u64>;

/// What is listed under a name, and what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// What the server listed last.
    pub seen: Digest,
    /// What counts.
    pub accepted: Option<Digest>,
}

impl Pins {
    /// Was the server ever listed, and with anything in it?
    pub fn is_listed(&self, server: &Id<Server>) -> bool {
        self.lists.get(server).is_some_and(|lists| lists.values().any(|items| *items > 0))
    }

    /// How much was in a list that was seen from the first name to the last; `None` when none was.
    pub fn listed(&self, server: &Id<Server>, list: ListKind) -> Option<u64> {
        self.lists.get(server)?.get(&list).copied()
    }

    /// What is known of a name.
    pub fn pin(&self, server: &Id<Server>, name: &ToolName) -> Pin {
        self.pinned(server, name).map_or(Pin::Unknown, |pinned| pin(pinned.seen, pinned.accepted))
    }

    /// What is listed under a name, and what was accepted.
    pub fn pinned(&self, server: &Id<Server>, name: &ToolName) -> Option<Pinned> {
        self.servers.get(server)?.get(name).copied()
    }

    /// The definition that counts, when it is also the one that is listed.
    pub fn accepted(&self, server: &Id<Server>, name: &ToolName) -> Option<Digest> {
        let pinned = self.pinned(server, name)?;
        pinned.accepted.filter(|accepted| *accepted == pinned.seen)
    }

    /// Which names of a server there are.
    pub fn names(&self, server: &Id<Server>) -> impl Iterator<Item = &ToolName> {
        self.servers.get(server).into_iter().flat_map(|names| names.keys())
    }

    /// What is in the database; `None` when that is what `self` is.
    pub(crate) async fn read_again(&self, connection: &mut AnyConnection) -> Result<Option<Self>, StoreError> {
        let version: u64 = one(connection, query("SELECT value FROM catalogue_version")).await?.unwrap_or(0);
        if version == self.version {
            return Ok(None);
        }
        let mut lists: HashMap<_, Lists> = HashMap::new();
        for Listed(server, list, items) in all(connection, query(concat!("SELECT server, ", lists!()))).await? {
            lists.entry(server).or_default().insert(list, items);
        }
        let mut servers: HashMap<_, HashMap<_, _>> = HashMap::new();
        for PinRow(server, name, pinned) in
            all(connection, query("SELECT server, name, seen, accepted FROM catalogue_entry")).await?
        {
            servers.entry(server).or_default().insert(name, pinned);
        }
        Ok(Some(Self { version, lists, servers }))
    }
}

impl Readers {
    /// What a name of a server means.
    pub async fn catalogue_entry(
        &self,
        server: &Id<Server>,
        name: &ToolName,
    ) -> Result<Option<CatalogueEntry>, StoreError> {
        let suffix = suffix(name);
        self.one(entry(server, &suffix)).await
    }

    /// What servers list, by server and name; `held`: only what is not what was accepted.
    pub async fn catalogue_page(
        &self,
        held: bool,
        after: Option<&CataloguePlace>,
        limit: u32,
    ) -> Result<Page<CatalogueEntry, CataloguePlace>, StoreError> {
        let sql = if held {
            concat!(
                "SELECT ",
                columns!(),
                " FROM catalogue_entry WHERE (accepted IS NULL OR accepted <> seen) AND (server, name) > ($1, $2)
                  ORDER BY server, name LIMIT $3"
            )
        } else {
            concat!(
                "SELECT ",
                columns!(),
                " FROM catalogue_entry WHERE (server, name) > ($1, $2) ORDER BY server, name LIMIT $3"
            )
        };
        let (server, name) =
            after.map_or((String::new(), String::new()), |after| (after.server.to_string(), suffix(&after.name)));
        let rows = self.all(query(sql).bind(server).bind(name).bind(more_than(limit))).await?;
        Ok(Page::of(rows, limit, |entry: &CatalogueEntry| CataloguePlace {
            server: entry.server.clone(),
            name: entry.name.clone(),
        }))
    }

    /// The others of a server whose names have the shape of this one.
    pub async fn look_alikes(
        &self,
        server: &Id<Server>,
        name: &ToolName,
        shape: &str,
    ) -> Result<Vec<CatalogueEntry>, StoreError> {
        let suffix = suffix(name);
        self.all(alike(server, &suffix, shape)).await
    }

    /// How many things are held because nobody accepted what they say of themselves.
    pub async fn count_held_definitions(&self) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM catalogue_entry WHERE accepted IS NULL OR accepted <> seen";
        Ok(self.one(query(sql)).await?.unwrap_or(0))
    }

    /// The texts of all definitions that were accepted, by server and name.
    pub async fn accepted_page(
        &self,
        after: Option<&CataloguePlace>,
        limit: u32,
    ) -> Result<Page<(CataloguePlace, String), CataloguePlace>, StoreError> {
        let sql = "SELECT e.server, e.name, d.body FROM catalogue_entry e JOIN definition d ON d.digest = e.accepted
             WHERE (e.server, e.name) > ($1, $2) ORDER BY e.server, e.name LIMIT $3";
        let (server, name) =
            after.map_or((String::new(), String::new()), |after| (after.server.to_string(), suffix(&after.name)));
        let rows = self.all(query(sql).bind(server).bind(name).bind(more_than(limit))).await?;
        let rows = rows.into_iter().map(|AcceptedRow(place, text)| (place, text)).collect();
        Ok(Page::of(rows, limit, |(place, _): &(CataloguePlace, String)| place.clone()))
    }

    /// The text of a definition.
    pub async fn definition(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let body: Option<Body> = self.one(query(DEFINITION).bind(digest.to_hex())).await?;
        Ok(body.map(|Body(text)| text))
    }
}

impl Tx<'_> {
    /// What a name of a server means.
    pub async fn catalogue_entry(
        &mut self,
        server: &Id<Server>,
        name: &ToolName,
    ) -> Result<Option<CatalogueEntry>, StoreError> {
        let suffix = suffix(name);
        self.one(entry(server, &suffix)).await
    }

    /// The others of a server whose names have the shape of this one.
    pub async fn look_alikes(
        &mut self,
        server: &Id<Server>,
        name: &ToolName,
        shape: &str,
    ) -> Result<Vec<CatalogueEntry>, StoreError> {
        let suffix = suffix(name);
        self.all(alike(server, &suffix, shape)).await
    }

    /// The text of a definition.
    pub async fn definition(&mut self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let body: Option<Body> = self.one(query(DEFINITION).bind(digest.to_hex())).await?;
        Ok(body.map(|Body(text)| text))
    }

    /// The lists of a server that were seen whole.
    pub async fn lists(&mut self, server: &Id<Server>) -> Result<Lists, StoreError> {
        let sql = concat!("SELECT server, ", lists!(), " WHERE server = $1");
        let rows = self.all(query(sql).bind(server.as_str())).await?;
        Ok(rows.into_iter().map(|Listed(_, list, items)| (list, items)).collect())
    }

    /// How many names of a server there are: of resources, and of all else.
    pub async fn count_names(&mut self, server: &Id<Server>) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT COUNT(*) FROM catalogue_entry WHERE server = $1 AND name LIKE ':uri/%'";
        let resources = self.one(query(sql).bind(server.as_str())).await?.unwrap_or(0);
        let sql = "SELECT COUNT(*) FROM catalogue_entry WHERE server = $1 AND name NOT LIKE ':uri/%'";
        let others = self.one(query(sql).bind(server.as_str())).await?.unwrap_or(0);
        Ok((resources, others))
    }
}

impl PrivilegeTx<'_, '_> {
    /// A list was seen whole, with so much in it.
    pub async fn put_listed(&mut self, server: &Id<Server>, list: ListKind, items: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO catalogue_list (server, kind, first_listed_at, items) VALUES ($1, $2, $3, $4)
             ON CONFLICT (server, kind) DO UPDATE SET items = excluded.items";
        let (now, items) = (self.now().micros(), i64::try_from(items).unwrap_or(i64::MAX));
        self.run(query(sql).bind(server.as_str()).bind(list.as_str()).bind(now).bind(items)).await?;
        self.changed_catalogue().await
    }

    /// Keeps the text of a definition.
    pub async fn put_definition(&mut self, digest: &Digest, text: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO definition (digest, body, first_seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (digest) DO NOTHING";
        let now = self.now().micros();
        self.run(query(sql).bind(digest.to_hex()).bind(text).bind(now)).await?;
        Ok(())
    }

    /// Adds or changes what a name means and what of it counts. Bumps the epoch, because nodes hold that in memory.
    pub async fn put_catalogue_entry(&mut self, entry: &CatalogueEntry) -> Result<(), StoreError> {
        let sql = "INSERT INTO catalogue_entry
                 (server, name, shape, seen, seen_at, changes, accepted, accepted_at, accepted_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (server, name) DO UPDATE SET seen = excluded.seen, seen_at = excluded.seen_at,
                 changes = excluded.changes, accepted = excluded.accepted, accepted_at = excluded.accepted_at,
                 accepted_by = excluded.accepted_by";
        let accepted = entry.accepted.as_ref();
        self.run(
            query(sql)
                .bind(entry.server.as_str())
                .bind(suffix(&entry.name))
                .bind(&entry.shape)
                .bind(entry.seen.to_hex())
                .bind(entry.seen_at.micros())
                .bind(i64::try_from(entry.changes).unwrap_or(i64::MAX))
                .bind(accepted.map(|accepted| accepted.definition.to_hex()))
                .bind(accepted.map(|accepted| accepted.at.micros()))
                .bind(accepted.map(|accepted| accepted.by.clone())),
        )
        .await?;
        self.changed_catalogue().await
    }

    async fn changed_catalogue(&mut self) -> Result<(), StoreError> {
        self.run(query("UPDATE catalogue_version SET value = value + 1")).await?;
        self.bump_epoch().await
    }
}

const DEFINITION: &str = "SELECT body FROM definition WHERE digest = $1";

/// The name with what tells apart what it names: `.get_ticket`, `:prompt/summarize`.
fn suffix(name: &ToolName) -> String {
    name.qualified(&"")
}

macro_rules! columns {
    () => {
        "server, name, shape, seen, seen_at, changes, accepted, accepted_at, accepted_by"
    };
}
use columns;

fn entry<'q>(server: &'q Id<Server>, suffix: &'q str) -> Statement<'q> {
    query(concat!("SELECT ", columns!(), " FROM catalogue_entry WHERE server = $1 AND name = $2"))
        .bind(server.as_str())
        .bind(suffix)
}

fn alike<'q>(server: &'q Id<Server>, suffix: &'q str, shape: &'q str) -> Statement<'q> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM catalogue_entry WHERE server = $1 AND shape = $2 AND name <> $3 ORDER BY name"
    );
    query(sql).bind(server.as_str()).bind(shape).bind(suffix)
}

pub(crate) fn name(columns: &mut Columns<'_>) -> Result<ToolName, StoreError> {
    let text = columns.text()?;
    ToolName::in_catalogue(&text).ok_or_else(|| columns.unreadable("a name is nothing that a server could list"))
}

fn optional_digest(columns: &mut Columns<'_>) -> Result<Option<Digest>, StoreError> {
    let Some(text) = columns.optional_text()? else { return Ok(None) };
    Digest::from_hex(&text).map(Some).ok_or_else(|| columns.unreadable("a digest is not 64 hex digits"))
}

impl FromColumns for CatalogueEntry {
    const WHAT: &'static str = "definition";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (server, name) = (columns.parsed()?, name(columns)?);
        let (shape, seen, seen_at, changes) = (columns.text()?, columns.digest()?, columns.time()?, columns.number()?);
        let (definition, at, by) = (optional_digest(columns)?, columns.optional_time()?, columns.optional_text()?);
        let accepted = match (definition, at, by) {
            (None, _, _) => None,
            (Some(definition), Some(at), Some(by)) => Some(Accepted { definition, at, by }),
            _ => return Err(columns.unreadable("it was accepted by nobody")),
        };
        Ok(Self { server, name, shape, seen, seen_at, changes, accepted })
    }
}

struct Listed(Id<Server>, ListKind, u64);

impl FromColumns for Listed {
    const WHAT: &'static str = "list of a server";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self(columns.parsed()?, columns.parsed()?, columns.number()?))
    }
}

struct PinRow(Id<Server>, ToolName, Pinned);

impl FromColumns for PinRow {
    const WHAT: &'static str = "definition";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let (server, name, seen) = (columns.parsed()?, name(columns)?, columns.digest()?);
        Ok(Self(server, name, Pinned { seen, accepted: optional_digest(columns)? }))
    }
}

struct AcceptedRow(CataloguePlace, String);

impl FromColumns for AcceptedRow {
    const WHAT: &'static str = "definition";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        let place = CataloguePlace { server: columns.parsed()?, name: name(columns)? };
        Ok(Self(place, columns.text()?))
    }
}

struct Body(String);

impl FromColumns for Body {
    const WHAT: &'static str = "definition";

    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.text().map(Self)
    }
}
