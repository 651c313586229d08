//! The `elevation`, `tokens` and `limits` tables: how long things last and how big they may be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Approvals, DpopNonce, ProofConfig};
use crate::{Span, Tier};

/// How long privilege above the baseline lasts, and for how many calls.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ElevationConfig {
    /// Life of a medium elevation after the person's consent.
    pub consent_lasts: Span,
    /// Calls that a medium elevation is good for.
    pub consent_uses: u32,
    /// Life of a high elevation after the approval. An approver may shorten it, never extend it.
    pub approval_lasts: Span,
    /// Calls that a high elevation is good for.
    pub approval_uses: u32,
    /// How many different people must approve a request, each by themselves; 1 to 5. The time begins with the last of
    /// them. For some tools of a server: `servers.NAME.approvals`.
    pub approvals: Approvals,
    /// With `high`, whoever approves a request has to type the number that whoever asked for it sees, so that nobody approves
    /// what they were not told of. Three wrong numbers deny it. `off` or `high`.
    pub number_matching: NumberMatching,
    /// An elevation that belongs to no task ends when it was not used for so long; 0: that does not end it.
    pub idle: Span,
    /// How long a request waits for a decision before it lapses.
    pub decide_within: Span,
    /// Requests that one agent may have waiting at a time.
    pub pending_per_agent: u32,
    /// Requests for an approval that may wait at a time for agents of one owner.
    pub pending_per_owner: u32,
    /// Requests for an approval that may wait at a time in all, so that whoever decides can read them.
    pub pending: u32,
    /// How long a call whose request waits is held for the decision before it is answered, where its client is told by
    /// results; at most 30 s. 0 answers at once.
    #[serde(deserialize_with = "at_most_half_a_minute_or_none")]
    pub hold: Span,
    /// How long somebody may ask for a call of the high tier after it was refused.
    pub ask_within: Span,
    /// Refused calls of the high tier that one grant may leave behind to be asked for. Equal ones are one.
    pub asked_per_grant: u32,
}

impl Default for ElevationConfig {
    fn default() -> Self {
        Self {
            consent_lasts: Span::from_minutes(15),
            consent_uses: 20,
            approval_lasts: Span::from_minutes(5),
            approval_uses: 1,
            approvals: Approvals::ONE,
            number_matching: NumberMatching::Off,
            idle: Span::from_minutes(5),
            decide_within: Span::from_minutes(15),
            pending_per_agent: 3,
            pending_per_owner: 10,
            pending: 200,
            hold: Span::from_seconds(0),
            ask_within: Span::from_minutes(10),
            asked_per_grant: 8,
        }
    }
}

/// Which approvals take the number that whoever asked sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberMatching {
    /// None.
    #[default]
    Off,
    /// Those of the high tier.
    High,
}

/// How long tokens, codes and sessions last.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokensConfig {
    /// Life of an access token; at most ten minutes.
    #[serde(deserialize_with = "at_most_ten_minutes")]
    pub access: Span,
    /// Life of an access token from client credentials; at most ten minutes.
    #[serde(deserialize_with = "at_most_ten_minutes")]
    pub client_credentials: Span,
    /// How old an access token may be that is used for a tier, whatever its life is: it is not issued for longer with a scope
    /// of that tier, and refused for it when it is older.
    pub longest: LongestConfig,
    /// For which tiers a token has to be bound to a key that its client proves at each request (DPoP, RFC 9449): `{high:
    /// required}`. What is demanded for a tier is demanded above it. A client that sends a proof gets a bound token anyway.
    pub proof: ProofConfig,
    /// Where a proof has to have a nonce of this server: `off`, `at_issue` (the token endpoint) or `always` (every protected
    /// server, too). It costs a client one more request now and then.
    pub dpop_nonce: DpopNonce,
    /// Life of an authorization code; at most a minute.
    #[serde(deserialize_with = "at_most_a_minute")]
    pub code: Span,
    /// A refresh token that is not used for so long is dead.
    pub refresh_idle: Span,
    /// For so long after its use, a refresh token that comes again gets the same answer again: calls that renew at
    /// once, or an answer that was lost. Two minutes at most; 0 turns it off. Clients that prove a key do not need it.
    /// Who needs more than the default: several windows of one coding agent that share a stored token and renew when they
    /// are used, laptops that sleep in the middle of a renewal, slow or lossy networks. For these set 120.
    #[serde(deserialize_with = "at_most_two_minutes_or_none")]
    pub refresh_reuse: Span,
    /// Life of a grant: afterwards the person is asked again.
    pub grant: Span,
    /// Life of a login session.
    pub session: Span,
    /// Life of a login and consent flow that nobody finishes, beyond the wait for an approval.
    pub flow: Span,
}

impl Default for TokensConfig {
    fn default() -> Self {
        Self {
            access: Span::from_minutes(10),
            client_credentials: Span::from_minutes(5),
            longest: LongestConfig::default(),
            proof: ProofConfig::default(),
            dpop_nonce: DpopNonce::default(),
            code: Span::from_seconds(60),
            refresh_idle: Span::from_minutes(14 * 24 * 60),
            refresh_reuse: Span::from_seconds(30),
            grant: Span::from_minutes(90 * 24 * 60),
            session: Span::from_minutes(8 * 60),
            flow: Span::from_minutes(30),
        }
    }
}

/// How old an access token may be for each tier; where nothing is said, as old as its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LongestConfig {
    /// For the low tier and the protocol; at most ten minutes.
    #[serde(deserialize_with = "at_most_ten_minutes_if_any")]
    pub low: Option<Span>,
    /// For the medium tier; at most ten minutes.
    #[serde(deserialize_with = "at_most_ten_minutes_if_any")]
    pub medium: Option<Span>,
    /// For the high tier; at most ten minutes.
    #[serde(deserialize_with = "at_most_ten_minutes_if_any")]
    pub high: Option<Span>,
}

impl LongestConfig {
    /// How old a token may be that is used for `tier`.
    pub const fn of(self, tier: Tier) -> Option<Span> {
        match tier {
            Tier::Low => self.low,
            Tier::Medium => self.medium,
            Tier::High => self.high,
        }
    }

    /// The same, and where it says nothing what `general` says.
    #[must_use]
    pub fn or(self, general: Self) -> Self {
        Self { low: self.low.or(general.low), medium: self.medium.or(general.medium), high: self.high.or(general.high) }
    }
}

fn at_most_ten_minutes_if_any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    at_most_ten_minutes(deserializer).map(Some)
}

fn at_most_ten_minutes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    at_most(deserializer, Span::from_minutes(10))
}

fn at_most_a_minute<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    at_most(deserializer, Span::from_minutes(1))
}

fn at_most_two_minutes_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    at_most_or_none(deserializer, Span::from_minutes(2))
}

fn at_most_half_a_minute_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    at_most_or_none(deserializer, Span::from_seconds(30))
}

fn at_most_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D, longest: Span) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if span > longest {
        return Err(serde::de::Error::custom(format!("{span} is not allowed here: write 0 to {longest}")));
    }
    Ok(span)
}

fn at_most<'de, D: serde::Deserializer<'de>>(deserializer: D, longest: Span) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if span > longest || span.seconds() == 0 {
        return Err(serde::de::Error::custom(format!("{span} is not allowed here: write 1s to {longest}")));
    }
    Ok(span)
}

/// Bounds on what comes from outside.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest request body on an MCP endpoint, in bytes.
    pub request_bytes: usize,
    /// Largest list that is filtered, in bytes.
    pub list_bytes: usize,
    /// How long an upstream may take until its response begins, unless its `timeout` says otherwise.
    pub upstream_timeout: Span,
    /// How often each server is asked what it offers, so that a definition that changed is held although nobody lists.
    pub list_servers_every: Span,
    /// How long a call may take until it is answered. Longer ones are cut, and the client is told that it may
    /// have been done.
    pub longest_call: Span,
    /// Connections served at a time.
    pub connections: usize,
    /// Of these, how many may come from one address; a quarter of them when left out, and then loopback is
    /// not counted. Behind a proxy on another machine every connection comes from the proxy: give it them all.
    pub connections_per_address: Option<usize>,
    /// What one grant may have under way at a time; beyond that its requests are answered with 429.
    pub per_grant: PerGrantConfig,
    /// A node that has not heard from the store for so long serves nobody.
    pub store_silence: Span,
}

/// What one grant may have under way at a time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerGrantConfig {
    /// Calls, each until its answer is over.
    pub calls: usize,
    /// Bytes of request bodies, each until it was sent on. All grants together may have four times as many.
    pub bytes: usize,
    /// Standing streams: GET streams and subscriptions.
    pub streams: usize,
}

impl Default for PerGrantConfig {
    fn default() -> Self {
        Self { calls: 256, bytes: 32 * 1024 * 1024, streams: 32 }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            request_bytes: 1024 * 1024,
            list_bytes: 8 * 1024 * 1024,
            upstream_timeout: Span::from_seconds(60),
            list_servers_every: Span::from_minutes(5),
            longest_call: Span::from_minutes(15),
            connections: 4096,
            connections_per_address: None,
            per_grant: PerGrantConfig::default(),
            store_silence: Span::from_seconds(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: A1
    #[test]
    fn a_used_refresh_token_is_answered_again_for_two_minutes_at_most() {
        let read = |seconds: u32| serde_json::from_value::<TokensConfig>(serde_json::json!({"refresh_reuse": seconds}));
        for seconds in [0, 30, 120] {
            assert_eq!(read(seconds).unwrap().refresh_reuse, Span::from_seconds(seconds));
        }
        assert!(read(121).unwrap_err().to_string().contains("0 to 2m"), "{:?}", read(121));
        assert_eq!(TokensConfig::default().refresh_reuse, Span::from_seconds(30));
    }

    #[test]
    fn a_token_is_never_too_young_for_a_tier_and_a_server_overrides_one_tier_at_a_time() {
        let read = |value| serde_json::from_value::<LongestConfig>(value);
        let general = read(serde_json::json!({"medium": 120, "high": 60})).unwrap();
        let own = read(serde_json::json!({"high": 30})).unwrap().or(general);
        let [low, medium, high] = Tier::ALL.map(|tier| own.of(tier).map(|span| span.seconds()));
        assert_eq!((low, medium, high), (None, Some(120), Some(30)));
        for wrong in [serde_json::json!({"high": 0}), serde_json::json!({"high": 601}), serde_json::json!({"hgih": 1})]
        {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
