//! The kill switch, target by target.
#![allow(clippy::unwrap_used)]

mod support;

use crypto::Digest;
use model::{Actor, AgentState, ElevationState, Target};
use portcullis_governance::{
    inventory,
    orders::{approve, end_installation, restore, revoke, set_agent_state, write_ends},
};
use privilege::{Refused, block::Ends, block::check_named};
use store::privilege::PrivilegeTx;
use support::{CLAUDE, Installation, NIGHTLY};

fn target(kind: &str, name: &str) -> Target {
    Target::parse(kind, name).unwrap()
}

async fn live(world: &Installation, grant: &str) -> bool {
    let grant = world.store.grant(&grant.parse().unwrap()).await.unwrap().unwrap();
    grant.is_live(world.now())
}

/// Turns the kill switch, and writes down what that ended.
async fn turn(world: &Installation, kind: &str, name: &str) -> Ends {
    turn_only(world, kind, name).await;
    write_ends(&world.store).await.unwrap()
}

async fn turn_only(world: &Installation, kind: &str, name: &str) {
    revoke(&world.store, &target(kind, name), Actor::Operator, "a drill").await.unwrap();
}

#[tokio::test]
async fn revoking_an_agent_ends_its_grants_and_no_others() {
    let world = Installation::start().await;
    let epoch = world.store.epoch();
    turn_only(&world, "agent", NIGHTLY).await;
    assert!(!live(&world, "grt_nightly").await && live(&world, "grt_claude").await);
    assert!(world.store.epoch() > epoch);
    let record = world.last_record().await;
    assert_eq!(
        (record["event"].as_str(), record["target"].as_str(), record["name"].as_str(), record["reason"].as_str()),
        (Some("revoked"), Some("agent"), Some(NIGHTLY), Some("a drill"))
    );
    assert_eq!(write_ends(&world.store).await.unwrap(), Ends { grants: 1, elevations: 0 });
    let record = world.last_record().await;
    assert_eq!((record["event"].as_str(), record["grants_ended"].as_u64()), (Some("ends_written"), Some(1)));
    assert_eq!(record["complete"], true);
    assert!(!live(&world, "grt_nightly").await && live(&world, "grt_claude").await);
    assert_eq!(write_ends(&world.store).await.unwrap(), Ends::default(), "once");
}

/// A revocation is over when its block is there; the writing down may come whenever it likes, or after the restore.
///
/// Field: N2
#[tokio::test]
async fn what_a_revocation_ended_stays_ended_although_nobody_has_written_it_down() {
    for (kind, name) in [("agent", NIGHTLY), ("client", NIGHTLY), ("person", "ada")] {
        let world = Installation::start().await;
        let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
        turn_only(&world, kind, name).await;
        assert_eq!(world.state_of(&id).await, ElevationState::Ended, "{kind}");
        assert!(!live(&world, "grt_nightly").await, "{kind}");
        assert_eq!(world.store.count_pending(world.now()).await.unwrap(), 0, "{kind}");
        world.clock.advance(model::Span::from_seconds(60));
        restore(&world.store, &target(kind, name), Actor::Operator, "it was a drill").await.unwrap();
        assert!(!live(&world, "grt_nightly").await, "{kind}");
        let approved = approve(&world.store, &id, &world.decider("bob").await, None).await;
        assert!(approved.is_err(), "{kind}: {approved:?}");
        let standing = world.store.standing_grants(world.now(), None, 99).await.unwrap().items;
        assert!(standing.iter().all(|held| held.grant.id.as_str() != "grt_nightly"), "{kind}");
        write_ends(&world.store).await.unwrap();
        assert!(!live(&world, "grt_nightly").await, "{kind}");
    }
}

/// Whoever has the approver's session may have approved for anybody, however many approvals came after.
///
/// Field: N7
#[tokio::test]
async fn no_approval_of_a_revoked_approver_opens_anything_not_even_when_they_are_back() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();
    world.clock.advance(model::Span::from_seconds(1));
    turn_only(&world, "person", "bob").await;
    let uses = async || {
        let (grant, id) = ("grt_nightly".parse().unwrap(), id.clone());
        let used = world.store.write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                let used = PrivilegeTx::of(tx).use_elevation_of(&grant, &id).await?.is_some();
                Ok(store::Commit::with(model::event::examples::any(), used))
            })
        });
        used.await.unwrap()
    };
    assert!(!uses().await);
    assert!(world.store.live_elevations(&"grt_nightly".parse().unwrap(), world.now()).await.unwrap().is_empty());
    restore(&world.store, &target("person", "bob"), Actor::Operator, "it was a drill").await.unwrap();
    assert!(!uses().await, "what was approved before stays dead");
    assert_eq!(write_ends(&world.store).await.unwrap().elevations, 1);
    assert!(!uses().await);
}

/// Field: N7
#[tokio::test]
async fn revoking_and_restoring_everything_leaves_no_elevation_alive_at_any_number() {
    let world = Installation::start().await;
    let id = world.request("elv_old", "grt_nightly", "tickets.delete_ticket").await;
    approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();
    let template = world.store.elevation(&id).await.unwrap().unwrap();
    let many = world.store.write::<_, store::StoreError, _>(move |tx| {
        Box::pin(async move {
            for number in 0..600 {
                let id = format!("elv_{number}").parse().unwrap();
                PrivilegeTx::of(tx).put_elevation(&model::Elevation { id, ..template.clone() }).await?;
            }
            Ok(store::Commit::with(model::event::examples::any(), ()))
        })
    });
    many.await.unwrap();
    world.clock.advance(model::Span::from_seconds(1));
    turn_only(&world, "all", "").await;
    restore(&world.store, &Target::All, Actor::Operator, "it was a drill").await.unwrap();
    let live = async || world.store.live_elevations(&"grt_nightly".parse().unwrap(), world.now()).await.unwrap().len();
    assert_eq!(live().await, 0);
    assert_eq!(write_ends(&world.store).await.unwrap().elevations, 601);
    assert_eq!(live().await, 0);
}

/// Field: N2
#[tokio::test]
async fn the_ends_of_a_thousand_agents_are_written_down_in_pages() {
    let world = Installation::start().await;
    let (agent, grant) = (
        world.store.agent(&NIGHTLY.parse().unwrap()).await.unwrap().unwrap(),
        world.store.grant(&"grt_nightly".parse().unwrap()).await.unwrap().unwrap(),
    );
    let many = world.store.write::<_, store::StoreError, _>(move |tx| {
        Box::pin(async move {
            for number in 0..1000 {
                let id: model::Id<model::Agent> = format!("fleet-{number}").parse().unwrap();
                PrivilegeTx::of(tx).put_agent(&model::Agent { id: id.clone(), ..agent.clone() }).await?;
                let grant = model::Grant { id: format!("grt_{number}").parse().unwrap(), agent: id, ..grant.clone() };
                PrivilegeTx::of(tx).put_grant(&grant).await?;
            }
            Ok(store::Commit::with(model::event::examples::any(), ()))
        })
    });
    many.await.unwrap();
    let before = world.store.log_size().await.unwrap();
    turn_only(&world, "person", "ada").await;
    assert_eq!(world.store.log_size().await.unwrap(), before + 1);
    assert!(!live(&world, "grt_999").await);
    assert_eq!(write_ends(&world.store).await.unwrap().grants, 1002);
    let pages = world.store.log_size().await.unwrap() - before - 1;
    assert!((1..=64).contains(&pages), "{pages}");
    assert!(world.store.unwritten_blocks().await.unwrap().is_empty());
}

#[tokio::test]
async fn revoking_a_person_ends_what_acts_for_them_what_they_own_and_their_sessions() {
    let world = Installation::start().await;
    let cookie = world.log_in("ada").await;
    let is_in = async || world.store.session(Digest::of(&cookie), world.now()).await.unwrap().is_some();
    assert!(is_in().await);
    let ended = turn(&world, "person", "ada").await;
    assert_eq!(ended.grants, 2);
    assert!(!is_in().await);
}

#[tokio::test]
async fn revoking_a_client_ends_the_grants_of_every_agent_that_presents_it() {
    let world = Installation::start().await;
    assert_eq!(turn(&world, "client", "https://claude.ai/client.json").await.grants, 1);
    assert!(live(&world, "grt_nightly").await && !live(&world, "grt_claude").await);
}

#[tokio::test]
async fn a_client_known_by_its_url_can_be_revoked_before_it_comes() {
    let world = Installation::start().await;
    turn(&world, "client", "https://evil.test/client.json").await;
    assert_eq!(world.store.blocks().len(), 1);
}

#[tokio::test]
async fn revoking_a_grant_is_final_and_leaves_no_block() {
    let world = Installation::start().await;
    let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    turn(&world, "grant", "grt_nightly").await;
    assert!(world.store.blocks().is_empty());
    assert_ne!(world.state_of(&id).await, ElevationState::Requested, "its requests end with it");
    let again = revoke(&world.store, &target("grant", "grt_nightly"), Actor::Operator, "again").await;
    assert!(matches!(again, Err(Refused::GrantEnded(_))), "{again:?}");
    let back = restore(&world.store, &target("grant", "grt_nightly"), Actor::Operator, "oops").await;
    assert!(matches!(back, Err(Refused::GrantIsFinal)), "{back:?}");
}

/// Field: A2
#[tokio::test]
async fn ending_an_installation_is_final_and_leaves_its_grant_and_its_neighbours() {
    let world = Installation::start().await;
    let grant = world.store.grant(&"grt_claude".parse().unwrap()).await.unwrap().unwrap();
    let [one, other] = ["ins_one", "ins_other"].map(|id| model::Installation {
        id: id.parse().unwrap(),
        grant: grant.id.clone(),
        client: "https://claude.ai/client.json".parse().unwrap(),
        person: grant.person.clone(),
        since: world.now(),
        last_refresh: None,
        not_after: grant.not_after,
        hard_end: grant.not_after,
        ended_at: None,
    });
    for kept in [one.clone(), other.clone()] {
        let put = world.store.write(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_installation(&kept).await?;
                let event = model::event::examples::any();
                Ok::<_, store::StoreError>(store::Commit::with(event, ()))
            })
        });
        put.await.unwrap();
    }
    let epoch = world.store.epoch();
    end_installation(&world.store, &one.id, Actor::Person("ada".parse().unwrap()), "a lost laptop").await.unwrap();
    let record = world.last_record().await;
    assert_eq!(
        (record["event"].as_str(), record["target"].as_str(), record["name"].as_str(), record["actor"].as_str()),
        (Some("revoked"), Some("installation"), Some("ins_one"), Some("person:ada"))
    );
    assert!(world.store.epoch() > epoch && live(&world, "grt_claude").await);
    let all = world.store.installations_of_person(&"ada".parse().unwrap()).await.unwrap();
    let ended: Vec<&str> = all.iter().filter(|one| one.ended_at.is_some()).map(|one| one.id.as_str()).collect();
    assert_eq!((all.len(), ended), (2, vec!["ins_one"]));
    let again = end_installation(&world.store, &one.id, Actor::Operator, "again").await;
    assert!(matches!(again, Err(Refused::InstallationEnded(_))), "{again:?}");
    let back = restore(&world.store, &target("installation", "ins_one"), Actor::Operator, "oops").await;
    assert!(matches!(back, Err(Refused::InstallationIsFinal)), "{back:?}");
    let unknown = end_installation(&world.store, &"ins_none".parse().unwrap(), Actor::Operator, "typo").await;
    assert!(unknown.unwrap_err().to_string().contains("/me"));
    turn(&world, "grant", "grt_claude").await;
    assert!(world.store.installation(&other.id).await.unwrap().unwrap().ended_at.is_some());
}

#[tokio::test]
async fn revoking_a_tool_ends_the_elevations_for_it_and_for_nothing_else() {
    let world = Installation::start().await;
    let delete = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
    let export = world.request("elv_2", "grt_nightly", "tickets.export_customers").await;
    approve(&world.store, &delete, &world.decider("bob").await, None).await.unwrap();
    let ended = turn(&world, "tool", "tickets.delete_ticket").await;
    assert_eq!((ended.elevations, ended.grants), (1, 0));
    assert_eq!(world.state_of(&delete).await, ElevationState::Ended);
    assert_eq!(world.state_of(&export).await, ElevationState::Requested);
}

#[tokio::test]
async fn stopping_a_server_or_everything_can_be_taken_back_but_not_for_elevations() {
    let world = Installation::start().await;
    for (kind, name) in [("server", "tickets"), ("all", "")] {
        let id = world.request(&format!("elv_{kind}"), "grt_nightly", "tickets.delete_ticket").await;
        assert_eq!(turn(&world, kind, name).await.elevations, 1);
        assert_eq!(world.store.blocks().iter().filter(|block| block.lifted_at.is_none()).count(), 1);
        restore(&world.store, &target(kind, name), Actor::Operator, "it was a drill").await.unwrap();
        assert_eq!(world.last_record().await["event"], "restored");
        assert!(world.store.blocks().iter().all(|block| block.lifted_at.is_some()));
        assert!(live(&world, "grt_nightly").await);
        assert_eq!(world.state_of(&id).await, ElevationState::Ended);
    }
}

#[tokio::test]
async fn a_name_that_stands_for_nothing_is_refused_with_the_names_there_are() {
    let world = Installation::start().await;
    for (kind, name, hint) in [
        ("agent", "nightli", NIGHTLY),
        ("person", "adam", "carol"),
        ("grant", "grt_none", "grant list"),
        ("client", "nightli", "https://claude.ai/client.json"),
    ] {
        let refused = revoke(&world.store, &target(kind, name), Actor::Operator, "typo").await.unwrap_err();
        assert!(refused.to_string().contains(hint), "{refused}");
    }
    assert!(world.store.blocks().is_empty());
}

#[test]
fn a_server_that_is_not_configured_is_refused_with_those_that_are() {
    let config = serde_json::from_value(serde_json::json!({
        "public_url": "https://gw.test", "servers": {"tickets": {"url": "http://127.0.0.1:1/mcp"}}
    }));
    let config = config.unwrap();
    for (kind, name) in [("server", "ticket"), ("tool", "ticket.delete_ticket")] {
        let refused = check_named(&config, &target(kind, name)).unwrap_err();
        assert!(refused.to_string().contains("there are tickets"), "{refused}");
    }
    for (kind, name) in [("server", "tickets"), ("tool", "tickets.any"), ("all", ""), ("agent", "x")] {
        assert!(check_named(&config, &target(kind, name)).is_ok());
    }
}

#[tokio::test]
async fn a_turn_without_a_reason_is_refused() {
    let world = Installation::start().await;
    for reason in ["", "  ", "\u{200b}\n"] {
        let refused = revoke(&world.store, &Target::All, Actor::Operator, reason).await;
        assert!(matches!(refused, Err(Refused::NoReason)), "{refused:?}");
    }
    assert!(world.store.blocks().is_empty());
}

#[tokio::test]
async fn what_is_not_revoked_is_not_restored_and_the_answer_says_what_is() {
    let world = Installation::start().await;
    let refused = restore(&world.store, &Target::All, Actor::Operator, "x").await.unwrap_err();
    assert!(refused.to_string().contains("nothing is revoked"), "{refused}");
    turn(&world, "agent", NIGHTLY).await;
    let refused = restore(&world.store, &Target::All, Actor::Operator, "x").await.unwrap_err();
    assert!(refused.to_string().contains("agent nightly"), "{refused}");
}

#[tokio::test]
async fn a_suspended_agent_comes_back_and_a_retired_one_does_not() {
    let world = Installation::start().await;
    let agent = NIGHTLY.parse().unwrap();
    let set = |state| set_agent_state(&world.store, &agent, state, Actor::Operator);
    set(AgentState::Suspended).await.unwrap();
    assert!(live(&world, "grt_nightly").await, "a pause ends nothing");
    assert!(matches!(set(AgentState::Suspended).await, Err(Refused::Unchanged { .. })));
    set(AgentState::Active).await.unwrap();
    set(AgentState::Retired).await.unwrap();
    assert!(!live(&world, "grt_nightly").await);
    assert!(matches!(set(AgentState::Active).await, Err(Refused::Retired(_))));
    assert_eq!(world.last_record().await["event"], "agent_changed");
}

#[tokio::test]
async fn the_inventory_says_what_stands_and_what_is_stopped() {
    let world = Installation::start().await;
    turn(&world, "agent", CLAUDE).await;
    let agents = inventory::agents(&world.store, None, 50).await.unwrap().items;
    let of = |name: &str| agents.iter().find(|entry| entry.agent.id.as_str() == name).unwrap();
    assert!(of(CLAUDE).grants.is_empty() && of(CLAUDE).block.is_some());
    assert!(of(NIGHTLY).grants.len() == 1 && of(NIGHTLY).block.is_none());
    assert_eq!(inventory::grants(&world.store, None, 50).await.unwrap().items.len(), 1);
}

/// Whatever ends an elevation leaves one record of it, with what it was.
#[tokio::test]
async fn an_elevation_that_ends_with_something_else_has_the_record_of_an_end_too() {
    for (kind, name, cause) in [
        ("grant", "grt_nightly", "grant_ended"),
        ("agent", "nightly", "revoked"),
        ("person", "ada", "revoked"),
        ("server", "tickets", "revoked"),
        ("all", "", "revoked"),
    ] {
        let world = Installation::start().await;
        let id = world.request("elv_1", "grt_nightly", "tickets.delete_ticket").await;
        approve(&world.store, &id, &world.decider("bob").await, None).await.unwrap();
        let waits = world.request("elv_2", "grt_nightly", "tickets.export_customers").await;
        let target = Target::parse(kind, name).unwrap();
        revoke(&world.store, &target, Actor::Operator, "a drill").await.unwrap();
        write_ends(&world.store).await.unwrap();
        let records = world.store.last_records(100).await.unwrap();
        let ends = records.iter().map(|(_, record)| serde_json::from_slice::<serde_json::Value>(record).unwrap());
        let mut ends: Vec<_> = ends.filter(|record| record["event"] == "elevation_ended").collect();
        ends.sort_by_key(|record| record["elevation"].to_string());
        assert_eq!(ends.len(), 2, "{kind}: {ends:?}");
        for (end, id) in ends.iter().zip([&id, &waits]) {
            assert_eq!((&end["elevation"], &end["cause"]), (&id.as_str().into(), &cause.into()), "{kind}");
        }
        write_ends(&world.store).await.unwrap();
        assert_eq!(world.store.last_records(100).await.unwrap().len(), records.len(), "once");
    }
}
