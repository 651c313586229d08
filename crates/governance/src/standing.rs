//! Standing privilege as a number: what could be done right now without anybody saying yes again.

use model::{Agent, Authority, CallTarget, Class, Decision, Grant, Pin, Tier, config::Config};
use policy::Policies;
use privilege::authority::{
    Asker, Excepted,
    explain::{self, With},
};
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

/// What one agent may do above the low tier without anybody saying yes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AboveLow {
    /// The tools, with their tiers, by name.
    pub tools: Vec<(String, Tier)>,
    /// So many names were looked at that the rest was left out.
    pub is_cut: bool,
}

/// What of the servers of `grants` stands for `agent` above the low tier, because policies permit it with the standing grant
/// alone; with the arguments that allow the most.
pub fn above_low((store, config, policies): (&Store, &Config, &Policies), agent: &Agent, grants: &[Grant]) -> AboveLow {
    let (pins, mut above, mut looked_at) = (store.pins(), AboveLow::default(), 0);
    for server in grants.iter().map(|grant| &grant.server) {
        let Some(rules) = config.servers.get(server) else { continue };
        let excepted = Excepted::of(store, policies, &agent.id, server);
        let asker = Asker::of(agent).excepted(&excepted);
        let is_listed = pins.is_listed(server);
        let examples =
            [Tier::Medium, Tier::High].into_iter().filter(|_| !is_listed).flat_map(|tier| rules.examples(tier));
        for tool in pins.names(server).cloned().chain(examples) {
            if looked_at == LOOKED_AT {
                above.is_cut = true;
                break;
            }
            looked_at += 1;
            let name = tool.qualified(server);
            let target =
                CallTarget::of(
                    rules,
                    Some(tool),
                    |tool| {
                        if is_listed { pins.pin(server, tool) } else { Pin::Accepted }
                    },
                );
            let CallTarget::Tool(_, Class::Rated(tier @ (Tier::Medium | Tier::High))) = target else { continue };
            let said = explain::with(policies, &asker, (server, &target), Authority::Standing, With::Any);
            if matches!(said, Ok(Decision::Allow { .. })) {
                above.tools.push((name, tier));
            }
        }
    }
    above.tools.sort_unstable();
    above.tools.dedup();
    above
}

/// Names looked at for one agent; each costs a decision that is kept.
const LOOKED_AT: usize = 2_000;
