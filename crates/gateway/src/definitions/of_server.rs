//! What this node knows of what one server offers, and of what it says of itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use catalogue::{Definition, is_plain, list_digest};
use mcp::{
    json,
    jsonrpc::{MethodCall, Reference},
    list::List,
    method::ActsOn,
    revision::{ParamHeaders, Revision},
};
use model::{
    Id, ListKind, Outages, Pin, Server, ToolName,
    config::{DefinitionTrust, ServerConfig},
    resource::ResourceWords,
    server::Kind,
};
use policy::Policies;
use privilege::catalogue::{Extent, Whole};
use store::{Pins, Store, StoreError};
use tokio::{sync::Mutex, time::Instant};

use super::{
    ask::{Found, NotListed, Resources, Source},
    checked::{Checked, Checks},
    noticed::Noticed,
    read::kind,
    write::{self, AT_ONCE, Of},
};

/// What this node knows of the definitions of one server.
#[derive(Debug)]
pub struct Definitions {
    store: Store,
    of: Of,
    source: Source,
    noticed: Noticed,
    checks: Checks,
    /// Which headers repeat which arguments, as far as definitions have said.
    pub param_headers: ParamHeaders,
    /// It was asked here and answered, with whatever: a call does not ask again.
    answered: AtomicBool,
    /// One asks; when it failed last.
    asking: Mutex<Option<Instant>>,
    failures: Outages,
}

/// What the words of a listed resource need before they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing: they are plain.
    Nobody,
    /// A person who accepts them.
    Somebody,
    /// No rule names the resource, so nobody sees it.
    Unseen,
}

/// A server that could not be listed is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Definitions {
    /// Of a server.
    pub fn of(
        store: Store,
        server: Id<Server>,
        (config, policies): (&ServerConfig, &Arc<Policies>),
        source: Source,
    ) -> Arc<Self> {
        let (noticed, checks, param_headers, answered, asking, failures) = Default::default();
        let resources = Arc::new(config.resources.clone());
        let of = Of { server, trust: config.definitions, resources, policies: policies.clone() };
        Arc::new(Self { store, of, source, noticed, checks, param_headers, answered, asking, failures })
    }

    /// Does it matter what a tool says of itself?
    pub fn are_pinned(&self) -> bool {
        self.of.trust != DefinitionTrust::Unpinned
    }

    /// What counts of all servers at this moment.
    pub fn pins(&self) -> Arc<Pins> {
        self.store.pins()
    }

    /// What is known of a name.
    pub fn pin(&self, name: &ToolName) -> Pin {
        let pin = self.pins().pin(&self.of.server, name);
        // A resource whose words became plain is not held by them.
        let holds = || self.noticed.other(name).is_some_and(|other| self.words(&other) != Some(Need::Nobody));
        match pin {
            Pin::Accepted if holds() => Pin::Changed,
            Pin::Unknown if holds() => Pin::New,
            pin => pin,
        }
    }

    /// Before a call that depends on what the tools of the server are: it has been listed at least once, and the accepted
    /// definition of the tool that is called is at hand, which says what headers repeat its arguments.
    ///
    /// # Errors
    /// The server was never listed, and can not be now.
    pub async fn know(&self, revision: &dyn Revision, call: &MethodCall) -> Result<(), NotListed> {
        let acts_on = revision.method(call.method()).map(|method| method.acts_on);
        let list = match acts_on {
            Some(ActsOn::Tool) => ListKind::Tools,
            Some(ActsOn::Prompt) => ListKind::Prompts,
            Some(ActsOn::Completed) => match &call.params().reference {
                Some(Reference::Resource(_)) => ListKind::ResourceTemplates,
                Some(Reference::Prompt(_)) | None => ListKind::Prompts,
            },
            Some(ActsOn::List) => match List::of_method(call.method()) {
                Some(list) => kind(list),
                None => return Ok(()),
            },
            Some(ActsOn::Introduction) => ListKind::Introduction,
            _ => return Ok(()),
        };
        if self.are_pinned() && !self.is_listed(list) && self.is_asked_for(list) {
            match self.list(Some((AGAIN, list))).await {
                // It goes without its words, and that is all.
                Err(_) if list == ListKind::Introduction => {}
                listed => listed?,
            }
        }
        let name = call.params().name.as_deref().filter(|_| acts_on == Some(ActsOn::Tool));
        if let Some(tool) = name.and_then(|name| name.parse().ok()) {
            self.checked(&tool).await?;
        }
        Ok(())
    }

    /// Asks the server what it offers, whenever it was asked before.
    pub async fn ask(self: &Arc<Self>) -> Result<(), NotListed> {
        self.write_noticed();
        self.list(None).await
    }

    /// Was that list seen whole? One that never ends leaves nothing in the store that says so.
    fn is_listed(&self, list: ListKind) -> bool {
        self.pins().listed(&self.of.server, list).is_some() || self.answered.load(Ordering::Acquire)
    }

    /// What no rule names, nobody sees, and nobody asks for.
    fn is_asked_for(&self, list: ListKind) -> bool {
        !matches!(list, ListKind::Resources | ListKind::ResourceTemplates) || self.resources() == Resources::Ruled
    }

    fn resources(&self) -> Resources {
        if self.of.resources.named().next().is_some() { Resources::Ruled } else { Resources::Unseen }
    }

    /// Asks the server. With `unless`, only when that list was not seen yet and it did not fail so shortly ago.
    async fn list(&self, unless: Option<(Duration, ListKind)>) -> Result<(), NotListed> {
        let mut failed = self.asking.lock().await;
        if let Some((within, list)) = unless {
            if self.is_listed(list) {
                return Ok(());
            }
            if failed.is_some_and(|failed| failed.elapsed() < within) {
                return Err(NotListed::AskedBefore);
            }
        }
        let listed = self.ask_and_write().await;
        *failed = listed.is_err().then(Instant::now);
        self.answered.fetch_or(listed.is_ok(), Ordering::AcqRel);
        if let Err(error) = &listed
            && let Some(count) = self.failures.fails("not_listed", Instant::now().into_std())
        {
            tracing::warn!(event = "server_not_listed", server = %self.of.server, %error, count,
                "what its tools are is not known; no call of them passes until it was listed once");
        }
        listed
    }

    async fn ask_and_write(&self) -> Result<(), NotListed> {
        let found = self.source.ask(self.resources()).await?;
        let pins = self.pins();
        let (mut news, mut whole) = (Vec::new(), Vec::new());
        for Found { list, definitions, unreadable, is_whole } in found {
            let items = definitions.len() as u64;
            let is_news = match pins.listed(&self.of.server, list) {
                None => true,
                Some(before) => before == 0 && items > 0,
            };
            if is_whole && is_news {
                let definitions = list_digest(&definitions);
                whole.push(Whole { list, items, unreadable: unreadable as u64, definitions });
            }
            news.extend(definitions.into_iter().filter(|one| self.is_news(&pins, one)));
        }
        if !news.is_empty() || !whole.is_empty() {
            write::write_all(&self.store, &self.of, &news, whole).await?;
        }
        Ok(())
    }

    /// Is it to be written down? Of resources whose words are plain only those that were not, or are kept as something else:
    /// there may be millions.
    fn is_news(&self, pins: &Pins, definition: &Definition) -> bool {
        let known = pins.pinned(&self.of.server, definition.name());
        let is_other = known.is_none_or(|known| known.seen != definition.digest());
        match self.words(definition) {
            None => is_other,
            Some(Need::Nobody) => known.is_some_and(|known| known.accepted != Some(definition.digest())),
            Some(Need::Somebody) => is_other,
            Some(Need::Unseen) => false,
        }
    }

    /// What the words of a resource need; `None` for what else is listed.
    fn words(&self, definition: &Definition) -> Option<Need> {
        let Kind::Uri(uri) = definition.name().kind() else { return None };
        Some(match self.of.resources.words(uri) {
            None => Need::Unseen,
            Some(ResourceWords::Plain) if is_plain(definition) => Need::Nobody,
            Some(ResourceWords::Plain | ResourceWords::Pinned) => Need::Somebody,
        })
    }

    /// A list that passes by holds this. Is it what was accepted, so that it may be shown?
    pub fn notice(self: &Arc<Self>, pins: &Pins, definition: Definition) -> bool {
        let known = pins.pinned(&self.of.server, definition.name());
        if let Some(known) = known.filter(|known| known.seen == definition.digest()) {
            return known.accepted == Some(definition.digest()) && !self.noticed.is_other(definition.name());
        }
        if self.noticed.insert(definition) {
            self.write_noticed();
        }
        false
    }

    /// A list that passes by holds this resource. May what it says be shown?
    pub fn notice_resource(self: &Arc<Self>, pins: &Pins, definition: Definition) -> bool {
        let needs_nobody = matches!(self.words(&definition), Some(Need::Nobody | Need::Unseen));
        if !needs_nobody {
            return self.notice(pins, definition);
        }
        if self.is_news(pins, &definition) && self.noticed.insert(definition) {
            self.write_noticed();
        }
        true
    }

    /// An answer that passes by has these words of the server itself. Are they exactly what was accepted, so that they may be
    /// shown? Words do nothing: what was accepted may be shown whatever else the server says to others.
    pub fn notice_words(self: &Arc<Self>, pins: &Pins, definition: Definition) -> bool {
        // Before the first list of its words nobody could say whether they are the first.
        if !self.is_listed(ListKind::Introduction) {
            return false;
        }
        let known = pins.pinned(&self.of.server, definition.name());
        let is_accepted = known.is_some_and(|known| known.accepted == Some(definition.digest()));
        self.notice(pins, definition);
        is_accepted
    }

    /// Writes down what was noticed, unless somebody does.
    fn write_noticed(self: &Arc<Self>) {
        if self.noticed.begins() {
            let definitions = self.clone();
            tokio::spawn(async move {
                let written = definitions.write_all().await;
                definitions.noticed.ends();
                match written {
                    // Something may have come in between.
                    Ok(()) => definitions.write_noticed(),
                    // It is held here, and the next list or the next minute tries again.
                    Err(error) => definitions.store.failed("definitions_failed", &error),
                }
            });
        }
    }

    async fn write_all(&self) -> Result<(), StoreError> {
        loop {
            let some = self.noticed.some(AT_ONCE);
            if some.is_empty() {
                return Ok(());
            }
            write::write(&self.store, &self.of, &Extent::default(), &some).await?;
            self.noticed.written(&some);
        }
    }

    /// The accepted definition of a tool or prompt; `None` when there is none, or when it does not matter.
    pub async fn checked(&self, tool: &ToolName) -> Result<Option<Arc<Checked>>, StoreError> {
        if !self.are_pinned() || !matches!(tool.kind(), Kind::Tool(_) | Kind::Prompt(_)) {
            return Ok(None);
        }
        let Some(digest) = self.pins().accepted(&self.of.server, tool) else { return Ok(None) };
        if let Some(kept) = self.checks.kept(tool, &digest) {
            return Ok(Some(kept));
        }
        let text = self.store.definition(&digest).await?;
        let definition = text.as_deref().and_then(|text| Definition::kept(tool.clone(), text));
        let definition = definition
            .filter(|definition| definition.digest() == digest)
            .ok_or(StoreError::Unreadable { what: "definition", why: "its text is not what was accepted".into() })?;
        if let Kind::Tool(name) = tool.kind() {
            let schema = json::check(definition.text().as_bytes()).ok().and_then(|text| text.member("inputSchema"));
            self.param_headers.learn(name, schema);
        }
        let checked = Arc::new(Checked::from(&definition));
        self.checks.keep(tool.clone(), checked.clone());
        Ok(Some(checked))
    }
}
