//! From a token that says something to a principal that is alive.
//!
//! `Presented` (came off the wire) → `Verified` (signature, audience, lifetime hold) → `Unbound` (grant, agent and person stand, no
//! block stops them) → [`Principal`] (its sender proved the key that it is bound to, if it is bound to one). Only the last says who acts.
//!
//! A verdict is kept together with the revocation epoch under which it was reached. Whatever takes
//! authority away raises the epoch, so a kept verdict is as good as a fresh one, and the hot path is a
//! hash, a look-up and two comparisons.
//!
//! Spec: RFC 9068 §4, RFC 9449 §7, MCP basic/authorization (token validation).

mod binding;
mod verifier;

use crypto::{Proof, ProofError, Verified};
use model::{
    AccessClaims, Actor, Agent, Block, Grant, Id, NotStanding, Server, Standing, Target, Thumbprint, Tier, Timestamp,
    ToolName,
    config::{LongestConfig, ProofConfig, ProofDemand},
};
use store::{GrantHolder, Store};

pub use verifier::Verifier;

/// A principal that was alive under an epoch.
#[derive(Clone, Debug)]
pub struct Principal {
    claims: AccessClaims,
    holder: GrantHolder,
    /// Tools of the server that the kill switch stops.
    stopped: Vec<ToolName>,
    epoch: u64,
    /// Of the key that its token is bound to, for the request at hand.
    proof: Option<Proof>,
}

/// Nobody acts.
#[derive(Debug)]
pub struct NoPrincipal {
    /// Why.
    pub why: PrincipalError,
    /// What a token of ours says whose grant, agent or person is dead. A stranger's token leaves nothing here, so
    /// strangers can not fill the audit log.
    pub claims: Option<Box<AccessClaims>>,
}

impl From<PrincipalError> for NoPrincipal {
    fn from(why: PrincipalError) -> Self {
        Self { why, claims: None }
    }
}

/// Why nobody acts. What is wrong with a token is told to its holder, never what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalError {
    /// Its time is over.
    TokenExpired,
    /// It is older than a token may be that is used for this tier.
    TooOldFor(Tier),
    /// Its audience is another server.
    OtherServer,
    /// No key of ours signed it, or it is not an access token.
    NotIssuedHere,
    /// It is bound to a key, and came without a proof of it.
    KeyNotShown,
    /// It is bound to another key than the one that was proved.
    OtherKey,
    /// A proof came with it, and it is bound to no key.
    NotBound,
    /// The proof that came with it proves nothing.
    Proof(ProofError),
    /// What it is used for takes one that is bound to a key.
    KeyRequired,
    /// Nobody gave the grant that it names, or it is forgotten.
    GrantUnknown,
    /// Agent, client or server are not those of its grant.
    GrantDiffers,
    /// A block stops it, or its installation was ended.
    Revoked,
    /// Its grant is over.
    GrantEnded,
    /// Its agent may not act at present.
    AgentSuspended,
    /// The task that the token belongs to is over; a new token belongs to another, or to none.
    TaskOver,
    /// The person that the agent acts for, or who owns it, may not.
    PersonDisabled,
    /// The store can not be relied on right now, so nobody can be told to stand.
    StoreSilent,
}

impl std::fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TokenExpired => "the token has expired",
            Self::TooOldFor(Tier::Low) => "the token is too old for the low tier: get a new one",
            Self::TooOldFor(Tier::Medium) => "the token is too old for the medium tier: get a new one",
            Self::TooOldFor(Tier::High) => "the token is too old for the high tier: get a new one",
            Self::OtherServer => "the token is for another server",
            Self::NotIssuedHere => "the token was not issued here",
            Self::GrantUnknown => "the grant is not known",
            Self::GrantDiffers => "the token does not fit its grant",
            Self::Revoked => "access was revoked",
            Self::GrantEnded => "the grant has ended",
            Self::AgentSuspended => "the agent is suspended",
            Self::TaskOver => "the task that the token belongs to is over",
            Self::PersonDisabled => "the person is disabled",
            Self::StoreSilent => "the gateway has lost its store for the moment",
            Self::KeyNotShown => "the token is bound to a key: send it with the scheme DPoP and a proof of that key",
            Self::OtherKey => "the token is bound to another key than the one that was proved",
            Self::NotBound => "the token is bound to no key: send it with the scheme Bearer",
            Self::Proof(why) => return why.fmt(f),
            Self::KeyRequired => {
                "this takes a token that is bound to a key: ask the token endpoint for one with a DPoP proof"
            }
        })
    }
}

impl std::error::Error for PrincipalError {}

impl Principal {
    pub(super) async fn establish(store: &Store, server: &Id<Server>, verified: Verified) -> Result<Self, NoPrincipal> {
        let principal = Self::stand(store, server, verified.into_claims()).await?;
        match principal.in_time(store.now()) {
            Ok(()) => Ok(principal),
            Err(why) => Err(NoPrincipal::dead(principal.claims, why)),
        }
    }

    /// The principal as it stands, whatever the time is.
    pub(super) async fn stand(store: &Store, server: &Id<Server>, claims: AccessClaims) -> Result<Self, NoPrincipal> {
        // INVARIANT: the epoch is read first, so a change during the reads below makes this verdict old at once.
        let epoch = store.epoch();
        let holder = store.grant_holder(&claims.grant_id, claims.installation().as_ref()).await.map_err(|error| {
            store.failed("store_failed", &error);
            PrincipalError::StoreSilent
        })?;
        let Some(holder) = holder else {
            return Err(NoPrincipal::dead(claims, PrincipalError::GrantUnknown));
        };
        let mut principal = Self { claims, holder, stopped: Vec::new(), epoch, proof: None };
        let blocks = store.blocks();
        if let Err(why) = principal.fits(server).and_then(|()| principal.stands(&blocks)) {
            return Err(NoPrincipal::dead(principal.claims, why));
        }
        principal.stopped = blocks.iter().filter_map(|block| principal.tool_stopped_by(block)).collect();
        Ok(principal)
    }

    /// Does the token name what the store knows?
    fn fits(&self, server: &Id<Server>) -> Result<(), PrincipalError> {
        let GrantHolder { grant, agent, .. } = &self.holder;
        let same_agent = grant.agent == self.claims.agent_id && agent.id == grant.agent;
        if !same_agent || agent.client != self.claims.client_id || grant.server != *server {
            return Err(PrincipalError::GrantDiffers);
        }
        Ok(())
    }

    /// Was nothing taken away? Its end in time is asked at each call.
    fn stands(&self, blocks: &[Block]) -> Result<(), PrincipalError> {
        let GrantHolder { grant, agent, person_disabled, installation_ended } = &self.holder;
        let standing = Standing::of(agent, grant);
        let issued_at = Timestamp::from_seconds(self.claims.iat);
        match standing.stands(*person_disabled, blocks, issued_at) {
            Ok(()) if *installation_ended => Err(PrincipalError::Revoked),
            Ok(()) => Ok(()),
            Err(NotStanding::Blocked(_)) => Err(PrincipalError::Revoked),
            Err(NotStanding::GrantEnded) => Err(PrincipalError::GrantEnded),
            Err(NotStanding::AgentNotActive(_)) => Err(PrincipalError::AgentSuspended),
            Err(NotStanding::OwnerDisabled) => Err(PrincipalError::PersonDisabled),
        }
    }

    /// Has neither the token nor the grant run out?
    pub fn in_time(&self, now: Timestamp) -> Result<(), PrincipalError> {
        if now >= self.claims.expires_at() {
            return Err(PrincipalError::TokenExpired);
        }
        if !self.holder.grant.is_live(now) {
            return Err(PrincipalError::GrantEnded);
        }
        Ok(())
    }

    /// Is the token young enough for `tier`? Its age counts at each call, whatever was found out about it before.
    pub fn young_enough(&self, tier: Tier, longest: LongestConfig, now: Timestamp) -> Result<(), PrincipalError> {
        let issued_at = Timestamp::from_seconds(self.claims.iat);
        match longest.of(tier) {
            Some(longest) if now >= issued_at.after(longest) => Err(PrincipalError::TooOldFor(tier)),
            _ => Ok(()),
        }
    }

    /// Is its token bound to a key, where one is demanded for `tier`? Like its age, it is asked at each call.
    pub fn proves_enough(&self, tier: Tier, demanded: ProofConfig) -> Result<(), PrincipalError> {
        match (demanded.of(tier), self.key()) {
            (ProofDemand::Required, None) => Err(PrincipalError::KeyRequired),
            _ => Ok(()),
        }
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

    /// The key that was proved for the request at hand; none of a bearer token.
    pub fn key(&self) -> Option<&Thumbprint> {
        self.proof.as_ref().map(Proof::thumbprint)
    }

    /// The proof, which is used up by whatever is written down of the request.
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// The grant.
    pub fn grant(&self) -> &Grant {
        &self.holder.grant
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.holder.agent
    }

    /// The agent, as records name who did something.
    pub fn actor(&self) -> Actor {
        Actor::Agent(self.holder.agent.id.clone())
    }

    /// The epoch under which this was found out.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl NoPrincipal {
    fn dead(claims: AccessClaims, why: PrincipalError) -> Self {
        Self { why, claims: Some(Box::new(claims)) }
    }
}
