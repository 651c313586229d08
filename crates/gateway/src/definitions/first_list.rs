//! A server is asked what it offers: before its first call, and from time to time.
//!
//! It is asked with its own credentials and by nobody's order, so what it does then is nothing that anybody is answerable for:
//! lists only. Its answers are read as the gate reads lists.

use std::time::Duration;

use catalogue::Definition;
use client::{ClientError, Endless, Extent as Asked};
use mcp::{jsonrpc::MethodCall, method::ActsOn, revision::Revision};
use net::WebClient;
use privilege::catalogue::Extent;
use store::StoreError;
use tokio::time::{Instant, timeout};

use super::{
    AGAIN,
    read::{DefinitionList, ambiguous, definitions},
};
use crate::{gateway::Gateway, protected_server::ProtectedServer, refusal::Refusal};

/// Why a server could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum NotListed {
    /// It did not answer, or not with lists.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Its certificate authority can not be used.
    #[error(transparent)]
    Web(#[from] net::WebError),
    /// It took too long.
    #[error("it did not list its tools within {} seconds", LONGEST.as_secs())]
    TimedOut,
    /// It was asked a moment ago, and did not answer.
    #[error("it did not answer a moment ago")]
    AskedBefore,
    /// What it said could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Nobody waits longer for the lists of a server.
const LONGEST: Duration = Duration::from_secs(10);
/// So many definitions are written in one transaction.
const AT_ONCE: usize = 128;

impl Gateway {
    /// Asks every server what it offers, one after the other.
    pub async fn list_servers(&self) {
        for server in self.servers.values().filter(|server| server.definitions.are_pinned()) {
            server.write_noticed();
            if let Err(error) = server.list(None).await {
                server.not_listed(&error);
            }
        }
    }
}

impl ProtectedServer {
    /// Before a call that depends on what the tools of the server are: it has been listed at least once, and the accepted
    /// definition of the tool that is called is at hand, which says what headers repeat its arguments.
    ///
    /// # Errors
    /// The server was never listed, and can not be now.
    pub(crate) async fn know(&self, revision: &dyn Revision, call: &MethodCall) -> Result<(), Refusal> {
        let acts_on = revision.method(call.method()).map(|method| method.acts_on);
        match acts_on {
            Some(ActsOn::Tool | ActsOn::Prompt | ActsOn::Completed) => {}
            Some(ActsOn::List) if matches!(call.method(), "tools/list" | "prompts/list") => {}
            _ => return Ok(()),
        }
        if self.definitions.are_pinned() && !self.is_listed() {
            self.list(Some(AGAIN)).await.map_err(|error| self.not_listed(&error))?;
        }
        let name = call.params().name.as_deref().filter(|_| acts_on == Some(ActsOn::Tool));
        let Some(tool) = name.and_then(|name| name.parse().ok()) else { return Ok(()) };
        self.checked(&tool).await.map(drop).map_err(|error| self.not_listed(&error.into()))
    }

    fn is_listed(&self) -> bool {
        self.definitions.pins().is_listed(&self.id)
    }

    fn not_listed(&self, error: &NotListed) -> Refusal {
        if let NotListed::Store(error) = error {
            self.definitions.store.failed("store_failed", error);
            return Refusal::Unavailable;
        }
        let was_said = matches!(error, NotListed::AskedBefore);
        if let Some(count) = self.failed("not_listed").filter(|_| !was_said) {
            tracing::warn!(event = "server_not_listed", server = %self.id, %error, count,
                "what its tools are is not known, so what nobody accepted before is held");
        }
        Refusal::Unreachable(self.id.to_string())
    }

    /// Asks the server. With `unless_failed_within`, only when it was not listed yet and did not fail just now.
    async fn list(&self, unless_failed_within: Option<Duration>) -> Result<(), NotListed> {
        let mut failed = self.definitions.asking.lock().await;
        if let Some(within) = unless_failed_within {
            if self.is_listed() {
                return Ok(());
            }
            if failed.is_some_and(|failed| failed.elapsed() < within) {
                return Err(NotListed::AskedBefore);
            }
        }
        let listed = timeout(LONGEST, self.ask()).await.unwrap_or(Err(NotListed::TimedOut));
        *failed = listed.is_err().then(Instant::now);
        let (is_all, all) = listed?;
        self.observe(is_all, all).await.inspect_err(|_| *failed = Some(Instant::now()))?;
        Ok(())
    }

    async fn ask(&self) -> Result<(bool, Vec<Definition>), NotListed> {
        let web = WebClient::new(self.ca.as_deref())?;
        let (url, headers) = (self.config.url.as_str(), &self.config.headers);
        let listing = client::list(&web, url, headers, Asked::Definitions).await?;
        let of =
            |pages: &[Vec<u8>], list| pages.iter().flat_map(move |page| definitions(page, list)).collect::<Vec<_>>();
        let mut all = of(&listing.tools, DefinitionList::Tools);
        all.append(&mut of(&listing.prompts, DefinitionList::Prompts));
        // One that gives the same cursor again has said all it says.
        let is_all = !listing.endless.iter().any(|(_, why)| *why == Endless::TooMany);
        Ok((is_all, all))
    }

    async fn observe(&self, is_all: bool, all: Vec<Definition>) -> Result<(), StoreError> {
        let all = self.one_each(all);
        let pins = self.definitions.pins();
        let is_known =
            |one: &Definition| pins.pinned(&self.id, one.name()).is_some_and(|known| known.seen == one.digest());
        let news: Vec<_> = all.into_iter().filter(|one| !is_known(one)).collect();
        let first = !pins.is_listed(&self.id);
        if news.is_empty() && !first {
            return Ok(());
        }
        let mut rest = news.as_slice();
        loop {
            let (some, after) = rest.split_at(rest.len().min(AT_ONCE));
            let extent = match (is_all, after.is_empty()) {
                (false, _) => Extent::Some,
                (true, true) => Extent::All,
                (true, false) => Extent::AllWithMore,
            };
            self.definitions.write(extent, some.to_vec()).await?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
        }
    }

    /// Of a name that means several things, one that does not count: so nothing of that name does.
    fn one_each(&self, all: Vec<Definition>) -> Vec<Definition> {
        let pins = self.definitions.pins();
        let ambiguous = ambiguous(all.iter());
        let mut seen = std::collections::HashSet::new();
        all.into_iter()
            .filter(|one| {
                let counts =
                    pins.pinned(&self.id, one.name()).is_some_and(|known| known.accepted == Some(one.digest()));
                !(counts && ambiguous.contains(one.name())) && seen.insert(one.name().clone())
            })
            .collect()
    }
}
