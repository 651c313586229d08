//! Of several callers, one wins.

use std::{slice, sync::Arc};

use crypto::Digest;
use futures_util::future::join_all;
use model::{AuthMethod, Person, Span, Timestamp};
use store::{Code, Commit, Flow, Refresh, RefreshState, Rotation, Store, StoreError, Tx, privilege::PrivilegeTx};

use crate::place::{Place, START, event, settle};

on_both!(
    eight_tasks_redeem_one_code_and_one_wins,
    a_code_is_not_redeemed_after_its_end,
    one_of_two_stores_redeems_a_code,
    a_refresh_token_is_rotated_once,
    a_rotated_refresh_token_is_recognised,
    a_refresh_token_is_answered_again_so_often_and_no_oftener,
    a_flow_ends_once,
    a_value_is_used_once_until_its_end,
    an_enrolment_link_works_once,
);

type Ask<T> = for<'t> fn(&'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<T, StoreError>>;

/// Eight tasks ask the same thing at once.
async fn eight<T: Send + 'static>(stores: &[Store], ask: Ask<T>) -> Vec<T> {
    let tasks = (0..8).map(|number| {
        let store = stores[number % stores.len()].clone();
        tokio::spawn(async move {
            store
                .write::<T, StoreError, _>(move |tx| Box::pin(async move { Ok(Commit::with(event(), ask(tx).await?)) }))
                .await
                .unwrap()
        })
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

async fn change(store: &Store, ask: Ask<()>) {
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                ask(tx).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
}

fn wins(answers: Vec<bool>) -> usize {
    answers.into_iter().filter(|won| *won).count()
}

async fn put_code(store: &Store) {
    let grant = settle(store).await;
    let code = Arc::new(Code {
        digest: Digest::of("code"),
        client: "c".parse().unwrap(),
        redirect_uri: "http://127.0.0.1/cb".into(),
        challenge: "x".into(),
        grant: grant.id,
        installation: crypto::mint(),
        scopes: grant.scopes,
        resource: "https://mcp.acme.example/mcp/tickets".into(),
        task: None,
        key: None,
        auth_time: START,
        issued_at: START.after(Span::from_seconds(7)),
        not_after: START.after(Span::from_seconds(60)),
    });
    let kept = code.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                tx.put_code(&code).await?;
                Ok(Commit::with(event(), ()))
            })
        })
        .await
        .unwrap();
    let (read, used) = store
        .write::<_, StoreError, _>(|tx| {
            Box::pin(async move { Ok(Commit::nothing(tx.code(Digest::of("code")).await?)) })
        })
        .await
        .unwrap()
        .unwrap();
    assert!(read == *kept && !used);
}

fn use_code<'t>(tx: &'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<bool, StoreError>> {
    Box::pin(async move {
        let now = tx.now();
        tx.use_code(Digest::of("code"), now).await
    })
}

/// Spec: RFC 6749 §4.1.2
async fn eight_tasks_redeem_one_code_and_one_wins(place: &Place) {
    let store = place.open().await;
    put_code(&store).await;
    assert_eq!(wins(eight(&[store], use_code).await), 1);
}

/// Spec: RFC 6749 §4.1.2
async fn a_code_is_not_redeemed_after_its_end(place: &Place) {
    let store = place.open().await;
    put_code(&store).await;
    place.clock.advance(Span::from_seconds(60));
    assert_eq!(wins(eight(&[store], use_code).await), 0);
}

async fn one_of_two_stores_redeems_a_code(place: &Place) {
    let stores = [place.open().await, place.open().await];
    put_code(&stores[0]).await;
    assert_eq!(wins(eight(&stores, use_code).await), 1);
}

fn refresh() -> Refresh {
    Refresh {
        digest: Digest::of("refresh"),
        installation: "ins_1".parse().unwrap(),
        client: "c".parse().unwrap(),
        grant: "grt_1".parse().unwrap(),
        scopes: "tickets:low".parse().unwrap(),
        resource: "https://mcp.acme.example/mcp/tickets".into(),
        task: None,
        key: None,
        issued_at: START.after(Span::from_seconds(7)),
        not_after: START.after(Span::from_minutes(60)),
    }
}

fn rotation(now: Timestamp) -> Rotation {
    Rotation {
        at: now,
        reuse_until: now.after(Span::from_seconds(30)),
        nonce: Some("n".repeat(43)),
        answer_until: now.after(Span::from_minutes(10)),
        answer_scopes: "tickets:low".parse().unwrap(),
        used_by: Some(AuthMethod::None),
        used_from: "somewhere".into(),
        repeats: 0,
    }
}

fn put_refresh<'t>(tx: &'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<(), StoreError>> {
    Box::pin(async move {
        let refresh = refresh();
        tx.put_refresh(&refresh).await?;
        let (read, state) = tx.refresh(refresh.digest).await?.unwrap();
        assert!(read == refresh && state == RefreshState::Live);
        Ok(())
    })
}

fn rotate<'t>(tx: &'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<bool, StoreError>> {
    Box::pin(async move {
        let now = tx.now();
        tx.rotate_refresh(&refresh(), &rotation(now)).await
    })
}

/// Spec: RFC 9700 §4.14.2
async fn a_refresh_token_is_rotated_once(place: &Place) {
    let store = place.open().await;
    change(&store, put_refresh).await;
    assert_eq!(wins(eight(&[store], rotate).await), 1);
}

/// Spec: RFC 9700 §4.14.2
/// Field: A1
async fn a_rotated_refresh_token_is_recognised(place: &Place) {
    let store = place.open().await;
    change(&store, put_refresh).await;
    let states = store
        .write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                let (digest, now) = (Digest::of("refresh"), tx.now());
                let mut states = Vec::new();
                states.extend(tx.refresh(digest).await?.map(|(_, state)| state));
                tx.rotate_refresh(&refresh(), &rotation(now)).await?;
                states.extend(tx.refresh(digest).await?.map(|(_, state)| state));
                PrivilegeTx::of(tx).end_installation(&refresh().installation, now).await?;
                states.extend(tx.refresh(digest).await?.map(|(_, state)| state));
                Ok(Commit::with(event(), states))
            })
        })
        .await
        .unwrap();
    let rotated = RefreshState::Rotated(Box::new(rotation(store.now())));
    assert_eq!(states, [RefreshState::Live, rotated, RefreshState::Ended]);
}

/// Field: A1
async fn a_refresh_token_is_answered_again_so_often_and_no_oftener(place: &Place) {
    let stores = [place.open().await, place.open().await];
    change(&stores[0], put_refresh).await;
    fn again<'t>(tx: &'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<bool, StoreError>> {
        Box::pin(async move { tx.repeat_refresh(Digest::of("refresh"), 5).await })
    }
    assert_eq!(wins(eight(&stores, again).await), 0, "one that is live is not repeated");
    assert_eq!(wins(eight(&stores, rotate).await), 1);
    assert_eq!(wins(eight(&stores, again).await), 5);
    change(&stores[0], |tx| {
        Box::pin(async move {
            let now = tx.now();
            assert_eq!(tx.repeats_since(&refresh().installation, now.before(Span::from_seconds(1))).await?, 5);
            assert_eq!(tx.repeats_since(&refresh().installation, now).await?, 0);
            Ok(())
        })
    })
    .await;
}

async fn a_flow_ends_once(place: &Place) {
    let store = place.open().await;
    change(&store, |tx| {
        Box::pin(async move {
            let flow = Flow {
                digest: Digest::of("flow"),
                browser: Digest::of("browser"),
                request: serde_json::json!({"scope": "tickets:low"}),
                not_after: START.after(Span::from_minutes(10)),
            };
            tx.put_flow(&flow).await?;
            assert!(tx.update_flow(Digest::of("flow"), serde_json::json!({"step": 2})).await?);
            Ok(())
        })
    })
    .await;
    let found = store.flow(Digest::of("flow"), store.now()).await.unwrap().unwrap();
    assert_eq!(found.request, serde_json::json!({"step": 2}));
    assert!(store.flow(Digest::of("flow"), START.after(Span::from_minutes(10))).await.unwrap().is_none());
    let ended = eight(&[store], |tx| Box::pin(async move { tx.end_flow(Digest::of("flow")).await })).await;
    assert_eq!(wins(ended), 1);
}

/// Spec: RFC 7523 §3
async fn a_value_is_used_once_until_its_end(place: &Place) {
    let store = place.open().await;
    fn once<'t>(tx: &'t mut Tx<'_>) -> futures_util::future::BoxFuture<'t, Result<bool, StoreError>> {
        Box::pin(async move {
            let now = tx.now();
            tx.use_once("jti", "j1", now.after(Span::from_seconds(60)), now).await
        })
    }
    assert!(!store.is_used("jti", "j1", store.now()).await.unwrap());
    assert_eq!(wins(eight(slice::from_ref(&store), once).await), 1);
    place.clock.advance(Span::from_seconds(59));
    assert!(store.is_used("jti", "j1", store.now()).await.unwrap());
    assert!(!store.is_used("other", "j1", store.now()).await.unwrap());
    assert_eq!(wins(eight(slice::from_ref(&store), once).await), 0);
    place.clock.advance(Span::from_seconds(1));
    assert!(!store.is_used("jti", "j1", store.now()).await.unwrap());
    assert_eq!(wins(eight(slice::from_ref(&store), once).await), 1);
}

async fn an_enrolment_link_works_once(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    change(&store, |tx| {
        Box::pin(async move {
            let ada: model::Id<Person> = "ada".parse().unwrap();
            PrivilegeTx::of(tx).offer_enrolment(&ada, Digest::of("old"), START.after(Span::from_minutes(10))).await?;
            PrivilegeTx::of(tx).offer_enrolment(&ada, Digest::of("new"), START.after(Span::from_minutes(10))).await
        })
    })
    .await;
    assert_eq!(store.enrolment(Digest::of("old"), START).await.unwrap(), None);
    assert_eq!(store.enrolment(Digest::of("new"), START).await.unwrap().unwrap().as_str(), "ada");
    let taken = eight(&[store], |tx| {
        Box::pin(async move {
            let now = tx.now();
            tx.take_enrolment(Digest::of("new"), now).await
        })
    })
    .await;
    assert_eq!(wins(taken.into_iter().map(|person| person.is_some()).collect()), 1);
}
