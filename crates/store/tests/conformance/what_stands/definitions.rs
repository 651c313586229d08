//! What was accepted of a tool is what the log says, and says what was looked at.

use crypto::Digest;
use model::{Actor, ToolName, event::DefinitionAccepted};
use store::{Accepted, CatalogueEntry, Commit, Contradiction, Store, StoreError, privilege::PrivilegeTx};

use super::{change, differs, found, lived};
use crate::place::Place;

on_both!(a_definition_that_nobody_accepted_is_found, a_definition_that_was_exchanged_past_the_product_is_found,);

const SAYS: &str = r#"{"description":"Deletes a ticket.","name":"delete_ticket"}"#;
const OTHER: &str = r#"{"description":"Reads a ticket.","name":"delete_ticket"}"#;

/// A tool that an administrator accepted, written down as the product does; and another text that is kept.
async fn accepted(store: &Store) {
    let (says, now) = (Digest::of(SAYS), store.now());
    let name: ToolName = "delete_ticket".parse().unwrap();
    let entry = CatalogueEntry {
        server: "tickets".parse().unwrap(),
        name: name.clone(),
        shape: "delete_ticket".into(),
        seen: says,
        seen_at: now,
        changes: 0,
        accepted: Some(Accepted { definition: says, at: now, by: "operator".into() }),
    };
    change!(store, tx => {
        PrivilegeTx::of(tx).put_definition(&says, SAYS).await?;
        PrivilegeTx::of(tx).put_definition(&Digest::of(OTHER), OTHER).await?;
        PrivilegeTx::of(tx).put_catalogue_entry(&entry).await?;
        let accepted = DefinitionAccepted {
            server: entry.server.clone(),
            tool: name.into(),
            definition: says.to_hex(),
            replaces: None,
            first_list: false,
        };
        [accepted.by(Actor::Operator)]
    });
}

/// Field: S13
async fn a_definition_that_nobody_accepted_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    accepted(&store).await;
    assert_eq!(found(place).await, []);
    let seen = Digest::of(OTHER).to_hex();
    place
        .tamper(&format!(
            "INSERT INTO catalogue_entry (server, name, shape, seen, seen_at, changes, accepted, accepted_at, accepted_by)
             VALUES ('tickets', '.export', 'export', '{seen}', 1, 0, '{seen}', 1, 'operator')"
        ))
        .await;
    let what = "the definition of tickets.export".into();
    assert_eq!(found(place).await, [Contradiction::Unaccounted { what }]);
}

/// Field: S13
async fn a_definition_that_was_exchanged_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    accepted(&store).await;
    let (says, other) = (Digest::of(SAYS).to_hex(), Digest::of(OTHER).to_hex());
    let set = |digest: &str| format!("UPDATE catalogue_entry SET accepted = '{digest}'");
    let what = "the definition of tickets.delete_ticket".to_owned();
    assert_eq!(differs(place, &set(&other), &set(&says)).await, (what.clone(), "what was accepted"));
    let text = |body: &str| format!("UPDATE definition SET body = '{body}' WHERE digest = '{says}'");
    assert_eq!(differs(place, &text(OTHER), &text(SAYS)).await, (what, "its text"));
}
