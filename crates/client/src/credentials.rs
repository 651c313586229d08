//! The client credentials of an autonomous agent: a key pair, no browser, no secret on the wire.
//!
//! Spec: RFC 6749 §4.4, RFC 7523 §2.2, RFC 8707 §2, MCP ext-auth OAuth client credentials.

use crypto::AgentKey;
use http::{HeaderMap, HeaderValue, Method, header};
use model::Timestamp;

use crate::{ClientError, Discovery, json, send};

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
    form.append_pair("grant_type", "client_credentials")
        .append_pair("resource", &discovery.resource)
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
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
    let body = json(url, &response)?;
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    if response.status.is_success() {
        return match body["access_token"].as_str() {
            Some(access_token) => Ok(TokenOutcome::Granted {
                access_token: access_token.to_owned(),
                scope: text("scope"),
                expires_in: body["expires_in"].as_u64().unwrap_or(0),
            }),
            None => Err(ClientError::Unexpected { url: url.clone(), what: "success without an access_token".into() }),
        };
    }
    Ok(match text("error") {
        error if error == "authorization_pending" => {
            TokenOutcome::Pending { elevation_id: text("elevation_id"), description: text("error_description") }
        }
        error => TokenOutcome::Refused { error, description: text("error_description") },
    })
}
