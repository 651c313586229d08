//! What the file declares is written to the store at start: people and autonomous agents.
//!
//! The file says who exists; the store says what became of them. So a suspended agent stays
//! suspended, a block stands, and a password set through enrolment is replaced only by a password
//! in the file.

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Event, EventName, Id, Person, Timestamp,
    config::{AgentConfig, Config, PersonConfig},
};
use store::{Commit, Store, StoreError, Tx};

/// Writes people and agents in one transaction, and records it.
///
/// Whoever was taken out of the file since the last start loses access: people are disabled,
/// agents suspended. People who were added by a command are not the file's business.
pub async fn declared(store: &Store, config: &Config) -> Result<(), StoreError> {
    let mut people = Vec::new();
    for (id, declared) in &config.people {
        people.push(person(store, id, declared).await?);
    }
    let now = store.now();
    let agents: Vec<Agent> = config.agents.iter().map(|(id, declared)| agent(id, declared, now)).collect();
    let servers = config.servers.len() as u64;
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let event = Event::new(EventName::ConfigurationApplied, Actor::System)
                    .count("people", people.len() as u64)
                    .count("agents", agents.len() as u64)
                    .count("servers", servers);
                let mut commit = Commit::with(event, ());
                let names: Vec<String> = people.iter().map(|(person, _)| person.id.to_string()).collect();
                for event in disabled(tx, &names).await? {
                    commit = commit.and(event);
                }
                let names: Vec<String> = agents.iter().map(|agent| agent.id.to_string()).collect();
                for event in suspended(tx, &names).await? {
                    commit = commit.and(event);
                }
                for (person, phc) in &people {
                    let known = tx.person(&person.id).await?.is_some();
                    tx.put_person(person, phc.as_deref()).await?;
                    if known && phc.is_some() {
                        tx.end_sessions_of(&person.id).await?;
                        commit = commit.and(
                            Event::new(EventName::PersonChanged, Actor::System)
                                .with("person", &person.id)
                                .with("change", "another password in the configuration: every session ended"),
                        );
                    }
                }
                for agent in &agents {
                    tx.put_agent(agent).await?;
                }
                Ok(commit)
            })
        })
        .await
}

async fn disabled(tx: &mut Tx<'_>, declared: &[String]) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    for name in tx.redeclare("person", declared).await? {
        let Ok(id) = name.parse::<Id<Person>>() else { continue };
        if let Some(mut person) = tx.person(&id).await? {
            person.disabled = true;
            tx.put_person(&person, None).await?;
            tx.void_enrolment(&id).await?;
            // Who comes back under the name may be somebody else: nothing is left to inherit.
            let now = tx.now();
            let grants = tx.end_grants_of_person(&id, now).await?;
            events.push(
                Event::new(EventName::PersonChanged, Actor::System)
                    .with("person", &id)
                    .with("change", "disabled: taken out of the configuration")
                    .count("grants_ended", grants),
            );
        }
    }
    Ok(events)
}

async fn suspended(tx: &mut Tx<'_>, declared: &[String]) -> Result<Vec<Event>, StoreError> {
    let mut events = Vec::new();
    for name in tx.redeclare("agent", declared).await? {
        let Ok(id) = name.parse::<Id<Agent>>() else { continue };
        if tx.set_agent_state(&id, AgentState::Suspended).await? {
            events.push(
                Event::new(EventName::AgentChanged, Actor::System)
                    .with("agent", &id)
                    .with("state", AgentState::Suspended)
                    .with("why", "taken out of the configuration; `agent resume` after it is declared again"),
            );
        }
    }
    Ok(events)
}

async fn person(
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
        Some(phc) if token::check_password(&password, &phc).is_ok() => None,
        _ => Some(token::hash_password(&password)),
    })
    .await
    .unwrap_or(None);
    Ok((person, phc))
}

fn agent(id: &Id<Agent>, declared: &AgentConfig, now: Timestamp) -> Agent {
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
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{ManualClock, Span};
    use store::OpenOptions;

    use super::*;

    const KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"oczm4Jx6RFeJeJMlcv2QUhD90ViWo3B-jNNHLlGmwKc","y":"stZZ2ZMKT781HV4lwnwA_dodYQU-L8_zHEobXbUF3vY"}"#;

    fn config(people: &str, agents: &str) -> Config {
        let text = format!(r#"{{"public_url":"https://a.test","people":{{{people}}},"agents":{{{agents}}}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    async fn store(dir: &std::path::Path) -> Store {
        let options = OpenOptions {
            url: model::config::StoreUrl::sqlite_in(dir),
            data_dir: dir.to_owned(),
            origin: "a.test/audit".into(),
            clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000))),
            node: None,
            store_silence: Span::from_seconds(2),
            missing: store::Missing::IsMade,
        };
        Store::open(options).await.unwrap()
    }

    async fn change(
        store: &Store,
        run: impl for<'t, 'c> FnOnce(
            &'t mut Tx<'c>,
        ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 't>>
        + Send
        + 'static,
    ) {
        let changed = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                run(tx).await?;
                Ok(Commit::with(Event::new(EventName::GrantMade, Actor::System), ()))
            })
        });
        changed.await.unwrap();
    }

    /// A live grant of an agent that acts for `person`.
    async fn grant_of(store: &Store, person: &str) -> Id<model::Grant> {
        let person: Id<Person> = person.parse().unwrap();
        let bot = Agent {
            id: "claude@bob".parse().unwrap(),
            owner: person.clone(),
            kind: AgentKind::Delegated,
            ..agent(&"claude".parse().unwrap(), &declared_agent(), store.now())
        };
        let grant = model::Grant {
            id: token::mint(),
            agent: bot.id.clone(),
            person: Some(person),
            server: "t".parse().unwrap(),
            scopes: "t:low".parse().unwrap(),
            created_at: store.now(),
            not_after: store.now().after(Span::from_minutes(60)),
            ended_at: None,
        };
        let id = grant.id.clone();
        change(store, move |tx| {
            Box::pin(async move {
                tx.put_agent(&bot).await?;
                tx.put_grant(&grant).await
            })
        })
        .await;
        id
    }

    fn declared_agent() -> AgentConfig {
        serde_json::from_str(&format!(r#"{{"owner":"ada","purpose":"x","public_key":{KEY},"servers":[]}}"#)).unwrap()
    }

    async fn log_in(store: &Store, person: &str) -> token::Digest {
        let digest = token::Digest::of(&format!("{person} {:?}", token::random::<8>()));
        let session = store::Session {
            digest,
            person: person.parse().unwrap(),
            logged_in_at: store.now(),
            not_after: store.now().after(Span::from_minutes(60)),
        };
        change(store, move |tx| Box::pin(async move { tx.put_session(&session).await })).await;
        digest
    }

    #[tokio::test]
    async fn who_is_taken_out_of_the_file_loses_access() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        let bot = format!(r#""bot":{{"owner":"ada","purpose":"x","public_key":{KEY},"servers":[]}}"#);
        declared(&store, &config(r#""ada":{},"bob":{"roles":["approver"]}"#, &bot)).await.unwrap();
        declared(&store, &config(r#""ada":{}"#, "")).await.unwrap();

        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        assert!(!store.person(&ada).await.unwrap().unwrap().disabled);
        assert!(store.person(&bob).await.unwrap().unwrap().disabled);
        let bot_id = "bot".parse().unwrap();
        assert_eq!(store.agent(&bot_id).await.unwrap().unwrap().state, AgentState::Suspended);

        declared(&store, &config(r#""ada":{},"bob":{}"#, &bot)).await.unwrap();
        assert!(!store.person(&bob).await.unwrap().unwrap().disabled, "a person who is declared again may log in");
        let state = store.agent(&bot_id).await.unwrap().unwrap().state;
        assert_eq!(state, AgentState::Suspended, "an agent waits until somebody resumes it");
    }

    /// Field: O2
    #[tokio::test]
    async fn who_is_put_back_into_the_file_inherits_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        declared(&store, &config(r#""ada":{},"bob":{}"#, "")).await.unwrap();
        let id = grant_of(&store, "bob").await;
        declared(&store, &config(r#""ada":{}"#, "")).await.unwrap();
        assert!(store.grant(&id).await.unwrap().unwrap().ended_at.is_some());
        declared(&store, &config(r#""ada":{},"bob":{"name":"Another Bob"}"#, "")).await.unwrap();
        assert!(store.grant(&id).await.unwrap().unwrap().ended_at.is_some());
    }

    /// Field: O3
    #[tokio::test]
    async fn another_password_in_the_file_ends_every_session_and_the_same_one_none() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        let hash = token::hash_password(&model::Secret::new("an old password"));
        for (entry, stays) in [
            (r#""ada":{"password":"an old password"}"#.to_owned(), true),
            (r#""ada":{"password":"an old password"}"#.to_owned(), true),
            (r#""ada":{"password":"another password"}"#.to_owned(), false),
            (format!(r#""ada":{{"password_hash":"{hash}"}}"#), false),
            (format!(r#""ada":{{"password_hash":"{hash}"}}"#), true),
        ] {
            let digest = log_in(&store, "ada").await;
            declared(&store, &config(&entry, "")).await.unwrap();
            let session = store.session(digest, store.now()).await.unwrap();
            // The first of all declares somebody whom the store did not know.
            assert_eq!(session.is_some(), stays, "{entry}");
        }
    }

    #[tokio::test]
    async fn a_start_does_not_resume_an_agent() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path()).await;
        let file =
            config(r#""ada":{}"#, &format!(r#""bot":{{"owner":"ada","purpose":"x","public_key":{KEY},"servers":[]}}"#));
        declared(&store, &file).await.unwrap();
        let bot: Id<Agent> = "bot".parse().unwrap();
        governance::set_agent_state(&store, &bot, AgentState::Retired, Actor::Operator).await.unwrap();
        declared(&store, &file).await.unwrap();
        assert_eq!(store.agent(&bot).await.unwrap().unwrap().state, AgentState::Retired);
    }
}
