//! An approver hands approving to somebody else, until a time: who decides then, in whose name, and what ends it.
//!
//! Spec: NIST SP 800-53 AC-5.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use model::{Actor, Duty, DutyEnd, Elevation, ElevationState, Id, Quorum, Span, Target};
use policy::{Policies, PolicyFile};
use portcullis_governance::orders::{
    Approved, approve, delegate_duty, deny, end_duty, restore, revoke, set_roles, write_elapsed,
};
use privilege::{DutyError, Refused, approvers::still_approved, authority::Unfit, duty::delegate::DutyWish, person};
use serde_json::{Value, json};
use store::{Commit, StoreError, privilege::PrivilegeTx};
use support::Installation;

const DELETE: &str = "tickets.delete_ticket";

fn wish(from: &str, to: &str) -> DutyWish {
    let lasts = Span::from_minutes(8 * 60);
    DutyWish { from: from.parse().unwrap(), to: to.parse().unwrap(), server: None, lasts }
}

async fn hands(world: &Installation, from: &str, to: &str) -> Result<Duty, Refused> {
    delegate_duty(&world.store, wish(from, to), Actor::Operator).await
}

async fn yes(world: &Installation, id: &Id<Elevation>, name: &str) -> Result<Approved, Refused> {
    approve(&world.store, id, &world.decider(name).await, None).await
}

async fn at_use(world: &Installation, id: &Id<Elevation>) -> Result<(), Unfit> {
    let elevation = world.store.elevation(id).await.unwrap().unwrap();
    let grant = world.store.grant(&elevation.grant).await.unwrap().unwrap();
    let agent = world.store.agent(&grant.agent).await.unwrap().unwrap();
    still_approved(&world.store, &world.policies, (&agent, &grant), &elevation).await.unwrap()
}

async fn duty(world: &Installation, id: &Id<Duty>) -> Duty {
    world.store.duty(id).await.unwrap().unwrap()
}

async fn ended(world: &Installation) -> Vec<Value> {
    let records = world.store.last_records(100).await.unwrap();
    let records = records.iter().map(|(_, bytes)| serde_json::from_slice::<Value>(bytes).unwrap());
    records.filter(|record| record["event"] == "duty_ended").collect()
}

async fn takes(world: &Installation, id: &Id<Elevation>, people: u32) {
    let id = id.clone();
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_quorum(&id, &Quorum::of(people)).await?;
                Ok(Commit::with(model::event::examples::any(), ()))
            })
        })
        .await
        .unwrap();
}

fn own(text: &str) -> Arc<Policies> {
    Arc::new(Policies::load(&[PolicyFile { name: "own.cedar".into(), text: text.into() }]).unwrap())
}

/// Eve has no role of her own.
///
/// Field: V13
#[tokio::test]
async fn who_was_handed_it_decides_and_the_record_says_in_whose_name() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    assert!(yes(&world, &id, "eve").await.is_err());
    let handed = hands(&world, "bob", "eve").await.unwrap();
    let record = world.last_record().await;
    assert_eq!(
        (&record["event"], &record["from"], &record["to"], &record["duty"]),
        (&json!("duty_delegated"), &json!("bob"), &json!("eve"), &json!(handed.id))
    );
    assert!(matches!(yes(&world, &id, "eve").await, Ok(Approved::InForce(_))));
    let record = world.last_record().await;
    assert_eq!(
        (&record["event"], &record["decided_by"], &record["in_name_of"], &record["approvers"]),
        (&json!("elevation_approved"), &json!("eve"), &json!("bob"), &json!(["eve"]))
    );
    assert_eq!(at_use(&world, &id).await, Ok(()));
    let again = yes(&world, &id, "eve").await;
    assert!(matches!(&again, Err(Refused::AlreadyDecided { by: Some(by), .. }) if by == "eve"), "{again:?}");
    let other = world.request("elv_2", "grt_nightly", DELETE).await;
    deny(&world.store, &other, &world.decider("eve").await).await.unwrap();
    assert_eq!(world.last_record().await["in_name_of"], "bob");
}

#[tokio::test]
async fn nobody_hands_it_to_themselves_nor_what_they_do_not_have_nor_for_long() {
    let world = Installation::start().await;
    for (from, to) in [("bob", "bob"), ("eve", "bob"), ("carol", "bob"), ("bob", "nobody"), ("nobody", "bob")] {
        assert!(hands(&world, from, to).await.is_err(), "{from} to {to}");
    }
    for seconds in [0, 30 * 24 * 60 * 60 + 1] {
        let long = DutyWish { lasts: Span::from_seconds(seconds), ..wish("bob", "eve") };
        let refused = delegate_duty(&world.store, long, Actor::Operator).await;
        assert!(matches!(refused, Err(Refused::BadDuty(_))), "{refused:?}");
    }
    let first = hands(&world, "bob", "eve").await.unwrap();
    let second = hands(&world, "bob", "eve").await;
    assert!(matches!(&second, Err(Refused::DutyStands(id)) if *id == first.id), "{second:?}");
    world.person("eve", json!([]), true).await;
    assert!(hands(&world, "dan", "eve").await.is_err(), "who is disabled decides nothing");
}

/// What was handed to Eve she can not hand on.
#[tokio::test]
async fn it_does_not_make_a_chain() {
    let world = Installation::start().await;
    hands(&world, "bob", "eve").await.unwrap();
    let chained = hands(&world, "eve", "carol").await;
    assert!(matches!(chained, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{chained:?}");
    // Also when the one in between was an approver once.
    world.person("eve", json!(["approver"]), false).await;
    hands(&world, "eve", "carol").await.unwrap();
    set_roles(&world.store, &"eve".parse().unwrap(), [].into(), Actor::Operator).await.unwrap();
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    assert!(yes(&world, &id, "carol").await.is_err());
    assert!(yes(&world, &id, "eve").await.is_ok(), "what bob handed to her stands");
}

/// Ada owns both agents, and one acts for her.
#[tokio::test]
async fn separation_of_duty_holds_for_both() {
    let world = Installation::start().await;
    hands(&world, "bob", "ada").await.unwrap();
    hands(&world, "ada", "eve").await.unwrap();
    set_roles(&world.store, &"ada".parse().unwrap(), [].into(), Actor::Operator).await.unwrap();
    for grant in ["grt_nightly", "grt_claude"] {
        let id = world.request(&format!("elv_{grant}"), grant, DELETE).await;
        let whose = yes(&world, &id, "ada").await;
        assert!(matches!(whose, Err(Refused::Duty(DutyError::Owner(_) | DutyError::ActedFor(_)))), "{whose:?}");
    }
    let world = Installation::start().await;
    hands(&world, "ada", "eve").await.unwrap();
    for grant in ["grt_nightly", "grt_claude"] {
        let id = world.request(&format!("elv_{grant}"), grant, DELETE).await;
        let in_whose_name = yes(&world, &id, "eve").await;
        assert!(
            matches!(in_whose_name, Err(Refused::Duty(DutyError::Owner(_) | DutyError::ActedFor(_)))),
            "{in_whose_name:?}"
        );
        assert_eq!(world.state_of(&id).await, ElevationState::Requested);
    }
}

/// Also when the agent becomes that of one of them afterwards.
#[tokio::test]
async fn separation_of_duty_holds_for_both_at_use() {
    for owner in ["bob", "eve"] {
        let world = Installation::start().await;
        hands(&world, "bob", "eve").await.unwrap();
        let id = world.request("elv_1", "grt_nightly", DELETE).await;
        yes(&world, &id, "eve").await.unwrap();
        let agent = world.store.agent(&support::NIGHTLY.parse().unwrap()).await.unwrap().unwrap();
        let agent = model::Agent { owner: owner.parse().unwrap(), ..agent };
        let put = agent.clone();
        world
            .store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    PrivilegeTx::of(tx).put_agent(&put).await?;
                    Ok(Commit::with(model::event::examples::any(), ()))
                })
            })
            .await
            .unwrap();
        let whose = world.store.agent(&agent.id).await.unwrap().unwrap().owner;
        assert_eq!(whose.as_str(), owner);
        let person = owner.parse().unwrap();
        let gone = if owner == "eve" { Unfit::Approver(person) } else { Unfit::InNameOf(person) };
        assert_eq!(at_use(&world, &id).await, Err(gone));
    }
}

/// Handing it over widens no policy.
#[tokio::test]
async fn policy_is_asked_of_both() {
    for not in ["bob", "eve"] {
        let mut world = Installation::start().await;
        hands(&world, "bob", "eve").await.unwrap();
        let id = world.request("elv_1", "grt_nightly", DELETE).await;
        world.policies = own(&format!(
            r#"@id("not") forbid (principal == Person::"{not}", action == Action::"approve", resource);"#
        ));
        let refused = yes(&world, &id, "eve").await;
        assert!(matches!(refused, Err(Refused::Duty(DutyError::ByPolicy { .. }))), "{not}: {refused:?}");
        // And it is asked again at use.
        let lenient = std::mem::replace(&mut world.policies, Arc::new(Policies::built_in()));
        yes(&world, &id, "eve").await.unwrap();
        world.policies = lenient;
        let gone = at_use(&world, &id).await.unwrap_err();
        let named = if not == "eve" {
            Unfit::Approver("eve".parse().unwrap())
        } else {
            Unfit::InNameOf("bob".parse().unwrap())
        };
        assert_eq!(gone, named);
    }
}

#[tokio::test]
async fn it_may_be_for_one_server() {
    let world = Installation::start().await;
    let files = DutyWish { server: Some("files".parse().unwrap()), ..wish("bob", "eve") };
    delegate_duty(&world.store, files, Actor::Operator).await.unwrap();
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let refused = yes(&world, &id, "eve").await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{refused:?}");
    let tickets = DutyWish { server: Some("tickets".parse().unwrap()), ..wish("bob", "eve") };
    delegate_duty(&world.store, tickets, Actor::Operator).await.unwrap();
    yes(&world, &id, "eve").await.unwrap();
}

#[tokio::test]
async fn a_consent_is_nobody_elses() {
    let world = Installation::start().await;
    hands(&world, "ada", "eve").await.unwrap();
    let id = world.request("elv_1", "grt_claude", "tickets:medium").await;
    let refused = yes(&world, &id, "eve").await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotTheirConsent(_)))), "{refused:?}");
}

/// One person is one person, whoever speaks for them.
///
/// Field: V11
#[tokio::test]
async fn in_whose_name_it_was_counts_with_it_and_once() {
    let world = Installation::start().await;
    world.person("fay", json!(["approver"]), false).await;
    hands(&world, "bob", "eve").await.unwrap();
    hands(&world, "bob", "carol").await.unwrap();
    world.clock.advance(Span::from_seconds(1));
    hands(&world, "fay", "eve").await.unwrap();
    let counts = |refused: Result<Approved, Refused>, whom: &str| {
        assert!(
            matches!(&refused, Err(Refused::Duty(DutyError::CountsAlready(person))) if person.as_str() == whom),
            "{whom}: {refused:?}"
        );
    };
    // Bob himself first: nobody in his name then, and Eve in Fay's.
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    takes(&world, &id, 2).await;
    yes(&world, &id, "bob").await.unwrap();
    counts(yes(&world, &id, "carol").await, "bob");
    assert!(matches!(yes(&world, &id, "eve").await, Ok(Approved::InForce(_))));
    assert_eq!(world.last_record().await["in_name_of"], "fay");
    // In his name first: not Bob himself then, nor another in his name, nor Eve once more.
    let id = world.request("elv_2", "grt_nightly", DELETE).await;
    takes(&world, &id, 2).await;
    let waits = yes(&world, &id, "eve").await.unwrap();
    assert!(matches!(&waits, Approved::Waits(quorum) if quorum.to_string() == "1 of 2, eve for bob"), "{waits:?}");
    counts(yes(&world, &id, "bob").await, "bob");
    counts(yes(&world, &id, "carol").await, "bob");
    assert_eq!(yes(&world, &id, "eve").await.unwrap(), waits, "the first answer again");
    assert!(matches!(yes(&world, &id, "fay").await, Ok(Approved::InForce(_))));
}

#[tokio::test]
async fn its_time_ends_it_and_what_was_decided_by_it() {
    let world = Installation::start().await;
    let short = DutyWish { lasts: Span::from_minutes(2), ..wish("bob", "eve") };
    let handed = delegate_duty(&world.store, short, Actor::Operator).await.unwrap();
    let (first, second) =
        (world.request("elv_1", "grt_nightly", DELETE).await, world.request("elv_2", "grt_nightly", DELETE).await);
    yes(&world, &first, "eve").await.unwrap();
    world.clock.advance(Span::from_minutes(2));
    assert_eq!(at_use(&world, &first).await, Err(Unfit::InNameOf("bob".parse().unwrap())));
    let refused = yes(&world, &second, "eve").await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{refused:?}");
    write_elapsed(&world.store).await.unwrap();
    write_elapsed(&world.store).await.unwrap();
    let ended = ended(&world).await;
    assert_eq!(ended.len(), 1, "it is said once");
    assert_eq!((&ended[0]["duty"], &ended[0]["cause"]), (&json!(handed.id), &json!("time_over")));
    assert_eq!(duty(&world, &handed.id).await.ended, Some((DutyEnd::TimeOver, handed.not_after)));
}

#[tokio::test]
async fn a_hand_ends_it_once() {
    let world = Installation::start().await;
    let handed = hands(&world, "bob", "eve").await.unwrap();
    let epoch = world.store.epoch();
    end_duty(&world.store, &handed.id, Actor::Operator).await.unwrap();
    assert!(world.store.epoch() > epoch, "what was held in memory is void");
    let again = end_duty(&world.store, &handed.id, Actor::Operator).await;
    assert!(matches!(again, Err(Refused::DutyOver(_))), "{again:?}");
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    assert!(yes(&world, &id, "eve").await.is_err());
    hands(&world, "bob", "eve").await.unwrap();
    assert!(yes(&world, &id, "eve").await.is_ok(), "a new one is a new one");
}

#[tokio::test]
async fn it_ends_with_the_role_of_in_whose_name_it_is() {
    let world = Installation::start().await;
    let handed = hands(&world, "bob", "eve").await.unwrap();
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    yes(&world, &id, "eve").await.unwrap();
    set_roles(&world.store, &"bob".parse().unwrap(), [].into(), Actor::Operator).await.unwrap();
    assert_eq!(at_use(&world, &id).await, Err(Unfit::InNameOf("bob".parse().unwrap())));
    assert_eq!(duty(&world, &handed.id).await.ended.unwrap().0, DutyEnd::RoleLost);
    assert_eq!(ended(&world).await[0]["cause"], "role_lost");
    // The role comes back, and the duty does not.
    world.person("bob", json!(["approver"]), false).await;
    assert_eq!(at_use(&world, &id).await, Err(Unfit::InNameOf("bob".parse().unwrap())));
}

#[tokio::test]
async fn it_ends_with_either_of_the_two() {
    for gone in ["bob", "eve"] {
        let world = Installation::start().await;
        let handed = hands(&world, "bob", "eve").await.unwrap();
        let id = world.request("elv_1", "grt_nightly", DELETE).await;
        yes(&world, &id, "eve").await.unwrap();
        let target = Target::Person(gone.parse().unwrap());
        revoke(&world.store, &target, Actor::Operator, "left").await.unwrap();
        assert_eq!(duty(&world, &handed.id).await.ended.unwrap().0, DutyEnd::PersonGone);
        assert_eq!(world.state_of(&id).await, ElevationState::Ended, "{gone} stood behind it");
        restore(&world.store, &target, Actor::Operator, "back").await.unwrap();
        let other = world.request("elv_2", "grt_nightly", DELETE).await;
        assert!(yes(&world, &other, "eve").await.is_err(), "it stays over");
        assert_eq!(ended(&world).await.len(), 1);
    }
}

/// Whoever is taken out of the file takes it along; a row that was changed past the rules is noticed by the next sweep.
#[tokio::test]
async fn it_ends_with_who_is_taken_out_and_whatever_nobody_said() {
    let world = Installation::start().await;
    let handed = hands(&world, "bob", "eve").await.unwrap();
    world
        .store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let event = person::withdraw(tx, &"eve".parse().unwrap()).await?;
                Ok(Commit::with(event.unwrap(), ()))
            })
        })
        .await
        .unwrap();
    assert_eq!(duty(&world, &handed.id).await.ended.unwrap().0, DutyEnd::PersonGone);
    let world = Installation::start().await;
    let handed = hands(&world, "bob", "eve").await.unwrap();
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    world.person("bob", json!(["auditor"]), false).await;
    assert!(yes(&world, &id, "eve").await.is_err(), "asked when it is used");
    write_elapsed(&world.store).await.unwrap();
    assert_eq!(duty(&world, &handed.id).await.ended.unwrap().0, DutyEnd::RoleLost);
}
