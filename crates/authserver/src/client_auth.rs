//! Who the client at the token endpoint is: one method per request, and the one it registered.
//!
//! Spec: RFC 6749 §2.3, RFC 7521 §4.2, RFC 7523 §3, draft-ietf-oauth-rfc7523bis.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header};
use model::{AuthMethod, ClientId, config::Config};
use pages::{Form, FormError};
use store::Tx;
use token::{Assertion, AssertionError, Digest, claimed_issuer, verify_assertion};

use crate::{
    clients::{ClientRefusal, Resolved},
    cx::Cx,
    error::TokenError,
    http::paths,
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

    /// Uses the assertion up: first thing in every transaction that acts for this client.
    ///
    /// Spec: RFC 7523 §3 (7)
    pub(crate) async fn use_assertion(&self, tx: &mut Tx<'_>) -> Result<(), TokenError> {
        let Some(assertion) = &self.assertion else { return Ok(()) };
        let key = format!("{} {}", self.client.client.id, assertion.jti);
        let now = tx.now();
        if tx.use_once("client_assertion", &key, assertion.expires_at, now).await? {
            Ok(())
        } else {
            Err(TokenError::AssertionReplayed)
        }
    }
}

/// The client of this request.
pub(crate) async fn authenticate(cx: &Cx, headers: &HeaderMap, form: &Form) -> Result<Authenticated, TokenError> {
    let credentials = Credentials::read(headers, form)?;
    let client = cx.client_at_token(credentials.client_id()).await.map_err(|refusal| match refusal {
        ClientRefusal::Store(error) => TokenError::Store(error),
        other => TokenError::UnknownClient(other),
    })?;
    if credentials.method() != client.client.auth || !offered(&cx.config, client.client.auth) {
        return Err(TokenError::WrongAuthMethod(client.client.auth));
    }
    let assertion = credentials.prove(cx, &client)?;
    if client.client.auth != AuthMethod::None {
        net::caller::verified();
    }
    if assertion.is_none() {
        return Ok(Authenticated { client, assertion });
    }
    match cx.reread_at_token(credentials.client_id()).await {
        Ok(None) => Ok(Authenticated { client, assertion }),
        Ok(Some(client)) if credentials.method() == client.client.auth => {
            let assertion = credentials.prove(cx, &client)?;
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

enum Credentials {
    None(ClientId),
    Assertion { client: ClientId, jwt: String },
    Basic { client: ClientId, secret: String },
    Post { client: ClientId, secret: String },
}

impl Credentials {
    /// Spec: RFC 6749 §2.3 ("MUST NOT use more than one authentication method in each request")
    fn read(headers: &HeaderMap, form: &Form) -> Result<Self, TokenError> {
        let basic = headers.get(header::AUTHORIZATION);
        let secret = form.value("client_secret");
        let jwt = form.value("client_assertion");
        let kind = form.value("client_assertion_type");
        if [basic.is_some(), secret.is_some(), jwt.is_some() || kind.is_some()].iter().filter(|there| **there).count()
            > 1
        {
            return Err(TokenError::SeveralAuthMethods);
        }
        let named = form.value("client_id").map(client_id).transpose()?;
        if let Some(basic) = basic {
            let (client, secret) = basic_credentials(basic.as_bytes()).ok_or(TokenError::BadAuthorization)?;
            return match named {
                Some(named) if named != client => Err(TokenError::SeveralAuthMethods),
                _ => Ok(Self::Basic { client, secret }),
            };
        }
        if jwt.is_some() || kind.is_some() {
            if kind != Some(ASSERTION_TYPE) {
                return Err(TokenError::AssertionType);
            }
            let jwt = form.require("client_assertion")?.to_owned();
            let client = claimed_issuer(&jwt).or(named.clone()).ok_or(FormError::Missing("client_id".into()))?;
            return match named {
                Some(named) if named != client => Err(TokenError::AssertionOfAnother),
                _ => Ok(Self::Assertion { client, jwt }),
            };
        }
        let client = named.ok_or(FormError::Missing("client_id".into()))?;
        Ok(match secret {
            Some(secret) => Self::Post { client, secret: secret.to_owned() },
            None => Self::None(client),
        })
    }

    fn client_id(&self) -> &ClientId {
        match self {
            Self::None(client)
            | Self::Assertion { client, .. }
            | Self::Basic { client, .. }
            | Self::Post { client, .. } => client,
        }
    }

    fn method(&self) -> AuthMethod {
        match self {
            Self::None(_) => AuthMethod::None,
            Self::Assertion { .. } => AuthMethod::PrivateKeyJwt,
            Self::Basic { .. } => AuthMethod::ClientSecretBasic,
            Self::Post { .. } => AuthMethod::ClientSecretPost,
        }
    }

    fn prove(&self, cx: &Cx, client: &Resolved) -> Result<Option<Assertion>, TokenError> {
        let wrong = TokenError::WrongAuthMethod(client.client.auth);
        match self {
            Self::None(_) => Ok(None),
            Self::Assertion { client: id, jwt } => {
                let keys = client.keys.as_ref().ok_or(wrong)?;
                let signed_for = |audience: &str| verify_assertion(jwt, id, keys, audience, cx.store.now());
                match signed_for(cx.issuer()) {
                    Err(AssertionError::Audience { .. }) if signs_for_token_endpoint(cx, id) => {
                        Ok(Some(signed_for(&format!("{}{}", cx.issuer(), paths::TOKEN))?))
                    }
                    signed => Ok(Some(signed?)),
                }
            }
            Self::Basic { secret, .. } | Self::Post { secret, .. } => {
                let known = client.secret.as_ref().ok_or(wrong)?;
                if Digest::of(known.expose()).same_as(&Digest::of(secret)) {
                    Ok(None)
                } else {
                    Err(TokenError::WrongSecret)
                }
            }
        }
    }
}

/// A switch for this one client, whose name the operator wrote down. Nobody else may choose another audience.
fn signs_for_token_endpoint(cx: &Cx, client: &ClientId) -> bool {
    cx.config.clients.known(client).is_some_and(|known| known.facts().signs_for_token_endpoint)
}

fn client_id(text: &str) -> Result<ClientId, TokenError> {
    text.parse().map_err(|_| TokenError::UnknownClient(ClientRefusal::NotRegistered))
}

/// Spec: RFC 6749 §2.3.1 (both halves are form-encoded before they are joined), RFC 7617 §2
fn basic_credentials(value: &[u8]) -> Option<(ClientId, String)> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(BASE64_STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode = |half: &str| {
        form_urlencoded::parse(format!("v={}", half.replace('&', "%26")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    Some((decode(id)?.parse().ok()?, decode(secret)?))
}

/// Spec: RFC 7523 §2.2
pub(crate) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
