//! Elevations are decided once, used as often as allowed, and end with their grant.

use model::{Elevation, ElevationState, Grant, Id, Span, Timestamp};
use store::{Commit, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, elevation, event, settle};

on_both!(
    an_elevation_is_decided_once,
    of_several_approvers_at_once_one_is_the_last,
    a_lapsed_request_is_not_approved,
    ending_bumps_the_epoch_only_when_it_takes_something_away,
    eight_tasks_share_three_uses,
    a_use_is_of_the_elevation_that_was_named,
    an_ended_grant_takes_everything_with_it,
    what_was_denied_or_never_decided_outlives_its_grant,
);

async fn put(store: &Store, elevation: &Elevation) {
    let elevation = elevation.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_elevation(&elevation).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
}

async fn approve(store: &Store, elevation: &Elevation) -> bool {
    let id = elevation.id.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let end = now.after(Span::from_minutes(10));
                Ok(Commit::with(event(), PrivilegeTx::of(tx).activate_elevation(&id, "bob", now, end).await?))
            })
        })
        .await
        .unwrap()
}

async fn take(store: &Store, grant: &Id<Grant>, elevation: &Elevation) -> Option<Elevation> {
    let (grant, id) = (grant.clone(), elevation.id.clone());
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(event(), PrivilegeTx::of(tx).use_elevation_of(&grant, &id).await?)) })
        })
        .await
        .unwrap()
}

async fn an_elevation_is_decided_once(place: &Place) {
    let store = place.open().await;
    let asked = elevation(&settle(&store).await.id, 1);
    put(&store, &asked).await;
    assert_eq!(store.count_pending(store.now()).await.unwrap(), 1);
    let (grant, scope) = (asked.grant.clone(), asked.scope.clone());
    let found = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                Ok(Commit::nothing(tx.pending_for(&grant, &scope, None, now).await?.into_iter().next()))
            })
        })
        .await
        .unwrap();
    assert_eq!(found, Some(asked.clone()));

    assert!(approve(&store, &asked).await);
    assert!(!approve(&store, &asked).await);
    let id = asked.id.clone();
    let denied = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                Ok(Commit::with(event(), PrivilegeTx::of(tx).deny_elevation(&id, "eve", now).await?))
            })
        })
        .await;
    assert!(!denied.unwrap());
    let now = store.elevation(&asked.id).await.unwrap().unwrap();
    assert_eq!((now.state(), now.decided().map(|decided| decided.by.as_str())), (ElevationState::Active, Some("bob")));
    assert_eq!(store.elevation_entries(None, 9).await.unwrap().items[0].elevation, now);
    assert_eq!(store.count_pending(store.now()).await.unwrap(), 0);
}

/// What the rules do, without the rules: read who has approved, add one, put it in force when they are enough.
async fn add(store: &Store, id: &Id<Elevation>, by: &str) -> Option<usize> {
    let (id, by) = (id.clone(), by.to_owned());
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                let mut quorum = tx.elevation(&id).await?.unwrap().quorum;
                quorum.given.push(model::Yes {
                    by: by.parse().unwrap(),
                    at: now,
                    lasts: Span::from_minutes(10),
                    duty: None,
                });
                let mut tx = PrivilegeTx::of(tx);
                if !tx.put_quorum(&id, &quorum).await? {
                    return Ok(Commit::nothing(None));
                }
                if quorum.is_reached() {
                    assert!(tx.activate_elevation(&id, &by, now, now.after(Span::from_minutes(10))).await?);
                }
                Ok(Commit::with(event(), Some(quorum.given.len())))
            })
        })
        .await
        .unwrap()
}

async fn of_several_approvers_at_once_one_is_the_last(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    for _ in 0..5 {
        let asked = Elevation { quorum: model::Quorum::of(2), ..elevation(&grant.id, 1) };
        put(&store, &asked).await;
        let (a, b, c) =
            tokio::join!(add(&store, &asked.id, "bob"), add(&store, &asked.id, "fay"), add(&store, &asked.id, "dan"));
        let mut counted = [a, b, c];
        counted.sort_unstable();
        assert_eq!(counted, [None, Some(1), Some(2)]);
        let decided = store.elevation(&asked.id).await.unwrap().unwrap();
        assert_eq!((decided.state(), decided.quorum.given.len()), (ElevationState::Active, 2));
        assert_eq!(decided.decided().unwrap().by, decided.quorum.given[1].by.as_str());
    }
}

async fn a_lapsed_request_is_not_approved(place: &Place) {
    let store = place.open().await;
    let asked = elevation(&settle(&store).await.id, 1);
    put(&store, &asked).await;
    place.clock.advance(Span::from_minutes(5));
    assert!(!approve(&store, &asked).await);
    assert_eq!(store.count_pending(store.now()).await.unwrap(), 0);
    assert_eq!(store.elapsed_elevations(store.now()).await.unwrap(), [asked]);
}

async fn end(store: &Store, elevation: &Elevation) -> bool {
    let id = elevation.id.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                Ok(Commit::with(event(), PrivilegeTx::of(tx).end_elevation(&id, now).await?))
            })
        })
        .await
        .unwrap()
}

async fn ending_bumps_the_epoch_only_when_it_takes_something_away(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let [first, second, third] = [(); 3].map(|()| elevation(&grant.id, 1));
    for asked in [&first, &second, &third] {
        put(&store, asked).await;
    }
    assert!(approve(&store, &first).await && approve(&store, &second).await);
    let epoch = store.epoch();
    assert!(end(&store, &first).await && !end(&store, &first).await);
    assert_eq!(store.epoch(), epoch + 1, "it could still be used");
    place.clock.advance(Span::from_minutes(11));
    assert_eq!(store.elapsed_elevations(store.now()).await.unwrap().len(), 2);
    assert!(end(&store, &second).await && end(&store, &third).await);
    assert_eq!(store.epoch(), epoch + 1, "they were over anyway");
    assert!(store.elapsed_elevations(store.now()).await.unwrap().is_empty());
}

async fn eight_tasks_share_three_uses(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let asked = elevation(&grant.id, 3);
    put(&store, &asked).await;
    assert!(approve(&store, &asked).await);
    assert_eq!(store.live_elevations(&grant.id, store.now()).await.unwrap().len(), 1);
    let takes = (0..8).map(|_| take(&store, &grant.id, &asked));
    let taken: Vec<_> = futures_util::future::join_all(takes).await.into_iter().flatten().collect();
    assert_eq!(taken.iter().map(|taken| taken.uses()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(taken[2].state(), ElevationState::Ended);
    assert!(store.live_elevations(&grant.id, store.now()).await.unwrap().is_empty());
}

async fn a_use_is_of_the_elevation_that_was_named(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let [first, second, third] = [(); 3].map(|()| elevation(&grant.id, 1));
    for asked in [&first, &second, &third] {
        put(&store, asked).await;
    }
    assert!(take(&store, &grant.id, &second).await.is_none(), "it is not approved yet");
    assert!(approve(&store, &first).await && approve(&store, &second).await && approve(&store, &third).await);
    assert!(take(&store, &"grt_other".parse().unwrap(), &second).await.is_none(), "it is of another grant");
    let taken = take(&store, &grant.id, &second).await.unwrap();
    assert_eq!((&taken.id, taken.uses(), taken.state()), (&second.id, 1, ElevationState::Ended));
    assert!(take(&store, &grant.id, &second).await.is_none(), "its only use was taken");
    assert_eq!(store.elevation(&first.id).await.unwrap().unwrap().uses(), 0);
    place.clock.advance(Span::from_minutes(10));
    assert!(take(&store, &grant.id, &third).await.is_none(), "its time is over");
}

async fn an_ended_grant_takes_everything_with_it(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let asked = elevation(&grant.id, 3);
    put(&store, &asked).await;
    assert!(approve(&store, &asked).await);
    let epoch = store.epoch();
    let id = grant.id.clone();
    let ended = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(event(), PrivilegeTx::of(tx).end_grant(&id, START).await?)) })
        })
        .await;
    assert!(ended.unwrap());
    assert!(store.epoch() > epoch);
    assert!(take(&store, &grant.id, &asked).await.is_none());
    assert_eq!(store.elevation(&asked.id).await.unwrap().unwrap().state(), ElevationState::Ended);
    assert_eq!(store.grant_holder(&grant.id, None).await.unwrap().unwrap().grant.ended_at, Some(START));
    assert!(store.standing_grants(START, None, 9).await.unwrap().items.is_empty());
    assert_eq!(store.grants_of(&grant.agent).await.unwrap().len(), 1);
}

async fn what_was_denied_or_never_decided_outlives_its_grant(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let [waiting, denied, approved] = [1, 2, 3].map(|uses| elevation(&grant.id, uses));
    for one in [&waiting, &denied, &approved] {
        put(&store, one).await;
    }
    assert!(approve(&store, &approved).await);
    let unwelcome = async |since: Timestamp| {
        let agent = grant.agent.clone();
        let work = store.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { Ok(Commit::nothing(tx.unwelcome_elevations(&agent, since).await?)) })
        });
        let mut ids: Vec<_> = work.await.unwrap().into_iter().map(|elevation| elevation.id).collect();
        ids.sort();
        ids
    };
    let (id, ended) = (denied.id.clone(), grant.id.clone());
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                PrivilegeTx::of(tx).deny_elevation(&id, "bob", now).await?;
                PrivilegeTx::of(tx).end_grant(&ended, now).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
    let mut expected = vec![waiting.id.clone(), denied.id.clone()];
    expected.sort();
    assert_eq!(unwelcome(Timestamp::default()).await, expected);
    assert!(unwelcome(store.now()).await.is_empty());
}
