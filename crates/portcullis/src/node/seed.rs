//! What the file declares is written to the store at start: people and autonomous agents.
//!
//! The file says who exists; the store says what became of them. So a suspended agent stays
//! suspended, a block stands, and a password changed through enrolment is replaced only by a
//! password in the file.

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Event, EventName, Id, Person,
    config::{AgentConfig, Config, PersonConfig},
};
use store::{Commit, Store, StoreError};

/// Writes people and agents in one transaction, and records it.
pub async fn declared(store: &Store, config: &Config) -> Result<(), StoreError> {
    let mut people = Vec::new();
    for (id, declared) in &config.people {
        people.push(person(store, id, declared).await?);
    }
    let now = store.now();
    let mut agents = Vec::new();
    for (id, declared) in &config.agents {
        let known = store.agent(id).await?;
        agents.push(agent(id, declared, known, now));
    }
    let servers = config.servers.len() as u64;
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let event = Event::new(EventName::ConfigurationApplied, Actor::System)
                    .count("people", people.len() as u64)
                    .count("agents", agents.len() as u64)
                    .count("servers", servers);
                for (person, phc) in &people {
                    tx.put_person(person, phc.as_deref()).await?;
                }
                for agent in &agents {
                    tx.put_agent(agent).await?;
                }
                Ok(Commit::with(event, ()))
            })
        })
        .await
}

async fn person(
    store: &Store,
    id: &Id<Person>,
    declared: &PersonConfig,
) -> Result<(Person, Option<String>), StoreError> {
    let known = store.person(id).await?;
    let person = Person {
        id: id.clone(),
        display_name: declared.name.clone().unwrap_or_else(|| id.to_string()),
        roles: declared.roles.clone(),
        disabled: known.is_some_and(|person| person.disabled),
    };
    if let Some(hash) = &declared.password_hash {
        return Ok((person, Some(hash.expose().to_owned())));
    }
    let Some(password) = declared.password.clone() else { return Ok((person, None)) };
    let stored = store.password_phc(id).await?;
    // Argon2id takes tens of milliseconds on purpose: not on a thread that serves.
    let phc = tokio::task::spawn_blocking(move || match stored {
        Some(phc) if token::check_password(&password, &phc).is_ok() => None,
        _ => Some(token::hash_password(&password)),
    })
    .await
    .unwrap_or(None);
    Ok((person, phc))
}

fn agent(id: &Id<Agent>, declared: &AgentConfig, known: Option<Agent>, now: model::Timestamp) -> Agent {
    // An agent's name is its client_id, and every name is a valid client_id.
    #[allow(clippy::expect_used)]
    let client = id.as_str().parse().expect("a name is visible ASCII of at most 128 characters");
    Agent {
        id: id.clone(),
        title: declared.title.clone().unwrap_or_else(|| id.to_string()),
        owner: declared.owner.clone(),
        purpose: declared.purpose.clone(),
        kind: AgentKind::Autonomous,
        client,
        assurance: Assurance::Proven,
        state: known.as_ref().map_or(AgentState::Active, |agent| agent.state),
        created_at: known.map_or(now, |agent| agent.created_at),
    }
}
