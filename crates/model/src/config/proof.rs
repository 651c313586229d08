//! For which tiers a token has to be bound to a key that is proved at each request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tier;

/// What is demanded for each tier. What is demanded for one is demanded for those above it, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProofConfig {
    /// For the low tier and the protocol, and so for everything.
    pub low: Option<ProofDemand>,
    /// For the medium tier.
    pub medium: Option<ProofDemand>,
    /// For the high tier.
    pub high: Option<ProofDemand>,
}

/// Is it demanded that a key is proved?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofDemand {
    /// A token that is bound to no key will do.
    #[default]
    Optional,
    /// Only a token that is bound to a key, with a proof of that key for the very request (RFC 9449).
    Required,
}

impl ProofConfig {
    /// What is demanded of a token that is used for `tier`.
    pub fn of(self, tier: Tier) -> ProofDemand {
        let demands = [(Tier::Low, self.low), (Tier::Medium, self.medium), (Tier::High, self.high)];
        let demanded = |(of, demand): (Tier, _)| of <= tier && demand == Some(ProofDemand::Required);
        if demands.into_iter().any(demanded) { ProofDemand::Required } else { ProofDemand::Optional }
    }

    /// The same, and where it says nothing what `general` says.
    #[must_use]
    pub fn or(self, general: Self) -> Self {
        Self { low: self.low.or(general.low), medium: self.medium.or(general.medium), high: self.high.or(general.high) }
    }
}

/// Where proofs have to have a nonce that the server gave (RFC 9449 §8 and §9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DpopNonce {
    /// Nowhere.
    Off,
    /// At the token endpoint, so that whoever has a key for a moment can not make proofs for the weeks to come.
    #[default]
    AtIssue,
    /// At the token endpoint and at every protected server.
    Always,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_demanded_of_a_tier_is_demanded_above_it_and_a_server_overrides_one_tier_at_a_time() {
        let read = |value| serde_json::from_value::<ProofConfig>(value);
        let demanded = |config: ProofConfig| Tier::ALL.map(|tier| config.of(tier) == ProofDemand::Required);
        assert_eq!(demanded(ProofConfig::default()), [false; 3]);
        assert_eq!(demanded(read(json!({"low": "required", "high": "optional"})).unwrap()), [true; 3]);
        let general = read(json!({"medium": "required"})).unwrap();
        assert_eq!(demanded(general), [false, true, true]);
        let own = read(json!({"medium": "optional", "high": "required"})).unwrap().or(general);
        assert_eq!(demanded(own), [false, false, true]);
        for wrong in [json!({"high": true}), json!({"high": "yes"}), json!({"hgih": "required"})] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
