//! Metadata documents: which URLs are accepted, fetched when, and kept how long.
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document (client identifier, metadata, caching, SSRF).

use crypto::{Digest, PublicKeys};
use model::{
    Actor, Client, ClientId, Span,
    event::{ClientRead, DocumentChange},
    metadata_domains,
};
use oauth::{DocumentError, Ignored};
use store::{Commit, StoreError, StoredClient};
use url::Url;

use super::{
    resolved::{ClientRefusal, Resolved},
    stale,
};
use crate::context::Context;

/// The client that the document at `id` describes, fetched unless the stored one is fresh. When it can not be had just
/// now, the stored one stands in for a bounded time.
pub(super) async fn read(cx: &Context, id: &ClientId) -> Result<Resolved, ClientRefusal> {
    acceptable(cx, id)?;
    let (now, kept) = (cx.store.now(), cx.store.client(id).await?);
    let Some(kept) = kept else { return fetch(cx, id, None).await };
    if now < kept.fresh_until || (stale::may_stand_in(&kept, now) && cx.outages.lasts(id, now)) {
        return resolved(kept.client);
    }
    match fetch(cx, id, Some(kept.clone())).await {
        Err(refusal) if stale::says_nothing(&refusal) && stale::may_stand_in(&kept, now) => {
            stale::noticed(cx, id, &kept, &refusal).await?;
            resolved(kept.client)
        }
        outcome => outcome,
    }
}

/// The document as it is now, with its keys, in place of the one before.
async fn fetch(cx: &Context, id: &ClientId, kept: Option<StoredClient>) -> Result<Resolved, ClientRefusal> {
    let url = acceptable(cx, id)?;
    let _turn = cx.fetches.try_acquire().map_err(|_| ClientRefusal::Busy)?;
    let fetched = cx.fetcher.json(id.as_str(), LARGEST).await?;
    let document = oauth::client_metadata::read_document(id, &fetched.body)?;
    for ignored in &document.ignored {
        tracing::info!(event = "client_metadata_ignored", client = %id, %ignored);
    }
    let mut client = document.client;
    let mut all_bytes = fetched.body.clone();
    if let Some(uri) = document.jwks_uri {
        let elsewhere = Url::parse(&uri).map_or(true, |keys| keys.scheme() != "https" || keys.host() != url.host());
        if elsewhere {
            return Err(DocumentError::KeysElsewhere.into());
        }
        // No copy stands in for keys beside a document that was read: they may have changed with it.
        let keys = cx.fetcher.json(&uri, LARGEST_KEYS).await;
        let keys = keys.map_err(|error| DocumentError::KeysUnread(error.to_string()))?;
        // No JSON text holds a NUL, so no two pairs look alike.
        all_bytes.push(0);
        all_bytes.extend_from_slice(&keys.body);
        client.jwks = Some(serde_json::from_slice(&keys.body).map_err(|_| DocumentError::NoKeys)?);
    }
    let found = resolved(client)?;
    let read = Read { digest: Digest::of_bytes(&all_bytes), max_age: fetched.max_age, ignored: document.ignored };
    keep(cx, &found.client, read, kept).await?;
    Ok(found)
}

/// What was stored when the person saw the client, as long as its host is still allowed.
pub(super) async fn stored(cx: &Context, id: &ClientId) -> Result<Resolved, ClientRefusal> {
    acceptable(cx, id)?;
    match cx.store.client(id).await? {
        Some(kept) => resolved(kept.client),
        None => Err(ClientRefusal::NotRegistered),
    }
}

/// The client read again, when what is stored is too old for its keys to be believed: one that was stolen is taken
/// out of the document, and nobody may ever come to the authorization endpoint again.
pub(super) async fn read_when_too_old(cx: &Context, id: &ClientId) -> Result<Option<Resolved>, ClientRefusal> {
    match cx.store.client(id).await? {
        Some(kept) if cx.store.now() >= kept.fresh_until.after(KEYS_OUTLAST) => {
            fetch(cx, id, Some(kept)).await.map(Some)
        }
        _ => Ok(None),
    }
}

fn resolved(client: Client) -> Result<Resolved, ClientRefusal> {
    let keys = client.jwks.as_ref().map(PublicKeys::parse).transpose().map_err(DocumentError::Keys)?;
    Ok(Resolved { client, keys, secret: None, declared: None })
}

/// A document as it was read.
struct Read {
    digest: Digest,
    max_age: Option<u64>,
    ignored: Vec<Ignored>,
}

/// Errors are never kept: only a document that passed every rule gets here.
async fn keep(cx: &Context, client: &Client, read: Read, before: Option<StoredClient>) -> Result<(), StoreError> {
    let Read { digest: document_digest, max_age, ignored } = read;
    let now = cx.store.now();
    let seconds = max_age.unwrap_or(0).clamp(FRESH_AT_LEAST, FRESH_AT_MOST) as u32;
    let change = match before {
        None => DocumentChange::First,
        Some(before) if before.document_digest == document_digest => DocumentChange::None,
        Some(_) => DocumentChange::Changed,
    };
    let mut read = ClientRead {
        client: client.id.clone(),
        client_name: Some(client.name.clone()),
        assurance: Some(client.assurance),
        change,
        document: document_digest.to_hex(),
        ignored: None,
        ignored_first: None,
        cause: None,
        read_at: None,
    };
    if !ignored.is_empty() {
        let all: Vec<String> = ignored.iter().map(ToString::to_string).collect();
        read.ignored = Some(ignored.len() as u64);
        read.ignored_first = Some(model::shown(&all.join("; "), 500));
    }
    let event = read.by(Actor::Client(client.id.clone()));
    let kept = StoredClient {
        client: client.clone(),
        document_digest,
        fetched_at: now,
        fresh_until: now.after(Span::from_seconds(seconds)),
    };
    cx.store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_client(&kept).await?;
                Ok(Commit::with(event, ()))
            })
        })
        .await
}

/// Is `id` a URL that may name a document, on a host the operator allows?
fn acceptable(cx: &Context, id: &ClientId) -> Result<Url, ClientRefusal> {
    let url = check_url(id.as_str()).map_err(ClientRefusal::BadUrl)?;
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let is_known = cx.config.clients.known(id).is_some();
    if is_known || metadata_domains::accepting(&cx.config.clients.metadata_domains, host, &authority).is_some() {
        Ok(url)
    } else {
        Err(ClientRefusal::DomainNotAllowed { host: authority })
    }
}

/// Spec: draft-ietf-oauth-client-id-metadata-document (client identifier URL)
fn check_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a URL")?;
    let rest = text.strip_prefix("https://").ok_or("it is not https")?;
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if url.host().is_none() || rest.starts_with('/') || rest.contains('\\') {
        return Err("it names no host");
    }
    if path.len() < 2 {
        return Err("it has no path");
    }
    if text.contains('#') {
        return Err("it has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() || rest.split('/').next().is_some_and(|a| a.contains('@'))
    {
        return Err("it carries a user name");
    }
    let dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(dots) {
        return Err("its path has dot segments");
    }
    Ok(url)
}

/// Largest document, in bytes (the draft's figure).
const LARGEST: usize = 5 * 1024;
/// Largest key set, in bytes.
const LARGEST_KEYS: usize = 16 * 1024;
const FRESH_AT_LEAST: u64 = 5 * 60;
const FRESH_AT_MOST: u64 = 24 * 3600;
/// How long stored keys are believed after their document is stale.
const KEYS_OUTLAST: Span = Span::from_minutes(24 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: draft-ietf-oauth-client-id-metadata-document (client identifier URL)
    #[test]
    fn a_client_id_url_is_https_with_a_path_and_nothing_that_hides() {
        for good in ["https://a.test/c.json", "https://a.test:8443/c", "https://a.test:443/c", "https://a.test/c?v=1"] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.test/c",
            "https://a.test",
            "https://a.test/",
            "https://a.test?x",
            "https://a.test/c#f",
            "https://u@a.test/c",
            "https://u:p@a.test/c",
            "https://@a.test/c",
            "https://a.test/../c",
            "https://a.test/%2E%2e/c",
            "https://a.test/./c",
            "https:///c",
            "https://a.test\\@b.test/c",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
