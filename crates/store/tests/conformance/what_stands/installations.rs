//! What was ended of an installation stays so, also when the block on it is forgotten.

use crypto::Digest;
use model::{Id, Installation, Span};
use store::{Commit, Contradiction, Refresh, StoreError, privilege::PrivilegeTx};

use super::{blocks::end_installation, change, found, lived};
use crate::place::{Place, START, event};

on_both!(an_installation_that_is_woken_is_found_with_all_that_is_left_of_it);

/// Field: S13
async fn an_installation_that_is_woken_is_found_with_all_that_is_left_of_it(place: &Place) {
    let store = place.open().await;
    let (grant, _) = lived(&store).await;
    let kept = Installation {
        id: crypto::mint(),
        grant: grant.id.clone(),
        client: "https://scribe.example/client".parse().unwrap(),
        person: grant.person.clone(),
        since: START,
        last_refresh: None,
        not_after: START.after(Span::from_minutes(300)),
        hard_end: START.after(Installation::LONGEST),
        ended_at: None,
    };
    let id: Id<Installation> = kept.id.clone();
    change!(store, tx => {
        PrivilegeTx::of(tx).put_installation(&kept).await?;
        tx.put_refresh(&Refresh {
            digest: Digest::of("rt"),
            installation: kept.id.clone(),
            client: kept.client.clone(),
            grant: kept.grant.clone(),
            scopes: "tickets:low".parse().unwrap(),
            resource: "https://mcp.acme.example/mcp/tickets".into(),
            task: None,
            key: None,
            issued_at: START,
            not_after: kept.not_after,
        }).await?;
        [event()]
    });
    let record = end_installation(&store, &id).await;
    place.clock.advance(Installation::BLOCKED_FOR);
    change!(store, tx => {
        tx.bump_epoch().await?;
        [event()]
    });
    assert_eq!(place.count("SELECT COUNT(*) FROM block").await, 0, "nothing is left that it could stop");
    assert_eq!(found(place).await, []);
    place.tamper("UPDATE installation SET ended_at = NULL; UPDATE refresh_token SET state = 'live'").await;
    assert_eq!(
        found(place).await,
        [
            Contradiction::Ended { what: format!("installation {id}"), record },
            Contradiction::Ended { what: format!("a refresh token of installation {id}"), record },
        ]
    );
}
