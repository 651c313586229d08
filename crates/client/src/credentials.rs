//! The client credentials of an autonomous agent: a key pair, no browser, no secret on the wire.
//!
//! Spec: RFC 6749 §4.4, RFC 7523 §2.2, RFC 8707 §2, MCP ext-auth OAuth client credentials.

use crypto::AgentKey;
use http::{HeaderMap, HeaderValue, Method, header};
use model::{ErrorCode, GrantType, Timestamp};
use oauth::{TokenRefusal, TokenResponse, client_auth::ASSERTION_TYPE};

use crate::{ClientError, Discovery, send};

/// What an agent asks for.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// Who it is: the `client_id`.
    pub client_id: &'a str,
    /// The scopes, or `None` for the baseline.
    pub scope: Option<&'a str>,
    /// Why, in words that an approver reads.
    pub reason: Option<&'a str>,
}

/// What the token endpoint said.
#[derive(Clone, Debug)]
pub enum TokenOutcome {
    /// Here it is.
    Granted {
        /// The bearer token.
        access_token: String,
        /// What it is good for.
        scope: String,
        /// For how many seconds.
        expires_in: u64,
    },
    /// A person has to say yes first: ask again in a while.
    Pending {
        /// The elevation that waits.
        elevation_id: String,
        /// What the server says about it.
        description: String,
    },
    /// No.
    Refused {
        /// The code (RFC 6749 §5.2).
        error: String,
        /// What the server says about it.
        description: String,
    },
}

/// Asks for a token for the discovered resource.
pub async fn request_token(
    web: &net::WebClient,
    discovery: &Discovery,
    key: &AgentKey,
    request: TokenRequest<'_>,
    now: Timestamp,
) -> Result<TokenOutcome, ClientError> {
    let assertion = key.sign_assertion(request.client_id, &discovery.issuer, now)?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", GrantType::ClientCredentials.as_str())
        .append_pair("resource", &discovery.resource)
        .append_pair("client_assertion_type", ASSERTION_TYPE)
        .append_pair("client_assertion", &assertion);
    for (name, value) in [("scope", request.scope), ("reason", request.reason)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    let headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))]);
    let url = &discovery.token_endpoint;
    let response = send(web, Method::POST, url, headers, form.finish()).await?;
    let unexpected = |what: &str| ClientError::Unexpected { url: url.clone(), what: what.to_owned() };
    if response.status.is_success() {
        let granted: TokenResponse =
            serde_json::from_slice(&response.body).map_err(|_| unexpected("success without a token response"))?;
        let TokenResponse { access_token, scope, expires_in, .. } = granted;
        return Ok(TokenOutcome::Granted { access_token, scope, expires_in });
    }
    let refused: TokenRefusal =
        serde_json::from_slice(&response.body).map_err(|_| unexpected("a refusal without an error code"))?;
    let TokenRefusal { error, error_description: description, elevation_id, .. } = refused;
    Ok(match error == ErrorCode::AuthorizationPending.as_str() {
        true => {
            let elevation_id = elevation_id.map_or_else(String::new, |id| id.to_string());
            TokenOutcome::Pending { elevation_id, description }
        }
        false => TokenOutcome::Refused { error, description },
    })
}
