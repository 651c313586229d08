//! Several people have to approve: each by themselves, nobody twice, and one no ends it.
//!
//! Spec: NIST SP 800-53 AC-3 (2) (dual authorization).
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use model::{
    Actor, Elevation, ElevationState, Id, Span, StepUp, Target,
    config::{Approvals, ElevationConfig},
};
use policy::{Policies, PolicyFile};
use portcullis_governance::orders::{Approved, approve, deny, restore, revoke, write_ends};
use privilege::{
    DutyError, Refused,
    approvers::still_approved,
    authority::Unfit,
    elevation::open::{self, Asking, ElevationWish, Opened},
};
use serde_json::{Value, json};
use store::{Commit, StoreError};
use support::{Installation, NIGHTLY};

const DELETE: &str = "tickets.delete_ticket";

/// The nightly agent asks for the high tier, which takes so many people.
async fn ask(world: &Installation, approvals: u32) -> Opened {
    let agent = world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
    let grant = world.store.grant(&"grt_nightly".parse().unwrap()).await.unwrap().unwrap();
    let policies = world.policies.clone();
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let config = ElevationConfig { pending_per_agent: 10, ..ElevationConfig::default() };
                let approvals = Approvals::new(approvals).unwrap();
                let asking = Asking { config: &config, approvals, policies: &policies };
                let wish = ElevationWish {
                    agent: &agent,
                    grant: &grant,
                    scope: &DELETE.parse().unwrap(),
                    call: None,
                    by: StepUp::Approval,
                    reason: "a spill",
                    task: None,
                };
                let opened = open::request(asking, tx, wish, Actor::Agent(agent.id.clone())).await?;
                Ok(match &opened {
                    Opened::New(_, event) => Commit::with(event.clone(), opened),
                    _ => Commit::nothing(opened),
                })
            })
        })
        .await
        .unwrap()
}

async fn asked(world: &Installation, approvals: u32) -> Id<Elevation> {
    world.person("fay", json!(["approver"]), false).await;
    let opened = ask(world, approvals).await;
    let Opened::New(elevation, _) = opened else { panic!("{opened:?}") };
    elevation.id
}

async fn yes(world: &Installation, id: &Id<Elevation>, name: &str) -> Result<Approved, Refused> {
    approve(&world.store, id, &world.decider(name).await, None).await
}

/// `1 of 2, bob`, of a request that waits.
fn progress(approved: Result<Approved, Refused>) -> String {
    match approved {
        Ok(Approved::Waits(quorum)) => quorum.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn elevation(world: &Installation, id: &Id<Elevation>) -> Elevation {
    world.store.elevation(id).await.unwrap().unwrap()
}

/// What a call that rests on it would be told now.
async fn at_use(world: &Installation, id: &Id<Elevation>) -> Result<(), Unfit> {
    let elevation = elevation(world, id).await;
    let grant = world.store.grant(&elevation.grant).await.unwrap().unwrap();
    let agent = world.store.agent(&grant.agent).await.unwrap().unwrap();
    still_approved(&world.store, &world.policies, (&agent, &grant), &elevation).await.unwrap()
}

async fn records(world: &Installation) -> Vec<Value> {
    let records = world.store.last_records(100).await.unwrap();
    records.iter().map(|(_, bytes)| serde_json::from_slice(bytes).unwrap()).collect()
}

/// Field: V12
#[tokio::test]
async fn two_people_approve_and_the_time_begins_with_the_last() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    assert_eq!(world.last_record().await["approvals"], 2, "who asked knows how many it takes");

    assert_eq!(progress(yes(&world, &id, "bob").await), "1 of 2, bob");
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
    let record = world.last_record().await;
    assert_eq!(record["event"], "approval_given");
    assert_eq!(
        (&record["decided_by"], &record["approval"], &record["approvals"], &record["approvers"]),
        (&json!("bob"), &json!(1), &json!(2), &json!(["bob"]))
    );
    assert!(world.store.live_elevations(&"grt_nightly".parse().unwrap(), world.now()).await.unwrap().is_empty());

    world.clock.advance(Span::from_minutes(4));
    let until = world.now().after(Span::from_minutes(5));
    assert_eq!(yes(&world, &id, "fay").await.unwrap(), Approved::InForce(until));
    let record = world.last_record().await;
    assert_eq!(record["event"], "elevation_approved");
    assert_eq!(
        (&record["decided_by"], &record["approvals"], &record["approvers"]),
        (&json!("fay"), &json!(2), &json!(["bob", "fay"]))
    );
    assert!(elevation(&world, &id).await.is_live(world.now()));
    assert_eq!(at_use(&world, &id).await, Ok(()));
}

/// Field: V11
#[tokio::test]
async fn nobody_counts_twice_and_who_comes_again_gets_the_first_answer() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    let size = world.store.log_size().await.unwrap();
    assert_eq!(progress(yes(&world, &id, "bob").await), "1 of 2, bob");
    assert_eq!(world.store.log_size().await.unwrap(), size, "it was said once");
    yes(&world, &id, "fay").await.unwrap();
    for name in ["bob", "fay"] {
        let late = yes(&world, &id, name).await;
        assert!(
            matches!(&late, Err(Refused::AlreadyDecided { state: ElevationState::Active, by: Some(by) }) if by == name),
            "{late:?}"
        );
    }
    // Who had no part in it is told who decided.
    let third = yes(&world, &id, "dan").await;
    assert!(matches!(&third, Err(Refused::AlreadyDecided { by: Some(by), .. }) if by == "fay"), "{third:?}");
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn each_of_them_is_asked_by_themselves() {
    let mut world = Installation::start().await;
    let text = r#"@id("not-fay") forbid (principal == Person::"fay", action == Action::"approve", resource);"#;
    let file = PolicyFile { name: "own.cedar".into(), text: text.into() };
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    let owner = yes(&world, &id, "ada").await;
    assert!(matches!(owner, Err(Refused::Duty(DutyError::Owner(_)))), "{owner:?}");
    let without = yes(&world, &id, "eve").await;
    assert!(matches!(without, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{without:?}");
    world.policies = Arc::new(Policies::load(&[file]).unwrap());
    let routed = yes(&world, &id, "fay").await;
    assert!(matches!(routed, Err(Refused::Duty(DutyError::ByPolicy { .. }))), "{routed:?}");
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
}

/// Field: V12
#[tokio::test]
async fn one_no_ends_it() {
    let world = Installation::start().await;
    let id = asked(&world, 3).await;
    progress(yes(&world, &id, "bob").await);
    progress(yes(&world, &id, "fay").await);
    deny(&world.store, &id, &world.decider("dan").await).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Denied);
    let late = yes(&world, &id, "bob").await;
    assert!(matches!(late, Err(Refused::AlreadyDecided { state: ElevationState::Denied, .. })), "{late:?}");
}

#[tokio::test]
async fn who_approved_may_still_say_no() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    deny(&world.store, &id, &world.decider("bob").await).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Denied);
}

#[tokio::test]
async fn the_shortest_time_that_anybody_gave_counts() {
    for (first, second) in [(Some(60), None), (None, Some(60)), (Some(60), Some(120))] {
        let world = Installation::start().await;
        let id = asked(&world, 2).await;
        let lasts = |seconds: Option<u32>| seconds.map(Span::from_seconds);
        approve(&world.store, &id, &world.decider("bob").await, lasts(first)).await.unwrap();
        let approved = approve(&world.store, &id, &world.decider("fay").await, lasts(second)).await.unwrap();
        assert_eq!(approved, Approved::InForce(world.now().after(Span::from_seconds(60))), "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn of_several_approvers_at_once_exactly_one_is_the_last() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    let (bob, fay, dan) = (world.decider("bob").await, world.decider("fay").await, world.decider("dan").await);
    let (a, b, c) = tokio::join!(
        approve(&world.store, &id, &bob, None),
        approve(&world.store, &id, &fay, None),
        approve(&world.store, &id, &dan, None)
    );
    let all = [a, b, c];
    let count = |is: fn(&Result<Approved, Refused>) -> bool| all.iter().filter(|one| is(one)).count();
    assert_eq!(count(|one| matches!(one, Ok(Approved::InForce(_)))), 1, "{all:?}");
    assert_eq!(count(|one| matches!(one, Ok(Approved::Waits(_)))), 1, "{all:?}");
    assert_eq!(count(|one| matches!(one, Err(Refused::AlreadyDecided { .. }))), 1, "{all:?}");
    assert_eq!(elevation(&world, &id).await.quorum.given.len(), 2);
}

#[tokio::test]
async fn an_approval_of_who_is_none_any_more_does_not_count_when_the_next_comes() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    world.person("bob", json!([]), false).await;
    assert_eq!(progress(yes(&world, &id, "fay").await), "1 of 2, fay");
    assert_eq!(world.last_record().await["approvers"], json!(["fay"]));
    assert!(matches!(yes(&world, &id, "dan").await, Ok(Approved::InForce(_))));
}

#[tokio::test]
async fn who_was_stopped_since_has_to_approve_again() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    world.clock.advance(Span::from_seconds(1));
    let bob = Target::Person("bob".parse().unwrap());
    revoke(&world.store, &bob, Actor::Operator, "a stolen phone").await.unwrap();
    restore(&world.store, &bob, Actor::Operator, "found").await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Requested, "others may still decide");
    world.clock.advance(Span::from_seconds(1));
    assert_eq!(progress(yes(&world, &id, "fay").await), "1 of 2, fay");
    assert!(matches!(yes(&world, &id, "bob").await, Ok(Approved::InForce(_))));
    assert_eq!(at_use(&world, &id).await, Ok(()), "what was approved after a block that was lifted stands");
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn all_of_them_are_asked_again_at_use() {
    let mut world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    yes(&world, &id, "fay").await.unwrap();
    world.person("bob", json!([]), false).await;
    assert_eq!(at_use(&world, &id).await, Err(Unfit::Approver("bob".parse().unwrap())));
    world.person("bob", json!(["approver"]), true).await;
    assert_eq!(at_use(&world, &id).await, Err(Unfit::Approver("bob".parse().unwrap())));
    world.person("bob", json!(["approver"]), false).await;
    assert_eq!(at_use(&world, &id).await, Ok(()));
    let text = r#"@id("not-bob") forbid (principal == Person::"bob", action == Action::"approve", resource);"#;
    world.policies = Arc::new(Policies::load(&[PolicyFile { name: "own.cedar".into(), text: text.into() }]).unwrap());
    assert_eq!(at_use(&world, &id).await, Err(Unfit::Approver("bob".parse().unwrap())));
}

#[tokio::test]
async fn a_block_on_any_of_them_ends_it() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    yes(&world, &id, "fay").await.unwrap();
    let bob = Target::Person("bob".parse().unwrap());
    revoke(&world.store, &bob, Actor::Operator, "a stolen phone").await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Ended, "before anybody has written it down");
    write_ends(&world.store).await.unwrap();
    let records = records(&world).await;
    let ended = records.iter().find(|record| record["event"] == "elevation_ended").unwrap();
    assert_eq!((&ended["elevation"], &ended["cause"]), (&json!(id), &json!("revoked")));
    restore(&world.store, &bob, Actor::Operator, "found").await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Ended, "what a block ended stays over");
}

/// Before, such an elevation was joined and used by nobody, until its minutes were over.
#[tokio::test]
async fn what_somebody_approved_who_may_not_any_more_is_not_joined_but_asked_anew() {
    for approvals in [1, 2] {
        let world = Installation::start().await;
        let id = asked(&world, approvals).await;
        yes(&world, &id, "bob").await.unwrap();
        if approvals == 2 {
            yes(&world, &id, "dan").await.unwrap();
        }
        let joined = ask(&world, approvals).await;
        assert!(matches!(&joined, Opened::Joined(live) if live.id == id), "{joined:?}");
        let epoch = world.store.epoch();
        world.person("bob", json!([]), false).await;
        let anew = ask(&world, approvals).await;
        let Opened::New(anew, _) = anew else { panic!("{anew:?}") };
        assert_eq!(world.state_of(&id).await, ElevationState::Ended);
        assert!(world.store.epoch() > epoch, "what was held in memory is void");
        let records = records(&world).await;
        let ended = records.iter().rfind(|record| record["event"] == "elevation_ended").unwrap();
        assert_eq!((&ended["elevation"], &ended["cause"]), (&json!(id), &json!("approver_gone")));
        assert_eq!(world.state_of(&anew.id).await, ElevationState::Requested);
        let approved = yes(&world, &anew.id, "fay").await;
        assert!(approved.is_ok(), "others can decide: {approved:?}");
        // The role comes back, and what ended does not.
        world.person("bob", json!(["approver"]), false).await;
        assert_eq!(world.state_of(&id).await, ElevationState::Ended);
    }
}

/// Fail closed: a row in force with fewer approvals than it takes opens nothing.
///
/// Field: V11
#[tokio::test]
async fn fewer_approvals_than_it_takes_open_nothing() {
    let world = Installation::start().await;
    let id = asked(&world, 2).await;
    progress(yes(&world, &id, "bob").await);
    yes(&world, &id, "fay").await.unwrap();
    let mut elevation = elevation(&world, &id).await;
    elevation.quorum.given.pop();
    let grant = world.store.grant(&elevation.grant).await.unwrap().unwrap();
    let agent = world.store.agent(&grant.agent).await.unwrap().unwrap();
    let told = |elevation: Elevation| {
        let (world, agent, grant) = (&world, agent.clone(), grant.clone());
        async move { still_approved(&world.store, &world.policies, (&agent, &grant), &elevation).await.unwrap() }
    };
    assert_eq!(told(elevation.clone()).await, Err(Unfit::TooFew(2)));
    let twice = elevation.quorum.given[0].clone();
    elevation.quorum.given.push(twice);
    assert_eq!(told(elevation).await, Err(Unfit::TooFew(2)), "and nobody counts twice");
}
