//! The grant types of the token endpoint: one file each, one line in [`GRANTS`].

mod authorization_code;
mod client_credentials;
mod refresh_token;
mod reuse;

use std::{pin::Pin, sync::Arc};

use pages::Form;

use crate::{client_auth::Authenticated, cx::Cx, error::TokenError, issue::TokenResponse, network::Network};

/// A grant type.
pub(crate) struct GrantType {
    /// Its name on the wire and in the metadata.
    pub(crate) name: &'static str,
    /// What it does for an authenticated client.
    pub(crate) redeem: fn(Arc<Cx>, Arc<Authenticated>, Form, Network) -> Redeeming,
}

/// A redemption under way.
pub(crate) type Redeeming = Pin<Box<dyn Future<Output = Result<TokenResponse, TokenError>> + Send>>;

/// Every grant type there is; the metadata lists exactly these.
pub(crate) const GRANTS: &[GrantType] = &[
    GrantType {
        name: "authorization_code",
        redeem: |cx, client, form, _| Box::pin(authorization_code::redeem(cx, client, form)),
    },
    GrantType {
        name: "refresh_token",
        redeem: |cx, client, form, from| Box::pin(refresh_token::redeem(cx, client, form, from)),
    },
    GrantType {
        name: "client_credentials",
        redeem: |cx, client, form, _| Box::pin(client_credentials::redeem(cx, client, form)),
    },
];

/// Does the client's registration allow this grant type? Spec: RFC 6749 §5.2 (unauthorized_client)
pub(crate) fn find(form: &Form, client: &Authenticated) -> Result<&'static GrantType, TokenError> {
    let name = form.require("grant_type")?;
    let grant = GRANTS.iter().find(|grant| grant.name == name).ok_or(TokenError::UnknownGrantType)?;
    if client.client.client.grant_types.iter().any(|allowed| allowed == grant.name) {
        Ok(grant)
    } else {
        Err(TokenError::GrantNotForClient)
    }
}
