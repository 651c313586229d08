//! From a token that says something to a principal that is alive.
//!
//! `Presented` (came off the wire) → `Verified` (signature, audience, lifetime hold) → [`Live`] (grant,
//! agent and person stand, no block stops them). Only the last says who acts.
//!
//! A verdict is kept together with the revocation epoch under which it was reached. Whatever takes
//! authority away raises the epoch, so a kept verdict is as good as a fresh one, and the hot path is a
//! hash, a look-up and two comparisons.
//!
//! Spec: RFC 9068 §4, MCP basic/authorization (token validation).

use std::sync::Arc;

use model::{AccessClaims, Agent, Block, Grant, Id, NotStanding, Server, Standing, Target, Timestamp, ToolName};
use store::{GrantHolder, Store};
use token::{AccessTokenError, Expected, Presented, Verified};

use crate::{protected::Protected, refusal::Refusal, verdicts::Verdicts};

/// A principal that was alive under an epoch.
#[derive(Debug)]
pub struct Live {
    claims: AccessClaims,
    holder: GrantHolder,
    /// Tools of the server that the kill switch stops.
    stopped: Vec<ToolName>,
    epoch: u64,
}

/// Finds out who acts.
#[derive(Debug)]
pub struct Verifier {
    store: Store,
    issuer: String,
    verdicts: Verdicts,
}

impl Verifier {
    /// For tokens of `issuer`.
    pub fn new(store: Store, issuer: String) -> Self {
        Self { store, issuer, verdicts: Verdicts::new() }
    }

    /// Who acts on `server` with this token, right now.
    pub async fn live(&self, server: &Protected, presented: Presented) -> Result<Arc<Live>, NotLive> {
        self.store.standing_freshness().map_err(|_| Refusal::Unavailable)?;
        let digest = presented.digest();
        let now = self.store.now();
        let known = self.verdicts.find(&digest, self.store.epoch());
        if let Some(live) = known.filter(|live| live.claims.aud == server.resource) {
            live.in_time(now)?;
            return Ok(live);
        }
        let expected = Expected { issuer: &self.issuer, audience: &server.resource };
        let verified = self.store.verify_access(presented, &expected, now).map_err(|error| unusable(&error))?;
        let live = Arc::new(Live::establish(&self.store, &server.id, verified).await?);
        // Asking took a while, and the node may have lost its lease meanwhile.
        self.store.standing_freshness().map_err(|_| Refusal::Unavailable)?;
        self.verdicts.keep(digest, live.clone());
        Ok(live)
    }

    /// Was nothing taken away from the principal? At once under an unchanged epoch, otherwise by asking the store
    /// again. Time that ran out takes nothing away from what has begun.
    pub async fn still_live(&self, live: &Arc<Live>) -> Result<Arc<Live>, NotLive> {
        self.store.standing_freshness().map_err(|_| Refusal::Unavailable)?;
        if live.epoch == self.store.epoch() {
            return Ok(live.clone());
        }
        let live = Live::stand(&self.store, &live.grant().server, live.claims.clone()).await.map(Arc::new)?;
        self.store.standing_freshness().map_err(|_| Refusal::Unavailable)?;
        Ok(live)
    }

    /// The store, whose clock and epoch count.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Nobody acts.
#[derive(Debug)]
pub struct NotLive {
    /// Why.
    pub refusal: Refusal,
    /// What a token of ours says whose grant, agent or person is dead. A stranger's token leaves nothing here, so
    /// strangers can not fill the audit log.
    pub claims: Option<Box<AccessClaims>>,
}

impl From<Refusal> for NotLive {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, claims: None }
    }
}

impl Live {
    async fn establish(store: &Store, server: &Id<Server>, verified: Verified) -> Result<Self, NotLive> {
        let live = Self::stand(store, server, verified.into_claims()).await?;
        match live.in_time(store.now()) {
            Ok(()) => Ok(live),
            Err(refusal) => Err(NotLive::dead(live.claims, refusal)),
        }
    }

    /// The principal as it stands, whatever the time is.
    async fn stand(store: &Store, server: &Id<Server>, claims: AccessClaims) -> Result<Self, NotLive> {
        // INVARIANT: the epoch is read first, so a change during the reads below makes this verdict old at once.
        let epoch = store.epoch();
        let holder = store.grant_holder(&claims.grant_id, claims.installation().as_ref()).await.map_err(|error| {
            store.failed("store_failed", &error);
            Refusal::Unavailable
        })?;
        let Some(holder) = holder else {
            return Err(NotLive::dead(claims, Refusal::InvalidToken("the grant is not known")));
        };
        let mut live = Self { claims, holder, stopped: Vec::new(), epoch };
        let blocks = store.blocks();
        if let Err(refusal) = live.fits(server).and_then(|()| live.stands(&blocks)) {
            return Err(NotLive::dead(live.claims, refusal));
        }
        live.stopped = blocks.iter().filter_map(|block| live.tool_stopped_by(block)).collect();
        Ok(live)
    }

    /// Does the token name what the store knows?
    fn fits(&self, server: &Id<Server>) -> Result<(), Refusal> {
        let GrantHolder { grant, agent, .. } = &self.holder;
        let same_agent = grant.agent == self.claims.agent_id && agent.id == grant.agent;
        if !same_agent || agent.client != self.claims.client_id || grant.server != *server {
            return Err(Refusal::InvalidToken("the token does not fit its grant"));
        }
        Ok(())
    }

    /// Was nothing taken away? Its end in time is asked at each call.
    fn stands(&self, blocks: &[Block]) -> Result<(), Refusal> {
        let GrantHolder { grant, agent, person_disabled, installation_ended } = &self.holder;
        let standing = Standing::of(agent, grant);
        let issued_at = Timestamp::from_seconds(self.claims.iat);
        let refused = |why| Err(Refusal::InvalidToken(why));
        match standing.stands(*person_disabled, blocks, issued_at) {
            Ok(()) if *installation_ended => refused("access was revoked"),
            Ok(()) => Ok(()),
            Err(NotStanding::Blocked(_)) => refused("access was revoked"),
            Err(NotStanding::GrantEnded) => refused("the grant has ended"),
            Err(NotStanding::AgentNotActive(_)) => refused("the agent is suspended"),
            Err(NotStanding::OwnerDisabled) => refused("the person is disabled"),
        }
    }

    /// Has neither the token nor the grant run out?
    pub fn in_time(&self, now: Timestamp) -> Result<(), Refusal> {
        if now >= self.claims.expires_at() {
            return Err(Refusal::InvalidToken("the token has expired"));
        }
        if !self.holder.grant.is_live(now) {
            return Err(Refusal::InvalidToken("the grant has ended"));
        }
        Ok(())
    }

    fn tool_stopped_by(&self, block: &Block) -> Option<ToolName> {
        let Target::Tool(_, tool) = &block.target else { return None };
        let standing = Standing { tool: Some(tool), ..Standing::of(&self.holder.agent, &self.holder.grant) };
        block.stops(&standing.covered(), Timestamp::from_seconds(self.claims.iat)).then(|| tool.clone())
    }

    /// Does the kill switch stop this one tool?
    pub fn tool_is_stopped(&self, tool: &ToolName) -> bool {
        self.stopped.contains(tool)
    }

    /// What the token says.
    pub fn claims(&self) -> &AccessClaims {
        &self.claims
    }

    /// The grant.
    pub fn grant(&self) -> &Grant {
        &self.holder.grant
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.holder.agent
    }

    /// The epoch under which this was found out.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl NotLive {
    fn dead(claims: AccessClaims, refusal: Refusal) -> Self {
        Self { refusal, claims: Some(Box::new(claims)) }
    }
}

/// Fixed words: what is wrong with a token is told to its holder, never what is in it.
fn unusable(error: &AccessTokenError) -> Refusal {
    tracing::debug!(event = "token_refused", %error);
    Refusal::InvalidToken(match error {
        AccessTokenError::Expired { .. } => "the token has expired",
        AccessTokenError::Audience { .. } => "the token is for another server",
        _ => "the token was not issued here",
    })
}
