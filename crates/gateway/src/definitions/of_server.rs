//! What this node knows of the tools and prompts of one server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use catalogue::Definition;
use mcp::{
    json,
    jsonrpc::MethodCall,
    method::ActsOn,
    revision::{ParamHeaders, Revision},
};
use model::{Id, Outages, Pin, Server, ToolName, config::DefinitionTrust, server::Kind};
use policy::Policies;
use privilege::catalogue::Extent;
use store::{Pins, Store, StoreError};
use tokio::{sync::Mutex, time::Instant};

use super::{
    ask::{Answer, NotListed, Source},
    checked::{Checked, Checks},
    noticed::Noticed,
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

/// A server that could not be listed is asked again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Definitions {
    /// Of a server.
    pub fn of(
        store: Store,
        server: Id<Server>,
        (trust, policies): (DefinitionTrust, Arc<Policies>),
        source: Source,
    ) -> Arc<Self> {
        let (noticed, checks, param_headers, answered, asking, failures) = Default::default();
        let of = Of { server, trust, policies };
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
        match self.pins().pin(&self.of.server, name) {
            Pin::Accepted if self.noticed.is_other(name) => Pin::Changed,
            Pin::Unknown if self.noticed.is_other(name) => Pin::New,
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
        match acts_on {
            Some(ActsOn::Tool | ActsOn::Prompt | ActsOn::Completed) => {}
            Some(ActsOn::List) if matches!(call.method(), "tools/list" | "prompts/list") => {}
            _ => return Ok(()),
        }
        if self.are_pinned() && !self.is_listed() {
            self.list(Some(AGAIN)).await?;
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

    /// One that lists nothing, or never ends, leaves nothing in the store that says so.
    fn is_listed(&self) -> bool {
        self.pins().is_listed(&self.of.server) || self.answered.load(Ordering::Acquire)
    }

    /// Asks the server. With `unless_failed_within`, only when it was not listed yet and did not fail just now.
    async fn list(&self, unless_failed_within: Option<Duration>) -> Result<(), NotListed> {
        let mut failed = self.asking.lock().await;
        if let Some(within) = unless_failed_within {
            if self.is_listed() {
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
        let Answer { definitions, is_all } = self.source.ask().await?;
        let pins = self.pins();
        let is_known =
            |one: &Definition| pins.pinned(&self.of.server, one.name()).is_some_and(|known| known.seen == one.digest());
        let mut news = Definition::one_each(definitions);
        news.retain(|one| !is_known(one));
        if !news.is_empty() || !pins.is_listed(&self.of.server) {
            write::write_all(&self.store, &self.of, &news, is_all).await?;
        }
        Ok(())
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
            write::write(&self.store, &self.of, Extent::Some, &some).await?;
            self.noticed.written(&some);
        }
    }

    /// The accepted definition of `tool`; `None` when there is none, or when it does not matter.
    pub async fn checked(&self, tool: &ToolName) -> Result<Option<Arc<Checked>>, StoreError> {
        let Kind::Tool(_) = tool.kind() else { return Ok(None) };
        if !self.are_pinned() {
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
        let schema = json::check(definition.text().as_bytes()).ok().and_then(|text| text.member("inputSchema"));
        self.param_headers.learn(tool.as_str(), schema);
        let checked = Arc::new(Checked::from(&definition));
        self.checks.keep(tool.clone(), checked.clone());
        Ok(Some(checked))
    }
}
