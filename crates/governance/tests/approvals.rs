//! Who may decide what, when, and what it leaves behind.
#![allow(clippy::unwrap_used)]

mod support;

use model::{Actor, AgentState, ElevationState, Span, Target};
use portcullis_governance::orders::{Approved, approve, deny, end, revoke, set_agent_state};
use privilege::{DutyError, Refused};
use serde_json::json;
use support::{Installation, NIGHTLY};

const DELETE: &str = "tickets.delete_ticket";

#[tokio::test]
async fn an_approval_by_another_person_is_in_force_for_as_long_as_was_asked() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;

    let approved = approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();

    let elevation = world.store.elevation(&id).await.unwrap().unwrap();
    assert!(elevation.is_live(world.now()));
    let until = world.now().after(Span::from_minutes(5));
    assert_eq!(approved, Approved::InForce(until));
    assert_eq!(
        (elevation.not_after(), elevation.decided().map(|decided| decided.by.as_str())),
        (Some(until), Some("bob"))
    );
    let record = world.last_record().await;
    assert_eq!(record["event"], "elevation_approved");
    assert_eq!(record["actor"], "operator");
    assert_eq!(
        (&record["decided_by"], &record["agent"], &record["scope"]),
        (&json!("bob"), &json!(NIGHTLY), &json!(DELETE))
    );
}

#[tokio::test]
async fn an_approver_may_shorten_the_time() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let approved = approve(&world.store, &id, &world.decider("bob").await, Some(Span::from_seconds(30))).await.unwrap();
    assert_eq!(approved, Approved::InForce(world.now().after(Span::from_seconds(30))));
}

#[tokio::test]
async fn nobody_extends_what_was_asked_for() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.decider("bob").await;
    for lasts in [Span::from_seconds(301), Span::from_seconds(0)] {
        let refused = approve(&world.store, &id, &bob, Some(lasts)).await;
        assert!(matches!(refused, Err(Refused::NotShorter { .. })), "{refused:?}");
    }
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn the_owner_does_not_approve_for_their_own_agent() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let refused = approve(&world.store, &id, &world.decider("ada").await, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::Owner(_)))), "{refused:?}");
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn the_person_an_agent_acts_for_does_not_approve_for_it() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_claude", DELETE).await;
    let refused = approve(&world.store, &id, &world.decider("ada").await, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::ActedFor(_)))), "{refused:?}");
}

/// Spec: NIST SP 800-53 AC-5
#[tokio::test]
async fn not_even_an_administrator_approves_for_their_own_agent() {
    let world = Installation::start().await;
    world.person("ada", json!(["admin"]), false).await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let refused = approve(&world.store, &id, &world.decider("ada").await, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::Owner(_)))), "{refused:?}");
}

#[tokio::test]
async fn who_is_no_approver_approves_nothing() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    for name in ["carol", "eve"] {
        let decider = world.decider(name).await;
        let refused = approve(&world.store, &id, &decider, None).await;
        assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{refused:?}");
        let refused = deny(&world.store, &id, &decider).await;
        assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_role_or_a_person_taken_away_counts_at_once() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.decider("bob").await;
    world.person("bob", json!([]), false).await;
    let refused = approve(&world.store, &id, &bob, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{refused:?}");
    world.person("bob", json!(["approver"]), true).await;
    let refused = approve(&world.store, &id, &bob, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotAPerson(_)))), "{refused:?}");
}

#[tokio::test]
async fn a_consent_is_given_by_the_one_person_it_is_about() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_claude", "tickets:medium").await;
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await;
    assert!(matches!(refused, Err(Refused::Duty(DutyError::NotTheirConsent(_)))), "{refused:?}");
    approve(&world.store, &id, &world.decider("ada").await, None).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Active);
}

#[tokio::test]
async fn the_owner_consents_for_an_agent_that_acts_for_nobody() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", "tickets:medium").await;
    approve(&world.store, &id, &world.decider("ada").await, None).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Active);
}

#[tokio::test]
async fn a_request_is_decided_once() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = world.decider("bob").await;
    deny(&world.store, &id, &bob).await.unwrap();
    for again in [approve(&world.store, &id, &bob, None).await.map(drop), deny(&world.store, &id, &bob).await] {
        assert!(matches!(again, Err(Refused::AlreadyDecided { state: ElevationState::Denied, .. })), "{again:?}");
    }
}

#[tokio::test]
async fn of_two_approvers_at_once_one_decides() {
    let world = Installation::start().await;
    world.person("fay", json!(["approver"]), false).await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let (bob, fay) = (world.decider("bob").await, world.decider("fay").await);
    let (a, b) = tokio::join!(approve(&world.store, &id, &bob, None), deny(&world.store, &id, &fay));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}

#[tokio::test]
async fn a_request_that_nobody_decided_in_time_is_over() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    world.clock.advance(Span::from_minutes(15));
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await;
    assert!(matches!(refused, Err(Refused::Lapsed(_))), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_approved_for_an_agent_that_is_stopped() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let agent = NIGHTLY.parse().unwrap();
    set_agent_state(&world.store, &agent, AgentState::Suspended, Actor::Operator).await.unwrap();
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await;
    assert!(matches!(refused, Err(Refused::AgentNotActive { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_revoked_person_approves_nothing() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let bob = Target::Person("bob".parse().unwrap());
    revoke(&world.store, &bob, Actor::Operator, "left the company").await.unwrap();
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await;
    assert!(matches!(refused, Err(Refused::Blocked(_))), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_approved_while_everything_is_stopped() {
    let world = Installation::start().await;
    revoke(&world.store, &Target::All, Actor::Operator, "drill").await.unwrap();
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await;
    assert!(matches!(refused, Err(Refused::Blocked(Target::All))), "{refused:?}");
}

#[tokio::test]
async fn the_owner_may_withdraw_a_request_of_their_agent() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    deny(&world.store, &id, &world.decider("ada").await).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Denied);
}

#[tokio::test]
async fn an_elevation_ends_by_hand_once() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();
    let epoch = world.store.epoch();
    end(&world.store, &id, Actor::Operator).await.unwrap();
    assert_eq!(world.state_of(&id).await, ElevationState::Ended);
    assert!(world.store.epoch() > epoch, "what was held in memory is void");
    let again = end(&world.store, &id, Actor::Operator).await;
    assert!(matches!(again, Err(Refused::AlreadyOver(_))), "{again:?}");
}

#[tokio::test]
async fn an_elevation_that_is_not_there_is_said_not_to_be_there() {
    let world = Installation::start().await;
    let id = "elv_none".parse().unwrap();
    let refused = approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap_err();
    assert!(refused.to_string().contains("elevation list"), "{refused}");
}

/// Routed by policy: by server and tool, to whom the pack alone would let approve.
#[tokio::test]
async fn policy_leaves_an_approval_to_others_and_never_to_who_may_not_approve_at_all() {
    let mut world = Installation::start().await;
    let text = r#"@id("bob-decides") forbid (principal, action == Action::"approve", resource == Tool::"tickets.delete_ticket")
        unless { principal == Person::"bob" };
        permit (principal, action == Action::"approve", resource);"#;
    let file = policy::PolicyFile { name: "own.cedar".into(), text: text.into() };
    world.policies = std::sync::Arc::new(policy::Policies::load(&[file]).unwrap());
    let id = world.request("elv_1", "grt_nightly", DELETE).await;
    let refused = approve(&world.store, &id, &world.decider("dan").await, None).await.unwrap_err();
    assert!(
        matches!(&refused, Refused::Duty(DutyError::ByPolicy { policies, .. }) if *policies == ["bob-decides"]),
        "{refused:?}"
    );
    assert!(refused.to_string().contains("ask another approver"), "{refused}");
    // No permit makes an owner approve for their own agent, or somebody without the role.
    let owner = approve(&world.store, &id, &world.decider("ada").await, None).await;
    assert!(matches!(owner, Err(Refused::Duty(DutyError::Owner(_)))), "{owner:?}");
    let without = approve(&world.store, &id, &world.decider("eve").await, None).await;
    assert!(matches!(without, Err(Refused::Duty(DutyError::NotAnApprover(_)))), "{without:?}");
    assert_eq!(world.state_of(&id).await, ElevationState::Requested);
    approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();
}
