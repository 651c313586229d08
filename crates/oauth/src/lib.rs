//! OAuth as it stands on the wire: what requests say, what answers look like, and the comparisons that decide who gets a
//! token for what.
//!
//! Pure: bytes and texts in, values out. No store, no network, no policy, no pages; the authorization server, the agent's
//! side and the tests read and write by the same code. A file is named after what its RFC calls it.
//!
//! Spec: OAuth 2.1, RFC 6749, RFC 7591, RFC 7636, RFC 8414, RFC 8707, RFC 9207, RFC 9449,
//! RFC 9728,
//! draft-ietf-oauth-client-id-metadata-document.

pub mod client_auth;
pub mod client_metadata;
pub mod dpop_header;
pub mod form;
pub mod metadata;
pub mod pkce;
pub mod redirect;
pub mod resource;
pub mod task_details;
pub mod token_response;

pub use client_auth::{Credentials, CredentialsError};
pub use client_metadata::{Document, DocumentError, Ignored};
pub use form::{Form, FormError};
pub use pkce::{Challenge, PkceError};
pub use token_response::{TokenRefusal, TokenResponse};
