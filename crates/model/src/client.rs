//! OAuth clients: how an agent presents itself.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::text_enum;

/// A `client_id`: a registered id, or the https URL of a Client ID Metadata Document.
///
/// Compared as bytes everywhere; `:443` makes another client.
/// Spec: draft-ietf-oauth-client-id-metadata-document (client identifier).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is this the URL of a metadata document rather than a registered id?
    pub fn is_metadata_url(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl FromStr for ClientId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err("a client_id has 1 to 512 visible ASCII characters")
        }
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client as resolved from its registration or its metadata document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The id it was resolved from.
    pub id: ClientId,
    /// The name it gives itself; shown, never trusted.
    pub name: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<String>,
    /// How it proves itself at the token endpoint.
    pub auth: AuthMethod,
    /// Grant types it may use.
    pub grant_types: Vec<GrantType>,
    /// Its public keys (RFC 7517 JWK set), for `private_key_jwt`.
    pub jwks: Option<serde_json::Value>,
    /// A server it is pinned to: then `resource` may be left out.
    pub server: Option<String>,
    /// How well its identity is proven.
    pub assurance: Assurance,
    /// It gets no token that is not bound to a key. Spec: RFC 9449 §5.2
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
}

impl Client {
    /// Does every redirect go to this computer? Then any local program can pose as this client.
    pub fn is_loopback_only(&self) -> bool {
        !self.redirect_uris.is_empty() && self.redirect_uris.iter().all(|uri| crate::loopback::is_loopback_url(uri))
    }
}

/// How a client authenticates at the token endpoint (RFC 7591 §2 `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client, bound by PKCE.
    None,
    /// RFC 7523 assertion with a registered key.
    PrivateKeyJwt,
    /// RFC 6749 §2.3.1, HTTP Basic. Off unless configured.
    ClientSecretBasic,
    /// RFC 6749 §2.3.1, in the body. Off unless configured.
    ClientSecretPost,
}

text_enum!(AuthMethod {
    None => "none",
    PrivateKeyJwt => "private_key_jwt",
    ClientSecretBasic => "client_secret_basic",
    ClientSecretPost => "client_secret_post",
});

/// A grant type of the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code that a person's yes was worth. Spec: RFC 6749 §4.1.3
    AuthorizationCode,
    /// The next token of the same login. Spec: RFC 6749 §6
    RefreshToken,
    /// An autonomous agent, for itself. Spec: RFC 6749 §4.4
    ClientCredentials,
    /// The word of an identity provider that is trusted. Spec: RFC 7523 §2.1
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

text_enum!(GrantType {
    AuthorizationCode => "authorization_code",
    RefreshToken => "refresh_token",
    ClientCredentials => "client_credentials",
    JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
});

/// How well a client's identity is proven; ordered, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// A public client that comes back over loopback: any local program can claim the name.
    Declared,
    /// A metadata document on a domain we trust, with an https redirect of its own.
    Published,
    /// Holds a key: `private_key_jwt`.
    Proven,
}

text_enum!(Assurance { Declared => "declared", Published => "published", Proven => "proven" });

impl Assurance {
    /// By how a client authenticates and where its codes go.
    ///
    /// Differs: one loopback redirect among others is enough to be only *declared*, because any local program can choose
    /// that one.
    pub fn of_client(auth: AuthMethod, redirect_uris: &[String]) -> Self {
        match auth {
            AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => Self::Proven,
            AuthMethod::None if redirect_uris.iter().any(|uri| crate::loopback::is_loopback_url(uri)) => Self::Declared,
            AuthMethod::None => Self::Published,
        }
    }
}
