//! An installation to govern: a real store in a directory of its own, and a clock moved by hand.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;

use crypto::Digest;
use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Clock, Elevation, ElevationState, Grant, Id, ManualClock, Person,
    Scope, Span, Stage, StepUp, Timestamp,
    config::Config,
    event::{AgentRegistered, examples},
};
use policy::Policies;
use privilege::Decider;
use serde_json::{Value, json};
use store::{Commit, OpenOptions, Session, Store, StoreError, privilege::PrivilegeTx};

pub const NIGHTLY: &str = "nightly";
pub const CLAUDE: &str = "claude-code@ada";

pub struct Installation {
    pub directory: tempfile::TempDir,
    pub clock: Arc<ManualClock>,
    pub store: Store,
    pub config: Arc<Config>,
    pub policies: Arc<Policies>,
}

impl Installation {
    /// Ada owns `nightly`, and `claude-code@ada` acts for her. She approves others' requests, as Bob does;
    /// Carol audits, Dan administers, Eve has no role.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let config: Config = serde_json::from_value(json!({
            "public_url": "https://gw.test",
            "servers": {
                "tickets": {
                    "url": "http://127.0.0.1:3001/mcp",
                    "title": "Ticket system",
                    "tools": {"get_*": "low", "list_*": "low", "create_*": "medium", "delete_*": "high"},
                    "any_arguments": ["*"]
                },
                "files": {"url": "http://127.0.0.1:3002/mcp", "tools": {"read_file": "low"}}
            }
        }))
        .unwrap();
        let store = Store::open(OpenOptions {
            url: model::config::StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().to_owned(),
            origin: "gw.test/audit".into(),
            clock: clock.clone(),
            node: Some("node-1".into()),
            store_silence: Span::from_seconds(60),
            missing: store::Missing::IsMade,
        })
        .await
        .unwrap();
        let policies = Arc::new(Policies::built_in());
        let world = Self { directory, clock, store, config: Arc::new(config), policies };
        for (name, roles) in [
            ("ada", json!(["approver"])),
            ("bob", json!(["approver"])),
            ("carol", json!(["auditor"])),
            ("dan", json!(["admin"])),
            ("eve", json!([])),
        ] {
            world.person(name, roles, false).await;
        }
        world.agent(NIGHTLY, AgentKind::Autonomous).await;
        world.agent(CLAUDE, AgentKind::Delegated).await;
        world.grant("grt_nightly", NIGHTLY, None, "tickets").await;
        world.grant("grt_claude", CLAUDE, Some("ada"), "tickets").await;
        world
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub async fn person(&self, name: &str, roles: Value, disabled: bool) {
        let person = Person {
            id: name.parse().unwrap(),
            display_name: name[..1].to_uppercase() + &name[1..],
            roles: serde_json::from_value(roles).unwrap(),
            disabled,
        };
        let event = examples::any();
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_person(&person, None).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await
            .unwrap();
    }

    async fn agent(&self, name: &str, kind: AgentKind) {
        let delegated = kind == AgentKind::Delegated;
        let agent = Agent {
            id: name.parse().unwrap(),
            title: if delegated { "Claude Code".into() } else { "Nightly reconciler".into() },
            owner: "ada".parse().unwrap(),
            purpose: if delegated { "Helps ada write code".into() } else { "Closes tickets that were paid".into() },
            kind,
            client: if delegated { "https://claude.ai/client.json" } else { name }.parse().unwrap(),
            assurance: if delegated { Assurance::Published } else { Assurance::Proven },
            state: AgentState::Active,
            created_at: self.now(),
            sponsor: None,
            eligible_only: false,
        };
        let event = AgentRegistered::of(&agent).by(Actor::System);
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_agent(&agent).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await
            .unwrap();
    }

    pub async fn grant(&self, id: &str, agent: &str, person: Option<&str>, server: &str) {
        let grant = Grant {
            id: id.parse().unwrap(),
            agent: agent.parse().unwrap(),
            person: person.map(|name| name.parse().unwrap()),
            server: server.parse().unwrap(),
            scopes: format!("{server}:low").parse().unwrap(),
            created_at: self.now(),
            not_after: self.now().after(Span::from_minutes(60 * 24)),
            ended_at: None,
        };
        let event = examples::any();
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_grant(&grant).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await
            .unwrap();
    }

    /// A request that waits a quarter of an hour, for five minutes and two calls.
    pub async fn request(&self, id: &str, grant: &str, scope: &str) -> Id<Elevation> {
        let scope: Scope = scope.parse().unwrap();
        let elevation = Elevation {
            id: id.parse().unwrap(),
            grant: grant.parse().unwrap(),
            by: if matches!(scope, Scope::Tool(..)) { StepUp::Approval } else { StepUp::Consent },
            call: None,
            scope,
            quorum: Default::default(),
            reason: "Ticket 4711 is a duplicate <b>of</b> 4710".into(),
            requested_at: self.now(),
            decide_before: self.now().after(Span::from_minutes(15)),
            lasts: Span::from_minutes(5),
            max_uses: 2,
            ends_with: Default::default(),
            stage: Stage::Requested,
        };
        let (id, event) = (elevation.id.clone(), examples::any());
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_elevation(&elevation).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await
            .unwrap();
        id
    }

    /// A session of `name`, by the value of its cookie.
    pub async fn log_in(&self, name: &str) -> String {
        let cookie = crypto::Opaque::mint("pcs").expose().to_owned();
        let session = Session {
            digest: Digest::of(&cookie),
            person: name.parse().unwrap(),
            logged_in_at: self.now(),
            not_after: self.now().after(Span::from_minutes(8 * 60)),
        };
        let event = examples::any();
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    tx.put_session(&session).await?;
                    Ok(Commit::with(event, ()))
                })
            })
            .await
            .unwrap();
        cookie
    }

    pub async fn decider(&self, name: &str) -> Decider {
        let person = self.store.person(&name.parse().unwrap()).await.unwrap().unwrap();
        Decider::at_the_command_line(person, self.policies.clone())
    }

    pub async fn state_of(&self, id: &Id<Elevation>) -> ElevationState {
        self.store.elevation(id).await.unwrap().unwrap().state()
    }

    /// The newest record of the log.
    pub async fn last_record(&self) -> Value {
        let (_, bytes) = self.store.last_records(1).await.unwrap().pop().unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }
}
