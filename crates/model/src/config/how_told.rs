//! Which client is told in which way.

use super::{ChallengeStyle, Config, known_clients::KNOWN};
use crate::Agent;

impl Config {
    /// How the client of `agent` is told: as the file says for this agent or this client, or as is known of the client.
    pub fn challenge_style(&self, agent: &Agent) -> ChallengeStyle {
        let client = agent.client.as_str();
        let known = KNOWN.iter().find(|known| known.client_id == client);
        let of_agent = self.agents.get(&agent.id).and_then(|agent| agent.challenge);
        let of_client = || self.clients.challenge.get(client).copied();
        let of_name = || known.and_then(|known| self.clients.challenge.get(known.name).copied());
        let of_known = || known.map(|known| known.challenge);
        let of_others = || self.clients.challenge.get(OTHERS).copied();
        of_agent.or_else(of_client).or_else(of_name).or_else(of_known).or_else(of_others).unwrap_or_default()
    }
}

/// Every client of which nothing else is said.
const OTHERS: &str = "*";
