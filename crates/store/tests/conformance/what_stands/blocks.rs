//! Every revocation and its end has its row, at its time, and every row its record.

use model::{
    Actor, Block, Id, Installation, Span, Target, Timestamp,
    event::{InstallationEnd, InstallationEnded, Restored, Revoked},
};
use store::{Commit, Contradiction, Store, StoreError, Tx, privilege::PrivilegeTx};

use super::{change, differs, found, lived, newest};
use crate::place::{Place, event};

on_both!(
    a_standing_block_that_was_deleted_is_found,
    a_lifted_block_that_was_deleted_is_found,
    a_block_that_was_lifted_past_the_product_is_found,
    a_block_that_nobody_made_is_found,
    a_block_that_was_moved_in_time_is_found,
    a_renewed_block_is_compared_with_its_last_revocation,
    a_block_of_an_older_version_may_be_a_moment_older_than_its_record,
    a_block_on_an_installation_is_missed_while_a_token_of_it_can_live,
    a_grant_that_is_revoked_has_no_block,
);

fn scribe() -> Target {
    Target::Agent("scribe".parse().unwrap())
}

async fn turn(tx: &mut Tx<'_>, target: &Target, at: Timestamp) -> Result<Revoked, StoreError> {
    PrivilegeTx::of(tx)
        .put_block(&Block { target: target.clone(), at, reason: "lost".into(), lifted_at: None })
        .await?;
    Ok(Revoked::of(target, "lost".into()))
}

pub(super) async fn revoke(store: &Store, target: Target) -> u64 {
    change!(store, tx => {
        let now = tx.now();
        [turn(tx, &target, now).await?.by(Actor::Operator)]
    });
    newest(store).await
}

pub(super) async fn restore(store: &Store, target: Target) -> u64 {
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).lift_block(&target, now).await?;
        [Restored::of(&target, "lost".into()).by(Actor::Operator)]
    });
    newest(store).await
}

/// Ends an installation as its client's own revocation does.
pub(super) async fn end_installation(store: &Store, id: &Id<Installation>) -> u64 {
    let id = id.clone();
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).end_installation(&id, now).await?;
        let client: model::ClientId = "c".parse().unwrap();
        let ended = InstallationEnded {
            installation: id,
            client: client.clone(),
            grant: None,
            person: None,
            cause: InstallationEnd::TokenRevoked,
        };
        [ended.by(Actor::Client(client))]
    });
    newest(store).await
}

/// Field: S13
async fn a_standing_block_that_was_deleted_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let record = revoke(&store, scribe()).await;
    assert_eq!(found(place).await, []);
    place.tamper("DELETE FROM block").await;
    assert_eq!(found(place).await, [Contradiction::RevocationGone { what: "agent scribe".into(), record }]);
}

/// Its tokens would be believed again.
///
/// Field: S13
async fn a_lifted_block_that_was_deleted_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let record = revoke(&store, scribe()).await;
    restore(&store, scribe()).await;
    assert_eq!(found(place).await, []);
    place.tamper("DELETE FROM block").await;
    assert_eq!(found(place).await, [Contradiction::LiftedGone { what: "agent scribe".into(), record }]);
}

/// Field: S13
async fn a_block_that_was_lifted_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let record = revoke(&store, Target::All).await;
    let now = store.now().micros();
    place.tamper(&format!("UPDATE block SET lifted_at = {now}")).await;
    assert_eq!(found(place).await, [Contradiction::RevocationGone { what: "everything".into(), record }]);
    place.tamper("UPDATE block SET lifted_at = NULL").await;
    let record = restore(&store, Target::All).await;
    assert_eq!(found(place).await, []);
    place.tamper("UPDATE block SET lifted_at = NULL").await;
    let what = "the block on everything".to_owned();
    assert_eq!(found(place).await, [Contradiction::Differs { what, field: "when it was lifted", record }]);
}

/// Field: S13
async fn a_block_that_nobody_made_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    for (kind, name) in [("agent", "scribe"), ("installation", "ins_x"), ("server", "tickets")] {
        place
            .tamper(&format!("INSERT INTO block (kind, name, since, reason) VALUES ('{kind}', '{name}', 5, 'r')"))
            .await;
        let what = format!("the block on {kind} {name}");
        assert_eq!(found(place).await, [Contradiction::Unaccounted { what }]);
        place.tamper("DELETE FROM block").await;
    }
}

/// Field: S13
async fn a_block_that_was_moved_in_time_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    revoke(&store, scribe()).await;
    place.clock.advance(Span::from_seconds(7));
    restore(&store, scribe()).await;
    assert_eq!(found(place).await, []);
    let what = || "the block on agent scribe".to_owned();
    for (column, field) in [("since", "its beginning"), ("lifted_at", "when it was lifted")] {
        for (there, back) in [("+ 1", "- 1"), ("- 1", "+ 1")] {
            let moved = |by: &str| format!("UPDATE block SET {column} = {column} {by}");
            assert_eq!(differs(place, &moved(there), &moved(back)).await, (what(), field));
        }
    }
    let reason = |reason: &str| format!("UPDATE block SET reason = '{reason}'");
    assert_eq!(differs(place, &reason("a drill"), &reason("lost")).await, (what(), "its reason"));
}

/// Field: S13
async fn a_renewed_block_is_compared_with_its_last_revocation(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    revoke(&store, scribe()).await;
    place.clock.advance(Span::from_seconds(7));
    restore(&store, scribe()).await;
    place.clock.advance(Span::from_seconds(7));
    revoke(&store, scribe()).await;
    assert_eq!(found(place).await, []);
    let moved = |by: &str| format!("UPDATE block SET since = since {by}");
    let found = differs(place, &moved("- 14000000"), &moved("+ 14000000")).await;
    assert_eq!(found, ("the block on agent scribe".into(), "its beginning"));
}

/// Such a version said with the revocation how much it ended.
async fn a_block_of_an_older_version_may_be_a_moment_older_than_its_record(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    place.clock.advance(Span::from_seconds(100));
    change!(store, tx => {
        let (before, target) = (tx.now().before(Span::from_seconds(3)), scribe());
        [Revoked { grants_ended: Some(1), ..turn(tx, &target, before).await? }.by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    let moved = |by: &str| format!("UPDATE block SET since = since {by}");
    for (there, back) in [("+ 3000001", "- 3000001"), ("- 58000000", "+ 58000000")] {
        assert_eq!(differs(place, &moved(there), &moved(back)).await.1, "its beginning");
    }
}

/// Field: S13
async fn a_block_on_an_installation_is_missed_while_a_token_of_it_can_live(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let id: Id<Installation> = crypto::mint();
    let record = end_installation(&store, &id).await;
    assert_eq!(found(place).await, []);
    let moved = |by: &str| format!("UPDATE block SET since = since {by}");
    let what = format!("the block on installation {id}");
    assert_eq!(differs(place, &moved("- 1"), &moved("+ 1")).await, (what, "its beginning"));
    place.tamper("DELETE FROM block").await;
    let gone = Contradiction::RevocationGone { what: format!("installation {id}"), record };
    assert_eq!(found(place).await, std::slice::from_ref(&gone));
    // What the clock says does not matter, only what was written.
    place.clock.advance(Installation::BLOCKED_FOR);
    assert_eq!(found(place).await, [gone]);
    // Any change deletes what is forgotten by then.
    change!(store, tx => {
        tx.bump_epoch().await?;
        [event()]
    });
    assert_eq!(found(place).await, [], "nothing of it is left");
}

async fn a_grant_that_is_revoked_has_no_block(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).end_grant(&grant.id, now).await?;
        [Revoked::of(&Target::Grant(grant.id), "lost".into()).by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
}
