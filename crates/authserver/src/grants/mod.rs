//! The grant types of the token endpoint: one file each, one line in [`GRANTS`].

mod authorization_code;
mod client_credentials;
mod refresh_request;
mod refresh_token;
mod reuse;

use std::{pin::Pin, sync::Arc};

use model::GrantType;
use oauth::{Form, TokenResponse};

use crate::{client_auth::Authenticated, context::Context, error::TokenError, network::Network};

/// A grant type.
pub(crate) struct Handler {
    /// Its name on the wire and in the metadata.
    pub(crate) name: GrantType,
    /// What it does for an authenticated client.
    pub(crate) redeem: fn(Arc<Context>, Arc<Authenticated>, Form, Network) -> Redeeming,
}

/// A redemption under way.
pub(crate) type Redeeming = Pin<Box<dyn Future<Output = Result<TokenResponse, TokenError>> + Send>>;

/// Every grant type there is; the metadata lists exactly these.
pub(crate) const GRANTS: &[Handler] = &[
    Handler {
        name: GrantType::AuthorizationCode,
        redeem: |cx, client, form, _| Box::pin(authorization_code::redeem(cx, client, form)),
    },
    Handler {
        name: GrantType::RefreshToken,
        redeem: |cx, client, form, from| Box::pin(refresh_token::redeem(cx, client, form, from)),
    },
    Handler {
        name: GrantType::ClientCredentials,
        redeem: |cx, client, form, _| Box::pin(client_credentials::redeem(cx, client, form)),
    },
];

/// Does the client's registration allow this grant type? Spec: RFC 6749 §5.2 (unauthorized_client)
pub(crate) fn find(form: &Form, client: &Authenticated) -> Result<&'static Handler, TokenError> {
    let name = form.require("grant_type")?;
    let grant = GRANTS.iter().find(|grant| grant.name.as_str() == name).ok_or(TokenError::UnknownGrantType)?;
    if client.client.client.grant_types.contains(&grant.name) { Ok(grant) } else { Err(TokenError::GrantNotForClient) }
}
