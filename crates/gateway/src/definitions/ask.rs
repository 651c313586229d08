//! A server is asked what it offers: before its first call, and from time to time.
//!
//! It is asked with its own credentials and by nobody's order, so what it does then is nothing that anybody is answerable for:
//! lists only. Its answers are read as the gate reads lists.

use std::{collections::BTreeMap, time::Duration};

use catalogue::Definition;
use client::{ClientError, Endless, Extent, Listing};
use mcp::{json, list::List};
use model::{ListKind, Secret};
use net::WebClient;
use store::StoreError;
use tokio::time::timeout;

use super::read::{definitions, introduction, kind};

/// Where a server is, and how it is asked.
#[derive(Debug)]
pub struct Source {
    /// Its endpoint.
    pub url: String,
    /// Its own credentials.
    pub headers: BTreeMap<String, Secret>,
    /// Authorities to trust for it besides the public ones.
    pub ca: Option<Vec<u8>>,
}

/// Why it is not known what a server offers.
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
    /// What it said could not be written down, or not be read again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One list of a server.
#[derive(Debug)]
pub struct Found {
    /// Which one.
    pub list: ListKind,
    /// What is in it, as far as it can be read: of each name one.
    pub definitions: Vec<Definition>,
    /// So many items can not be read.
    pub unreadable: usize,
    /// There are no more.
    pub is_whole: bool,
}

/// Nobody waits longer for the lists of a server.
const LONGEST: Duration = Duration::from_secs(10);

impl Source {
    /// Asks: for its resources as well, where there are rules for any.
    pub async fn ask(&self, resources: Resources) -> Result<Vec<Found>, NotListed> {
        let web = WebClient::new(self.ca.as_deref())?;
        let (extent, lists) = match resources {
            Resources::Ruled => (Extent::Everything, &List::ALL[..]),
            Resources::Unseen => (Extent::Definitions, &[List::Tools, List::Prompts][..]),
        };
        let listed = timeout(LONGEST, client::list(&web, &self.url, &self.headers, extent)).await;
        let listing = listed.map_err(|_| NotListed::TimedOut)??;
        let mut found: Vec<_> = lists.iter().map(|list| of_list(&listing, *list)).collect();
        found.extend(listing.introduction.as_deref().and_then(of_introduction));
        Ok(found)
    }
}

/// Does anybody see resources of a server?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resources {
    /// Those that its rules name.
    Ruled,
    /// No rule names any, so they are not asked for.
    Unseen,
}

fn of_list(listing: &Listing, list: List) -> Found {
    let pages = match list {
        List::Tools => &listing.tools,
        List::Prompts => &listing.prompts,
        List::Resources => &listing.resources,
        List::Templates => &listing.templates,
    };
    let (mut all, mut unreadable) = (Vec::new(), 0);
    for page in pages {
        let (mut read, bad) = definitions(page, list);
        all.append(&mut read);
        unreadable += bad;
    }
    // One that gives the same cursor again has said all it says.
    let breaks_off = |why: &Endless| matches!(why, Endless::TooMany | Endless::TooSlow);
    let is_whole = !listing.endless.iter().any(|(of, why)| *of == list && breaks_off(why));
    Found { list: kind(list), definitions: Definition::one_each(all), unreadable, is_whole }
}

fn of_introduction(message: &[u8]) -> Option<Found> {
    let result = json::check(message).ok()?.member("result")?;
    let definitions = Definition::one_each(introduction(result));
    Some(Found { list: ListKind::Introduction, definitions, unreadable: 0, is_whole: true })
}
