//! What the file declares is written to the store at start: people and autonomous agents.
//!
//! The file says who exists; the store says what became of them. So a suspended agent stays
//! suspended, a block stands, and a password set through enrolment is replaced only by a password
//! in the file.

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Event, Id, Person, Timestamp, Version, VersionKind,
    config::{AgentConfig, Config, PersonConfig},
    event::ConfigurationApplied,
};
use policy::Policies;
use privilege::{agent, person, version};
use store::{Commit, Store, StoreError, Tx};

use crate::config::{Difference, Settings};

/// Why the declarations can not be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Whoever answers for an agent is somebody.
    #[error(
        "agents.{agent}.{role}: there is no person `{person}`; declare them in `people`, or add them first with `portcullis \
         person add {person}`"
    )]
    Nobody {
        /// The agent.
        agent: Id<Agent>,
        /// What the person is to it.
        role: &'static str,
        /// The name.
        person: Id<Person>,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a start changes.
#[derive(Debug)]
pub struct Changes {
    /// Nothing was ever applied to this store before.
    pub is_first: bool,
    /// What is set differently than at the last start.
    pub settings: Difference,
    /// What becomes of people and agents that were there before.
    pub events: Vec<Event>,
    /// Who there is now, as far as it is news.
    named: Vec<Event>,
}

/// Writes people and agents in one transaction, and records it.
///
/// Whoever was taken out of the file since the last start loses access: people are disabled,
/// agents suspended. People who were added by a command are not the file's business.
pub async fn declared(
    store: &Store,
    config: &Config,
    settings: &Settings,
    policies: &Policies,
) -> Result<(), SeedError> {
    let declared = Declared::of(store, config, settings, policies).await?;
    let write = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let changes = declared.apply(tx).await?;
            let record = declared.record(&changes);
            let events = changes.events.into_iter().chain(changes.named);
            Ok(events.fold(Commit::with(record, ()), Commit::and))
        })
    });
    Ok(write.await?)
}

/// What [`declared`] would change: it is carried out and taken back, so whoever may not write hears so too.
pub async fn foreseen(
    store: &Store,
    config: &Config,
    settings: &Settings,
    policies: &Policies,
) -> Result<Changes, SeedError> {
    let declared = Declared::of(store, config, settings, policies).await?;
    let tried = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let changes = declared.apply(tx).await?;
            Ok(Commit::nothing(changes))
        })
    });
    Ok(tried.await?)
}

/// All that the file declares.
struct Declared {
    people: Vec<(Person, Option<String>)>,
    agents: Vec<Agent>,
    servers: u64,
    settings: Settings,
    policies: Version,
    files: Vec<String>,
}

impl Declared {
    async fn of(store: &Store, config: &Config, settings: &Settings, policies: &Policies) -> Result<Self, SeedError> {
        let mut people = Vec::new();
        for (id, declared) in &config.people {
            people.push(person_of(store, id, declared).await?);
        }
        for (agent, declared) in &config.agents {
            for (role, person) in [("owner", Some(&declared.owner)), ("sponsor", declared.sponsor.as_ref())] {
                let Some(person) = person else { continue };
                if !config.people.contains_key(person) && store.person(person).await?.is_none() {
                    return Err(SeedError::Nobody { agent: agent.clone(), role, person: person.clone() });
                }
            }
        }
        let now = store.now();
        let agents = config.agents.iter().map(|(id, declared)| agent_of(id, declared, now)).collect();
        let files = policies.texts().iter().map(|file| file.file_name().to_owned()).collect();
        let policies = Version {
            kind: VersionKind::Policy,
            digest: policies.fingerprint().to_owned(),
            text: policies.to_json(),
            loaded_at: now,
        };
        let servers = config.servers.len() as u64;
        Ok(Self { people, agents, servers, settings: settings.clone(), policies, files })
    }

    async fn apply(&self, tx: &mut Tx<'_>) -> Result<Changes, StoreError> {
        let names: Vec<String> = self.people.iter().map(|(person, _)| person.id.to_string()).collect();
        let mut events = disabled(tx, &names).await?;
        let names: Vec<String> = self.agents.iter().map(|agent| agent.id.to_string()).collect();
        events.extend(suspended(tx, &names).await?);
        let mut named = Vec::new();
        for (person, phc) in &self.people {
            let declared = person::declare(tx, person, phc.as_deref()).await?;
            named.extend(declared.named);
            events.extend(declared.password);
        }
        for agent in &self.agents {
            named.extend(agent::register(tx, agent, Actor::System).await?);
        }
        named.extend(version::activate(tx, &self.policies, &self.files).await?);
        let digest = self.settings.digest();
        let configuration = Version {
            kind: VersionKind::Configuration,
            digest: digest.clone(),
            text: self.settings.text(),
            loaded_at: self.policies.loaded_at,
        };
        version::activate(tx, &configuration, &[]).await?;
        let before = tx.redeclare(DIGEST, &[]).await?;
        tx.redeclare(DIGEST, std::slice::from_ref(&digest)).await?;
        if before == [digest] {
            return Ok(Changes { is_first: false, settings: Difference::default(), events, named });
        }
        let remembered = tx.redeclare(SETTING, &[]).await?;
        tx.redeclare(SETTING, &self.settings.lines()).await?;
        let settings = self.settings.difference(&remembered);
        Ok(Changes { is_first: remembered.is_empty(), settings, events, named })
    }

    fn record(&self, changes: &Changes) -> Event {
        let Difference { added, changed, removed } = &changes.settings;
        let named = |names: &Vec<String>| (!changes.is_first && !names.is_empty()).then(|| listed(names));
        let applied = ConfigurationApplied {
            people: self.people.len() as u64,
            agents: self.agents.len() as u64,
            servers: self.servers,
            digest: self.settings.digest(),
            added: named(added),
            changed: named(changed),
            removed: named(removed),
        };
        applied.by(Actor::System)
    }
}

/// The words under which the store remembers what was set, and one digest of it all: most starts change nothing.
const SETTING: &str = "setting";
const DIGEST: &str = "settings_digest";
/// A record names so many settings; a record has a bound.
const NAMED: usize = 200;

/// The names, as far as a record has room for them.
fn listed(names: &[String]) -> String {
    let named = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(" ");
    if names.len() > NAMED { format!("{named} and {} more", names.len() - NAMED) } else { named }
}

async fn disabled(tx: &mut Tx<'_>, declared: &[String]) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    for name in tx.redeclare("person", declared).await? {
        let Ok(id) = name.parse::<Id<Person>>() else { continue };
        events.extend(person::withdraw(tx, &id).await?);
    }
    Ok(events)
}

async fn suspended(tx: &mut Tx<'_>, declared: &[String]) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    for name in tx.redeclare("agent", declared).await? {
        let Ok(id) = name.parse::<Id<Agent>>() else { continue };
        events.extend(agent::withdraw(tx, id).await?);
    }
    Ok(events)
}

async fn person_of(
    store: &Store,
    id: &Id<Person>,
    declared: &PersonConfig,
) -> Result<(Person, Option<String>), StoreError> {
    let person = Person {
        id: id.clone(),
        display_name: declared.name.clone().unwrap_or_else(|| id.to_string()),
        roles: declared.roles.clone(),
        disabled: false,
    };
    let stored = store.password_phc(id).await?;
    if let Some(hash) = &declared.password_hash {
        let is_new = stored.as_deref() != Some(hash.expose());
        return Ok((person, is_new.then(|| hash.expose().to_owned())));
    }
    let Some(password) = declared.password.clone() else { return Ok((person, None)) };
    // Argon2id takes tens of milliseconds on purpose: not on a thread that serves.
    let phc = tokio::task::spawn_blocking(move || match stored {
        Some(phc) if crypto::check_password(&password, &phc).is_ok() => None,
        _ => Some(crypto::hash_password(&password)),
    })
    .await
    .map_err(|_| StoreError::Panicked)?;
    Ok((person, phc))
}

fn agent_of(id: &Id<Agent>, declared: &AgentConfig, now: Timestamp) -> Agent {
    // An agent's name is its client_id, and every name is a valid client_id.
    let client = id.as_str().parse().expect("a name is visible ASCII of at most 128 characters");
    Agent {
        id: id.clone(),
        title: declared.title.clone().unwrap_or_else(|| id.to_string()),
        owner: declared.owner.clone(),
        purpose: declared.purpose.clone(),
        kind: AgentKind::Autonomous,
        client,
        assurance: Assurance::Proven,
        // Of an agent that is known already, the store keeps the state and the time it was first seen.
        state: AgentState::Active,
        created_at: now,
        sponsor: declared.sponsor.clone(),
        eligible_only: false,
    }
}

#[cfg(test)]
mod tests;
