//! Tasks and their elevations, against a small reference that knows nothing but times and counts.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, sync::Arc};

use model::{
    Actor, Agent, AgentKind, AgentState, Assurance, Clock, Elevation, Grant, Id, ManualClock, Person, Role, Scope,
    Span, StepUp, Target, Task, TaskEnd, TaskStage, Timestamp, config::ElevationConfig,
};
use portcullis_privilege::{
    Decider, Refused, agent, block,
    elevation::{
        decide,
        end::elapse,
        open::{self, Asking, ElevationWish, Opened},
        uses,
    },
    grant, person, task,
    task::open::{AT_ONCE, TaskWish, digest},
};
use proptest::prelude::*;
use store::{Commit, Missing, OpenOptions, Store, StoreError, Tx, VerifyOptions};

macro_rules! change {
    ($store:expr, $tx:ident, $work:expr) => {
        $store
            .write::<_, Refused, _>(move |$tx: &mut Tx<'_>| {
                Box::pin(async move {
                    let (event, value) = $work;
                    Ok(Commit::with(event, value))
                })
            })
            .await
    };
}

struct Installation {
    store: Store,
    clock: Arc<ManualClock>,
    agent: Agent,
    grant: Grant,
    config: ElevationConfig,
    _directory: tempfile::TempDir,
}

const SCRIBE: &str = "scribe@ada";

impl Installation {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let store = Store::open(OpenOptions {
            url: model::config::StoreUrl::sqlite_in(directory.path()),
            data_dir: directory.path().into(),
            origin: "gw.test/audit".into(),
            clock: clock.clone(),
            node: None,
            store_silence: Span::from_seconds(60),
            missing: Missing::IsMade,
        })
        .await
        .unwrap();
        for (name, roles) in [("ada", vec![]), ("bob", vec![Role::Approver])] {
            let roles: BTreeSet<Role> = roles.into_iter().collect();
            let known = Person { id: name.parse().unwrap(), display_name: name.to_owned(), roles, disabled: false };
            change!(store, tx, (person::add(tx, &known, Actor::Operator).await?, ())).unwrap();
        }
        let agent = Agent {
            id: SCRIBE.parse().unwrap(),
            title: "Scribe".into(),
            owner: "ada".parse().unwrap(),
            purpose: "helps".into(),
            kind: AgentKind::Delegated,
            client: "https://scribe.test/client.json".parse().unwrap(),
            assurance: Assurance::Published,
            state: AgentState::Active,
            created_at: clock.now(),
            sponsor: None,
            eligible_only: false,
        };
        let known = agent.clone();
        change!(store, tx, (agent::register(tx, &known, Actor::Operator).await?.unwrap(), ())).unwrap();
        let known = agent.clone();
        let lasts = Span::from_minutes(6000);
        let consented = change!(store, tx, {
            let (ada, tickets) = (known.owner.clone(), "tickets".parse().unwrap());
            let consented = grant::consent(tx, &known, &ada, &tickets, lasts).await?;
            (consented.event.clone(), consented)
        })
        .unwrap();
        let config = ElevationConfig { consent_uses: 3, ..ElevationConfig::default() };
        Self { store, clock, agent, grant: consented.grant, config, _directory: directory }
    }

    async fn open(&self, wish: TaskWish) -> Result<Task, Refused> {
        change!(self.store, tx, task::open::open(tx, wish, Actor::Operator).await?)
    }

    async fn elevate(&self, scope: &str, by: StepUp, task: Option<&Task>) -> Opened {
        let (agent, grant, scope) = (self.agent.clone(), self.grant.clone(), scope.parse::<Scope>().unwrap());
        let (config, task) = (self.config.clone(), task.cloned());
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let task = task.as_ref();
                    let wish = ElevationWish {
                        agent: &agent,
                        grant: &grant,
                        scope: &scope,
                        call: None,
                        by,
                        reason: "why",
                        task,
                    };
                    let opened = match by {
                        StepUp::Consent => open::consent(&config, tx, wish, &agent.owner).await?,
                        StepUp::Approval => {
                            let policies = policy::Policies::built_in();
                            let asking = Asking { config: &config, approvals: config.approvals, policies: &policies };
                            open::request(asking, tx, wish, Actor::Operator).await?
                        }
                    };
                    Ok(match &opened {
                        Opened::New(_, event) => Commit::with(event.clone(), opened),
                        _ => Commit::nothing(opened),
                    })
                })
            })
            .await
            .unwrap()
    }

    /// As a call that was decided on is recorded.
    async fn call(&self, elevation: &Id<Elevation>, task: Option<&Id<Task>>) -> bool {
        let (grant, elevation, task) = (self.grant.id.clone(), elevation.clone(), task.cloned());
        self.store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    if let Some(id) = &task
                        && !tx.task(id).await?.is_some_and(|task| task.is_open(tx.now()))
                    {
                        return Ok(Commit::nothing(false));
                    }
                    let Some(taken) = uses::take(tx, &grant, &elevation).await? else {
                        return Ok(Commit::nothing(false));
                    };
                    let mut commit = Commit::with(model::event::examples::any(), true);
                    commit = taken.ended.into_iter().fold(commit, Commit::and);
                    if let Some(id) = &task {
                        let counted = task::uses::count(tx, id).await?.unwrap();
                        commit = counted.ended.into_iter().fold(commit, Commit::and);
                    }
                    Ok(commit)
                })
            })
            .await
            .unwrap()
    }

    async fn end(&self, id: &Id<Task>) -> Result<(), Refused> {
        let id = id.clone();
        change!(self.store, tx, (task::end::end(tx, id, Actor::Operator).await?, ()))
    }

    async fn complete(&self, id: &Id<Task>) -> Result<(), Refused> {
        let id = id.clone();
        change!(self.store, tx, (task::complete::complete(tx, id, &SCRIBE.parse().unwrap()).await?, ()))
    }

    async fn sweep(&self) {
        for task in self.store.elapsed_tasks(self.store.now()).await.unwrap() {
            self.store
                .write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move {
                        let event = task::end::elapse(tx, &task.id).await?;
                        Ok(event.map_or_else(|| Commit::nothing(()), |event| Commit::with(event, ())))
                    })
                })
                .await
                .unwrap();
        }
        for elevation in self.store.elapsed_elevations(self.store.now()).await.unwrap() {
            self.store
                .write::<_, StoreError, _>(move |tx| {
                    Box::pin(async move {
                        let event = elapse(tx, &elevation).await?;
                        Ok(event.map_or_else(|| Commit::nothing(()), |event| Commit::with(event, ())))
                    })
                })
                .await
                .unwrap();
        }
    }

    async fn last(&self) -> serde_json::Value {
        let records = self.store.last_records(1).await.unwrap();
        serde_json::from_slice(&records[0].1).unwrap()
    }

    async fn task(&self, id: &Id<Task>) -> Task {
        self.store.task(id).await.unwrap().unwrap()
    }
}

fn wish(purpose: &str) -> TaskWish {
    TaskWish {
        agent: SCRIBE.parse().unwrap(),
        grant: None,
        purpose: purpose.into(),
        lasts: TaskWish::LASTS,
        idle: TaskWish::IDLE,
        uses: None,
    }
}

fn new(opened: Opened) -> Elevation {
    let Opened::New(elevation, _) = opened else { panic!("{opened:?}") };
    elevation
}

/// Field: K6
#[tokio::test]
async fn a_task_says_what_it_is_for_or_is_none() {
    let world = Installation::start().await;
    for (refused, why) in [
        (wish("  "), "say what the task is for"),
        (wish(&"x".repeat(501)), "500 characters"),
        (wish("close\u{202e}7114"), "can be shown"),
        (TaskWish { lasts: Span::from_seconds(0), ..wish("w") }, "between 1s and 8h"),
        (TaskWish { lasts: Span::from_minutes(481), ..wish("w") }, "between 1s and 8h"),
        (TaskWish { uses: Some(0), ..wish("w") }, "one call at the least"),
    ] {
        let said = world.open(refused).await.unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
    let nobody = TaskWish { agent: "nobody".parse().unwrap(), ..wish("w") };
    assert!(matches!(world.open(nobody).await, Err(Refused::UnknownName { .. })));
    for _ in 0..AT_ONCE {
        world.open(wish("w")).await.unwrap();
    }
    assert!(matches!(world.open(wish("w")).await, Err(Refused::TooManyTasks(_))));
}

/// Spec: RFC 8785 §3.2
#[tokio::test]
async fn the_digest_is_over_all_that_never_changes() {
    let world = Installation::start().await;
    let task = world.open(wish("close ticket 4711")).await.unwrap();
    let text = format!(
        r#"{{"agent":"scribe@ada","deadline":{},"idle":900,"opened_at":{},"person":"ada","purpose":"close ticket 4711","uses":null}}"#,
        task.deadline.micros(),
        task.opened_at.micros()
    );
    assert_eq!(task.digest, crypto::Digest::of(&text).to_hex());
    for other in [
        Task { purpose: "close ticket 4712".into(), ..task.clone() },
        Task { deadline: task.deadline.after(Span::from_seconds(1)), ..task.clone() },
        Task { person: None, ..task.clone() },
        Task { max_uses: Some(1), ..task.clone() },
    ] {
        assert_ne!(digest(&other), task.digest);
    }
    assert_eq!(digest(&Task { uses: 3, ..task.clone() }), task.digest);
}

/// Field: K3, K4, K15
#[tokio::test]
async fn what_belongs_to_a_task_ends_with_it_and_nothing_else_does() {
    let world = Installation::start().await;
    let (task, other) = (world.open(wish("one")).await.unwrap(), world.open(wish("two")).await.unwrap());
    let mine = new(world.elevate("tickets:medium", StepUp::Consent, Some(&task)).await);
    let theirs = new(world.elevate("tickets:medium", StepUp::Consent, Some(&other)).await);
    let alone = new(world.elevate("tickets:medium", StepUp::Consent, None).await);
    let waits = new(world.elevate("tickets.delete_ticket", StepUp::Approval, Some(&task)).await);
    world.end(&task.id).await.unwrap();
    assert!(!world.call(&mine.id, Some(&task.id)).await);
    assert!(world.call(&theirs.id, Some(&other.id)).await && world.call(&alone.id, None).await);
    let bob = world.store.person(&"bob".parse().unwrap()).await.unwrap().unwrap();
    let approved = change!(world.store, tx, {
        decide::approve(
            tx,
            &waits.id,
            &Decider::at_the_command_line(bob, Arc::new(policy::Policies::built_in())),
            Default::default(),
        )
        .await
        .map(|(event, approved)| (event.unwrap(), approved))?
    });
    assert!(matches!(approved, Err(Refused::TaskOver(_) | Refused::AlreadyDecided { .. })));
    let records = world.store.last_records(5).await.unwrap();
    let records: Vec<serde_json::Value> =
        records.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect();
    let ended: Vec<_> = records.iter().filter(|record| record["event"] == "elevation_ended").collect();
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|record| record["cause"] == "task_ended" && record["task"] == task.id.as_str()));
    assert!(matches!(world.end(&task.id).await, Err(Refused::TaskOver(_))));
}

/// Field: K5, K8
#[tokio::test]
async fn an_elevation_without_a_task_ends_when_it_is_not_used() {
    let world = Installation::start().await;
    let elevation = new(world.elevate("tickets:medium", StepUp::Consent, None).await);
    world.clock.advance(Span::from_seconds(299));
    assert!(world.call(&elevation.id, None).await);
    world.clock.advance(Span::from_seconds(299));
    assert!(world.call(&elevation.id, None).await, "from its last use");
    world.clock.advance(Span::from_seconds(300));
    assert!(!world.call(&elevation.id, None).await);
    assert!(world.store.live_elevations(&world.grant.id, world.store.now()).await.unwrap().is_empty());
    world.sweep().await;
    assert_eq!(
        (world.last().await["event"].as_str(), world.last().await["cause"].as_str()),
        (Some("elevation_ended"), Some("idle"))
    );
}

/// Whoever can write to the database can wake a task: the log says so afterwards.
#[tokio::test]
async fn a_task_that_the_log_does_not_account_for_is_found() {
    let world = Installation::start().await;
    let (open, over) = (world.open(wish("one")).await.unwrap(), world.open(wish("two")).await.unwrap());
    world.end(&over.id).await.unwrap();
    let url = model::config::StoreUrl::sqlite_in(world._directory.path());
    let found = async || {
        let options = VerifyOptions { witness: None, verifier_key: None };
        let verified = store::verify(&url, world._directory.path(), options).await.unwrap();
        verified.contradictions.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(found().await, [""; 0]);
    let put = |task: Task| async {
        let task = task;
        change!(world.store, tx, {
            store::privilege::PrivilegeTx::of(tx).put_task(&task).await?;
            (model::event::examples::any(), ())
        })
        .unwrap();
    };
    put(Task { id: "tsk_nobody".parse().unwrap(), ..open.clone() }).await;
    assert!(found().await[0].starts_with("task tsk_nobody is in force, and the log has no record"));
}

#[tokio::test]
async fn complete_ends_it_at_once_unless_somebody_approved_what_was_used() {
    let world = Installation::start().await;
    let low = world.open(wish("low")).await.unwrap();
    world.complete(&low.id).await.unwrap();
    assert!(matches!(world.task(&low.id).await.stage, TaskStage::Ended(TaskEnd::Completed, _)));
    let task = world.open(wish("high")).await.unwrap();
    let asked = new(world.elevate("tickets.delete_ticket", StepUp::Approval, Some(&task)).await);
    let bob = world.store.person(&"bob".parse().unwrap()).await.unwrap().unwrap();
    let id = asked.id.clone();
    change!(
        world.store,
        tx,
        decide::approve(
            tx,
            &id,
            &Decider::at_the_command_line(bob, Arc::new(policy::Policies::built_in())),
            Default::default()
        )
        .await
        .map(|(event, approved)| (event.unwrap(), approved))?
    )
    .unwrap();
    assert!(world.call(&asked.id, Some(&task.id)).await);
    world.complete(&task.id).await.unwrap();
    assert_eq!(world.task(&task.id).await.stage, TaskStage::Completing);
    assert!(!world.call(&asked.id, Some(&task.id)).await, "nothing more is called in it");
    assert!(world.complete(&task.id).await.is_err());
    world.end(&task.id).await.unwrap();
    assert!(matches!(world.task(&task.id).await.stage, TaskStage::Ended(TaskEnd::Completed, _)));
    assert_eq!(world.last().await["actor"], "operator", "a person confirmed");
}

/// What happens to tasks, in any order.
#[derive(Clone, Debug)]
enum Step {
    Open { lasts: u32, idle: u32, uses: Option<u32> },
    Elevate { task: usize },
    Call { elevation: usize },
    Wait(u32),
    Complete { task: usize },
    End { task: usize },
    Suspend,
    Resume,
    Revoke,
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // Few different times, so that waits meet ends: a second before, at, and after.
        3 => (prop_oneof![Just(900u32), Just(300), 1u32..900], prop::sample::select(vec![0u32, 60, 60, 120]), prop::option::weighted(0.3, 1u32..4))
            .prop_map(|(lasts, idle, uses)| Step::Open { lasts, idle, uses }),
        5 => (0usize..5).prop_map(|task| Step::Elevate { task }),
        8 => (0usize..8).prop_map(|elevation| Step::Call { elevation }),
        5 => prop::sample::select(vec![1u32, 1, 59, 60, 61, 119, 120, 299, 300, 450]).prop_map(Step::Wait),
        1 => (0usize..5).prop_map(|task| Step::Complete { task }),
        1 => (0usize..5).prop_map(|task| Step::End { task }),
        1 => Just(Step::Suspend),
        2 => Just(Step::Resume),
        1 => Just(Step::Revoke),
        2 => Just(Step::Sweep),
    ]
}

/// The reference: a task.
struct RefTask {
    id: Id<Task>,
    deadline: i64,
    idle: i64,
    last: i64,
    left: Option<u32>,
    ended: bool,
}

/// The reference: an elevation.
struct RefElevation {
    id: Id<Elevation>,
    task: Option<usize>,
    end: i64,
    last: i64,
    left: u32,
    ended: bool,
}

#[derive(Default)]
struct Reference {
    now: i64,
    tasks: Vec<RefTask>,
    elevations: Vec<RefElevation>,
    suspended: bool,
    revoked: bool,
}

impl Reference {
    fn is_open(&self, at: usize) -> bool {
        let task = &self.tasks[at];
        !task.ended
            && self.now < task.deadline
            && (task.idle == 0 || self.now < task.last + task.idle)
            && task.left != Some(0)
    }

    fn is_usable(&self, at: usize) -> bool {
        let elevation = &self.elevations[at];
        let by_task = match elevation.task {
            Some(task) => self.is_open(task),
            None => self.now < elevation.last + 300,
        };
        by_task && !elevation.ended && self.now < elevation.end && elevation.left > 0
    }
}

async fn agree(steps: Vec<Step>) {
    let world = Installation::start().await;
    let mut reference = Reference::default();
    for step in &steps {
        let in_vain = reference.suspended || reference.revoked;
        match step {
            Step::Open { lasts, idle, uses } => {
                let (lasts, idle, uses) = (*lasts, *idle, *uses);
                let wanted =
                    TaskWish { lasts: Span::from_seconds(lasts), idle: Span::from_seconds(idle), uses, ..wish("w") };
                let opened = world.open(wanted).await;
                assert_eq!(opened.is_err(), in_vain, "{opened:?}");
                let Ok(task) = opened else { continue };
                let (now, deadline) = (reference.now, reference.now + i64::from(lasts));
                reference.tasks.push(RefTask {
                    id: task.id,
                    deadline,
                    idle: idle.into(),
                    last: now,
                    left: uses,
                    ended: false,
                });
            }
            Step::Elevate { task } => {
                // 0 is for none.
                let task = task.checked_sub(1).filter(|at| *at < reference.tasks.len());
                if in_vain || task.is_some_and(|at| !reference.is_open(at)) {
                    continue;
                }
                let stored = match task {
                    Some(at) => Some(world.task(&reference.tasks[at].id).await),
                    None => None,
                };
                if let Opened::New(elevation, _) =
                    world.elevate("tickets:medium", StepUp::Consent, stored.as_ref()).await
                {
                    let end = reference.now + 900;
                    let end = task.map_or(end, |at| end.min(reference.tasks[at].deadline));
                    let (last, id) = (reference.now, elevation.id);
                    reference.elevations.push(RefElevation { id, task, end, last, left: 3, ended: false });
                }
            }
            Step::Call { elevation } => {
                let Some(known) = reference.elevations.get(*elevation) else { continue };
                let task = known.task.map(|at| reference.tasks[at].id.clone());
                let made = world.call(&known.id, task.as_ref()).await;
                assert_eq!(made, reference.is_usable(*elevation), "{step:?} of {steps:?}");
                if made {
                    let now = reference.now;
                    let known = &mut reference.elevations[*elevation];
                    (known.left, known.last) = (known.left - 1, now);
                    if let Some(at) = known.task {
                        let task = &mut reference.tasks[at];
                        (task.left, task.last) = (task.left.map(|left| left - 1), now);
                    }
                }
            }
            Step::Wait(seconds) => {
                world.clock.advance(Span::from_seconds(*seconds));
                reference.now += i64::from(*seconds);
            }
            Step::Complete { task } | Step::End { task } => {
                if *task >= reference.tasks.len() {
                    continue;
                }
                let id = reference.tasks[*task].id.clone();
                let ended =
                    if matches!(step, Step::End { .. }) { world.end(&id).await } else { world.complete(&id).await };
                assert_eq!(ended.is_ok(), reference.is_open(*task), "{step:?} of {steps:?}: {ended:?}");
                reference.tasks[*task].ended = true;
            }
            Step::Suspend | Step::Resume => {
                let state = if matches!(step, Step::Suspend) { AgentState::Suspended } else { AgentState::Active };
                let changed = change!(world.store, tx, {
                    (agent::set_state(tx, SCRIBE.parse().unwrap(), state, Actor::Operator).await?, ())
                });
                if changed.is_ok() {
                    reference.suspended = state != AgentState::Active;
                    let ends = reference.suspended;
                    reference.tasks.iter_mut().for_each(|task| task.ended |= ends);
                }
            }
            Step::Revoke => {
                let target = Target::Agent(SCRIBE.parse().unwrap());
                change!(world.store, tx, { (block::revoke(tx, target, Actor::Operator, "a drill".into()).await?, ()) })
                    .unwrap();
                reference.revoked = true;
                reference.tasks.iter_mut().for_each(|task| task.ended = true);
                reference.elevations.iter_mut().for_each(|elevation| elevation.ended = true);
            }
            Step::Sweep => world.sweep().await,
        }
        let live = world.store.live_elevations(&world.grant.id, world.store.now()).await.unwrap();
        for at in 0..reference.tasks.len() {
            let task = world.task(&reference.tasks[at].id).await;
            assert_eq!(task.is_open(world.store.now()), reference.is_open(at), "task {at} after {step:?} of {steps:?}");
        }
        for (at, known) in reference.elevations.iter().enumerate() {
            let by_task = known.task.is_none_or(|task| reference.is_open(task));
            let listed = by_task && live.iter().any(|live| live.id == known.id);
            assert_eq!(listed, reference.is_usable(at), "elevation {at} after {step:?} of {steps:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// Field: K8
    #[test]
    fn in_whatever_order_things_happen_the_store_says_what_a_reference_says(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(agree(steps));
    }
}
