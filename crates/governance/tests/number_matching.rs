//! Whoever approves types the number that whoever asked sees.
//!
//! Spec: OWASP ASVS 5.0 (number matching against push bombing)
#![allow(clippy::unwrap_used)]

mod support;

use model::{
    Actor, Elevation, ElevationState, Id, StepUp,
    config::{Approvals, ElevationConfig, NumberMatching},
};
use portcullis_governance::orders::{Approved, Yes, approve, approve_with, deny};
use privilege::{
    Refused,
    elevation::open::{self, Asking, ElevationWish, Opened},
};
use serde_json::{Value, json};
use store::{Commit, StoreError};
use support::{Installation, NIGHTLY};

/// The nightly agent asks for `scope`, and that takes its number.
async fn asked(world: &Installation, scope: &str, approvals: u32) -> Elevation {
    let agent = world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
    let grant = world.store.grant(&"grt_nightly".parse().unwrap()).await.unwrap().unwrap();
    let (policies, scope) = (world.policies.clone(), scope.parse().unwrap());
    let opened = world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let config = ElevationConfig { number_matching: NumberMatching::High, ..ElevationConfig::default() };
                let approvals = Approvals::new(approvals).unwrap();
                let asking = Asking { config: &config, approvals, policies: &policies };
                let wish = ElevationWish {
                    agent: &agent,
                    grant: &grant,
                    scope: &scope,
                    call: None,
                    by: StepUp::Approval,
                    reason: "a spill",
                    task: None,
                };
                let opened = open::request(asking, tx, wish, Actor::Agent(agent.id.clone())).await?;
                let Opened::New(elevation, event) = opened else { panic!("{opened:?}") };
                Ok(Commit::with(event, elevation))
            })
        })
        .await;
    opened.unwrap()
}

fn number(world: &Installation, elevation: &Elevation) -> u32 {
    world.store.matching_number(elevation).unwrap().to_string().parse().unwrap()
}

fn wrong(number: u32) -> u32 {
    if number == 99 { 10 } else { number + 1 }
}

async fn types(world: &Installation, id: &Id<Elevation>, name: &str, number: u32) -> Result<Approved, Refused> {
    let yes = Yes { number: Some(number), ..Yes::default() };
    approve_with(&world.store, id, &world.decider(name).await, yes).await
}

async fn records(world: &Installation) -> Vec<Value> {
    let records = world.store.last_records(100).await.unwrap();
    records.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect()
}

const DELETE: &str = "tickets.delete_ticket";

/// Field: V14
#[tokio::test]
async fn the_number_of_who_asked_approves_and_nothing_else_does() {
    let world = Installation::start().await;
    let asked = asked(&world, DELETE, 1).await;
    assert_eq!(world.last_record().await["number_matching"], true);
    let number = number(&world, &asked);
    assert!((10..=99).contains(&number));
    let missing = approve(&world.store, &asked.id, &world.decider("bob").await, None).await;
    assert!(matches!(missing, Err(Refused::NumberMissing)), "{missing:?}");
    let size = world.store.log_size().await.unwrap();
    let other = types(&world, &asked.id, "bob", wrong(number)).await;
    assert!(matches!(other, Err(Refused::WrongNumber { left: 2 })), "{other:?}");
    assert_eq!(world.store.log_size().await.unwrap(), size + 1, "a wrong number is on record");
    let record = world.last_record().await;
    assert_eq!(
        (&record["event"], &record["decided_by"], &record["wrong"]),
        (&json!("approval_number_wrong"), &json!("bob"), &json!(1))
    );
    assert_eq!(world.state_of(&asked.id).await, ElevationState::Requested);
    assert!(matches!(types(&world, &asked.id, "bob", number).await, Ok(Approved::InForce(_))));
}

/// Field: V14
#[tokio::test]
async fn three_wrong_numbers_deny_it_whoever_typed_them() {
    let world = Installation::start().await;
    let asked = asked(&world, DELETE, 1).await;
    let other = wrong(number(&world, &asked));
    for (name, left) in [("bob", 2), ("dan", 1), ("bob", 0)] {
        let refused = types(&world, &asked.id, name, other).await;
        assert!(matches!(refused, Err(Refused::WrongNumber { left: told }) if told == left), "{refused:?}");
    }
    assert_eq!(world.state_of(&asked.id).await, ElevationState::Denied);
    let record = world.last_record().await;
    assert_eq!((&record["event"], &record["cause"]), (&json!("elevation_denied"), &json!("wrong_numbers")));
    let late = types(&world, &asked.id, "bob", number(&world, &asked)).await;
    assert!(matches!(late, Err(Refused::AlreadyDecided { state: ElevationState::Denied, .. })), "{late:?}");
}

/// Who may not approve tries nothing out.
#[tokio::test]
async fn a_number_of_somebody_who_may_not_approve_is_not_looked_at() {
    let world = Installation::start().await;
    let asked = asked(&world, DELETE, 1).await;
    for _ in 0..3 {
        for name in ["ada", "eve"] {
            let refused = types(&world, &asked.id, name, wrong(number(&world, &asked))).await;
            assert!(matches!(refused, Err(Refused::Duty(_))), "{refused:?}");
        }
    }
    assert!(matches!(types(&world, &asked.id, "bob", number(&world, &asked)).await, Ok(Approved::InForce(_))));
}

#[tokio::test]
async fn each_of_several_types_it() {
    let world = Installation::start().await;
    let asked = asked(&world, DELETE, 2).await;
    let number = number(&world, &asked);
    assert!(matches!(types(&world, &asked.id, "bob", number).await, Ok(Approved::Waits(_))));
    let missing = approve(&world.store, &asked.id, &world.decider("dan").await, None).await;
    assert!(matches!(missing, Err(Refused::NumberMissing)), "{missing:?}");
    let other = types(&world, &asked.id, "dan", wrong(number)).await;
    assert!(matches!(other, Err(Refused::WrongNumber { left: 2 })), "{other:?}");
    let kept = world.store.elevation(&asked.id).await.unwrap().unwrap();
    assert_eq!(kept.quorum.to_string(), "1 of 2, bob", "what bob said stands");
    assert!(matches!(types(&world, &asked.id, "dan", number).await, Ok(Approved::InForce(_))));
}

#[tokio::test]
async fn it_takes_no_number_to_say_no_nor_below_the_high_tier() {
    let world = Installation::start().await;
    let high = asked(&world, DELETE, 1).await;
    deny(&world.store, &high.id, &world.decider("bob").await).await.unwrap();
    let medium = asked(&world, "tickets:medium", 1).await;
    assert_eq!(world.store.matching_number(&medium), None);
    approve(&world.store, &medium.id, &world.decider("bob").await, None).await.unwrap();
}

/// Nobody who reads the log, the row, or what scripts print of it can say what it is.
#[tokio::test]
async fn the_number_is_kept_nowhere() {
    let world = Installation::start().await;
    let mut same = 0;
    for _ in 0..3 {
        let asked = asked(&world, DELETE, 1).await;
        let number = number(&world, &asked);
        assert_eq!(format!("{:?}", world.store.matching_number(&asked)), "Some(MatchingNumber(…))");
        let _ = types(&world, &asked.id, "bob", wrong(number)).await;
        let row = serde_json::to_value(world.store.elevation(&asked.id).await.unwrap().unwrap()).unwrap();
        let told = |value: &Value| match value {
            Value::Number(said) => said.as_u64() == Some(u64::from(number)),
            Value::String(text) => *text == number.to_string(),
            _ => false,
        };
        let mut about: Vec<Value> = records(&world).await;
        about.retain(|record| record["elevation"] == json!(asked.id));
        assert!(!about.is_empty());
        for object in about.iter().chain([&row]) {
            assert!(object.as_object().unwrap().values().all(|value| !told(value)), "{number} in {object}");
        }
        same += u32::from(number == 10);
        portcullis_governance::orders::end(&world.store, &asked.id, Actor::Operator).await.unwrap();
        world.clock.advance(model::Span::from_minutes(16));
    }
    assert!(same < 3, "requests have different numbers");
}
