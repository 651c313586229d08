//! Duties in another's name: which stand, which are over although nobody said so, and what the log says of them.

use model::{
    Actor, Duty, DutyEnd, Id, Person, Role, Span, Target, Timestamp,
    event::{DutyDelegated, PersonChange, PersonChanged},
};
use store::{Commit, Contradiction, Store, StoreError, VerifyOptions, privilege::PrivilegeTx, verify};

use crate::place::{Place, START, event, person};

on_both!(
    a_duty_stands_until_it_is_ended_and_is_ended_once,
    what_ends_a_duty_is_found_whoever_did_it,
    a_duty_that_nobody_handed_over_is_found,
);

/// Changes something and answers.
macro_rules! change {
    ($store:expr, $tx:ident => $work:expr) => {
        $store
            .write::<_, StoreError, _>(move |$tx| {
                Box::pin(async move {
                    let value = $work;
                    Ok(Commit::with(event(), value))
                })
            })
            .await
            .unwrap()
    };
}

fn duty(number: u32, at: Timestamp) -> Duty {
    Duty {
        id: format!("dut_{number}").parse().unwrap(),
        from: "bob".parse().unwrap(),
        to: "eve".parse().unwrap(),
        server: (number > 1).then(|| "tickets".parse().unwrap()),
        since: at,
        not_after: at.after(Span::from_minutes(60)),
        ended: None,
    }
}

async fn put(store: &Store, duty: &Duty) {
    let duty = duty.clone();
    change!(store, tx => PrivilegeTx::of(tx).put_duty(&duty).await?);
}

async fn people(store: &Store, roles: &[Role], disabled: bool) {
    let bob = Person { roles: roles.iter().copied().collect(), disabled, ..person("bob") };
    change!(store, tx => {
        PrivilegeTx::of(tx).put_person(&bob, None).await?;
        PrivilegeTx::of(tx).put_person(&person("eve"), None).await?;
    });
}

async fn over(store: &Store, now: Timestamp) -> usize {
    store.over_duties(now).await.unwrap().len()
}

async fn a_duty_stands_until_it_is_ended_and_is_ended_once(place: &Place) {
    let store = place.open().await;
    people(&store, &[Role::Approver], false).await;
    let (bob, eve): (Id<Person>, Id<Person>) = ("bob".parse().unwrap(), "eve".parse().unwrap());
    for number in 1..=3 {
        put(&store, &duty(number, START)).await;
    }
    assert_eq!(store.duty(&"dut_2".parse().unwrap()).await.unwrap().unwrap(), duty(2, START));
    assert_eq!((store.duties_to(&eve).await.unwrap().len(), store.duties_from(&bob).await.unwrap().len()), (3, 3));
    assert_eq!((store.duties_to(&bob).await.unwrap().len(), store.duties_from(&eve).await.unwrap().len()), (0, 0));
    assert_eq!(over(&store, START).await, 0);
    for is_first in [true, false] {
        let ended = change!(store, tx => {
            PrivilegeTx::of(tx).end_duty(&"dut_1".parse().unwrap(), DutyEnd::ByHand, START).await?
        });
        assert_eq!(ended, is_first);
    }
    let ended = store.duty(&"dut_1".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(ended.ended, Some((DutyEnd::ByHand, START)));
    let said = store.log_size().await.unwrap();
    change!(store, tx => PrivilegeTx::of(tx).end_duties_to(&"eve".parse().unwrap(), DutyEnd::PersonGone).await?);
    assert_eq!(store.log_size().await.unwrap(), said + 3, "each of the two has its record");
    assert!(store.duties_to(&eve).await.unwrap().is_empty());
    let page = store.duties_page(None, 2).await.unwrap();
    let rest = store.duties_page(page.next.as_ref(), 2).await.unwrap();
    let listed: Vec<_> = page.items.iter().chain(&rest.items).map(|duty| duty.id.to_string()).collect();
    assert_eq!((listed, rest.next.is_none()), (vec!["dut_3".into(), "dut_2".into(), "dut_1".into()], true));
}

async fn what_ends_a_duty_is_found_whoever_did_it(place: &Place) {
    let store = place.open().await;
    people(&store, &[Role::Admin], false).await;
    put(&store, &duty(1, START)).await;
    let end = START.after(Span::from_minutes(60));
    assert_eq!((over(&store, START).await, over(&store, end).await), (0, 1));
    people(&store, &[Role::Auditor], false).await;
    assert_eq!(over(&store, START).await, 1, "the role");
    people(&store, &[Role::Approver], true).await;
    assert_eq!(over(&store, START).await, 1, "the person");
    people(&store, &[Role::Approver, Role::Auditor], false).await;
    assert_eq!(over(&store, START).await, 0);
    let block = model::Block {
        target: Target::Person("eve".parse().unwrap()),
        at: START,
        reason: "a drill".into(),
        lifted_at: None,
    };
    change!(store, tx => PrivilegeTx::of(tx).put_block(&block).await?);
    assert_eq!(over(&store, START).await, 1, "the kill switch");
}

/// Field: S13
async fn a_duty_that_nobody_handed_over_is_found(place: &Place) {
    let store = place.open().await;
    let bob = Person { roles: [Role::Approver].into(), ..person("bob") };
    let handed = duty(1, store.now());
    let put = handed.clone();
    store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                PrivilegeTx::of(tx).put_person(&bob, None).await?;
                PrivilegeTx::of(tx).put_person(&person("eve"), None).await?;
                PrivilegeTx::of(tx).put_duty(&put).await?;
                let added = |person: &Person| PersonChanged::of(person, PersonChange::Added).by(Actor::Operator);
                let commit = Commit::with(added(&bob), ()).and(added(&person("eve")));
                Ok(commit.and(DutyDelegated::of(&put).by(Actor::Operator)))
            })
        })
        .await
        .unwrap();
    let found = async || verify(&place.url, &place.file(""), VerifyOptions::default()).await.unwrap().contradictions;
    assert_eq!(found().await, []);
    let what = format!("duty {}", handed.id);
    for (sql, back, field) in [
        ("to_person = 'mallory'", "to_person = 'eve'", "whose it is"),
        ("from_person = 'ada'", "from_person = 'bob'", "in whose name it is"),
        ("server = 'billing'", "server = NULL", "its server"),
        ("not_after = not_after + 1", "not_after = not_after - 1", "its end"),
    ] {
        place.tamper(&format!("UPDATE duty SET {sql}")).await;
        match found().await.as_slice() {
            [Contradiction::Differs { what: named, field: differs, .. }] => {
                assert_eq!((named, *differs), (&what, field))
            }
            other => panic!("{sql}: {other:?}"),
        }
        place.tamper(&format!("UPDATE duty SET {back}")).await;
    }
    place
        .tamper(
            "INSERT INTO duty (id, from_person, to_person, since, not_after) VALUES ('dut_x', 'bob', 'mallory', 1, 2)",
        )
        .await;
    assert_eq!(found().await, [Contradiction::Unaccounted { what: "duty dut_x".into() }]);
}
