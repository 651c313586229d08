//! Who can do what, right now: listings with everything a page or the command line needs.

use std::collections::HashMap;

use model::{Agent, Block, Elevation, Grant, Id, Person, Target, Timestamp};
use store::{Store, StoreError};

use crate::activity;

/// An agent, with what makes it accountable.
#[derive(Clone, Debug)]
pub struct AgentEntry {
    /// The agent.
    pub agent: Agent,
    /// Its live grants.
    pub grants: Vec<Grant>,
    /// A standing block that stops it wherever it goes: its own, its client's, its owner's, or one on everything.
    pub block: Option<Block>,
    /// When it last called a tool, as far as the newest records say.
    pub last_used: Option<Timestamp>,
}

/// A grant, with whose it is.
#[derive(Clone, Debug)]
pub struct GrantEntry {
    /// The grant.
    pub grant: Grant,
    /// The agent that holds it.
    pub agent: Agent,
    /// Elevations in force on it.
    pub elevations: Vec<Elevation>,
}

/// An elevation, with whom it is about.
#[derive(Clone, Debug)]
pub struct ElevationEntry {
    /// The elevation.
    pub elevation: Elevation,
    /// The grant it belongs to.
    pub grant: Grant,
    /// The agent it is for.
    pub agent: Agent,
    /// The person it acts for, when it acts for somebody.
    pub person: Option<Person>,
    /// Whose it is.
    pub owner: Option<Person>,
}

/// How many of the newest elevations are looked through.
const LATEST: u32 = 2_000;

/// Every agent, by name.
pub async fn agents(store: &Store) -> Result<Vec<AgentEntry>, StoreError> {
    let now = store.now();
    let mut grants: HashMap<Id<Agent>, Vec<Grant>> = HashMap::new();
    for grant in store.grants(Some(now)).await? {
        grants.entry(grant.agent.clone()).or_default().push(grant);
    }
    let used = activity::last_calls(store).await?;
    let agents = store.agents().await?.into_iter().map(|agent| AgentEntry {
        grants: grants.remove(&agent.id).unwrap_or_default(),
        block: stopped_by(store, &agent),
        last_used: used.get(agent.id.as_str()).copied(),
        agent,
    });
    Ok(agents.collect())
}

/// Every grant that stands, newest first.
pub async fn grants(store: &Store) -> Result<Vec<GrantEntry>, StoreError> {
    let now = store.now();
    let agents = by_name(store).await?;
    let live = live(store).await?;
    let grants = store.grants(Some(now)).await?.into_iter().filter_map(|grant| {
        let agent = agents.get(&grant.agent)?.clone();
        let elevations = live.iter().filter(|elevation| elevation.grant == grant.id).cloned().collect();
        Some(GrantEntry { grant, agent, elevations })
    });
    Ok(grants.collect())
}

/// Requests that wait for a decision, oldest first.
pub async fn pending(store: &Store) -> Result<Vec<ElevationEntry>, StoreError> {
    let waiting = store.pending(store.now()).await?;
    entries(store, waiting).await
}

/// The newest elevations in whatever state, newest first.
pub async fn elevations(store: &Store, limit: u32) -> Result<Vec<ElevationEntry>, StoreError> {
    let latest = store.elevations(limit).await?;
    entries(store, latest).await
}

/// Elevations in force, newest first.
pub async fn live_elevations(store: &Store) -> Result<Vec<ElevationEntry>, StoreError> {
    let live = live(store).await?;
    entries(store, live).await
}

/// One elevation.
pub async fn elevation(store: &Store, id: &Id<Elevation>) -> Result<Option<ElevationEntry>, StoreError> {
    let Some(elevation) = store.elevation(id).await? else { return Ok(None) };
    Ok(entries(store, vec![elevation]).await?.pop())
}

/// The newest standing block on exactly this target.
pub fn standing_block(store: &Store, target: &Target) -> Option<Block> {
    store.blocks().iter().find(|block| block.lifted_at.is_none() && block.target == *target).cloned()
}

/// The standing block that stops an agent on every server.
pub fn stopped_by(store: &Store, agent: &Agent) -> Option<Block> {
    let targets = [
        Target::Agent(agent.id.clone()),
        Target::Client(agent.client.clone()),
        Target::Person(agent.owner.clone()),
        Target::All,
    ];
    targets.iter().find_map(|target| standing_block(store, target))
}

/// Is the person stopped by the kill switch?
pub fn blocked_person(store: &Store, person: &Id<Person>) -> Option<Block> {
    standing_block(store, &Target::Person(person.clone()))
}

async fn live(store: &Store) -> Result<Vec<Elevation>, StoreError> {
    let now = store.now();
    let mut latest = store.elevations(LATEST).await?;
    latest.retain(|elevation| elevation.is_live(now));
    Ok(latest)
}

async fn by_name(store: &Store) -> Result<HashMap<Id<Agent>, Agent>, StoreError> {
    Ok(store.agents().await?.into_iter().map(|agent| (agent.id.clone(), agent)).collect())
}

async fn entries(store: &Store, elevations: Vec<Elevation>) -> Result<Vec<ElevationEntry>, StoreError> {
    let mut entries = Vec::with_capacity(elevations.len());
    for elevation in elevations {
        let Some(grant) = store.grant(&elevation.grant).await? else { continue };
        let Some(agent) = store.agent(&grant.agent).await? else { continue };
        let owner = store.person(&agent.owner).await?;
        let person = match &grant.person {
            Some(person) if *person == agent.owner => owner.clone(),
            Some(person) => store.person(person).await?,
            None => None,
        };
        entries.push(ElevationEntry { elevation, grant, agent, person, owner });
    }
    Ok(entries)
}
