//! The revocation endpoint: a client gives up a token of its own.
//!
//! Whatever the token, its installation ends: the client on this computer wants to be logged out, and on no other. An
//! access token is a JWT, so this is what stops it. The answer comes when every node acts on it: anything less would
//! say "revoked" of a token that still works.
//!
//! Spec: RFC 7009 §2 and §2.1.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use crypto::{Digest, Expected, Presented};
use http::HeaderMap;
use model::{
    AccessClaims, Actor,
    event::{InstallationEnd, TokenKind, TokenRevoked},
};
use oauth::Form;
use privilege::installation;
use store::{Commit, Tx};

use crate::{
    client_auth::{self, Authenticated},
    context::Context,
    error::TokenError,
    token_endpoint,
};

/// Revokes the token in `form`. Unknown tokens are fine: they do not work, which is what was asked.
pub(crate) async fn answer(cx: &Arc<Context>, headers: &HeaderMap, form: Form) -> Result<(), TokenError> {
    cx.store.standing_freshness()?;
    let client = match client_auth::authenticate(cx, headers, &form).await {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return Err(token_endpoint::refused(cx, client_auth::claimed(headers, &form), None, None, error).await);
        }
    };
    match revoke(cx, client.clone(), &form).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let id = client.client.client.id.clone();
            Err(token_endpoint::refused(cx, Some(id), Some(client), None, error).await)
        }
    }
}

async fn revoke(cx: &Arc<Context>, client: Arc<Authenticated>, form: &Form) -> Result<(), TokenError> {
    let token = form.require("token")?;
    let digest = Digest::of(token);
    let claims = own_access_token(cx, token);
    if claims.as_ref().is_some_and(|claims| claims.client_id != client.client.client.id) {
        return Err(TokenError::TokenOfAnother);
    }
    let token =
        cx.store.write(move |tx| Box::pin(async move { in_transaction(tx, &client, digest, claims).await })).await?;
    match token {
        Token::Dead => Ok(cx.store.wait_until_everywhere().await?),
        Token::Unknown => Ok(()),
    }
}

/// What the token is afterwards.
enum Token {
    Dead,
    Unknown,
}

async fn in_transaction(
    tx: &mut Tx<'_>,
    client: &Authenticated,
    digest: Digest,
    claims: Option<AccessClaims>,
) -> Result<Commit<Token>, TokenError> {
    let tx = &mut client.begin(tx).await?;
    let id = &client.client.client.id;
    let (kind, installation) = match (claims, tx.refresh(digest).await?) {
        (Some(claims), _) => (TokenKind::AccessToken, claims.installation()),
        (None, Some((refresh, _))) if refresh.client != *id => return Err(TokenError::TokenOfAnother),
        (None, Some((refresh, _))) => (TokenKind::RefreshToken, Some(refresh.installation)),
        (None, None) => (TokenKind::Unknown, None),
    };
    let revoked = TokenRevoked { client: id.clone(), kind, installation: installation.clone() };
    let event = revoked.by(Actor::Client(id.clone()));
    let Some(installation) = installation else {
        // Anybody can say the name of a public client, so what changes nothing leaves no record of it.
        return Ok(match client.has_proved_itself() {
            true => Commit::with(event, Token::Unknown),
            false => Commit::nothing(Token::Unknown),
        });
    };
    Ok(match installation::end(tx, &installation, id, InstallationEnd::TokenRevoked).await? {
        Some(ended) => Commit::with(event, Token::Dead).and(ended),
        None if client.has_proved_itself() => Commit::with(event, Token::Dead),
        None => Commit::nothing(Token::Dead),
    })
}

/// The claims of a token that we issued and that is still good.
pub(crate) fn own_access_token(cx: &Context, token: &str) -> Option<AccessClaims> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let unverified: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let audience = unverified.get("aud")?.as_str()?;
    let expected = Expected { issuer: cx.issuer(), audience };
    let verified = cx.store.verify_access(Presented::new(token).ok()?, &expected, cx.store.now()).ok()?;
    Some(verified.into_claims())
}
