//! A log with everything in it that can happen, whose tables say the same.

use model::{
    Actor, AgentState, Elevation, Installation, Person, Role, Span, Target, Timestamp,
    event::{
        AgentChanged, ElevationEnd, ElevationEnded, ElevationUseReturned, KeyMade, PersonChange, PersonChanged,
        examples,
    },
};
use store::{Commit, Store, StoreError, privilege::PrivilegeTx};

use super::{
    asked_and_approved,
    blocks::{end_installation, restore, revoke},
    change, found,
    keys::rotate,
    lived, used,
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
    end_installation(&store, &crypto::mint()).await;
    minute();
    let now = store.now();
    let asked =
        Elevation { requested_at: now, decide_before: now.after(Span::from_minutes(5)), ..elevation(&grant.id, 1) };
    used_up_and_given_back(place, &store, &asked).await;
    assert_eq!(found(place).await, []);
    for state in [AgentState::Suspended, AgentState::Active, AgentState::Retired] {
        change!(store, tx => {
            let (scribe, now) = ("scribe".parse().unwrap(), tx.now());
            PrivilegeTx::of(tx).set_agent_state(&scribe, state).await?;
            if state == AgentState::Retired {
                PrivilegeTx::of(tx).end_grants_of_agent(&scribe, now).await?;
            }
            [AgentChanged::state(scribe, state).by(Actor::Operator)]
        });
        assert_eq!(found(place).await, []);
    }
    for (disabled, roles) in [(true, vec![]), (false, vec![Role::Admin, Role::Approver])] {
        let eve = Person { disabled, roles: roles.into_iter().collect(), ..person("eve") };
        change!(store, tx => {
            PrivilegeTx::of(tx).put_person(&eve, None).await?;
            [PersonChanged::of(&eve, PersonChange::Roles).by(Actor::Operator)]
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
        PrivilegeTx::of(tx).put_elevation(&put).await?;
        PrivilegeTx::of(tx).activate_elevation(&put.id, "bob", now, now.after(put.lasts)).await?;
        asked_and_approved(&put)
    });
    let last = || [used(asked), ElevationEnded::of(asked, ElevationEnd::UsedUp).by(Actor::System)];
    let first = last();
    let not_after = {
        let (id, grant) = (id.clone(), grant.clone());
        store
            .write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let used = PrivilegeTx::of(tx).use_elevation_of(&grant, &id).await?.unwrap();
                    let [decided, ended] = first;
                    Ok(Commit::with(decided, used.not_after().unwrap()).and(ended))
                })
            })
            .await
            .unwrap()
    };
    let stamp = store.epoch_stamp(store.epoch());
    let (of, which) = (grant.clone(), id.clone());
    change!(store, tx => {
        let returned = PrivilegeTx::of(tx).return_use_of(&of, &which, not_after, stamp.as_deref()).await?.unwrap();
        [ElevationUseReturned::of(&returned, "a").by(Actor::System)]
    });
    assert_eq!(found(place).await, []);
    let second = last();
    change!(store, tx => {
        PrivilegeTx::of(tx).use_elevation_of(&grant, &id).await?.unwrap();
        second
    });
}

/// What was revoked, ended and lifted in the time that never was goes back to the clock with it.
async fn a_clock_that_ran_ahead(place: &Place, store: Store) {
    let right = store.now().after(Span::from_minutes(1));
    end_installation(&store, &crypto::mint()).await;
    place.clock.set(right.after(Installation::BLOCKED_FOR));
    end_installation(&store, &crypto::mint()).await;
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
        PrivilegeTx::of(tx).put_clock_right(right, &seen).await?;
        let now = Timestamp::from_seconds(right.seconds());
        PrivilegeTx::of(tx).put_access_key(&key, now).await?;
        PrivilegeTx::of(tx).retire_access_keys(&key, now).await?;
        let made = KeyMade {
            key: key.kid.clone(),
            purpose: "access",
            signs_from: Some(now.into()),
            old_gone_at: Some(now.into()),
            retired: None,
        };
        [examples::clock_accepted().by(Actor::Operator), made.by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    place.clock.advance(Span::from_seconds(61));
    change!(store, tx => {
        tx.bump_epoch().await?;
        [event()]
    });
    assert_eq!(found(place).await, []);
}
