//! Who is spared what a policy says is what the log says.

use model::{
    Actor, Exception, ExceptionEnd, Span,
    event::{ExceptionAdded, ExceptionEnded},
};
use store::{Commit, Contradiction, Store, StoreError, privilege::PrivilegeTx};

use super::{change, differs, found, lived};
use crate::place::Place;

on_both!(
    an_exception_that_nobody_added_is_found,
    an_exception_that_was_changed_past_the_product_is_found,
    an_exception_that_was_woken_past_the_product_is_found,
    a_block_ends_one_at_once_and_for_good,
);

async fn added(store: &Store) -> Exception {
    let now = store.now();
    let exception = Exception {
        id: "exc_1".parse().unwrap(),
        name: "change-freeze".parse().unwrap(),
        agent: "scribe".parse().unwrap(),
        server: Some("tickets".parse().unwrap()),
        reason: "the repair of INC-7".into(),
        owner: "ada".parse().unwrap(),
        added_at: now,
        not_after: now.after(Span::from_minutes(60)),
        ended: None,
    };
    let put = exception.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_exception(&put).await?;
        [ExceptionAdded::of(&put).by(Actor::Operator)]
    });
    exception
}

/// Field: S13
async fn an_exception_that_nobody_added_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    place
        .tamper(
            "INSERT INTO policy_exception (id, name, agent, reason, owner, added_at, not_after)
             VALUES ('exc_9', 'change-freeze', 'scribe', 'none', 'ada', 1, 9000000000000000)",
        )
        .await;
    assert_eq!(found(place).await, [Contradiction::Unaccounted { what: "exception exc_9".into() }]);
    drop(store);
}

/// Field: S13
async fn an_exception_that_was_changed_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let exception = added(&store).await;
    assert_eq!(store.exception(&exception.id).await.unwrap().as_ref(), Some(&exception));
    assert_eq!(found(place).await, []);
    for (there, back, field) in [
        ("name = 'another'", "name = 'change-freeze'", "its name"),
        ("agent = 'other'", "agent = 'scribe'", "its agent"),
        ("server = NULL", "server = 'tickets'", "its server"),
        ("owner = 'bob'", "owner = 'ada'", "its owner"),
        ("not_after = not_after + 1", "not_after = not_after - 1", "its end"),
    ] {
        let set = |what: &str| format!("UPDATE policy_exception SET {what}");
        assert_eq!(differs(place, &set(there), &set(back)).await, ("exception exc_1".into(), field));
    }
}

/// Field: S13
async fn an_exception_that_was_woken_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let exception = added(&store).await;
    let (server, now) = ("tickets".parse().unwrap(), store.now());
    assert_eq!(store.exceptions().of(&exception.agent, &server, now).count(), 1);
    assert_eq!(store.exceptions().of(&exception.agent, &"files".parse().unwrap(), now).count(), 0);
    assert_eq!(store.exceptions().of(&exception.agent, &server, exception.not_after).count(), 0);
    change!(store, tx => {
        let (cause, now) = (ExceptionEnd::ByHand, tx.now());
        assert!(PrivilegeTx::of(tx).end_exception(&"exc_1".parse().unwrap(), cause, now).await?);
        assert!(!PrivilegeTx::of(tx).end_exception(&"exc_1".parse().unwrap(), cause, now).await?);
        [ExceptionEnded::of(&exception, cause, now).by(Actor::Operator)]
    });
    assert_eq!(store.exceptions().of(&"scribe".parse().unwrap(), &server, now).count(), 0);
    assert_eq!(found(place).await, []);
    place.tamper("UPDATE policy_exception SET ended_at = NULL, cause = NULL").await;
    let said = found(place).await;
    assert!(matches!(said.as_slice(), [Contradiction::Ended { what, .. }] if what == "exception exc_1"), "{said:?}");
}

async fn a_block_ends_one_at_once_and_for_good(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let exception = added(&store).await;
    let (server, now) = ("tickets".parse().unwrap(), store.now());
    let target = model::Target::Agent(exception.agent.clone());
    let block = model::Block { target: target.clone(), at: now, reason: "a drill".into(), lifted_at: None };
    change!(store, tx => {
        PrivilegeTx::of(tx).put_block(&block).await?;
        [model::event::Revoked::of(&block.target, "a drill".into()).by(Actor::Operator)]
    });
    assert_eq!(store.exceptions().of(&exception.agent, &server, now).count(), 0);
    assert_eq!(store.elapsed_exceptions(now).await.unwrap().len(), 1, "somebody writes it down");
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).lift_block(&target, now).await?;
        [model::event::Restored::of(&target, "a drill".into()).by(Actor::Operator)]
    });
    assert_eq!(store.exceptions().of(&exception.agent, &server, now).count(), 0);
}
