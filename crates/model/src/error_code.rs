//! The error codes of the authorization and token endpoints.
//!
//! Spec: RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 8707 §2, OpenID Connect Core §3.1.2.6.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text_enum;

/// An error code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A parameter is missing, there twice, or malformed.
    InvalidRequest,
    /// The client did not authenticate as it is registered to.
    InvalidClient,
    /// The code, refresh token or assertion is worth nothing (any more).
    InvalidGrant,
    /// The client may not use this grant type.
    UnauthorizedClient,
    /// There is no such grant type here.
    UnsupportedGrantType,
    /// There is no such response type here.
    UnsupportedResponseType,
    /// The scope can not be had.
    InvalidScope,
    /// The resource is none of ours. Spec: RFC 8707 §2
    InvalidTarget,
    /// They mean nothing here, or can not be had. Spec: RFC 9396 §5
    InvalidAuthorizationDetails,
    /// The proof of a key proves nothing. Spec: RFC 9449 §5
    InvalidDpopProof,
    /// The proof of a key has to have a nonce of this server. Spec: RFC 9449 §8
    UseDpopNonce,
    /// A person or a policy said no.
    AccessDenied,
    /// A person has to decide first. Spec: RFC 8628 §3.5
    AuthorizationPending,
    /// The person has to log in. Spec: OpenID Connect Core §3.1.2.6
    LoginRequired,
    /// The person has to consent. Spec: OpenID Connect Core §3.1.2.6
    ConsentRequired,
    /// No request objects. Spec: OpenID Connect Core §3.1.2.6
    RequestNotSupported,
    /// No request URIs. Spec: OpenID Connect Core §3.1.2.6
    RequestUriNotSupported,
    /// Something broke here.
    ServerError,
    /// Not now; ask again.
    TemporarilyUnavailable,
}

text_enum!(ErrorCode {
    InvalidRequest => "invalid_request",
    InvalidClient => "invalid_client",
    InvalidGrant => "invalid_grant",
    UnauthorizedClient => "unauthorized_client",
    UnsupportedGrantType => "unsupported_grant_type",
    UnsupportedResponseType => "unsupported_response_type",
    InvalidScope => "invalid_scope",
    InvalidTarget => "invalid_target",
    InvalidAuthorizationDetails => "invalid_authorization_details",
    InvalidDpopProof => "invalid_dpop_proof",
    UseDpopNonce => "use_dpop_nonce",
    AccessDenied => "access_denied",
    AuthorizationPending => "authorization_pending",
    LoginRequired => "login_required",
    ConsentRequired => "consent_required",
    RequestNotSupported => "request_not_supported",
    RequestUriNotSupported => "request_uri_not_supported",
    ServerError => "server_error",
    TemporarilyUnavailable => "temporarily_unavailable",
});
