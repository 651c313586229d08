//! A server is asked what it offers: before its first call, and from time to time.
//!
//! It is asked with its own credentials and by nobody's order, so what it does then is nothing that anybody is answerable for:
//! lists only. Its answers are read as the gate reads lists.

use std::{collections::BTreeMap, time::Duration};

use catalogue::Definition;
use client::{ClientError, Endless, Extent};
use mcp::list::List;
use model::Secret;
use net::WebClient;
use store::StoreError;
use tokio::time::timeout;

use super::read::definitions;

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

/// What a server offers.
#[derive(Debug)]
pub struct Answer {
    /// Its tools and prompts, as far as they can be read.
    pub definitions: Vec<Definition>,
    /// There are no more.
    pub is_all: bool,
}

/// Nobody waits longer for the lists of a server.
const LONGEST: Duration = Duration::from_secs(10);

impl Source {
    /// Asks.
    pub async fn ask(&self) -> Result<Answer, NotListed> {
        let web = WebClient::new(self.ca.as_deref())?;
        let listed = timeout(LONGEST, client::list(&web, &self.url, &self.headers, Extent::Definitions)).await;
        let listing = listed.map_err(|_| NotListed::TimedOut)??;
        let of =
            |pages: &[Vec<u8>], list| pages.iter().flat_map(move |page| definitions(page, list)).collect::<Vec<_>>();
        let mut definitions = of(&listing.tools, List::Tools);
        definitions.append(&mut of(&listing.prompts, List::Prompts));
        // One that gives the same cursor again has said all it says.
        let is_all = !listing.endless.iter().any(|(_, why)| *why == Endless::TooMany);
        Ok(Answer { definitions, is_all })
    }
}
