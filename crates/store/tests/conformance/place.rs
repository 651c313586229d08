//! Where a store lives during one test, and people and agents to put into it.

use std::{path::PathBuf, sync::Arc};

use model::{
    Agent, AgentKind, AgentState, Assurance, Clock, Elevation, Event, Grant, Id, ManualClock, Person, Span, Stage,
    StepUp, Timestamp, config::StoreUrl,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, query_scalar, raw_sql};
use store::{OpenError, OpenOptions, Store, privilege::PrivilegeTx};
use tempfile::TempDir;

/// A database and a data directory of their own.
pub struct Place {
    pub directory: TempDir,
    pub url: StoreUrl,
    pub clock: Arc<ManualClock>,
    server: Option<(String, String)>,
}

pub const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

impl Place {
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = StoreUrl::sqlite_in(&directory.path().join("data"));
        Self { directory, url, clock: Arc::new(ManualClock::at(START)), server: None }
    }

    /// `None`, said aloud, when no server is named.
    pub async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else {
            eprintln!("skipped: set PORTCULLIS_TEST_POSTGRES to run on PostgreSQL");
            return None;
        };
        let name = format!("portcullis_{:016x}", u64::from_ne_bytes(crypto::random()));
        run_on(&server, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = StoreUrl::try_from(format!("{base}/{name}")).unwrap();
        let directory = tempfile::tempdir().unwrap();
        Some(Self { directory, url, clock: Arc::new(ManualClock::at(START)), server: Some((server, name)) })
    }

    pub async fn drop_database(self) {
        if let Some((server, name)) = self.server {
            run_on(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    pub fn options(&self, node: Option<&str>) -> OpenOptions {
        OpenOptions {
            url: self.url.clone(),
            data_dir: self.directory.path().join("data"),
            origin: "mcp.acme.example/audit".into(),
            clock: self.clock.clone() as Arc<dyn Clock>,
            node: node.map(Into::into),
            store_silence: Span::from_seconds(2),
            missing: store::Missing::IsMade,
        }
    }

    pub async fn open(&self) -> Store {
        self.open_as(None).await.unwrap()
    }

    pub async fn open_as(&self, node: Option<&str>) -> Result<Store, OpenError> {
        Store::open(self.options(node)).await
    }

    /// Runs SQL past the store, as an intruder would.
    pub async fn tamper(&self, sql: &str) {
        run_on(&self.sql_url(), sql).await;
    }

    /// Asks for one number past the store.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.connect().await;
        let count = query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    /// A connection past the store.
    pub async fn connect(&self) -> AnyConnection {
        AnyConnection::connect(&self.sql_url()).await.unwrap()
    }

    /// `bytes` as both databases read them in a statement.
    pub fn literal(&self, bytes: &[u8]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.url.sqlite_directory().is_some() { format!("x'{hex}'") } else { format!("'\\x{hex}'") }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("data").join(name)
    }

    fn sql_url(&self) -> String {
        match self.url.sqlite_directory() {
            Some(directory) => format!("sqlite://{}/portcullis.db", directory.display()),
            None => self.url.expose().to_owned(),
        }
    }
}

async fn run_on(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Something to record.
pub fn event() -> Event {
    model::event::examples::any()
}

/// Something to record that can be told from other such things, or is as long as `words`.
pub fn saying(words: impl ToString) -> Event {
    let written =
        model::event::Restored { target: model::TargetKind::All, name: String::new(), reason: words.to_string() };
    written.by(model::Actor::Operator)
}

pub fn person(id: &str) -> Person {
    Person { id: id.parse().unwrap(), display_name: id.to_uppercase(), roles: Default::default(), disabled: false }
}

pub fn agent(id: &str, owner: &str) -> Agent {
    Agent {
        id: id.parse().unwrap(),
        title: "An agent".into(),
        owner: owner.parse().unwrap(),
        purpose: "to test".into(),
        kind: AgentKind::Delegated,
        client: format!("https://{id}.example/client").parse().unwrap(),
        assurance: Assurance::Declared,
        state: AgentState::Active,
        created_at: START,
        sponsor: None,
        eligible_only: false,
    }
}

pub fn grant(agent: &Agent) -> Grant {
    Grant {
        id: crypto::mint(),
        agent: agent.id.clone(),
        person: Some(agent.owner.clone()),
        server: "tickets".parse().unwrap(),
        scopes: "tickets:low".parse().unwrap(),
        created_at: START,
        not_after: START.after(Span::from_minutes(60)),
        ended_at: None,
    }
}

pub fn elevation(grant: &Id<Grant>, max_uses: u32) -> Elevation {
    Elevation {
        id: crypto::mint(),
        grant: grant.clone(),
        scope: "tickets.delete_ticket".parse().unwrap(),
        call: None,
        by: StepUp::Approval,
        quorum: Default::default(),
        reason: "a spill".into(),
        requested_at: START,
        decide_before: START.after(Span::from_minutes(5)),
        lasts: Span::from_minutes(10),
        max_uses,
        ends_with: Default::default(),
        stage: Stage::Requested,
    }
}

/// Puts ada, her agent and its grant into the store.
pub async fn settle(store: &Store) -> Grant {
    let agent = agent("scribe", "ada");
    let grant = grant(&agent);
    let kept = grant.clone();
    store
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&person("ada"), None).await?;
                PrivilegeTx::of(tx).put_agent(&agent).await?;
                PrivilegeTx::of(tx).put_grant(&grant).await?;
                Ok(store::Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
    kept
}
