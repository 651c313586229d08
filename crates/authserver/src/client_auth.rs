//! Who the client at the token endpoint is: one method per request, and the one it registered.
//!
//! Spec: RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3, draft-ietf-oauth-rfc7523bis.

use std::ops::{Deref, DerefMut};

use crypto::{Assertion, AssertionError, Digest, Proof, ProofError, verify_assertion};
use http::HeaderMap;
use model::{AuthMethod, ClientId, Thumbprint, config::Config};
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
    proof: Option<Proof>,
}

impl Authenticated {
    /// Did it show a key or a secret? A public client only says its name, which anybody can.
    pub(crate) fn has_proved_itself(&self) -> bool {
        self.client.client.auth != AuthMethod::None
    }

    /// The same client, with the proof of a key.
    pub(crate) fn proving(self, proof: Option<Proof>) -> Self {
        Self { proof, ..self }
    }

    /// The key that it proved, to which what is issued is bound.
    pub(crate) fn key(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(Proof::thumbprint)
    }

    /// The key that its refresh tokens are bound to. One that authenticates is bound by that, and may change its key.
    ///
    /// Spec: RFC 9449 §5
    pub(crate) fn refresh_key(&self) -> Option<&Thumbprint> {
        self.key().filter(|_| !self.has_proved_itself())
    }

    /// Did it sign for this very request? Then what was issued to it is worth nothing in other hands.
    pub(crate) fn proves_a_key(&self) -> bool {
        self.assertion.is_some()
    }

    /// Begins to act for this client in `tx`: its assertion and its proof are used up, so a second request with one of them
    /// finds nothing to do.
    ///
    /// Spec: RFC 7523 §3 (7), RFC 9449 §11.1
    pub(crate) async fn begin<'a, 't>(&self, tx: &'a mut Tx<'t>) -> Result<ClientTx<'a, 't>, TokenError> {
        if let Some(assertion) = &self.assertion {
            let key = format!("{} {}", self.client.client.id, assertion.jti);
            let now = tx.now();
            if !tx.use_once("client_assertion", &key, assertion.expires_at, now).await? {
                return Err(TokenError::AssertionReplayed);
            }
        }
        if let Some(proof) = &self.proof
            && !tx.use_proof(proof).await?
        {
            return Err(ProofError::Replayed.into());
        }
        Ok(ClientTx { tx, key: self.key().cloned(), refresh_key: self.refresh_key().cloned() })
    }
}

/// A transaction that acts for a client, in which its assertion and its proof were used up. [`Authenticated::begin`] alone makes
/// one, and nothing is issued without one: what is issued is bound to the key that it knows.
pub(crate) struct ClientTx<'a, 't> {
    tx: &'a mut Tx<'t>,
    key: Option<Thumbprint>,
    refresh_key: Option<Thumbprint>,
}

impl ClientTx<'_, '_> {
    /// The key that access tokens are bound to.
    pub(crate) fn key(&self) -> Option<&Thumbprint> {
        self.key.as_ref()
    }

    /// The key that refresh tokens are bound to.
    pub(crate) fn refresh_key(&self) -> Option<&Thumbprint> {
        self.refresh_key.as_ref()
    }
}

impl<'t> Deref for ClientTx<'_, 't> {
    type Target = Tx<'t>;

    fn deref(&self) -> &Tx<'t> {
        self.tx
    }
}

impl<'t> DerefMut for ClientTx<'_, 't> {
    fn deref_mut(&mut self) -> &mut Tx<'t> {
        self.tx
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
        return Ok(Authenticated { client, assertion, proof: None });
    }
    match cx.reread_at_token(credentials.client_id()).await {
        Ok(None) => Ok(Authenticated { client, assertion, proof: None }),
        Ok(Some(client)) if credentials.method() == client.client.auth => {
            let assertion = prove(cx, &credentials, &client)?;
            Ok(Authenticated { client, assertion, proof: None })
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
