//! What stands is what the log says: whoever changes the tables past the product is named.

mod agents_and_people;
mod blocks;
mod definitions;
mod exceptions;
mod healthy;
mod installations;
mod keys;

use model::{
    Actor, Elevation, Event, ExactCall, Grant, Person, Role, Span, Target,
    event::{
        AgentRegistered, CallDecided, ElevationEnd, ElevationEnded, ElevationUseReturned, GrantChange, GrantMade,
        PersonChange, PersonChanged, Revoked, examples,
    },
};
use store::{Commit, Contradiction, Store, StoreError, VerifyOptions, privilege::PrivilegeTx, verify};

use crate::place::{Place, agent, elevation, grant, person};

on_both!(
    what_happened_through_the_product_contradicts_nothing,
    an_elevation_put_in_force_past_the_product_is_found,
    an_elevation_woken_after_its_end_is_found,
    a_call_that_may_differ_though_nobody_said_so_is_found,
    more_uses_a_later_end_and_another_scope_are_found,
    a_request_that_was_changed_before_somebody_decides_is_found,
    an_approval_that_nobody_gave_and_a_number_that_was_lowered_are_found,
    a_grant_that_was_changed_is_found,
    a_grant_that_ended_and_is_woken_is_found_whatever_ended_it,
    a_grant_whose_place_another_took_is_found_when_it_is_woken,
    what_ended_with_a_wrong_clock_is_found_when_it_is_woken,
    an_elevation_that_ended_before_its_use_came_back_is_found_when_it_is_woken,
    an_instant_of_a_grant_or_an_elevation_that_was_moved_past_a_block_is_found,
);

/// Runs one change that is recorded by these events.
macro_rules! change {
    ($store:expr, $tx:ident => $events:expr) => {
        $store
            .write::<_, StoreError, _>(move |$tx| {
                Box::pin(async move {
                    let mut events = Vec::from($events).into_iter();
                    let first = Commit::with(events.next().unwrap(), ());
                    Ok(events.fold(first, Commit::and))
                })
            })
            .await
            .unwrap()
    };
}
use change;

fn approver(id: &str) -> Person {
    Person { roles: [Role::Approver].into(), ..person(id) }
}

/// The records of an elevation that bob approved.
fn asked_and_approved(elevation: &Elevation) -> [Event; 2] {
    let bob = Actor::Person("bob".parse().unwrap());
    [examples::elevation_requested(elevation).by(Actor::System), examples::elevation_approved(elevation).by(bob)]
}

/// A call that took a use of it.
fn used(elevation: &Elevation) -> Event {
    CallDecided { elevation: Some(elevation.id.clone()), ..examples::call_decided("a") }.by(Actor::System)
}

/// Bob approves, and Ada's agent has one approved elevation of three uses, one of them made; written down as the product
/// does.
async fn lived(store: &Store) -> (Grant, Elevation) {
    lived_with(store, None).await
}

/// The same, where the elevation is for one call.
async fn lived_with(store: &Store, call: Option<ExactCall>) -> (Grant, Elevation) {
    let scribe = agent("scribe", "ada");
    let now = store.now();
    let holds = Grant { created_at: now, not_after: now.after(Span::from_minutes(60)), ..grant(&scribe) };
    let waits = now.after(Span::from_minutes(5));
    let asked = Elevation { requested_at: now, decide_before: waits, call, ..elevation(&holds.id, 3) };
    let (grant, elevation) = (holds.clone(), asked.clone());
    change!(store, tx => {
        let now = tx.now();
        for person in [person("ada"), approver("bob")] {
            PrivilegeTx::of(tx).put_person(&person, None).await?;
        }
        PrivilegeTx::of(tx).put_agent(&scribe).await?;
        PrivilegeTx::of(tx).put_grant(&holds).await?;
        PrivilegeTx::of(tx).put_elevation(&asked).await?;
        PrivilegeTx::of(tx).activate_elevation(&asked.id, "bob", now, now.after(asked.lasts)).await?;
        let [requested, approved] = asked_and_approved(&asked);
        [
            PersonChanged::of(&person("ada"), PersonChange::Added).by(Actor::Operator),
            PersonChanged::of(&approver("bob"), PersonChange::Added).by(Actor::Operator),
            AgentRegistered::of(&scribe).by(Actor::System),
            GrantMade::of(&holds, GrantChange::Made).by(Actor::System),
            requested,
            approved,
        ]
    });
    let (took, of) = (elevation.clone(), grant.id.clone());
    change!(store, tx => {
        PrivilegeTx::of(tx).use_elevation_of(&of, &took.id).await?;
        [used(&took)]
    });
    (grant, elevation)
}

/// The number of the newest record.
async fn newest(store: &Store) -> u64 {
    store.log_size().await.unwrap() - 1
}

/// The last record of that event: what ended together with it is said after it.
async fn last(store: &Store, event: &str) -> u64 {
    let records = store.records(0, 10_000).await.unwrap();
    let begins = format!("{{\"event\":\"{event}\"");
    records.iter().rfind(|(_, record)| record.starts_with(begins.as_bytes())).unwrap().0
}

/// Changes rows past the product, says which single thing is found to differ, and puts the rows back.
async fn differs(place: &Place, sql: &str, back: &str) -> (String, &'static str) {
    place.tamper(sql).await;
    let found = found(place).await;
    place.tamper(back).await;
    match found.as_slice() {
        [Contradiction::Differs { what, field, .. }] => (what.clone(), field),
        other => panic!("{sql}: {other:?}"),
    }
}

async fn found(place: &Place) -> Vec<Contradiction> {
    verify(&place.url, &place.file(""), VerifyOptions::default()).await.unwrap().contradictions
}

/// Field: S13
async fn what_happened_through_the_product_contradicts_nothing(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    assert_eq!(found(place).await, []);
}

/// Field: S13
async fn an_elevation_put_in_force_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    let (_, approved) = lived(&store).await;
    let asked = elevation(&approved.grant, 1);
    let (put, id) = (asked.clone(), asked.id.clone());
    change!(store, tx => {
        PrivilegeTx::of(tx).put_elevation(&put).await?;
        [examples::elevation_requested(&put).by(Actor::System)]
    });
    assert_eq!(found(place).await, []);
    let until = store.now().after(Span::from_minutes(5)).micros();
    place.tamper(&format!("UPDATE elevation SET state = 'active', not_after = {until} WHERE id = '{id}'")).await;
    assert_eq!(found(place).await, [Contradiction::Unaccounted { what: format!("elevation {id}") }]);
}

/// Field: S13
async fn an_elevation_woken_after_its_end_is_found(place: &Place) {
    let store = place.open().await;
    let (_, approved) = lived(&store).await;
    let over = approved.clone();
    let ended = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let now = tx.now();
            PrivilegeTx::of(tx).end_elevation(&over.id, now).await?;
            let ended = ElevationEnded::of(&over, ElevationEnd::ByHand);
            Ok(Commit::with(ended.by(Actor::Operator), ()))
        })
    });
    ended.await.unwrap();
    assert_eq!(found(place).await, []);
    let record = store.log_size().await.unwrap() - 1;
    place.tamper("UPDATE elevation SET state = 'active'").await;
    let what = format!("elevation {}", approved.id);
    assert_eq!(found(place).await, [Contradiction::Ended { what, record }]);
}

/// Attack: whoever reaches the database lets an approved call differ.
async fn a_call_that_may_differ_though_nobody_said_so_is_found(place: &Place) {
    let store = place.open().await;
    let exact = |latitude: &str| format!(r#"{{"asked":"ask_1","definition":"aa","arguments":"bb"{latitude}}}"#);
    let (_, approved) = lived_with(&store, Some(serde_json::from_str(&exact("")).unwrap())).await;
    assert_eq!(found(place).await, []);
    let wider = exact(r#","latitude":{"rest":"ask_2","any":["to"],"at_most":{"amount":"900"}}"#);
    let update = |call: &str| format!("UPDATE elevation SET exact_call = '{call}'");
    let (of, field) = differs(place, &update(&wider), &update(&exact(""))).await;
    assert_eq!((of, field), (format!("elevation {}", approved.id), "what of its call may differ"));
}

/// Field: S13
async fn more_uses_a_later_end_and_another_scope_are_found(place: &Place) {
    let store = place.open().await;
    let (_, approved) = lived(&store).await;
    let what = format!("elevation {}", approved.id);
    let differs = async |sql: &str, back: &str| {
        let (of, field) = differs(place, sql, back).await;
        assert_eq!(of, what);
        field
    };
    assert_eq!(
        differs("UPDATE elevation SET max_uses = 300", "UPDATE elevation SET max_uses = 3").await,
        "the number of its uses"
    );
    assert_eq!(
        differs(
            "UPDATE elevation SET not_after = not_after + 60000000",
            "UPDATE elevation SET not_after = not_after - 60000000"
        )
        .await,
        "its end"
    );
    let scope = format!("UPDATE elevation SET scope = '{}'", approved.scope);
    assert_eq!(differs("UPDATE elevation SET scope = 'tickets.export_customers'", &scope).await, "its scope");
    // An approval of the scope becomes one of a call that nobody saw.
    let other = r#"UPDATE elevation SET exact_call = '{"asked":"ask_1","arguments":"00"}'"#;
    assert_eq!(differs(other, "UPDATE elevation SET exact_call = NULL").await, "the call that it is good for");
    place.tamper("UPDATE elevation SET uses = 0").await;
    assert_eq!(found(place).await, [Contradiction::Uses { what, counted: 0, logged: 1 }]);
}

/// Field: S13
async fn a_grant_that_was_changed_is_found(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    for (sql, field) in [
        ("UPDATE agent_grant SET scopes = 'tickets:low tickets:medium'", "what it allows"),
        ("UPDATE agent_grant SET scopes = 'tickets:low', person = 'bob'", "its person"),
        ("UPDATE agent_grant SET person = 'ada', not_after = not_after + 86400000000", "its end"),
    ] {
        place.tamper(sql).await;
        match found(place).await.as_slice() {
            [Contradiction::Differs { what, field: found, .. }] => {
                assert_eq!((what.as_str(), *found), (format!("grant {}", grant.id).as_str(), field));
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
}

/// Whoever decides sees what the row says.
///
/// Field: S13
async fn a_request_that_was_changed_before_somebody_decides_is_found(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    let asked = elevation(&grant.id, 1);
    let put = asked.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_elevation(&put).await?;
        [examples::elevation_requested(&put).by(Actor::System)]
    });
    let what = format!("the request of elevation {}", asked.id);
    let scope = format!("UPDATE elevation SET scope = '{}'", asked.scope);
    for (sql, back, field) in [
        ("max_uses = 100", "max_uses = 1", "the number of its uses"),
        ("lasts = 36000", "lasts = 600", "its length"),
        ("requested_at = requested_at + 1", "requested_at = requested_at - 1", "when it was asked for"),
    ] {
        let of = |set: &str| format!("UPDATE elevation SET {set} WHERE state = 'requested'");
        assert_eq!(differs(place, &of(sql), &of(back)).await, (what.clone(), field));
    }
    let other = "UPDATE elevation SET scope = 'tickets.export_customers' WHERE state = 'requested'";
    assert_eq!(differs(place, other, &scope).await, (what.clone(), "its scope"));
    let denied = asked.clone();
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).deny_elevation(&denied.id, "bob", now).await?;
        [examples::elevation_denied(&denied).by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    place.tamper("UPDATE elevation SET state = 'requested' WHERE state = 'denied'").await;
    let record = newest(&store).await;
    assert_eq!(found(place).await, [Contradiction::Ended { what, record }]);
}

/// Field: S13
async fn an_approval_that_nobody_gave_and_a_number_that_was_lowered_are_found(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    let asked = Elevation { quorum: model::Quorum::of(2), ..elevation(&grant.id, 1) };
    let put = asked.clone();
    change!(store, tx => {
        let given = vec![model::Yes { by: "bob".parse().unwrap(), at: tx.now(), lasts: put.lasts, duty: None }];
        PrivilegeTx::of(tx).put_elevation(&put).await?;
        PrivilegeTx::of(tx).put_quorum(&put.id, &model::Quorum { given, ..model::Quorum::of(2) }).await?;
        let of = examples::elevation_requested(&put).of;
        let asked = examples::elevation_requested(&put);
        [
            model::event::ElevationRequested { approvals: Some(2), ..asked }.by(Actor::System),
            model::event::ApprovalGiven {
                of,
                decided_by: "bob".parse().unwrap(),
                in_name_of: None,
                approval: 1,
                approvals: 2,
                approvers: vec!["bob".parse().unwrap()],
                lasts: put.lasts.seconds(),
            }
            .by(Actor::Operator),
        ]
    });
    assert_eq!(found(place).await, []);
    let what = format!("the request of elevation {}", asked.id);
    let of = |set: &str| format!("UPDATE elevation SET quorum = REPLACE(quorum, {set}) WHERE state = 'requested'");
    for (sql, back, field) in [
        ("'\"needed\":2', '\"needed\":1'", "'\"needed\":1', '\"needed\":2'", "how many must approve it"),
        ("'bob', 'fay'", "'fay', 'bob'", "who has approved it"),
    ] {
        assert_eq!(differs(place, &of(sql), &of(back)).await, (what.clone(), field));
    }
}

/// Field: S13
async fn a_grant_that_ended_and_is_woken_is_found_whatever_ended_it(place: &Place) {
    let store = place.open().await;
    let (first, _) = lived(&store).await;
    let what = format!("grant {}", first.id);
    let wake = format!("UPDATE agent_grant SET ended_at = NULL WHERE id = '{}'", first.id);
    let woken = async |record| {
        assert_eq!(found(place).await, []);
        place.tamper(&wake).await;
        assert_eq!(found(place).await, [Contradiction::Ended { what: what.clone(), record }]);
        place.tamper("UPDATE agent_grant SET ended_at = 1 WHERE ended_at IS NULL").await;
    };
    // Whoever comes back under the name of somebody who was taken out of the configuration inherits nothing.
    let gone = Person { disabled: true, ..person("ada") };
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).put_person(&gone, None).await?;
        PrivilegeTx::of(tx).end_grants_of_person(&gone.id, now).await?;
        [PersonChanged { grants_ended: Some(1), ..PersonChanged::of(&gone, PersonChange::Disabled) }.by(Actor::System)]
    });
    let out = last(&store, "person_changed").await;
    woken(out).await;
    change!(store, tx => {
        PrivilegeTx::of(tx).put_person(&person("ada"), None).await?;
        [PersonChanged::of(&person("ada"), PersonChange::DeclaredAgain).by(Actor::System)]
    });
    woken(out).await;
}

/// Field: S13
async fn a_grant_whose_place_another_took_is_found_when_it_is_woken(place: &Place) {
    let store = place.open().await;
    let (first, _) = lived(&store).await;
    place.clock.advance(Span::from_minutes(61));
    let second = Grant { id: crypto::mint(), created_at: store.now(), ..first.clone() };
    let put = second.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_grant(&put).await?;
        [GrantMade::of(&put, GrantChange::Made).by(Actor::System)]
    });
    let next = last(&store, "grant_made").await;
    let id = second.id.clone();
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).end_grant(&id, now).await?;
        [Revoked::of(&Target::Grant(id), "r".into()).by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    for (grant, record) in [(first, next), (second, last(&store, "revoked").await)] {
        place.tamper(&format!("UPDATE agent_grant SET ended_at = NULL WHERE id = '{}'", grant.id)).await;
        let what = format!("grant {}", grant.id);
        assert_eq!(found(place).await, [Contradiction::Ended { what, record }]);
        place.tamper("UPDATE agent_grant SET ended_at = 1 WHERE ended_at IS NULL").await;
    }
}

/// Field: S13
async fn what_ended_with_a_wrong_clock_is_found_when_it_is_woken(place: &Place) {
    let store = place.open().await;
    let right = store.now();
    place.clock.advance(Span::from_minutes(30));
    let (grant, elevation) = lived(&store).await;
    store.close().await;
    place.clock.set(right);
    let store = place.open().await;
    let seen = store.no_node_runs().await.unwrap();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_clock_right(right, &seen).await?;
        [examples::clock_accepted().by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    let record = last(&store, "clock_accepted").await;
    place.tamper("UPDATE elevation SET state = 'active'; UPDATE agent_grant SET ended_at = NULL").await;
    assert_eq!(
        found(place).await,
        [
            Contradiction::Ended { what: format!("elevation {}", elevation.id), record },
            Contradiction::Ended { what: format!("grant {}", grant.id), record },
        ]
    );
}

/// A use that comes back after an end by hand wakes nothing.
///
/// Field: S13
async fn an_elevation_that_ended_before_its_use_came_back_is_found_when_it_is_woken(place: &Place) {
    let store = place.open().await;
    let (_, elevation) = lived(&store).await;
    let over = elevation.clone();
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).end_elevation(&over.id, now).await?;
        [ElevationEnded::of(&over, ElevationEnd::ByHand).by(Actor::Operator)]
    });
    let (record, id, grant) = (newest(&store).await, elevation.id.clone(), elevation.grant.clone());
    change!(store, tx => {
        let end = tx.now();
        let returned = PrivilegeTx::of(tx).return_use_of(&grant, &id, end, None).await?.unwrap();
        [ElevationUseReturned::of(&returned, "a").by(Actor::System)]
    });
    assert_eq!(found(place).await, []);
    place.tamper("UPDATE elevation SET state = 'active'").await;
    let what = format!("elevation {}", elevation.id);
    assert_eq!(found(place).await, [Contradiction::Ended { what, record }]);
}

/// A block ends what was made, asked for or decided before it.
///
/// Field: S13
async fn an_instant_of_a_grant_or_an_elevation_that_was_moved_past_a_block_is_found(place: &Place) {
    let store = place.open().await;
    let (grant, elevation) = lived(&store).await;
    let (grant, elevation) = (format!("grant {}", grant.id), format!("elevation {}", elevation.id));
    for (table, column, what, field) in [
        ("agent_grant", "created_at", &grant, "when it was made"),
        ("elevation", "requested_at", &elevation, "when it was asked for"),
        ("elevation", "decided_at", &elevation, "when it was decided"),
    ] {
        let moved = |by: &str| format!("UPDATE {table} SET {column} = {column} {by}");
        assert_eq!(differs(place, &moved("+ 1"), &moved("- 1")).await, (what.clone(), field));
    }
    let decided = |by: &str| format!("UPDATE elevation SET decided_by = '{by}'");
    assert_eq!(differs(place, &decided("eve"), &decided("bob")).await, (elevation, "who decided it"));
}
