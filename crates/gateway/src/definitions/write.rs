//! What a server lists is written down, for every node.

use std::sync::Arc;

use catalogue::Definition;
use model::{Id, Server, config::DefinitionTrust, resource::ResourceRules, server::Kind};
use policy::Policies;
use privilege::catalogue::{Extent, Listed, Observed, Whole, observe};
use store::{Commit, Store, StoreError};
use tokio::task::spawn_blocking;

/// Whose, and what of it counts without anybody looking.
#[derive(Clone, Debug)]
pub struct Of {
    /// The server.
    pub server: Id<Server>,
    /// What of its lists counts.
    pub trust: DefinitionTrust,
    /// Which of its resources need nobody who accepts their words.
    pub resources: Arc<ResourceRules>,
    /// What counts must not take away what a policy says.
    pub policies: Arc<Policies>,
}

/// So many definitions are written in one transaction, so that it holds up nobody.
pub const AT_ONCE: usize = 128;

/// Writes down all that a server offers, as far as it is `news`, and which lists of it are `whole` for the first time.
pub async fn write_all(store: &Store, of: &Of, news: &[Definition], whole: Vec<Whole>) -> Result<(), StoreError> {
    let mut rest = news;
    let mut extent = Extent { whole, ends: false };
    loop {
        let (some, after) = rest.split_at(rest.len().min(AT_ONCE));
        extent.ends = after.is_empty();
        write(store, of, &extent, some).await?;
        if after.is_empty() {
            return Ok(());
        }
        rest = after;
    }
}

/// Writes down some of it.
pub async fn write(store: &Store, of: &Of, extent: &Extent, definitions: &[Definition]) -> Result<(), StoreError> {
    let (Of { server, trust, .. }, all) = (of.clone(), listed(of, definitions.to_vec()).await);
    let extent = extent.clone();
    let change = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let Observed { events, not_kept } = observe(tx, &server, trust, &extent, &all).await?;
            let mut events = events.into_iter();
            Ok(match events.next() {
                Some(first) => events.fold(Commit::with(first, not_kept), Commit::and),
                None => Commit::nothing(not_kept),
            })
        })
    });
    let not_kept = change.await?;
    if not_kept > 0 {
        tracing::warn!(event = "definitions_not_kept", server = %of.server, not_kept,
            "this server lists more names than are kept; what is not kept can not be accepted");
    }
    Ok(())
}

/// Looks at schemas beside the tasks that serve. One that made its reader give up is none to check by.
async fn listed(of: &Of, definitions: Vec<Definition>) -> Vec<Listed> {
    let (Of { server, policies, resources, .. }, all) = (of.clone(), definitions.clone());
    let look = move |one: Definition| match one.name().kind() {
        Kind::Uri(uri) => match resources.words(uri) {
            Some(words) => Listed::of_resource(one, words),
            None => Listed::unchecked(one),
        },
        _ => Listed::of(&server, one, &policies),
    };
    let looked = spawn_blocking(move || all.into_iter().map(look).collect());
    looked.await.unwrap_or_else(|_| definitions.into_iter().map(Listed::unchecked).collect())
}
