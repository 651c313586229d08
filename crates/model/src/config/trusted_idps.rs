//! `trusted_idps`: whose word about people counts.

use schemars::JsonSchema;
use serde::Deserialize;

/// An identity provider whose assertions (ID-JAG) are honoured: what it says of a person, a client and a server needs no consent here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustedIdp {
    /// Its issuer, byte for byte as its assertions say it.
    pub issuer: String,
    /// Its public keys: a JWK set. Either these or `jwks_uri`.
    #[serde(default)]
    #[schemars(with = "Option<serde_json::Value>")]
    pub jwks: Option<serde_json::Value>,
    /// Where its public keys are, over https.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// The one tenant of it that counts, where it has several under one issuer.
    #[serde(default)]
    pub tenant: Option<String>,
}
