//! Who can do what, right now: lists in pages, with everything a page or the command line needs.

use model::{Agent, Block, Elevation, Grant, Id, Person, Target, Timestamp};
use store::{After, HeldGrant, Page, Store, StoreError};

/// An agent, with what makes it accountable.
#[derive(Clone, Debug)]
pub struct AgentEntry {
    /// The agent.
    pub agent: Agent,
    /// Its live grants.
    pub grants: Vec<Grant>,
    /// A standing block that stops it wherever it goes: its own, its client's, its owner's, or one on everything.
    pub block: Option<Block>,
    /// When it was last allowed to call a tool, to the minute.
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

/// A page of agents, by name.
pub async fn agents(
    store: &Store,
    after: Option<&Id<Agent>>,
    limit: u32,
) -> Result<Page<AgentEntry, Id<Agent>>, StoreError> {
    with_grants(store, store.agents_page(after, limit).await?).await
}

/// A page of the agents of `person`, and of those that act for them, by name.
pub async fn agents_of(
    store: &Store,
    person: &Id<Person>,
    after: Option<&Id<Agent>>,
    limit: u32,
) -> Result<Page<AgentEntry, Id<Agent>>, StoreError> {
    with_grants(store, store.agents_of_person(person, store.now(), after, limit).await?).await
}

/// The agent of that name.
pub async fn agent(store: &Store, id: &Id<Agent>) -> Result<Option<AgentEntry>, StoreError> {
    let page = Page { items: store.agent(id).await?.into_iter().collect(), next: None };
    Ok(with_grants(store, page).await?.items.pop())
}

/// A page of the grants that stand, newest first.
pub async fn grants(
    store: &Store,
    after: Option<&After<Grant>>,
    limit: u32,
) -> Result<Page<GrantEntry, After<Grant>>, StoreError> {
    let Page { items, next } = store.standing_grants(store.now(), after, limit).await?;
    Ok(Page { items: with_elevations(store, items).await?, next })
}

/// The grants of an agent that stand, newest first.
pub async fn grants_of(store: &Store, agent: &Id<Agent>) -> Result<Vec<GrantEntry>, StoreError> {
    with_elevations(store, store.standing_grants_of(agent, store.now()).await?).await
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

async fn with_grants(store: &Store, page: Page<Agent, Id<Agent>>) -> Result<Page<AgentEntry, Id<Agent>>, StoreError> {
    let now = store.now();
    let mut items = Vec::with_capacity(page.items.len());
    for agent in page.items {
        let held = store.standing_grants_of(&agent.id, now).await?;
        items.push(AgentEntry {
            grants: held.into_iter().map(|held| held.grant).collect(),
            block: stopped_by(store, &agent),
            last_used: store.last_call(&agent.id).await?,
            agent,
        });
    }
    Ok(Page { items, next: page.next })
}

async fn with_elevations(store: &Store, held: Vec<HeldGrant>) -> Result<Vec<GrantEntry>, StoreError> {
    let now = store.now();
    let mut entries = Vec::with_capacity(held.len());
    for HeldGrant { grant, agent } in held {
        let elevations = store.live_elevations(&grant.id, now).await?;
        entries.push(GrantEntry { grant, agent, elevations });
    }
    Ok(entries)
}
