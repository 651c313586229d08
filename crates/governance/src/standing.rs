//! Standing privilege as a number: what could be done right now without anybody saying yes again.

use model::{Tier, config::Config};
use store::{Store, StoreError};

/// What stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandingPrivilege {
    /// Live grants: pairs of an agent and a server.
    pub grants: u64,
    /// Grants × the low-tier rules of their servers: what the baselines open.
    pub reach: u64,
    /// Scopes above the low tier in a baseline. Anything but zero is wrong.
    pub above_low: u64,
    /// Elevations in force. Each ends by itself.
    pub elevations: u64,
    /// Of these, in the high tier.
    pub high: u64,
}

/// Counts what stands now. It counts what could be obtained, not only the tokens that are about.
pub async fn measure(store: &Store, config: &Config) -> Result<StandingPrivilege, StoreError> {
    let (now, mut standing) = (store.now(), StandingPrivilege::default());
    for grants in store.count_standing_grants(now).await? {
        let low = config
            .servers
            .get(&grants.server)
            .map_or(0, |server| server.tools.iter().filter(|(_, tier)| *tier == Tier::Low).count() as u64);
        let above_low = grants.scopes.iter().filter(|scope| scope.tier() > Tier::Low).count() as u64;
        standing.grants += grants.count;
        standing.reach += grants.count * low;
        standing.above_low += grants.count * above_low;
    }
    for (scope, count) in store.count_live_elevations(now).await? {
        standing.elevations += count;
        standing.high += if scope.tier() == Tier::High { count } else { 0 };
    }
    Ok(standing)
}
