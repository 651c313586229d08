//! Who the client at the token endpoint is: one method per request, and the one it registered.
//!
//! Spec: RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3, draft-ietf-oauth-rfc7523bis.

use std::ops::{Deref, DerefMut};

use crypto::{Assertion, AssertionError, Digest, verify_assertion};
use http::HeaderMap;
use model::{AuthMethod, ClientId, config::Config};
use oauth::{Credentials, Form};
use store::Tx;

use crate::{
    clients::{ClientRefusal, Resolved},
    context::Context,
    error::TokenError,
    paths,
};

/// The methods, as the metadata lists them.
pub(crate) const AUTH_METHODS: &[AuthMethod] =
    &[AuthMethod::None, AuthMethod::PrivateKeyJwt, AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];

/// Is the method switched on?
pub(crate) fn offered(config: &Config, method: AuthMethod) -> bool {
    match method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => true,
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => config.clients.allow_client_secrets,
    }
}

/// A client that proved what its registration says it must.
pub(crate) struct Authenticated {
    pub(crate) client: Resolved,
    assertion: Option<Assertion>,
}

impl Authenticated {
    /// Did it show a key or a secret? A public client only says its name, which anybody can.
    pub(crate) fn has_proved_itself(&self) -> bool {
        self.client.client.auth != AuthMethod::None
    }

    /// Did it sign for this very request? Then what was issued to it is worth nothing in other hands.
    pub(crate) fn proves_a_key(&self) -> bool {
        self.assertion.is_some()
    }

    /// Begins to act for this client in `tx`: its assertion is used up, so a second request with it finds nothing to do.
    ///
    /// Spec: RFC 7523 §3 (7)
    pub(crate) async fn begin<'a, 't>(&self, tx: &'a mut Tx<'t>) -> Result<ClientTx<'a, 't>, TokenError> {
        let Some(assertion) = &self.assertion else { return Ok(ClientTx(tx)) };
        let key = format!("{} {}", self.client.client.id, assertion.jti);
        let now = tx.now();
        if tx.use_once("client_assertion", &key, assertion.expires_at, now).await? {
            Ok(ClientTx(tx))
        } else {
            Err(TokenError::AssertionReplayed)
        }
    }
}

/// A transaction that acts for a client, in which its assertion was used up. [`Authenticated::begin`] alone makes one, and
/// nothing is issued without one.
pub(crate) struct ClientTx<'a, 't>(&'a mut Tx<'t>);

impl<'t> Deref for ClientTx<'_, 't> {
    type Target = Tx<'t>;

    fn deref(&self) -> &Tx<'t> {
        self.0
    }
}

impl<'t> DerefMut for ClientTx<'_, 't> {
    fn deref_mut(&mut self) -> &mut Tx<'t> {
        self.0
    }
}

/// The client of this request.
pub(crate) async fn authenticate(cx: &Context, headers: &HeaderMap, form: &Form) -> Result<Authenticated, TokenError> {
    let credentials = Credentials::read(headers, form).map_err(TokenError::Credentials)?;
    let client = cx.client_at_token(credentials.client_id()).await.map_err(|refusal| match refusal {
        ClientRefusal::Store(error) => TokenError::Store(error),
        other => TokenError::UnknownClient(other),
    })?;
    if credentials.method() != client.client.auth || !offered(&cx.config, client.client.auth) {
        return Err(TokenError::WrongAuthMethod(client.client.auth));
    }
    let assertion = prove(cx, &credentials, &client)?;
    if client.client.auth != AuthMethod::None {
        net::caller::verified();
    }
    if assertion.is_none() {
        return Ok(Authenticated { client, assertion });
    }
    match cx.reread_at_token(credentials.client_id()).await {
        Ok(None) => Ok(Authenticated { client, assertion }),
        Ok(Some(client)) if credentials.method() == client.client.auth => {
            let assertion = prove(cx, &credentials, &client)?;
            Ok(Authenticated { client, assertion })
        }
        Ok(Some(client)) => Err(TokenError::WrongAuthMethod(client.client.auth)),
        Err(ClientRefusal::Store(error)) => Err(TokenError::Store(error)),
        Err(refusal) => Err(TokenError::OldKeys(refusal)),
    }
}

/// The client that a request says it is from, for the record of a refusal.
pub(crate) fn claimed(headers: &HeaderMap, form: &Form) -> Option<ClientId> {
    Credentials::read(headers, form).ok().map(|credentials| credentials.client_id().clone())
}

/// What the credentials prove of `client`: an assertion that has to be used up, or no more than that a secret is right.
fn prove(cx: &Context, shown: &Credentials, client: &Resolved) -> Result<Option<Assertion>, TokenError> {
    let wrong = TokenError::WrongAuthMethod(client.client.auth);
    match shown {
        Credentials::None(_) => Ok(None),
        Credentials::Assertion { client: id, jwt } => {
            let keys = client.keys.as_ref().ok_or(wrong)?;
            let signed_for = |audience: &str| verify_assertion(jwt, id, keys, audience, cx.store.now());
            match signed_for(cx.issuer()) {
                Err(AssertionError::Audience { .. }) if signs_for_token_endpoint(cx, id) => {
                    Ok(Some(signed_for(&format!("{}{}", cx.issuer(), paths::TOKEN))?))
                }
                signed => Ok(Some(signed?)),
            }
        }
        Credentials::Basic { .. } | Credentials::Post { .. } => {
            let known = Digest::of(client.secret.as_ref().ok_or(wrong)?.expose());
            // Each reading is compared, whatever the one before says.
            let fitting = shown.secrets().filter(|secret| known.same_as(&Digest::of(secret))).count();
            if fitting > 0 { Ok(None) } else { Err(TokenError::WrongSecret) }
        }
    }
}

/// A switch for this one client, whose name the operator wrote down. Nobody else may choose another audience.
fn signs_for_token_endpoint(cx: &Context, client: &ClientId) -> bool {
    cx.config.clients.known(client).is_some_and(|known| known.facts().signs_for_token_endpoint)
}
