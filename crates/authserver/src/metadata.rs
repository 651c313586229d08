//! The authorization server's metadata and keys, computed from the tables that do the work.
//!
//! Nothing is written here that is not in a table elsewhere, so nothing is advertised that does not run.
//!
//! Spec: RFC 8414 §2, RFC 9207 §3, RFC 9449 §5.1, RFC 9728 §4; MCP 2026-07-28 basic/authorization.

use crypto::CLIENT_ALGORITHMS;
use model::{AuthMethod, Scope};
use oauth::metadata::ServerMetadata;
use serde_json::Value;

use crate::{
    client_auth::{AUTH_METHODS, offered},
    context::Context,
    grants::GRANTS,
    paths,
};

/// The document at `/.well-known/oauth-authorization-server`.
///
/// Spec: RFC 8414 §2
pub(crate) fn document(cx: &Context) -> ServerMetadata {
    let issuer = cx.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let methods: Vec<AuthMethod> = AUTH_METHODS.iter().copied().filter(|method| offered(&cx.config, *method)).collect();
    let servers = || cx.config.servers.keys();
    let baselines = servers().map(|server| Scope::Low(server.clone()));
    let mediums = servers().map(|server| Scope::Medium(server.clone()));
    ServerMetadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: at(paths::AUTHORIZE),
        token_endpoint: at(paths::TOKEN),
        revocation_endpoint: at(paths::REVOKE),
        jwks_uri: at(paths::JWKS),
        response_types_supported: &["code"],
        response_modes_supported: &["query"],
        grant_types_supported: GRANTS
            .iter()
            .filter(|grant| (grant.offered)(&cx.config))
            .map(|grant| grant.name)
            .collect(),
        authorization_grant_profiles_supported: if cx.config.trusted_idps.is_empty() { &[] } else { &[ID_JAG] },
        task_completion_endpoint: at(paths::COMPLETE_TASK),
        authorization_details_types_supported: oauth::task_details::TYPES,
        code_challenge_methods_supported: &["S256"],
        token_endpoint_auth_methods_supported: methods.clone(),
        token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
        revocation_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
        dpop_signing_alg_values_supported: CLIENT_ALGORITHMS,
        authorization_response_iss_parameter_supported: true,
        client_id_metadata_document_supported: cx.config.clients.accept_documents(),
        scopes_supported: baselines.chain(mediums).collect(),
        protected_resources: servers().map(|server| cx.config.public_url.resource(server)).collect(),
    }
}

/// Spec: MCP extension enterprise-managed-authorization §6
const ID_JAG: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// The document at the `jwks_uri`. Spec: RFC 7517 §5
pub(crate) fn jwks(cx: &Context) -> Value {
    cx.store.jwks(cx.store.now())
}
