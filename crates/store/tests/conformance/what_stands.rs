//! What stands is what the log says: whoever changes the tables past the product is named.

use model::{
    Actor, Block, Elevation, Grant, Span, Target,
    event::{CallDecided, ElevationEnd, ElevationEnded, GrantChange, GrantMade, Revoked, examples},
};
use store::{Commit, Contradiction, Store, StoreError, VerifyOptions, verify};

use crate::place::{Place, elevation, event, settle};

on_both!(
    what_happened_through_the_product_contradicts_nothing,
    an_elevation_put_in_force_past_the_product_is_found,
    an_elevation_woken_after_its_end_is_found,
    more_uses_a_later_end_and_another_scope_are_found,
    a_grant_that_was_changed_is_found,
    a_block_that_was_deleted_is_found,
);

/// Ada's agent with one approved elevation of three uses, one of them made; written down as the product does.
async fn lived(store: &Store) -> (Grant, Elevation) {
    let grant = settle(store).await;
    let elevation = elevation(&grant.id, 3);
    let (put, holds) = (elevation.clone(), grant.clone());
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                tx.put_elevation(&put).await?;
                tx.activate_elevation(&put.id, "bob", now, now.after(put.lasts)).await?;
                let made = GrantMade::of(&holds, GrantChange::Made).by(Actor::Person("ada".parse().unwrap()));
                let approved = examples::elevation_approved(&put, &holds).by(Actor::Person("bob".parse().unwrap()));
                Ok(Commit::with(made, ()).and(approved))
            })
        })
        .await
        .unwrap();
    let (id, of) = (elevation.id.clone(), grant.id.clone());
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.use_elevation_of(&of, &id).await?;
                let used = CallDecided { elevation: Some(id), ..examples::call_decided("a") };
                Ok(Commit::with(used.by(Actor::Agent("scribe".parse().unwrap())), ()))
            })
        })
        .await
        .unwrap();
    (grant, elevation)
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
    let put = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            tx.put_elevation(&put).await?;
            Ok(Commit::with(event(), ()))
        })
    });
    put.await.unwrap();
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
            tx.end_elevation(&over.id, now).await?;
            let ended = ElevationEnded::of(&over, ElevationEnd::ByHand);
            Ok(Commit::with(ended.by(Actor::Person("ada".parse().unwrap())), ()))
        })
    });
    ended.await.unwrap();
    assert_eq!(found(place).await, []);
    let record = store.log_size().await.unwrap() - 1;
    place.tamper("UPDATE elevation SET state = 'active'").await;
    let what = format!("elevation {}", approved.id);
    assert_eq!(found(place).await, [Contradiction::Ended { what, record }]);
}

/// Field: S13
async fn more_uses_a_later_end_and_another_scope_are_found(place: &Place) {
    let store = place.open().await;
    let (_, approved) = lived(&store).await;
    let what = format!("elevation {}", approved.id);
    let differs = async |sql: &str, back: &str| {
        place.tamper(sql).await;
        let found = found(place).await;
        place.tamper(back).await;
        match found.as_slice() {
            [Contradiction::Differs { what: of, field, .. }] if *of == what => *field,
            other => panic!("{sql}: {other:?}"),
        }
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

/// Field: S13
async fn a_block_that_was_deleted_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let target = Target::Agent("scribe".parse().unwrap());
    let revoked = store.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let block = Block { target: target.clone(), at: tx.now(), reason: "lost".into(), lifted_at: None };
            tx.put_block(&block).await?;
            Ok(Commit::with(Revoked::of(&target, "lost".into()).by(Actor::Operator), ()))
        })
    });
    revoked.await.unwrap();
    assert_eq!(found(place).await, []);
    let record = store.log_size().await.unwrap() - 1;
    place.tamper("DELETE FROM block").await;
    assert_eq!(found(place).await, [Contradiction::RevocationGone { what: "agent scribe".into(), record }]);
}
