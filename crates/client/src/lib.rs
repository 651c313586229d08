//! The outward side: what an agent does to find its authorization server, to get a token and to
//! call a tool; and what an operator does to list the tools of a server that is not protected yet.
//!
//! It is used by `init`, `check`, the demo's tour and simulated agents; and by the gateway, to ask what a server offers. It trusts nothing it is
//! told: metadata must name the issuer and the resource that were asked for.
//!
//! Spec: MCP 2026-07-28 basic/authorization (client), RFC 9728 §3.3, RFC 8414 §3.3.

mod answer;
pub mod call;
pub mod credentials;
pub mod discovery;
pub mod listing;
mod pages;

pub use call::Answer;
pub use credentials::{TokenOutcome, TokenRequest};
pub use discovery::Discovery;
pub use listing::{Extent, Listing, list};
pub use pages::Endless;

/// Why the other side could not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It could not be reached.
    #[error("{url} could not be reached: {why}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why not.
        why: String,
    },
    /// It answered something that this protocol does not allow.
    #[error("{url} answered {what}")]
    Unexpected {
        /// What was asked.
        url: String,
        /// What came, in a few words.
        what: String,
    },
    /// It does not let us in without credentials.
    #[error("{url} needs credentials: {says}; give them as a header, `Authorization` or what the server's manual says")]
    NeedsCredentials {
        /// What was asked.
        url: String,
        /// What it said.
        says: String,
    },
    /// Its metadata speaks of somebody else.
    #[error("{url} names `{got}` where `{expected}` was asked for")]
    SomebodyElse {
        /// What was asked.
        url: String,
        /// Who it should be.
        expected: String,
        /// Who it claims to be.
        got: String,
    },
    /// Our own key failed to sign.
    #[error(transparent)]
    Key(#[from] crypto::KeyError),
}

/// Sends one request and reads the whole answer.
pub(crate) async fn send(
    web: &net::WebClient,
    method: http::Method,
    url: &str,
    headers: http::HeaderMap,
    body: impl Into<bytes::Bytes>,
) -> Result<net::WebResponse, ClientError> {
    web.request(method, url, headers, body.into())
        .await
        .map_err(|error| ClientError::Unreachable { url: url.to_owned(), why: error.to_string() })
}

/// Reads the answer's body as JSON.
pub(crate) fn json(url: &str, response: &net::WebResponse) -> Result<serde_json::Value, ClientError> {
    serde_json::from_slice(&response.body).map_err(|_| ClientError::Unexpected {
        url: url.to_owned(),
        what: format!("status {} without JSON", response.status.as_u16()),
    })
}
