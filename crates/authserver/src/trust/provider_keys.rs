//! The keys of identity providers, kept for a while.
//!
//! A key that a provider took out of its set is believed for ten minutes more at the most, and while the set can not be read for
//! an hour at the most. An assertion under a key that nobody knows makes us look, once in half a minute.
//!
//! Spec: MCP extension enterprise-managed-authorization §7.4.1; RFC 7517 §5.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use crypto::{KeyError, PublicKeys};
use model::{Span, Timestamp, config::TrustedIdp};
use net::{FetchError, Fetcher};

/// Keys by the name of the provider.
#[derive(Debug, Default)]
pub(crate) struct ProviderKeys {
    /// Those that the configuration has.
    written: BTreeMap<String, Arc<PublicKeys>>,
    read: Mutex<HashMap<String, Read>>,
}

#[derive(Clone, Debug)]
struct Read {
    keys: Arc<PublicKeys>,
    at: Timestamp,
    /// The last time that somebody looked, whatever came of it.
    looked_at: Timestamp,
}

impl ProviderKeys {
    /// With the keys that the configuration has.
    ///
    /// # Errors
    /// The name of the provider whose keys can not be used, and why.
    pub(crate) fn of_config(idps: &BTreeMap<String, TrustedIdp>) -> Result<Self, (String, KeyError)> {
        let mut written = BTreeMap::new();
        for (name, idp) in idps {
            if let Some(jwks) = &idp.jwks {
                let keys = PublicKeys::parse(jwks).map_err(|why| (name.clone(), why))?;
                written.insert(name.clone(), Arc::new(keys));
            }
        }
        Ok(Self { written, read: Mutex::default() })
    }

    /// The keys of one provider at `now`; `anew` when those that are known do not fit.
    ///
    /// # Errors
    /// They can not be had.
    pub(super) async fn of(
        &self,
        fetcher: &Fetcher,
        (name, idp): (&str, &TrustedIdp),
        now: Timestamp,
        anew: bool,
    ) -> Result<Arc<PublicKeys>, FetchError> {
        if let Some(keys) = self.written.get(name) {
            return Ok(keys.clone());
        }
        let kept = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(kept) = &kept {
            let looked_lately = now < kept.looked_at.after(PAUSE);
            let is_fresh = now < kept.at.after(FRESH);
            if (is_fresh && !anew) || (looked_lately && now < kept.at.after(STALE)) {
                return Ok(kept.keys.clone());
            }
        }
        match (fetch(fetcher, idp).await, kept) {
            (Ok(keys), _) => {
                let read = Read { keys: Arc::new(keys), at: now, looked_at: now };
                Ok(self.keep(name, read))
            }
            (Err(error), Some(kept)) if now < kept.at.after(STALE) => {
                tracing::warn!(event = "idp_keys_unread", idp = name, %error, "the keys that were read before stand in");
                Ok(self.keep(name, Read { looked_at: now, ..kept }))
            }
            (Err(error), _) => {
                tracing::warn!(event = "idp_keys_unread", idp = name, %error, "nothing of this identity provider is honoured");
                Err(error)
            }
        }
    }

    fn keep(&self, name: &str, read: Read) -> Arc<PublicKeys> {
        let keys = read.keys.clone();
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), read);
        keys
    }
}

async fn fetch(fetcher: &Fetcher, idp: &TrustedIdp) -> Result<PublicKeys, FetchError> {
    let uri = idp.jwks_uri.as_deref().ok_or(FetchError::BadUrl("is missing"))?;
    let fetched = fetcher.json(uri, LARGEST).await?;
    let unusable = |error: String| FetchError::Unreachable(format!("its key set can not be used: {error}"));
    let set = serde_json::from_slice(&fetched.body).map_err(|error| unusable(error.to_string()))?;
    PublicKeys::parse(&set).map_err(|error| unusable(error.to_string()))
}

/// Read again after that.
const FRESH: Span = Span::from_minutes(10);
/// And used for so long while it can not be read.
const STALE: Span = Span::from_minutes(60);
/// Between two looks for keys that nobody knows.
const PAUSE: Span = Span::from_seconds(30);
/// A key set in bytes, at the most.
const LARGEST: usize = 64 * 1024;
