//! From a grant that stands to an access token, and a refresh token where one is due.
//!
//! Above the baseline a token names only what a live elevation gives right now, and ends with the first
//! of them. A refresh token never carries more than the baseline.
//!
//! Spec: RFC 6749 §5.1 and §6, RFC 9068 §2.2, RFC 9449 §5 and §6.1.

use crypto::Opaque;
use model::{
    AccessClaims, Actor, Agent, AgentKind, ClientId, Confirmation, Event, Grant, GrantType, Id, Installation, ScopeSet,
    Span, Subject, Task, Timestamp, event::TokenIssued,
};
use oauth::{TokenResponse, task_details::TaskGranted};
use privilege::authority::{Need, NotIssuable};
use store::{Refresh, secrets::AccessSigner};

use crate::{
    client_auth::ClientTx,
    context::Context,
    error::TokenError,
    scopes::{self, Proving, ScopeRefusal},
};

/// What is to be issued.
pub(crate) struct Order {
    pub(crate) agent: Agent,
    pub(crate) grant: Grant,
    /// What all of it belongs to.
    pub(crate) installation: Id<Installation>,
    pub(crate) client: ClientId,
    pub(crate) resource: String,
    /// What of the grant's own scopes goes into the token.
    pub(crate) baseline: ScopeSet,
    /// What is wanted beyond that.
    pub(crate) asked: ScopeSet,
    pub(crate) grant_type: GrantType,
    pub(crate) lasts: Span,
    /// The end of the first answer, when this one repeats it.
    pub(crate) at_latest: Option<Timestamp>,
    pub(crate) renewal: Renewal,
    /// The task that every call with the token belongs to.
    pub(crate) task: Option<Task>,
    /// By whose word, where it is an identity provider's.
    pub(crate) word: Option<Word>,
}

/// The word of an identity provider.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    /// What the operator calls it.
    pub(crate) provider: String,
    /// The id of its assertion.
    pub(crate) assertion: String,
}

/// Does a refresh token come with it?
pub(crate) enum Renewal {
    No,
    /// A new one, good until then.
    Put(Opaque, Timestamp),
    /// One that is kept already.
    Keep(Opaque),
}

/// Issued in the store; not yet signed.
pub(crate) struct Issued {
    claims: AccessClaims,
    refresh: Option<Opaque>,
    task: Option<Task>,
}

/// Decides what the token says and writes down what must be kept. The event belongs into the same commit.
pub(crate) async fn issue(
    cx: &Context,
    tx: &mut ClientTx<'_, '_>,
    order: Order,
) -> Result<(Event, Issued), TokenError> {
    let now = tx.now();
    let issuing = scopes::issuing(cx, &order.agent, &order.grant.server, Proving::Now(tx.key()))?;
    issuing.may_be_issued().map_err(ScopeRefusal::from)?;
    let by_people = matches!(order.grant_type, GrantType::AuthorizationCode | GrantType::RefreshToken);
    if by_people && issuing.rules.enterprise_only {
        return Err(TokenError::EnterpriseOnly);
    }
    let mut live = tx.live_elevations(&order.grant.id, now).await?;
    live.retain(|elevation| elevation.ends_with.task.as_ref() == order.task.as_ref().map(|task| &task.id));
    let mut scopes = order.baseline.clone();
    let mut end = now.after(order.lasts).min(order.grant.not_after);
    end = order.task.as_ref().map_or(end, |task| end.min(task.deadline));
    let mut elevations = Vec::new();
    for scope in order.asked.iter().filter(|scope| !order.baseline.covers(scope)) {
        let need = issuing.need(scope);
        // What takes a key is of no use in a token that is bound to none, whoever said yes to it.
        if let Err(refusal @ NotIssuable::NeedsKey(_)) = &need {
            tracing::info!(event = "scope_left_out", agent = %order.agent.id, reason = %refusal);
            continue;
        }
        let elevation = live.iter().find(|elevation| elevation.scope == *scope);
        if let Some((elevation, until)) = elevation.and_then(|e| e.not_after().map(|until| (e, until)))
            && until.seconds() > now.seconds()
        {
            end = end.min(until);
            elevations.push(elevation.id.to_string());
            scopes.insert(scope.clone());
        } else if need == Ok(Need::Standing) {
            scopes.insert(scope.clone());
        }
    }
    // The shortest life of all that it carries, so that it is never refused for a tier while it lives.
    let longest = issuing.rules.longest.or(cx.config.tokens.longest);
    let lives = scopes.iter().filter_map(|scope| longest.of(scope.tier()));
    end = lives.fold(end, |end, life| end.min(now.after(life)));
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
        exp: order.at_latest.map_or(end, |latest| latest.min(end)).seconds(),
        grant_id: order.grant.id.clone(),
        agent_id: order.agent.id.clone(),
        sid: Some(order.installation.clone()),
        task: order.task.as_ref().map(|task| task.id.clone()),
        cnf: tx.key().map(|key| Confirmation { jkt: key.clone() }),
    };
    // A repeated answer may come when the first one's token is over: it still tells the refresh token.
    if claims.exp <= claims.iat && order.at_latest.is_none() {
        return Err(crate::liveness::Dead::GrantEnded.into());
    }
    let issued = TokenIssued {
        agent: order.agent.id.clone(),
        client: order.client.clone(),
        person: (order.agent.kind == AgentKind::Delegated).then(|| order.agent.owner.clone()),
        server: order.grant.server.clone(),
        scope: claims.scope.clone(),
        grant: order.grant.id.clone(),
        installation: order.installation.clone(),
        grant_type: order.grant_type,
        idp: order.word.as_ref().map(|word| word.provider.clone()),
        assertion: order.word.as_ref().map(|word| model::shown(&word.assertion, 256)),
        jti: claims.jti.clone(),
        expires_in: (claims.exp - claims.iat).max(0).unsigned_abs(),
        elevation: (!elevations.is_empty()).then(|| elevations.join(" ")),
        key: tx.key().cloned(),
    };
    let event = issued.by(Actor::Agent(order.agent.id.clone()));
    let task = order.task.clone();
    let refresh = put_refresh(tx, order).await?;
    Ok((event, Issued { claims, refresh, task }))
}

async fn put_refresh(tx: &mut ClientTx<'_, '_>, order: Order) -> Result<Option<Opaque>, TokenError> {
    let (refresh, not_after) = match order.renewal {
        Renewal::No => return Ok(None),
        Renewal::Keep(refresh) => return Ok(Some(refresh)),
        Renewal::Put(refresh, not_after) => (refresh, not_after),
    };
    let (key, issued_at) = (tx.refresh_key().cloned(), tx.now());
    tx.put_refresh(&Refresh {
        digest: refresh.digest(),
        installation: order.installation,
        client: order.client,
        grant: order.grant.id,
        scopes: order.grant.scopes,
        resource: order.resource,
        task: order.task.map(|task| task.id),
        key,
        issued_at,
        not_after,
    })
    .await?;
    Ok(Some(refresh))
}

impl Issued {
    /// When the access token ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.claims.expires_at()
    }

    /// What the access token is for.
    pub(crate) fn scopes(&self) -> &ScopeSet {
        &self.claims.scope
    }

    /// Signed, for the wire. After the commit: signing must not hold up the writer.
    pub(crate) fn sign(self, cx: &Context) -> Result<TokenResponse, TokenError> {
        Ok(TokenResponse {
            access_token: AccessSigner::of(&cx.store).sign(&self.claims)?,
            token_type: if self.claims.key().is_some() { "DPoP" } else { "Bearer" }.to_owned(),
            expires_in: (self.claims.exp - self.claims.iat).max(0).unsigned_abs(),
            scope: self.claims.scope.to_string(),
            refresh_token: self.refresh.map(|refresh| refresh.expose().to_owned()),
            elevation_id: None,
            authorization_details: self.task.iter().map(TaskGranted::of).collect(),
        })
    }
}
