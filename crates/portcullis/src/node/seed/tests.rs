use governance::orders;
use std::sync::Arc;

use model::{ManualClock, Span};
use store::{OpenOptions, privilege::PrivilegeTx};

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

async fn start(store: &Store, config: &Config) -> Result<(), SeedError> {
    declared(store, config, &Settings::default(), &Policies::built_in()).await
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
            Ok(Commit::with(model::event::examples::any(), ()))
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
        ..agent_of(&"claude".parse().unwrap(), &declared_agent(), store.now())
    };
    let grant = model::Grant {
        id: crypto::mint(),
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
            PrivilegeTx::of(tx).put_agent(&bot).await?;
            PrivilegeTx::of(tx).put_grant(&grant).await
        })
    })
    .await;
    id
}

fn declared_agent() -> AgentConfig {
    serde_json::from_str(&format!(r#"{{"owner":"ada","purpose":"x","public_key":{KEY},"servers":[]}}"#)).unwrap()
}

async fn log_in(store: &Store, person: &str) -> crypto::Digest {
    let digest = crypto::Digest::of(&format!("{person} {:?}", crypto::random::<8>()));
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
    start(&store, &config(r#""ada":{},"bob":{"roles":["approver"]}"#, &bot)).await.unwrap();
    start(&store, &config(r#""ada":{}"#, "")).await.unwrap();

    let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
    assert!(!store.person(&ada).await.unwrap().unwrap().disabled);
    assert!(store.person(&bob).await.unwrap().unwrap().disabled);
    let bot_id = "bot".parse().unwrap();
    assert_eq!(store.agent(&bot_id).await.unwrap().unwrap().state, AgentState::Suspended);

    start(&store, &config(r#""ada":{},"bob":{}"#, &bot)).await.unwrap();
    assert!(!store.person(&bob).await.unwrap().unwrap().disabled, "a person who is declared again may log in");
    let state = store.agent(&bot_id).await.unwrap().unwrap().state;
    assert_eq!(state, AgentState::Suspended, "an agent waits until somebody resumes it");
}

/// Field: O2
#[tokio::test]
async fn who_is_put_back_into_the_file_inherits_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    start(&store, &config(r#""ada":{},"bob":{}"#, "")).await.unwrap();
    let id = grant_of(&store, "bob").await;
    start(&store, &config(r#""ada":{}"#, "")).await.unwrap();
    assert!(store.grant(&id).await.unwrap().unwrap().ended_at.is_some());
    start(&store, &config(r#""ada":{},"bob":{"name":"Another Bob"}"#, "")).await.unwrap();
    assert!(store.grant(&id).await.unwrap().unwrap().ended_at.is_some());
}

/// Field: O3
#[tokio::test]
async fn another_password_in_the_file_ends_every_session_and_the_same_one_none() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let hash = crypto::hash_password(&model::Secret::new("an old password"));
    for (entry, stays) in [
        (r#""ada":{"password":"an old password"}"#.to_owned(), true),
        (r#""ada":{"password":"an old password"}"#.to_owned(), true),
        (r#""ada":{"password":"another password"}"#.to_owned(), false),
        (format!(r#""ada":{{"password_hash":"{hash}"}}"#), false),
        (format!(r#""ada":{{"password_hash":"{hash}"}}"#), true),
    ] {
        let digest = log_in(&store, "ada").await;
        start(&store, &config(&entry, "")).await.unwrap();
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
    start(&store, &file).await.unwrap();
    let bot: Id<Agent> = "bot".parse().unwrap();
    orders::set_agent_state(&store, &bot, AgentState::Retired, Actor::Operator).await.unwrap();
    start(&store, &file).await.unwrap();
    assert_eq!(store.agent(&bot).await.unwrap().unwrap().state, AgentState::Retired);
}

fn settings(values: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::default();
    values.iter().for_each(|(name, value)| settings.set(name, value));
    settings
}

async fn newest(store: &Store, event: &str) -> serde_json::Value {
    let records = store.last_records(50).await.unwrap();
    let mut records = records.iter().map(|(_, record)| serde_json::from_slice::<serde_json::Value>(record).unwrap());
    records.rfind(|record| record["event"] == event).unwrap()
}

/// Field: H4
#[tokio::test]
async fn a_start_records_a_digest_and_what_is_set_differently() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let config = config(r#""ada":{}"#, "");
    let first = settings(&[("servers.crm.tools", "a"), ("policies", "1"), ("people.ada.roles", "")]);
    declared(&store, &config, &first, &Policies::built_in()).await.unwrap();
    let record = newest(&store, "configuration_applied").await;
    assert_eq!(record["digest"], first.digest());
    assert!(record.get("added").is_none(), "the first load changes nothing: {record}");

    let second = settings(&[("servers.crm.tools", "b"), ("policies", "1"), ("extra_hosts", "x")]);
    let before = store.log_size().await.unwrap();
    let changes = foreseen(&store, &config, &second, &Policies::built_in()).await.unwrap();
    assert_eq!(changes.settings.changed, ["servers.crm.tools"]);
    assert_eq!(store.log_size().await.unwrap(), before, "looking changes nothing");
    declared(&store, &config, &second, &Policies::built_in()).await.unwrap();
    let record = newest(&store, "configuration_applied").await;
    assert_eq!(
        (&record["changed"], &record["added"], &record["removed"]),
        (&"servers.crm.tools".into(), &"extra_hosts".into(), &"people.ada.roles".into()),
    );
    assert!(foreseen(&store, &config, &second, &Policies::built_in()).await.unwrap().settings.is_none());
}

/// Field: H4
#[tokio::test]
async fn what_becomes_of_people_and_agents_is_foreseen_and_nothing_of_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    start(&store, &config(r#""ada":{},"bob":{}"#, "")).await.unwrap();
    let (epoch, size) = (store.epoch(), store.log_size().await.unwrap());
    let changes =
        foreseen(&store, &config(r#""ada":{}"#, ""), &Settings::default(), &Policies::built_in()).await.unwrap();
    assert_eq!(changes.events.len(), 1);
    let model::event::What::PersonChanged(changed) = &changes.events[0].what else { panic!("{:?}", changes.events) };
    assert_eq!((changed.person.as_str(), changed.change), ("bob", model::event::PersonChange::Disabled));
    assert!(!store.person(&"bob".parse().unwrap()).await.unwrap().unwrap().disabled);
    assert_eq!((store.epoch(), store.log_size().await.unwrap()), (epoch, size));
}

/// The log says who there is, so that `audit verify` finds a row that nobody added here.
///
/// Field: S13
#[tokio::test]
async fn a_start_records_everybody_who_is_new_or_may_do_something_else_and_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let bot = |owner: &str| format!(r#""bot":{{"owner":"{owner}","purpose":"x","public_key":{KEY},"servers":[]}}"#);
    let both = r#""ada":{},"bob":{"roles":["auditor","approver"]}"#;
    let mut seen = 0;
    for (people, agents, said) in [
        (both, bot("ada"), vec!["ada added  false", "bob added approver auditor false", "bot ada bot"]),
        (both, bot("ada"), vec![]),
        (
            r#""ada":{"roles":["admin"]},"bob":{"roles":["approver","auditor"]}"#,
            bot("bob"),
            vec!["ada roles admin false", "bot bob bot"],
        ),
        (r#""bob":{"roles":["approver","auditor"]}"#, bot("bob"), vec!["ada disabled admin true"]),
        (both, bot("bob"), vec!["ada declared_again  false"]),
    ] {
        start(&store, &config(people, &agents)).await.unwrap();
        let records = store.records(seen, 100).await.unwrap();
        seen += records.len() as u64;
        let records = records.iter().map(|(_, record)| serde_json::from_slice::<serde_json::Value>(record).unwrap());
        let text = |record: &serde_json::Value, fields: &[&str]| {
            let of = |field: &&str| match &record[*field] {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            fields.iter().map(of).collect::<Vec<_>>().join(" ")
        };
        let named: Vec<String> = records
            .filter_map(|record| match record["event"].as_str()? {
                "person_changed" => Some(text(&record, &["person", "change", "roles", "disabled"])),
                "agent_registered" | "agent_changed" => Some(text(&record, &["agent", "owner", "client"])),
                _ => None,
            })
            .collect();
        assert_eq!(named, said, "{people}");
    }
    let verified = store::verify(&model::config::StoreUrl::sqlite_in(dir.path()), dir.path(), Default::default()).await;
    assert_eq!(verified.unwrap().contradictions, []);
}

/// Field: H8
#[tokio::test]
async fn an_agent_may_belong_to_a_person_of_the_store_and_never_to_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let bot = format!(r#""bot":{{"owner":"ada","purpose":"x","public_key":{KEY},"servers":[]}}"#);
    let error = start(&store, &config("", &bot)).await.unwrap_err().to_string();
    assert!(error.contains("agents.bot.owner") && error.contains("person add ada"), "{error}");
    assert!(store.agent(&"bot".parse().unwrap()).await.unwrap().is_none());

    let ada =
        Person { id: "ada".parse().unwrap(), display_name: "Ada".into(), roles: Default::default(), disabled: false };
    change(&store, move |tx| Box::pin(async move { PrivilegeTx::of(tx).put_person(&ada, None).await })).await;
    start(&store, &config("", &bot)).await.unwrap();
    assert!(store.agent(&"bot".parse().unwrap()).await.unwrap().is_some());
}

fn careful() -> Policies {
    let text =
        "forbid (principal is Agent, action, resource) when { principal.assurance == Assurance::\"declared\" };".into();
    Policies::load(&[policy::PolicyFile { name: "/somewhere/careful.cedar".into(), text }]).unwrap()
}

/// Whoever reads an old decision reads what decided it, and finds when that began.
///
/// Field: H19
#[tokio::test]
async fn policies_are_kept_by_digest_and_a_load_of_others_is_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    let (config, settings) = (config("", ""), Settings::default());
    let (built_in, careful) = (Policies::built_in(), careful());
    for policies in [&built_in, &built_in, &careful, &built_in] {
        declared(&store, &config, &settings, policies).await.unwrap();
    }
    let records = store.last_records(100).await.unwrap();
    let records = records.iter().map(|(_, bytes)| serde_json::from_slice::<serde_json::Value>(bytes).unwrap());
    let mut loaded: Vec<_> = records.filter(|record| record["event"] == "policy_loaded").collect();
    loaded.sort_by_key(|record| (record["before"].is_string(), record["digest"] == built_in.fingerprint()));
    let told: Vec<_> = loaded.iter().map(|one| (one["digest"].as_str().unwrap(), one["before"].as_str())).collect();
    let (one, other) = (built_in.fingerprint(), careful.fingerprint());
    assert_eq!(told, [(one, None), (other, Some(one)), (one, Some(other))]);
    assert_eq!(loaded[1]["files"], serde_json::json!(["built-in", "careful.cedar"]));
    let kept = store.versions(VersionKind::Policy, &other[..12]).await.unwrap();
    assert_eq!((kept.len(), kept[0].text.as_str()), (1, careful.to_json().as_str()));
    assert_eq!(store.active_version(VersionKind::Policy).await.unwrap().as_deref(), Some(one));
    assert!(store.versions(VersionKind::Configuration, other).await.unwrap().is_empty());
}

/// Nothing that only looked puts anything in force.
#[tokio::test]
async fn what_is_foreseen_is_not_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path()).await;
    foreseen(&store, &config("", ""), &Settings::default(), &careful()).await.unwrap();
    assert_eq!(store.active_version(VersionKind::Policy).await.unwrap(), None);
}
