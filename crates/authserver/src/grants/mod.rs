//! The grant types of the token endpoint: one file each, one line in [`GRANTS`].

mod authorization_code;
mod client_credentials;
mod jwt_bearer;
mod refresh_request;
mod refresh_token;
mod reuse;

use std::{pin::Pin, sync::Arc};

use model::{GrantType, config::Config};
use oauth::{Form, TokenResponse};

use crate::{client_auth::Authenticated, context::Context, error::TokenError, network::Network};

/// A grant type.
pub(crate) struct Handler {
    /// Its name on the wire and in the metadata.
    pub(crate) name: GrantType,
    /// Is it switched on?
    pub(crate) offered: fn(&Config) -> bool,
    /// What it does for an authenticated client.
    pub(crate) redeem: fn(Arc<Context>, Arc<Authenticated>, Form, Network) -> Redeeming,
}

/// A redemption under way.
pub(crate) type Redeeming = Pin<Box<dyn Future<Output = Result<TokenResponse, TokenError>> + Send>>;

/// Every grant type there is; the metadata lists exactly those that are on.
pub(crate) const GRANTS: &[Handler] = &[
    Handler {
        name: GrantType::AuthorizationCode,
        offered: |_| true,
        redeem: |cx, client, form, _| Box::pin(authorization_code::redeem(cx, client, form)),
    },
    Handler {
        name: GrantType::RefreshToken,
        offered: |_| true,
        redeem: |cx, client, form, from| Box::pin(refresh_token::redeem(cx, client, form, from)),
    },
    Handler {
        name: GrantType::ClientCredentials,
        offered: |_| true,
        redeem: |cx, client, form, _| Box::pin(client_credentials::redeem(cx, client, form)),
    },
    Handler {
        name: GrantType::JwtBearer,
        offered: |config| !config.trusted_idps.is_empty(),
        redeem: |cx, client, form, _| Box::pin(jwt_bearer::redeem(cx, client, form)),
    },
];

/// Does the client's registration allow this grant type? Spec: RFC 6749 §5.2 (unauthorized_client)
pub(crate) fn find(config: &Config, form: &Form, client: &Authenticated) -> Result<&'static Handler, TokenError> {
    let name = form.require("grant_type")?;
    let named = GRANTS.iter().find(|grant| grant.name.as_str() == name && (grant.offered)(config));
    let grant = named.ok_or(TokenError::UnknownGrantType)?;
    if client.client.client.grant_types.contains(&grant.name) { Ok(grant) } else { Err(TokenError::GrantNotForClient) }
}
