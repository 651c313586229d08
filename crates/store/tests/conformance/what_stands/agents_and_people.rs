//! Who may act, and who may decide, is what the log says.

use model::{
    Actor, AgentState, Person, Role,
    event::{AgentChanged, PersonChange, PersonChanged},
};
use store::{Commit, Contradiction, StoreError, privilege::PrivilegeTx};

use super::{approver, change, differs, found, lived, newest};
use crate::place::{Place, person};

on_both!(
    an_agent_that_was_resumed_past_the_product_is_found,
    an_agent_that_changed_hands_is_found,
    an_agent_that_nobody_registered_or_that_is_gone_is_found,
    roles_that_nobody_gave_are_found,
    a_person_who_was_enabled_past_the_product_is_found,
    a_person_whom_nobody_added_or_who_is_gone_is_found,
);

/// Field: S13
async fn an_agent_that_was_resumed_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let suspended = "UPDATE agent SET state = 'suspended'";
    place.tamper(suspended).await;
    let what = "the state `suspended` of agent scribe".to_owned();
    assert_eq!(found(place).await, [Contradiction::Unaccounted { what }]);
    place.tamper("UPDATE agent SET state = 'active'").await;
    change!(store, tx => {
        PrivilegeTx::of(tx).set_agent_state(&"scribe".parse().unwrap(), AgentState::Suspended).await?;
        [AgentChanged::state("scribe".parse().unwrap(), AgentState::Suspended).by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
    let resumed = differs(place, "UPDATE agent SET state = 'active'", suspended).await;
    assert_eq!(resumed, ("agent scribe".into(), "its state"));
}

/// A block on a person or a client covers the agents of them.
///
/// Field: S13
async fn an_agent_that_changed_hands_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    for (there, back, field) in [
        ("owner = 'bob'", "owner = 'ada'", "its owner"),
        ("client = 'https://other.example/client'", "client = 'https://scribe.example/client'", "its client"),
    ] {
        let set = |what: &str| format!("UPDATE agent SET {what}");
        assert_eq!(differs(place, &set(there), &set(back)).await, ("agent scribe".into(), field));
    }
    drop(store);
}

/// Field: S13
async fn an_agent_that_nobody_registered_or_that_is_gone_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let registered = 4;
    place.tamper("UPDATE agent SET id = 'other'").await;
    assert_eq!(
        found(place).await,
        [
            Contradiction::Unaccounted { what: "agent other".into() },
            Contradiction::Gone { what: "agent scribe".into(), record: registered },
        ]
    );
    drop(store);
}

/// Field: S13
async fn roles_that_nobody_gave_are_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let ada = |roles: &str| format!("UPDATE person SET roles = '{roles}' WHERE id = 'ada'");
    let given = differs(place, &ada("approver admin"), &ada("")).await;
    assert_eq!(given, ("person ada".into(), "the list of roles"));
    let both = Person { roles: [Role::Admin, Role::Auditor].into(), ..person("ada") };
    change!(store, tx => {
        PrivilegeTx::of(tx).put_person(&both, None).await?;
        [PersonChanged::of(&both, PersonChange::Roles).by(Actor::Operator)]
    });
    assert_eq!(found(place).await, []);
}

/// Field: S13
async fn a_person_who_was_enabled_past_the_product_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    let gone = Person { disabled: true, ..approver("bob") };
    change!(store, tx => {
        PrivilegeTx::of(tx).put_person(&gone, None).await?;
        [PersonChanged::of(&gone, PersonChange::Disabled).by(Actor::System)]
    });
    assert_eq!(found(place).await, []);
    let bob = |disabled: u8| format!("UPDATE person SET disabled = {disabled} WHERE id = 'bob'");
    assert_eq!(differs(place, &bob(0), &bob(1)).await, ("person bob".into(), "the state"));
}

/// Field: S13
async fn a_person_whom_nobody_added_or_who_is_gone_is_found(place: &Place) {
    let store = place.open().await;
    lived(&store).await;
    place.tamper("UPDATE person SET id = 'eve' WHERE id = 'bob'").await;
    assert_eq!(
        found(place).await,
        [
            Contradiction::Unaccounted { what: "person eve".into() },
            Contradiction::Gone { what: "person bob".into(), record: 3 },
        ]
    );
    assert_eq!(newest(&store).await, 8, "records 2 to 8 are those of what was lived");
}
