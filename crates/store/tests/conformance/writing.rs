//! A change happens with its record, or not at all.

use store::{Commit, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, event, person, saying};

on_both!(
    a_change_and_its_record_arrive_together,
    a_change_without_a_record_is_rolled_back,
    a_change_that_fails_leaves_the_others_alone,
    a_change_that_panics_leaves_the_others_alone,
    a_statement_that_failed_and_was_ignored_undoes_the_change,
    a_caller_who_goes_away_does_not_stop_the_change,
    a_record_that_is_too_long_fails_alone,
    everything_acknowledged_is_there_after_a_restart,
    many_records_keep_the_order_of_their_indexes,
    concurrent_records_share_commits,
    a_closed_store_says_so,
);

async fn put(store: &Store, name: &str, commit: Commit<()>) -> Result<(), StoreError> {
    let person = person(name);
    store
        .write(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&person, None).await?;
                Ok(commit)
            })
        })
        .await
}

async fn names(store: &Store) -> Vec<String> {
    store.people_page(None, 99).await.unwrap().items.iter().map(|person| person.id.to_string()).collect()
}

async fn a_change_and_its_record_arrive_together(place: &Place) {
    let store = place.open().await;
    let before = store.log_size().await.unwrap();
    put(&store, "ada", Commit::with(event(), ()).and(event())).await.unwrap();
    assert_eq!(names(&store).await, ["ada"]);
    assert_eq!(store.log_size().await.unwrap(), before + 2);
}

async fn a_change_without_a_record_is_rolled_back(place: &Place) {
    let store = place.open().await;
    let before = store.log_size().await.unwrap();
    put(&store, "ada", Commit::nothing(())).await.unwrap();
    assert!(names(&store).await.is_empty());
    assert_eq!(store.log_size().await.unwrap(), before);
}

async fn a_change_that_fails_leaves_the_others_alone(place: &Place) {
    let store = place.open().await;
    let failing = store.write::<(), StoreError, _>(|tx| {
        Box::pin(async move {
            PrivilegeTx::of(tx).put_person(&person("mallory"), None).await?;
            Err(StoreError::Unreadable { what: "wish", why: "no".into() })
        })
    });
    let (ada, mallory, bob) = tokio::join!(
        put(&store, "ada", Commit::with(event(), ())),
        failing,
        put(&store, "bob", Commit::with(event(), ()))
    );
    ada.unwrap();
    assert!(matches!(mallory, Err(StoreError::Unreadable { what: "wish", .. })));
    bob.unwrap();
    assert_eq!(names(&store).await, ["ada", "bob"]);
}

async fn a_change_that_panics_leaves_the_others_alone(place: &Place) {
    let store = place.open().await;
    let panicking = store.write::<(), StoreError, _>(|tx| {
        Box::pin(async move {
            PrivilegeTx::of(tx).put_person(&person("mallory"), None).await?;
            panic!("a fault in a use case");
        })
    });
    let (ada, mallory, bob) = tokio::join!(
        put(&store, "ada", Commit::with(event(), ())),
        panicking,
        put(&store, "bob", Commit::with(event(), ()))
    );
    ada.unwrap();
    assert!(matches!(mallory, Err(StoreError::Panicked)));
    bob.unwrap();
    assert_eq!(names(&store).await, ["ada", "bob"]);
}

async fn a_statement_that_failed_and_was_ignored_undoes_the_change(place: &Place) {
    let store = place.open().await;
    let grant = crate::place::settle(&store).await;
    let twin = model::Grant { id: crypto::mint(), ..grant };
    let outcome = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&person("mallory"), None).await?;
                let _ = PrivilegeTx::of(tx).put_grant(&twin).await;
                Ok(Commit::with(event(), ()))
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::StatementIgnored)), "{outcome:?}");
    assert_eq!(names(&store).await, ["ada"]);
}

async fn a_caller_who_goes_away_does_not_stop_the_change(place: &Place) {
    let store = place.open().await;
    {
        let write = put(&store, "ada", Commit::with(event(), ()));
        // Polled once, it is in the queue; then its caller is gone.
        let mut write = std::pin::pin!(write);
        assert!(futures_util::poll!(&mut write).is_pending());
    }
    store.record(event()).await.unwrap();
    assert_eq!(names(&store).await, ["ada"]);
}

async fn a_record_that_is_too_long_fails_alone(place: &Place) {
    let store = place.open().await;
    let long = saying("x".repeat(70_000));
    let (short, refused) = tokio::join!(store.record(event()), store.record(long.clone()));
    short.unwrap();
    assert!(matches!(refused, Err(StoreError::RecordTooLong(_))));
    assert!(matches!(put(&store, "ada", Commit::with(long, ())).await, Err(StoreError::RecordTooLong(_))));
    assert!(names(&store).await.is_empty());
}

async fn everything_acknowledged_is_there_after_a_restart(place: &Place) {
    let store = place.open().await;
    put(&store, "ada", Commit::with(event(), ())).await.unwrap();
    let (size, checkpoint) = (store.log_size().await.unwrap(), store.checkpoint().await.unwrap());
    drop(store);
    let store = place.open().await;
    assert_eq!(names(&store).await, ["ada"]);
    assert_eq!((store.log_size().await.unwrap(), store.checkpoint().await.unwrap()), (size, checkpoint));
}

async fn many_records_keep_the_order_of_their_indexes(place: &Place) {
    let store = place.open().await;
    let records = (0..700u64).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { (number, store.record(saying(number)).await.unwrap()) })
    });
    let mut indexes = Vec::new();
    for (number, index) in futures_util::future::join_all(records).await.into_iter().map(Result::unwrap) {
        let (at, record) = store.records(index, 1).await.unwrap().pop().unwrap();
        assert_eq!(at, index);
        assert!(String::from_utf8(record).unwrap().contains(&format!("\"reason\":\"{number}\"}}")));
        indexes.push(index);
    }
    indexes.sort_unstable();
    assert!(indexes.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no index twice, none left out");
}

async fn concurrent_records_share_commits(place: &Place) {
    let store = place.open().await;
    let before = place.count("SELECT COUNT(*) FROM audit_batch").await;
    for recorded in futures_util::future::join_all((0..1000).map(|_| store.record(event()))).await {
        recorded.unwrap();
    }
    let commits = place.count("SELECT COUNT(*) FROM audit_batch").await - before;
    assert!(commits <= 100, "{commits} commits for 1000 records");
}

async fn a_closed_store_says_so(place: &Place) {
    let store = place.open().await;
    let other = store.clone();
    store.close().await;
    assert!(matches!(other.record(event()).await, Err(StoreError::Closed)));
    assert!(matches!(put(&other, "ada", Commit::with(event(), ())).await, Err(StoreError::Closed)));
    assert!(matches!(other.count_people().await, Err(StoreError::Closed)));
    other.freshness().unwrap_err();
}
