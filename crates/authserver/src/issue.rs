//! From a grant that stands to an access token, and a refresh token where one is due.
//!
//! Above the baseline a token names only what a live elevation gives right now, and ends with the first
//! of them. A refresh token never carries more than the baseline.
//!
//! Spec: RFC 6749 §5.1 and §6, RFC 9068 §2.2.

use model::{AccessClaims, Actor, Agent, AgentKind, ClientId, Event, EventName, Grant, ScopeSet, Span, Subject};
use serde::Serialize;
use store::{Refresh, Tx};
use token::{Opaque, random};

use crate::{
    cx::Cx,
    error::TokenError,
    scopes::{self, Asker, Need},
};

/// What is to be issued.
pub(crate) struct Order {
    pub(crate) agent: Agent,
    pub(crate) grant: Grant,
    pub(crate) client: ClientId,
    pub(crate) resource: String,
    pub(crate) asked: ScopeSet,
    pub(crate) grant_type: &'static str,
    pub(crate) lasts: Span,
    pub(crate) renewal: Renewal,
}

/// Does a refresh token come with it?
pub(crate) enum Renewal {
    No,
    FirstOfFamily,
    NextOf(String),
}

/// Issued in the store; not yet signed.
pub(crate) struct Issued {
    claims: AccessClaims,
    refresh: Option<Opaque>,
}

/// The answer of the token endpoint. Spec: RFC 6749 §5.1
#[derive(Debug, Serialize)]
pub(crate) struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

/// Decides what the token says and writes down what must be kept. The event belongs into the same commit.
pub(crate) async fn issue(cx: &Cx, tx: &mut Tx<'_>, order: Order) -> Result<(Event, Issued), TokenError> {
    let now = tx.now();
    let asker = Asker::of(&order.agent);
    scopes::may_connect(cx, &asker, &order.grant.server)?;
    let live = tx.live_elevations(&order.grant.id, now).await?;
    let mut scopes = order.grant.scopes.clone();
    let mut end = now.after(order.lasts).min(order.grant.not_after);
    let mut elevations = Vec::new();
    for scope in order.asked.iter().filter(|scope| !order.grant.scopes.covers(scope)) {
        let elevation = live.iter().find(|elevation| elevation.scope == *scope);
        if let Some((elevation, until)) = elevation.and_then(|e| e.not_after.map(|until| (e, until)))
            && until.seconds() > now.seconds()
        {
            end = end.min(until);
            elevations.push(elevation.id.to_string());
            scopes.insert(scope.clone());
        } else if scopes::need(cx, &asker, scope) == Ok(Need::Standing) {
            scopes.insert(scope.clone());
        }
    }
    let claims = AccessClaims {
        iss: cx.issuer().to_owned(),
        aud: order.resource.clone(),
        sub: match order.agent.kind {
            AgentKind::Delegated => Subject::Person(order.agent.owner.clone()),
            AgentKind::Autonomous => Subject::Agent(order.agent.id.clone()),
        },
        client_id: order.client.clone(),
        scope: scopes,
        jti: Opaque::mint("at").digest().to_hex()[..32].to_owned(),
        iat: now.seconds(),
        exp: end.seconds(),
        grant_id: order.grant.id.clone(),
        agent_id: order.agent.id.clone(),
    };
    if claims.exp <= claims.iat {
        return Err(crate::liveness::Dead::GrantEnded.into());
    }
    let refresh = put_refresh(cx, tx, &order).await?;
    let mut event = Event::new(EventName::TokenIssued, Actor::Agent(order.agent.id.to_string()))
        .with("agent", &order.agent.id)
        .with("client", &order.client)
        .with("server", &order.grant.server)
        .with("scope", &claims.scope)
        .with("grant", &order.grant.id)
        .with("grant_type", order.grant_type)
        .with("jti", &claims.jti)
        .count("expires_in", (claims.exp - claims.iat).unsigned_abs());
    if order.agent.kind == AgentKind::Delegated {
        event = event.with("person", &order.agent.owner);
    }
    if !elevations.is_empty() {
        event = event.with("elevation", elevations.join(" "));
    }
    Ok((event, Issued { claims, refresh }))
}

async fn put_refresh(cx: &Cx, tx: &mut Tx<'_>, order: &Order) -> Result<Option<Opaque>, TokenError> {
    let family = match &order.renewal {
        Renewal::No => return Ok(None),
        Renewal::FirstOfFamily => token::Digest::of_bytes(&random::<16>()).to_hex()[..32].to_owned(),
        Renewal::NextOf(family) => family.clone(),
    };
    let refresh = Opaque::mint("rt");
    tx.put_refresh(&Refresh {
        digest: refresh.digest(),
        family,
        client: order.client.clone(),
        grant: order.grant.id.clone(),
        scopes: order.grant.scopes.clone(),
        resource: order.resource.clone(),
        issued_at: tx.now(),
        not_after: tx.now().after(cx.config.tokens.refresh_idle).min(order.grant.not_after),
    })
    .await?;
    Ok(Some(refresh))
}

impl Issued {
    /// Signed, for the wire. After the commit: signing must not hold up the writer.
    pub(crate) fn sign(self, cx: &Cx) -> Result<TokenResponse, TokenError> {
        Ok(TokenResponse {
            access_token: cx.store.keys().sign_access(&self.claims)?,
            token_type: "Bearer",
            expires_in: self.claims.exp - self.claims.iat,
            scope: self.claims.scope.to_string(),
            refresh_token: self.refresh.map(|refresh| refresh.expose().to_owned()),
        })
    }
}
