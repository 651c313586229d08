//! What is put in comes out.

use crypto::Digest;
use model::{AgentState, Assurance, AuthMethod, Client, Grant, Id, Person, Role, Span};
use store::{Commit, GrantHolder, Session, StoreError, StoredClient, privilege::PrivilegeTx};

use crate::place::{Place, START, agent, event, grant, person, settle};

on_both!(
    people_come_out_as_they_went_in,
    whoever_holds_a_role_is_found_by_it,
    a_session_of_a_disabled_person_is_none,
    sessions_of_one_person_end_one_by_one_or_all_but_one,
    an_agent_is_found_by_its_client_and_owner,
    a_retired_agent_stays_retired,
    standing_tells_all_in_one,
    a_grant_that_expired_makes_room_for_another,
    a_client_document_is_replaced,
    a_client_document_that_nobody_presents_is_forgotten,
);

/// Runs one change that is recorded.
macro_rules! change {
    ($store:expr, $tx:ident => $body:expr) => {
        $store
            .write::<_, StoreError, _>(move |$tx| Box::pin(async move { Ok(Commit::with(event(), $body)) }))
            .await
            .unwrap()
    };
}

async fn whoever_holds_a_role_is_found_by_it(place: &Place) {
    let store = place.open().await;
    let with = |id: &str, roles: &[Role]| Person { roles: roles.iter().copied().collect(), ..person(id) };
    let gone = Person { disabled: true, ..with("gone", &[Role::Approver]) };
    let all = [
        with("ada", &[Role::Auditor]),
        with("bob", &[Role::Auditor, Role::Approver]),
        with("eve", &[Role::Admin]),
        with("joe", &[]),
        gone,
    ];
    for put in all.clone() {
        change!(store, tx => PrivilegeTx::of(tx).put_person(&put, None).await?);
    }
    for role in [Role::Admin, Role::Approver, Role::Auditor] {
        let holders: Vec<Person> = all.iter().filter(|person| person.holds(role)).cloned().collect();
        assert_eq!(store.holders_page(role, None, 9).await.unwrap().items, holders, "{role}");
    }
}

async fn people_come_out_as_they_went_in(place: &Place) {
    let store = place.open().await;
    let ada = Person { roles: [Role::Admin, Role::Approver].into(), ..person("ada") };
    let put = ada.clone();
    change!(store, tx => PrivilegeTx::of(tx).put_person(&put, Some("phc")).await?);
    let renamed = Person { display_name: "Countess".into(), ..ada.clone() };
    let put = renamed.clone();
    change!(store, tx => PrivilegeTx::of(tx).put_person(&put, None).await?);
    assert_eq!(store.person(&ada.id).await.unwrap(), Some(renamed.clone()));
    assert_eq!(store.people_page(None, 9).await.unwrap().items, [renamed]);
    assert_eq!(store.password_phc(&ada.id).await.unwrap().as_deref(), Some("phc"));
    let id = ada.id.clone();
    change!(store, tx => tx.set_password(&id, "new").await?);
    assert_eq!(store.password_phc(&ada.id).await.unwrap().as_deref(), Some("new"));
    let nobody: Id<Person> = "nobody".parse().unwrap();
    assert_eq!(store.person(&nobody).await.unwrap(), None);
    assert_eq!(store.password_phc(&nobody).await.unwrap(), None);
}

async fn a_session_of_a_disabled_person_is_none(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    let session = Session {
        digest: Digest::of("cookie"),
        person: "ada".parse().unwrap(),
        logged_in_at: START,
        not_after: START.after(Span::from_minutes(60)),
    };
    let put = session.clone();
    change!(store, tx => tx.put_session(&put).await?);
    let (found, who) = store.session(session.digest, START).await.unwrap().unwrap();
    assert!(found == session && who == person("ada"));
    assert!(store.session(session.digest, session.not_after).await.unwrap().is_none());
    assert!(store.session(Digest::of("other"), START).await.unwrap().is_none());
    change!(store, tx => PrivilegeTx::of(tx).put_person(&Person { disabled: true, ..person("ada") }, None).await?);
    assert!(store.session(session.digest, START).await.unwrap().is_none());
}

async fn sessions_of_one_person_end_one_by_one_or_all_but_one(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    let session = |cookie: &str, person: &str, minutes: u32| Session {
        digest: Digest::of(cookie),
        person: person.parse().unwrap(),
        logged_in_at: START.after(Span::from_minutes(minutes)),
        not_after: START.after(Span::from_minutes(60 + minutes)),
    };
    let (first, second, third) = (session("1", "ada", 0), session("2", "ada", 1), session("3", "ada", 2));
    let all = [second.clone(), third.clone(), first.clone(), session("4", "bob", 0)];
    change!(store, tx => PrivilegeTx::of(tx).put_person(&person("bob"), None).await?);
    change!(store, tx => for one in &all { tx.put_session(one).await? });
    let ada = || "ada".parse().unwrap();
    let list = async |now, most| store.sessions_of(&ada(), now, most).await.unwrap();
    assert!(list(START, 9).await == [third.clone(), second.clone(), first.clone()], "newest first");
    assert!(list(START, 2).await == [third.clone(), second.clone()]);
    assert!(list(first.not_after, 9).await == [third.clone(), second.clone()], "one is over");
    let ended = change!(store, tx => (tx.end_session(Digest::of("2")).await?, tx.end_session(Digest::of("2")).await?));
    assert_eq!(ended, (true, false));
    assert_eq!(change!(store, tx => tx.end_other_sessions(&ada(), Digest::of("3")).await?), 1);
    assert!(list(START, 9).await == [third]);
    assert_eq!(change!(store, tx => tx.end_sessions_of(&ada()).await?), 1);
    assert!(store.session(Digest::of("4"), START).await.unwrap().is_some(), "bob's");
}

async fn an_agent_is_found_by_its_client_and_owner(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    let scribe = agent("scribe", "ada");
    assert_eq!(store.agent(&scribe.id).await.unwrap(), Some(scribe.clone()));
    assert_eq!(store.agent_of(&scribe.client, &scribe.owner).await.unwrap(), Some(scribe.clone()));
    assert_eq!(store.agent_of(&scribe.client, &"bob".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.agents_page(None, 9).await.unwrap().items, [scribe]);
}

async fn a_retired_agent_stays_retired(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    let epoch = store.epoch();
    for (state, changes) in [
        (AgentState::Active, false),
        (AgentState::Suspended, true),
        (AgentState::Active, true),
        (AgentState::Retired, true),
        (AgentState::Active, false),
    ] {
        let id = "scribe".parse().unwrap();
        assert_eq!(change!(store, tx => PrivilegeTx::of(tx).set_agent_state(&id, state).await?), changes, "{state}");
    }
    assert!(store.epoch() > epoch);
}

async fn standing_tells_all_in_one(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let expected = GrantHolder {
        grant: grant.clone(),
        agent: agent("scribe", "ada"),
        person_disabled: false,
        installation_ended: false,
    };
    assert_eq!(store.grant_holder(&grant.id, None).await.unwrap(), Some(expected));
    change!(store, tx => PrivilegeTx::of(tx).put_person(&Person { disabled: true, ..person("ada") }, None).await?);
    assert!(store.grant_holder(&grant.id, None).await.unwrap().unwrap().person_disabled);
    assert_eq!(store.grant_holder(&"grt_none".parse().unwrap(), None).await.unwrap(), None);
}

async fn a_grant_that_expired_makes_room_for_another(place: &Place) {
    let store = place.open().await;
    let first = settle(&store).await;
    let twin = Grant { id: crypto::mint(), ..first.clone() };
    let put = twin.clone();
    let refused = store
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { Ok(Commit::with(event(), PrivilegeTx::of(tx).put_grant(&put).await?)) })
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "there is one live grant of an agent on a server");
    let later = Grant { created_at: first.not_after, not_after: first.not_after.after(Span::from_minutes(1)), ..twin };
    let put = later.clone();
    change!(store, tx => PrivilegeTx::of(tx).put_grant(&put).await?);
    assert_eq!(store.live_grant(&later.agent, &later.server, first.not_after).await.unwrap(), Some(later.clone()));
    let (id, end) = (later.id.clone(), first.not_after.after(Span::from_minutes(9)));
    change!(store, tx => PrivilegeTx::of(tx).extend_grant(&id, &"tickets:medium".parse().unwrap(), end).await?);
    let extended = store.grant(&later.id).await.unwrap().unwrap();
    assert_eq!((extended.scopes.to_string().as_str(), extended.not_after), ("tickets:medium", end));
    assert_eq!(store.grants_of(&later.agent).await.unwrap().len(), 2);
    assert_eq!(grant(&agent("scribe", "ada")).agent, later.agent);
}

fn document(id: &str) -> StoredClient {
    let client = Client {
        id: id.parse().unwrap(),
        name: "Scribe".into(),
        redirect_uris: vec!["http://127.0.0.1/cb".into()],
        auth: AuthMethod::None,
        grant_types: vec![model::GrantType::AuthorizationCode],
        jwks: None,
        server: None,
        assurance: Assurance::Declared,
        dpop_bound_access_tokens: true,
    };
    StoredClient {
        client,
        document_digest: Digest::of("1"),
        fetched_at: START,
        fresh_until: START.after(Span::from_minutes(5)),
    }
}

async fn a_client_document_that_nobody_presents_is_forgotten(place: &Place) {
    let store = place.open().await;
    settle(&store).await;
    let presented = document(agent("scribe", "ada").client.as_str());
    let [gone, fetched_again] = ["https://gone.example/client", "https://again.example/client"].map(document);
    for stored in [presented.clone(), gone.clone(), fetched_again.clone()] {
        change!(store, tx => tx.put_client(&stored).await?);
    }
    let day = Span::from_minutes(24 * 60);
    let remembered = async |stored: &StoredClient| store.client(&stored.client.id).await.unwrap().is_some();
    (0..89).for_each(|_| place.clock.advance(day));
    let again = StoredClient { fetched_at: store.now(), ..fetched_again.clone() };
    change!(store, tx => tx.put_client(&again).await?);
    assert!(remembered(&gone).await);
    place.clock.advance(day);
    change!(store, tx => tx.bump_epoch().await?);
    assert!(!remembered(&gone).await);
    assert!(remembered(&presented).await && remembered(&fetched_again).await);
}

async fn a_client_document_is_replaced(place: &Place) {
    let store = place.open().await;
    let first = document("https://scribe.example/client");
    let client = first.client.clone();
    let second = StoredClient { document_digest: Digest::of("2"), ..first.clone() };
    for stored in [first, second.clone()] {
        change!(store, tx => tx.put_client(&stored).await?);
    }
    assert!(store.client(&client.id).await.unwrap() == Some(second));
    assert!(store.client(&"unknown".parse().unwrap()).await.unwrap().is_none());
}
