//! What a block ended is over before anybody has written it down, and the writing down goes page by page.

use model::{Block, Elevation, ElevationState, Grant, Span, Target, Timestamp};
use store::{Commit, PageStart, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, agent, elevation, event, grant, person, settle};

on_both!(
    a_grant_is_over_from_the_block_on_its_agent_its_client_or_its_person,
    a_pause_ends_no_grant,
    a_new_grant_takes_the_place_of_one_that_was_stopped,
    an_elevation_is_over_from_whatever_block_covers_it,
    an_approval_is_over_from_the_block_on_who_gave_it,
    what_several_people_approved_is_over_from_the_block_on_any_of_them,
    what_came_after_a_lifted_block_is_not_covered,
    ends_are_written_page_by_page_and_move_no_epoch,
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

async fn block(store: &Store, kind: &str, name: &str, at: Timestamp) {
    let target = Target::parse(kind, name).unwrap();
    let block = Block { target, at, reason: "a drill".into(), lifted_at: None };
    change!(store, tx => PrivilegeTx::of(tx).put_block(&block).await?);
}

async fn lift(store: &Store, kind: &str, name: &str) {
    let target = Target::parse(kind, name).unwrap();
    change!(store, tx => { let now = tx.now(); assert!(PrivilegeTx::of(tx).lift_block(&target, now).await?) });
}

async fn is_live(store: &Store, grant: &Grant) -> bool {
    let now = store.now();
    let by_id = store.grant(&grant.id).await.unwrap().unwrap().is_live(now);
    let by_agent = store.live_grant(&grant.agent, &grant.server, now).await.unwrap().is_some();
    let standing = store.standing_grants(now, None, 99).await.unwrap().items;
    let listed = standing.iter().any(|held| held.grant.id == grant.id);
    let standing = store.grant_holder(&grant.id, None).await.unwrap().unwrap().grant.is_live(now);
    assert_eq!([by_id; 3], [by_agent, listed, standing], "all ways of asking give one answer");
    by_id
}

async fn active(store: &Store, of: &Grant) -> Elevation {
    let asked = elevation(&of.id, 9);
    let put = asked.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_elevation(&put).await?;
        assert!(PrivilegeTx::of(tx).activate_elevation(&put.id, "bob", START, START.after(Span::from_minutes(10))).await?);
    });
    asked
}

async fn uses(store: &Store, elevation: &Elevation) -> bool {
    let (grant, id) = (elevation.grant.clone(), elevation.id.clone());
    let listed = store.live_elevations(&grant, store.now()).await.unwrap().iter().any(|live| live.id == id);
    let used = change!(store, tx => PrivilegeTx::of(tx).use_elevation_of(&grant, &id).await?.is_some());
    assert_eq!(listed, used);
    used
}

/// Field: N2
async fn a_grant_is_over_from_the_block_on_its_agent_its_client_or_its_person(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    for (kind, name) in [("agent", "scribe"), ("client", "https://scribe.example/client"), ("person", "ada")] {
        assert!(is_live(&store, &grant).await);
        block(&store, kind, name, START).await;
        assert!(!is_live(&store, &grant).await, "{kind}");
        lift(&store, kind, name).await;
        assert!(!is_live(&store, &grant).await, "{kind}, lifted");
        place.tamper("DELETE FROM block").await;
    }
}

async fn a_pause_ends_no_grant(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    for (kind, name) in [("server", "tickets"), ("tool", "tickets.delete_ticket"), ("all", ""), ("agent", "other")] {
        block(&store, kind, name, START).await;
        assert!(is_live(&store, &grant).await, "{kind}");
    }
}

/// Field: N2
async fn a_new_grant_takes_the_place_of_one_that_was_stopped(place: &Place) {
    let store = place.open().await;
    let old = settle(&store).await;
    block(&store, "agent", "scribe", START).await;
    lift(&store, "agent", "scribe").await;
    place.clock.advance(Span::from_seconds(1));
    let mut new = grant(&agent("scribe", "ada"));
    new.created_at = store.now();
    let put = new.clone();
    change!(store, tx => PrivilegeTx::of(tx).put_grant(&put).await?);
    assert!(is_live(&store, &new).await);
    assert!(!store.grant(&old.id).await.unwrap().unwrap().is_live(store.now()));
}

/// Field: N7
async fn an_elevation_is_over_from_whatever_block_covers_it(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    for (kind, name) in [
        ("agent", "scribe"),
        ("client", "https://scribe.example/client"),
        ("person", "ada"),
        ("server", "tickets"),
        ("tool", "tickets.delete_ticket"),
        ("all", ""),
    ] {
        let elevation = active(&store, &grant).await;
        assert!(uses(&store, &elevation).await);
        block(&store, kind, name, START).await;
        let found = store.elevation(&elevation.id).await.unwrap().unwrap();
        assert_eq!((found.state(), found.not_after()), (ElevationState::Ended, Some(START)), "{kind}");
        assert!(!uses(&store, &elevation).await, "{kind}");
        lift(&store, kind, name).await;
        assert!(!uses(&store, &elevation).await, "{kind}, lifted");
        place.tamper("DELETE FROM block").await;
    }
    let elevation = active(&store, &grant).await;
    for (kind, name) in [("tool", "tickets.get_ticket"), ("server", "files"), ("person", "carol")] {
        block(&store, kind, name, START).await;
        assert!(uses(&store, &elevation).await, "{kind}");
    }
}

/// Field: N7
async fn an_approval_is_over_from_the_block_on_who_gave_it(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let elevation = active(&store, &grant).await;
    block(&store, "person", "bob", START).await;
    assert!(!uses(&store, &elevation).await);
    assert!(is_live(&store, &grant).await);
}

async fn what_several_people_approved_is_over_from_the_block_on_any_of_them(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let yes = |by: &str| model::Yes { by: by.parse().unwrap(), at: START, lasts: Span::from_minutes(10), duty: None };
    let asked = Elevation { quorum: model::Quorum::of(2), ..elevation(&grant.id, 9) };
    let put = asked.clone();
    change!(store, tx => {
        let mut tx = PrivilegeTx::of(tx);
        tx.put_elevation(&put).await?;
        for given in [vec![yes("dan")], vec![yes("fay"), yes("bob")]] {
            assert!(tx.put_quorum(&put.id, &model::Quorum { given, ..model::Quorum::of(2) }).await?);
        }
    });
    block(&store, "person", "dan", START).await;
    let waits = store.elevation(&asked.id).await.unwrap().unwrap();
    assert_eq!((waits.state(), waits.quorum.to_string().as_str()), (ElevationState::Requested, "2 of 2, fay, bob"));
    let id = asked.id.clone();
    change!(store, tx => {
        let end = START.after(Span::from_minutes(10));
        assert!(PrivilegeTx::of(tx).activate_elevation(&id, "bob", START, end).await?);
        let late = model::Quorum::of(1);
        assert!(!PrivilegeTx::of(tx).put_quorum(&id, &late).await?, "it was decided");
    });
    assert!(uses(&store, &asked).await, "who has no part in it any more ends nothing");
    // Not the one who decided last, whom the row of the elevation names.
    block(&store, "person", "fay", START).await;
    assert!(!uses(&store, &asked).await);
    let target = Target::parse("person", "fay").unwrap();
    change!(store, tx => {
        let ended = PrivilegeTx::of(tx).end_page_of(&target, START, PageStart::default()).await?;
        assert_eq!(ended.elevations, 1);
    });
    lift(&store, "person", "fay").await;
    assert!(!uses(&store, &asked).await, "what a block ended stays over");
}

async fn what_came_after_a_lifted_block_is_not_covered(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    for (kind, name) in [("all", ""), ("person", "bob"), ("agent", "scribe")] {
        block(&store, kind, name, START.before(Span::from_seconds(1))).await;
        lift(&store, kind, name).await;
    }
    assert!(is_live(&store, &grant).await);
    assert!(uses(&store, &active(&store, &grant).await).await);
}

/// Field: N2
async fn ends_are_written_page_by_page_and_move_no_epoch(place: &Place) {
    let store = place.open().await;
    let settled = settle(&store).await;
    change!(store, tx => {
        PrivilegeTx::of(tx).put_person(&person("bob"), None).await?;
        for number in 0..300 {
            let agent = model::Agent { kind: model::AgentKind::Autonomous, ..agent(&format!("fleet-{number}"), "ada") };
            PrivilegeTx::of(tx).put_agent(&agent).await?;
            PrivilegeTx::of(tx).put_grant(&grant(&agent)).await?;
        }
    });
    let elevation = active(&store, &settled).await;
    block(&store, "person", "ada", START).await;
    let (target, epoch) = (Target::parse("person", "ada").unwrap(), store.epoch());
    let unwritten = store.unwritten_blocks().await.unwrap();
    assert_eq!((unwritten.len(), &unwritten[0].target), (1, &target));
    let (mut next, mut ended, mut pages) = (Some(PageStart::default()), 0, 0);
    while let Some(from) = next {
        let target = target.clone();
        let page = change!(store, tx => PrivilegeTx::of(tx).end_page_of(&target, START, from).await?);
        (next, ended, pages) = (page.next, ended + page.grants, pages + 1);
    }
    assert!(ended == 301 && pages >= 1, "{ended} {pages}");
    let written = target.clone();
    assert!(change!(store, tx => PrivilegeTx::of(tx).ends_are_written(&written, START).await?));
    assert!(store.unwritten_blocks().await.unwrap().is_empty());
    assert_eq!(store.epoch(), epoch);
    place.tamper("DELETE FROM block").await;
    assert!(!is_live(&store, &settled).await, "it is in the rows now");
    assert_eq!(store.elevation(&elevation.id).await.unwrap().unwrap().state(), ElevationState::Ended);
    // What was not there is not written down twice, and a newer block is another matter.
    assert!(!change!(store, tx => PrivilegeTx::of(tx).ends_are_written(&target, START).await?));
}
