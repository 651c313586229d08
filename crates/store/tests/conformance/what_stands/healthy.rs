//! A log with everything in it that can happen, whose tables say the same.

use model::{Actor, AgentState, Elevation, Event, EventName, Installation, Person, Role, Span, Target, Timestamp};
use store::{Commit, Store, StoreError};

use super::{
    about,
    blocks::{end_installation, restore, revoke},
    change, found,
    keys::rotate,
    lived, person_changed,
};
use crate::place::{Place, elevation, event, person};

on_both!(everything_that_happens_through_the_product_contradicts_nothing);

/// Field: S13
async fn everything_that_happens_through_the_product_contradicts_nothing(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    let minute = || place.clock.advance(Span::from_seconds(61));
    for (kind, name) in [
        ("agent", "scribe"),
        ("agent", "other"),
        ("person", "ada"),
        ("client", "https://scribe.example/client"),
        ("server", "tickets"),
        ("tool", "tickets.delete_ticket"),
        ("all", ""),
    ] {
        let target = || Target::parse(kind, name).unwrap();
        revoke(&store, target()).await;
        minute();
        assert_eq!(found(place).await, [], "{kind}");
        restore(&store, target()).await;
        minute();
        assert_eq!(found(place).await, [], "{kind}");
        revoke(&store, target()).await;
        revoke(&store, target()).await;
        if name != "other" {
            restore(&store, target()).await;
        }
        assert_eq!(found(place).await, [], "{kind}");
    }
    end_installation(&store, &token::mint()).await;
    minute();
    let now = store.now();
    let asked =
        Elevation { requested_at: now, decide_before: now.after(Span::from_minutes(5)), ..elevation(&grant.id, 1) };
    used_up_and_given_back(place, &store, &asked).await;
    assert_eq!(found(place).await, []);
    for state in [AgentState::Suspended, AgentState::Active, AgentState::Retired] {
        change!(store, tx => {
            let (scribe, now) = ("scribe".parse().unwrap(), tx.now());
            tx.set_agent_state(&scribe, state).await?;
            if state == AgentState::Retired {
                tx.end_grants_of_agent(&scribe, now).await?;
            }
            [Event::new(EventName::AgentChanged, Actor::Operator).with("agent", "scribe").with("state", state)]
        });
        assert_eq!(found(place).await, []);
    }
    for (disabled, roles) in [(true, vec![]), (false, vec![Role::Admin, Role::Approver])] {
        let eve = Person { disabled, roles: roles.into_iter().collect(), ..person("eve") };
        change!(store, tx => {
            tx.put_person(&eve, None).await?;
            [person_changed(&eve, "another")]
        });
        assert_eq!(found(place).await, []);
    }
    let now = store.now();
    rotate(&store, now.after(Span::from_minutes(10)), now.after(Span::from_minutes(21))).await;
    minute();
    let second = Timestamp::from_seconds(store.now().seconds());
    rotate(&store, second, second).await;
    assert_eq!(found(place).await, []);
    a_clock_that_ran_ahead(place, store).await;
}

/// The last use ends it, is given back, and ends it again.
async fn used_up_and_given_back(place: &Place, store: &Store, asked: &Elevation) {
    let (put, id, grant) = (asked.clone(), asked.id.clone(), asked.grant.clone());
    change!(store, tx => {
        let now = tx.now();
        tx.put_elevation(&put).await?;
        tx.activate_elevation(&put.id, "bob", now, now.after(put.lasts)).await?;
        [about(EventName::ElevationRequested, &put), about(EventName::ElevationApproved, &put)]
    });
    let about = |name| Event::new(name, Actor::System).with("elevation", &asked.id);
    let used = || [about(EventName::CallDecided), about(EventName::ElevationEnded)];
    let first = used();
    let not_after = {
        let (id, grant) = (id.clone(), grant.clone());
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let used = tx.use_elevation_of(&grant, &id).await?.unwrap();
                    let [decided, ended] = first;
                    Ok(Commit::with(decided, used.not_after.unwrap()).and(ended))
                })
            })
            .await
            .unwrap()
    };
    let (stamp, back) = (store.epoch_stamp(store.epoch()), about(EventName::ElevationUseReturned));
    let (of, which) = (grant.clone(), id.clone());
    change!(store, tx => {
        let returned = tx.return_use_of(&of, &which, not_after, stamp.as_deref()).await?.unwrap();
        [back.with("state", returned.state)]
    });
    assert_eq!(found(place).await, []);
    let second = used();
    change!(store, tx => {
        tx.use_elevation_of(&grant, &id).await?.unwrap();
        second
    });
}

/// What was revoked, ended and lifted in the time that never was goes back to the clock with it.
async fn a_clock_that_ran_ahead(place: &Place, store: Store) {
    let right = store.now().after(Span::from_minutes(1));
    end_installation(&store, &token::mint()).await;
    place.clock.set(right.after(Installation::BLOCKED_FOR));
    end_installation(&store, &token::mint()).await;
    revoke(&store, Target::All).await;
    rotate(&store, store.now(), store.now()).await;
    place.clock.advance(Span::from_minutes(10));
    restore(&store, Target::All).await;
    assert_eq!(found(place).await, []);
    store.close().await;
    place.clock.set(right);
    let store = place.open().await;
    let key = store.new_access_key();
    let seen = store.no_node_runs().await.unwrap();
    change!(store, tx => {
        tx.put_clock_right(right, &seen).await?;
        let now = Timestamp::from_seconds(right.seconds());
        tx.put_access_key(&key, now).await?;
        tx.retire_access_keys(&key, now).await?;
        let made = Event::new(EventName::KeyMade, Actor::Operator)
            .with("key", &key.kid)
            .with("purpose", "access")
            .with("signs_from", now)
            .with("old_gone_at", now);
        [Event::new(EventName::ClockAccepted, Actor::Operator), made]
    });
    assert_eq!(found(place).await, []);
    place.clock.advance(Span::from_seconds(61));
    change!(store, tx => {
        tx.bump_epoch().await?;
        [event()]
    });
    assert_eq!(found(place).await, []);
}
