//! Definitions that passed by and are not what is known: held here at once, and written down for every node.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use catalogue::Definition;
use model::ToolName;
use privilege::catalogue::{Extent, Listed, Observed, observe};
use store::{Commit, Pins, StoreError};
use tokio::task::spawn_blocking;

use super::Definitions;
use crate::protected_server::ProtectedServer;

/// What was noticed and is not written down yet.
#[derive(Debug, Default)]
pub struct Noticed {
    definitions: Mutex<HashMap<ToolName, Definition>>,
    /// There is something, as far as a call has to look.
    any: AtomicBool,
    /// Somebody writes.
    writing: AtomicBool,
}

/// More are not kept in memory. What is not accepted is held all the same; what is, is no more than this.
const MANY: usize = 20_000;
/// So many are written in one transaction, so that it holds up nobody.
const AT_ONCE: usize = 128;

impl Noticed {
    /// Is something else listed under this name than what is written down?
    pub fn is_other(&self, name: &ToolName) -> bool {
        self.any.load(Ordering::Acquire) && self.lock().contains_key(name)
    }

    fn insert(&self, definition: Definition) -> bool {
        let mut all = self.lock();
        if all.get(definition.name()) == Some(&definition) || all.len() >= MANY {
            return false;
        }
        all.insert(definition.name().clone(), definition);
        self.any.store(true, Ordering::Release);
        true
    }

    fn some(&self) -> Vec<Definition> {
        self.lock().values().take(AT_ONCE).cloned().collect()
    }

    fn written(&self, written: &[Definition]) {
        let mut all = self.lock();
        for definition in written {
            if all.get(definition.name()) == Some(definition) {
                all.remove(definition.name());
            }
        }
        self.any.store(!all.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ToolName, Definition>> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProtectedServer {
    /// A list that passes by holds this. Is it what was accepted, so that it may be shown?
    pub fn notice(self: &Arc<Self>, pins: &Pins, definition: Definition) -> bool {
        let known = pins.pinned(&self.id, definition.name());
        if known.is_some_and(|known| known.seen == definition.digest()) {
            return known.is_some_and(|known| known.accepted == Some(definition.digest()))
                && !self.definitions.noticed.is_other(definition.name());
        }
        if self.definitions.noticed.insert(definition) {
            self.write_noticed();
        }
        false
    }

    /// Writes down what was noticed, unless somebody does.
    pub fn write_noticed(self: &Arc<Self>) {
        let noticed = &self.definitions.noticed;
        if noticed.any.load(Ordering::Acquire) && !noticed.writing.swap(true, Ordering::AcqRel) {
            let server = self.clone();
            tokio::spawn(async move {
                let written = server.definitions.write_all().await;
                server.definitions.noticed.writing.store(false, Ordering::Release);
                match written {
                    // Something may have come in between.
                    Ok(()) if server.definitions.noticed.any.load(Ordering::Acquire) => server.write_noticed(),
                    Ok(()) => {}
                    // It is held here, and the next list or the next minute tries again.
                    Err(error) => server.definitions.store.failed("definitions_failed", &error),
                }
            });
        }
    }
}

/// Looks at schemas beside the tasks that serve. One that made its reader give up is none to check by.
async fn listed(definitions: Vec<Definition>) -> Vec<Listed> {
    let all = definitions.clone();
    let looked = spawn_blocking(move || all.into_iter().map(Listed::from).collect());
    looked.await.unwrap_or_else(|_| definitions.into_iter().map(Listed::unchecked).collect())
}

impl Definitions {
    async fn write_all(&self) -> Result<(), StoreError> {
        loop {
            let some = self.noticed.some();
            if some.is_empty() {
                return Ok(());
            }
            self.write(Extent::Some, some.clone()).await?;
            self.noticed.written(&some);
        }
    }

    /// Writes down what was listed.
    pub(super) async fn write(&self, extent: Extent, definitions: Vec<Definition>) -> Result<(), StoreError> {
        let (server, trust) = (self.server.clone(), self.trust);
        let all = listed(definitions).await;
        let not_kept = self
            .store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let Observed { events, not_kept } = observe(tx, &server, trust, extent, &all).await?;
                    let mut events = events.into_iter();
                    Ok(match events.next() {
                        Some(first) => events.fold(Commit::with(first, not_kept), Commit::and),
                        None => Commit::nothing(not_kept),
                    })
                })
            })
            .await?;
        if not_kept > 0 {
            tracing::warn!(event = "definitions_not_kept", server = %self.server, not_kept,
                "this server lists more names than are kept; what is not kept can not be accepted");
        }
        Ok(())
    }
}
