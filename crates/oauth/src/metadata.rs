//! The metadata documents by which clients find their way: of an authorization server and of a protected resource.
//!
//! Spec: RFC 8414 §2 and §3, RFC 9728 §2 and §3; MCP 2026-07-28 basic/authorization.

use model::{AuthMethod, GrantType, Scope};
use serde::Serialize;
use url::Url;

/// Of an authorization server. Spec: RFC 8414 §2
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    /// Who it is, byte for byte.
    pub issuer: String,
    /// Where people say yes.
    pub authorization_endpoint: String,
    /// Where tokens are.
    pub token_endpoint: String,
    /// Where tokens are given back. Spec: RFC 7009 §2
    pub revocation_endpoint: String,
    /// Its public keys.
    pub jwks_uri: String,
    /// What the authorization endpoint answers with.
    pub response_types_supported: &'static [&'static str],
    /// How that answer travels.
    pub response_modes_supported: &'static [&'static str],
    /// What the token endpoint takes.
    pub grant_types_supported: Vec<GrantType>,
    /// Which kinds of assertion it honours; none are named of whom. Spec: draft-ietf-oauth-identity-assertion-authz-grant §7.2
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub authorization_grant_profiles_supported: &'static [&'static str],
    /// Where an agent says that its task is complete. Ours: no document has it.
    #[serde(rename = "io.portcullis/task_completion_endpoint")]
    pub task_completion_endpoint: String,
    /// Spec: RFC 9396 §10
    pub authorization_details_types_supported: &'static [&'static str],
    /// Spec: RFC 7636 §6.2
    pub code_challenge_methods_supported: &'static [&'static str],
    /// How clients prove themselves at the token endpoint.
    pub token_endpoint_auth_methods_supported: Vec<AuthMethod>,
    /// By which algorithms they sign.
    pub token_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// How clients prove themselves at the revocation endpoint.
    pub revocation_endpoint_auth_methods_supported: Vec<AuthMethod>,
    /// By which algorithms they sign.
    pub revocation_endpoint_auth_signing_alg_values_supported: &'static [&'static str],
    /// By which algorithms clients prove keys. Spec: RFC 9449 §5.1
    pub dpop_signing_alg_values_supported: &'static [&'static str],
    /// Spec: RFC 9207 §3
    pub authorization_response_iss_parameter_supported: bool,
    /// Spec: draft-ietf-oauth-client-id-metadata-document
    pub client_id_metadata_document_supported: bool,
    /// Scopes that may be asked for.
    pub scopes_supported: Vec<Scope>,
    /// Spec: RFC 9728 §4
    pub protected_resources: Vec<String>,
}

/// Of a protected resource. Spec: RFC 9728 §2
#[derive(Debug, Serialize)]
pub struct ResourceMetadata {
    /// Its identifier.
    pub resource: String,
    /// Who issues tokens for it.
    pub authorization_servers: Vec<String>,
    /// Clients without a challenge ask for everything that stands here.
    pub scopes_supported: Vec<Scope>,
    /// How a token is presented.
    pub bearer_methods_supported: &'static [&'static str],
    /// By which algorithms clients prove keys.
    pub dpop_signing_alg_values_supported: &'static [&'static str],
    /// Is a token that is bound to no key worth nothing here?
    pub dpop_bound_access_tokens_required: bool,
    /// What it is called.
    pub resource_name: String,
}

/// Where the metadata of `issuer` is; `None` when that is no URL.
///
/// Spec: RFC 8414 §3.1 (the well-known part goes between host and path)
pub fn of_issuer(issuer: &str) -> Option<String> {
    let url = Url::parse(issuer).ok()?;
    let path = url.path().trim_end_matches('/');
    Some(format!("{}{SERVER}{path}", url.origin().ascii_serialization()))
}

/// Where an authorization server's metadata is. Spec: RFC 8414 §3
pub const SERVER: &str = "/.well-known/oauth-authorization-server";

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: RFC 8414 §3.1
    #[test]
    fn the_well_known_part_goes_between_host_and_path() {
        let at = |issuer| of_issuer(issuer).unwrap_or_default();
        assert_eq!(at("https://a.test"), "https://a.test/.well-known/oauth-authorization-server");
        assert_eq!(at("https://a.test/x"), "https://a.test/.well-known/oauth-authorization-server/x");
        assert_eq!(at("not a url"), "");
    }
}
