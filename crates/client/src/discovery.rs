//! From the URL of an MCP endpoint to the authorization server that guards it.
//!
//! Spec: RFC 9728 §3.3 (resource must match), RFC 8414 §3.3 (issuer must match),
//! MCP 2026-07-28 basic/authorization/authorization-server-discovery.

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::{Answer, ClientError, call, json, send};

/// What an agent must know before it can ask for a token.
#[derive(Clone, Debug)]
pub struct Discovery {
    /// The MCP endpoint, which is the resource identifier as well.
    pub resource: String,
    /// Where the protected resource metadata was found.
    pub resource_metadata: String,
    /// Scopes that the challenge or the metadata name.
    pub scope: Option<String>,
    /// The authorization server.
    pub issuer: String,
    /// Where tokens are.
    pub token_endpoint: String,
    /// The authorization server's whole metadata document.
    pub metadata: Value,
}

/// Calls `endpoint` without a token, follows the challenge, and checks that everybody is who was asked for.
pub async fn discover(web: &net::WebClient, endpoint: &str) -> Result<Discovery, ClientError> {
    let unexpected = |url: &str, what: String| ClientError::Unexpected { url: url.to_owned(), what };
    let answer = call::request(web, endpoint, None, "server/discover", None).await?;
    let Answer::Challenged(challenge) = answer else {
        return Err(unexpected(endpoint, "a request without a token with something else than 401".into()));
    };
    let resource_metadata = challenge
        .resource_metadata()
        .map(str::to_owned)
        .ok_or_else(|| unexpected(endpoint, "a challenge without resource_metadata".into()))?;
    let response = send(web, Method::GET, &resource_metadata, HeaderMap::new(), "").await?;
    let protected = json(&resource_metadata, &response)?;
    same(&resource_metadata, endpoint, &protected["resource"])?;
    let issuer = protected["authorization_servers"][0]
        .as_str()
        .ok_or_else(|| unexpected(&resource_metadata, "metadata without authorization_servers".into()))?
        .to_owned();

    let metadata_url = oauth::metadata::of_issuer(&issuer)
        .ok_or_else(|| unexpected(&resource_metadata, "an issuer that is not a URL".into()))?;
    let response = send(web, Method::GET, &metadata_url, HeaderMap::new(), "").await?;
    let metadata = json(&metadata_url, &response)?;
    same(&metadata_url, &issuer, &metadata["issuer"])?;
    let token_endpoint = metadata["token_endpoint"]
        .as_str()
        .ok_or_else(|| unexpected(&metadata_url, "metadata without token_endpoint".into()))?
        .to_owned();
    Ok(Discovery {
        resource: endpoint.to_owned(),
        resource_metadata,
        scope: challenge.scope().map(str::to_owned),
        issuer,
        token_endpoint,
        metadata,
    })
}

/// Byte for byte, without normalisation: a look-alike is somebody else.
fn same(url: &str, expected: &str, got: &Value) -> Result<(), ClientError> {
    let got = got.as_str().unwrap_or("");
    if got == expected {
        return Ok(());
    }
    Err(ClientError::SomebodyElse { url: url.to_owned(), expected: expected.to_owned(), got: got.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 8414 §3.3
    #[test]
    fn metadata_of_somebody_else_is_refused() {
        let url = "https://a.test/.well-known/oauth-authorization-server";
        assert!(same(url, "https://a.test", &"https://a.test".into()).is_ok());
        for other in ["https://a.test/", "https://A.test", "https://b.test", ""] {
            assert!(same(url, "https://a.test", &other.into()).is_err(), "{other}");
        }
        assert!(same(url, "https://a.test", &Value::Null).is_err());
    }
}
