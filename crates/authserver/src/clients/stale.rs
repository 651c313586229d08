//! A metadata document that can not be had just now, of a client whose document was read before.
//!
//! The host of a client is down, slow or overloaded, and its people would be locked out of servers that are up. So for a
//! bounded time the copy counts that was read while all was well. What the host *says* always counts more: that there is
//! no document, or another one. Beside a document that was read no copy stands in for its keys, and what a client proves
//! with keys that are too old is read again or refused (`metadata::read_when_too_old`).
//!
//! Spec: RFC 5861 §4 (stale-if-error), RFC 9111 §4.2.4; draft-ietf-oauth-client-id-metadata-document (caching).

use model::{
    Actor, ClientId, Span, Timestamp,
    event::{ClientRead, DocumentChange, FetchFailure},
};
use net::FetchError;
use store::{StoreError, StoredClient};

use super::resolved::ClientRefusal;
use crate::{context::Context, refusal_sampling::Cause};

/// May this copy still stand in for its document?
pub(super) fn may_stand_in(kept: &StoredClient, now: Timestamp) -> bool {
    now < kept.fresh_until.after(STALE_AT_MOST)
}

/// Is it a failure to say anything? A redirect, a 404 or a text that is no document is an answer.
pub(super) fn says_nothing(refusal: &ClientRefusal) -> bool {
    match refusal {
        ClientRefusal::Busy => true,
        ClientRefusal::Fetch(error) => match error {
            FetchError::Busy | FetchError::Unreachable(_) | FetchError::Tls(_) | FetchError::TimedOut => true,
            FetchError::Status(status) => matches!(status, 429 | 500 | 502 | 503 | 504),
            FetchError::BadUrl(_)
            | FetchError::NotPublic
            | FetchError::Redirected
            | FetchError::NotJson
            | FetchError::Encoded
            | FetchError::TooLarge { .. } => false,
        },
        ClientRefusal::NotRegistered
        | ClientRefusal::BadUrl(_)
        | ClientRefusal::DomainNotAllowed { .. }
        | ClientRefusal::Document(_)
        | ClientRefusal::Store(_) => false,
    }
}

/// Logged each time, recorded once a minute.
pub(super) async fn noticed(
    cx: &Context,
    id: &ClientId,
    kept: &StoredClient,
    why: &ClientRefusal,
) -> Result<(), StoreError> {
    let now = cx.store.now();
    let cause = match why {
        ClientRefusal::Fetch(error) => failure(error),
        _ => FetchFailure::Busy,
    };
    cx.outages.begin(id, now);
    tracing::warn!(event = "client_metadata_stale", client = %id, cause = cause.as_str(), read_at = %kept.fetched_at, "the copy stands in");
    let event = cx.refusals.due(Some(id), Cause::Document(cause), now, || {
        ClientRead {
            client: id.clone(),
            client_name: None,
            assurance: None,
            change: DocumentChange::NotRead,
            document: kept.document_digest.to_hex(),
            ignored: None,
            ignored_first: None,
            cause: Some(cause),
            read_at: Some(kept.fetched_at.into()),
        }
        .by(Actor::Client(id.clone()))
    });
    match event {
        Some(event) => cx.store.record(event).await.map(drop),
        None => Ok(()),
    }
}

const fn failure(error: &FetchError) -> FetchFailure {
    match error {
        FetchError::BadUrl(_) => FetchFailure::BadUrl,
        FetchError::NotPublic => FetchFailure::NotPublic,
        FetchError::Busy => FetchFailure::Busy,
        FetchError::Unreachable(_) => FetchFailure::Unreachable,
        FetchError::Tls(_) => FetchFailure::Tls,
        FetchError::TimedOut => FetchFailure::TimedOut,
        FetchError::Redirected => FetchFailure::Redirected,
        FetchError::Status(_) => FetchFailure::Status,
        FetchError::NotJson => FetchFailure::NotJson,
        FetchError::Encoded => FetchFailure::Encoded,
        FetchError::TooLarge { .. } => FetchFailure::TooLarge,
    }
}

/// For so long beyond its time. As long as its keys are believed beyond it.
const STALE_AT_MOST: Span = Span::from_minutes(24 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A10
    #[test]
    fn only_a_host_that_says_nothing_is_stood_in_for() {
        let said = String::new;
        for (error, nothing) in [
            (FetchError::Unreachable(said()), true),
            (FetchError::Tls(said()), true),
            (FetchError::TimedOut, true),
            (FetchError::Busy, true),
            (FetchError::Status(429), true),
            (FetchError::Status(500), true),
            (FetchError::Status(503), true),
            (FetchError::Status(401), false),
            (FetchError::Status(403), false),
            (FetchError::Status(404), false),
            (FetchError::Status(410), false),
            (FetchError::Status(204), false),
            (FetchError::NotPublic, false),
            (FetchError::Redirected, false),
            (FetchError::NotJson, false),
            (FetchError::Encoded, false),
            (FetchError::TooLarge { max: 1 }, false),
        ] {
            assert_eq!(says_nothing(&error.clone().into()), nothing, "{error:?}");
        }
        assert!(!says_nothing(&ClientRefusal::NotRegistered) && says_nothing(&ClientRefusal::Busy));
    }
}
