//! What one authorization gave, and how it ends without its neighbours.

use crypto::Digest;
use model::{AuthMethod, Block, Grant, Id, Installation, Span, Target};
use sqlx::{AnyConnection, Connection, Row, query, raw_sql};
use store::{Code, Commit, Refresh, RefreshState, Rotation, Store, StoreError, privilege::PrivilegeTx};

use crate::place::{Place, START, event, settle};

on_both!(
    an_installation_comes_out_as_it_went_in,
    ending_an_installation_ends_what_is_its_own_and_nothing_else,
    an_installation_without_a_row_is_ended_too,
    an_installation_ends_with_its_grant,
    what_could_be_told_again_is_wiped_with_the_first_use_of_what_came_of_it,
    what_could_be_told_again_is_wiped_when_the_window_ends,
    blocks_on_installations_are_in_no_list_and_are_forgotten,
    a_token_that_stays_in_use_gets_a_new_end,
    families_from_before_live_on_as_installations,
);

macro_rules! change {
    ($store:expr, $tx:ident => $body:expr) => {
        $store
            .write::<_, StoreError, _>(move |$tx| Box::pin(async move { Ok(Commit::with(event(), $body)) }))
            .await
            .unwrap()
    };
}

fn installation(id: &str, grant: &Grant) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        grant: grant.id.clone(),
        client: "https://scribe.example/client".parse().unwrap(),
        person: grant.person.clone(),
        since: START,
        last_refresh: None,
        not_after: START.after(Span::from_minutes(30)),
        hard_end: START.after(Installation::LONGEST),
        ended_at: None,
    }
}

fn refresh(of: &Installation, token: &str) -> Refresh {
    Refresh {
        digest: Digest::of(token),
        installation: of.id.clone(),
        client: of.client.clone(),
        grant: of.grant.clone(),
        scopes: "tickets:low".parse().unwrap(),
        resource: "https://mcp.acme.example/mcp/tickets".into(),
        task: None,
        key: None,
        issued_at: START,
        not_after: START.after(Span::from_minutes(30)),
    }
}

fn rotation() -> Rotation {
    Rotation {
        at: START,
        reuse_until: START.after(Span::from_seconds(30)),
        nonce: Some("n".repeat(43)),
        answer_until: START.after(Span::from_minutes(10)),
        answer_scopes: "tickets:low".parse().unwrap(),
        used_by: Some(AuthMethod::None),
        used_from: String::new(),
        repeats: 0,
    }
}

/// Two installations under one grant, each with a refresh token and a code.
async fn two(store: &Store) -> (Grant, Id<Installation>, Id<Installation>) {
    let grant = settle(store).await;
    let (one, other) = (installation("ins_one", &grant), installation("ins_other", &grant));
    for kept in [one.clone(), other.clone()] {
        change!(store, tx => {
            PrivilegeTx::of(tx).put_installation(&kept).await?;
            tx.put_refresh(&refresh(&kept, &format!("rt {}", kept.id))).await?;
            tx.put_code(&Code {
                digest: Digest::of(&format!("code {}", kept.id)),
                client: kept.client.clone(),
                redirect_uri: "http://127.0.0.1/cb".into(),
                challenge: "x".into(),
                grant: kept.grant.clone(),
                installation: kept.id.clone(),
                scopes: "tickets:low".parse().unwrap(),
                resource: "https://mcp.acme.example/mcp/tickets".into(),
                task: None,
                key: None,
                auth_time: START,
                issued_at: START,
                not_after: START.after(Span::from_seconds(60)),
            }).await?;
        });
    }
    (grant, one.id, other.id)
}

async fn state(store: &Store, token: &str) -> RefreshState {
    let digest = Digest::of(token);
    change!(store, tx => tx.refresh(digest).await?.unwrap().1)
}

async fn an_installation_comes_out_as_it_went_in(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let (one, other) = (
        installation("ins_one", &grant),
        Installation { since: START.after(Span::from_seconds(1)), ..installation("ins_two", &grant) },
    );
    for kept in [one.clone(), other.clone()] {
        change!(store, tx => PrivilegeTx::of(tx).put_installation(&kept).await?);
    }
    assert_eq!(store.installation(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.installation(&"ins_none".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.installations_of_grant(&grant.id).await.unwrap(), [other.clone(), one.clone()]);
    assert_eq!(store.installations_of_person(&"ada".parse().unwrap()).await.unwrap().len(), 2);
    assert!(store.installations_of_person(&"bob".parse().unwrap()).await.unwrap().is_empty());
    let (id, now, until) = (one.id.clone(), START.after(Span::from_seconds(9)), START.after(Span::from_minutes(99)));
    change!(store, tx => PrivilegeTx::of(tx).installation_refreshed(&id, now, until).await?);
    let refreshed = Installation { last_refresh: Some(now), not_after: until, ..one };
    assert_eq!(store.installation(&refreshed.id).await.unwrap(), Some(refreshed));
}

/// Field: A2
async fn ending_an_installation_ends_what_is_its_own_and_nothing_else(place: &Place) {
    let store = place.open().await;
    let (grant, one, other) = two(&store).await;
    let epoch = store.epoch();
    let id = one.clone();
    let code = change!(store, tx => {
        let now = tx.now();
        assert!(PrivilegeTx::of(tx).end_installation(&id, now).await?);
        assert!(!PrivilegeTx::of(tx).end_installation(&id, now).await?, "once");
        (tx.code(Digest::of("code ins_one")).await?.is_some(), tx.code(Digest::of("code ins_other")).await?.is_some())
    });
    assert_eq!(code, (false, true));
    assert!(store.epoch() > epoch, "every node asks again");
    assert_eq!(store.installation(&one).await.unwrap().unwrap().ended_at, Some(START));
    assert_eq!(store.installation(&other).await.unwrap().unwrap().ended_at, None);
    assert_eq!(state(&store, "rt ins_one").await, RefreshState::Ended);
    assert_eq!(state(&store, "rt ins_other").await, RefreshState::Live);
    let ended = async |id: Option<&Id<Installation>>| {
        let standing = store.grant_holder(&grant.id, id).await.unwrap().unwrap();
        assert!(standing.grant.ended_at.is_none());
        standing.installation_ended
    };
    assert!(ended(Some(&one)).await && !ended(Some(&other)).await && !ended(None).await);
}

async fn an_installation_without_a_row_is_ended_too(place: &Place) {
    let store = place.open().await;
    let grant = settle(&store).await;
    let id: Id<Installation> = crypto::mint();
    let ended = id.clone();
    let twice = change!(store, tx => {
        let now = tx.now();
        (PrivilegeTx::of(tx).end_installation(&ended, now).await?, PrivilegeTx::of(tx).end_installation(&ended, now).await?)
    });
    assert_eq!(twice, (true, false));
    assert!(store.grant_holder(&grant.id, Some(&id)).await.unwrap().unwrap().installation_ended);
}

async fn an_installation_ends_with_its_grant(place: &Place) {
    let store = place.open().await;
    let (grant, one, _) = two(&store).await;
    let id = grant.id.clone();
    change!(store, tx => PrivilegeTx::of(tx).end_grant(&id, START).await?);
    assert!(store.installations_of_grant(&grant.id).await.unwrap().iter().all(|one| one.ended_at == Some(START)));
    let again = change!(store, tx => PrivilegeTx::of(tx).end_installation(&one, START).await?);
    assert!(!again);
}

async fn nonces(place: &Place) -> i64 {
    place.count("SELECT COUNT(*) FROM refresh_token WHERE nonce IS NOT NULL").await
}

/// Field: A1
async fn what_could_be_told_again_is_wiped_with_the_first_use_of_what_came_of_it(place: &Place) {
    let store = place.open().await;
    let (grant, ..) = two(&store).await;
    let (first, second) =
        (refresh(&installation("ins_one", &grant), "rt ins_one"), refresh(&installation("ins_one", &grant), "next"));
    let kept = second.clone();
    change!(store, tx => {
        assert!(tx.rotate_refresh(&first, &rotation()).await?);
        tx.put_refresh(&kept).await?;
    });
    assert_eq!(nonces(place).await, 1);
    assert_eq!(state(&store, "rt ins_one").await, RefreshState::Rotated(Box::new(rotation())));
    change!(store, tx => assert!(tx.rotate_refresh(&second, &Rotation { nonce: None, ..rotation() }).await?));
    assert_eq!(nonces(place).await, 0);
    let repeated = change!(store, tx => tx.repeat_refresh(Digest::of("rt ins_one"), 16).await?);
    assert!(!repeated);
}

/// Field: A1
async fn what_could_be_told_again_is_wiped_when_the_window_ends(place: &Place) {
    let store = place.open().await;
    let (grant, ..) = two(&store).await;
    let first = refresh(&installation("ins_one", &grant), "rt ins_one");
    change!(store, tx => assert!(tx.rotate_refresh(&first, &rotation()).await?));
    place.clock.advance(Span::from_seconds(29));
    change!(store, tx => tx.bump_epoch().await?);
    assert_eq!(nonces(place).await, 1);
    // The sweep comes once a minute.
    place.clock.advance(Span::from_seconds(60));
    change!(store, tx => tx.bump_epoch().await?);
    assert_eq!(nonces(place).await, 0);
}

async fn blocks_on_installations_are_in_no_list_and_are_forgotten(place: &Place) {
    let store = place.open().await;
    let (grant, one, _) = two(&store).await;
    change!(store, tx => {
        let now = tx.now();
        PrivilegeTx::of(tx).end_installation(&one, now).await?;
        let target = Target::Agent("scribe".parse().unwrap());
        PrivilegeTx::of(tx).put_block(&Block { target, at: now, reason: "a drill".into(), lifted_at: None }).await?;
    });
    assert_eq!(store.blocks().len(), 1);
    assert_eq!(store.all_blocks().await.unwrap().len(), 1);
    assert_eq!(place.count("SELECT COUNT(*) FROM block").await, 2);
    place.clock.advance(Installation::BLOCKED_FOR);
    change!(store, tx => tx.bump_epoch().await?);
    assert_eq!(place.count("SELECT COUNT(*) FROM block").await, 1);
    assert!(
        !store.grant_holder(&grant.id, Some(&"ins_one".parse().unwrap())).await.unwrap().unwrap().installation_ended
    );
}

async fn a_token_that_stays_in_use_gets_a_new_end(place: &Place) {
    let store = place.open().await;
    let _ = two(&store).await;
    let (digest, later) = (Digest::of("rt ins_one"), START.after(Span::from_minutes(90)));
    let renewed = change!(store, tx => {
        let renewed = tx.renew_refresh(digest, START, later).await?;
        assert_eq!(tx.refresh(digest).await?.unwrap().0.not_after, later);
        (renewed, tx.renew_refresh(digest, later, later).await?)
    });
    assert_eq!(renewed, (true, false));
}

/// Versions before this one knew families of refresh tokens, and no more.
async fn families_from_before_live_on_as_installations(place: &Place) {
    sqlx::any::install_default_drivers();
    let mut connection = match place.url.sqlite_directory() {
        Some(_) => AnyConnection::connect("sqlite::memory:").await.unwrap(),
        None => place.connect().await,
    };
    for sql in [
        include_str!("../../src/sql/schema/0001_initial.sql"),
        include_str!("../../src/sql/schema/0002_issued_at.sql"),
        "INSERT INTO agent_grant (id, agent, person, server, scopes, created_at, not_after)
         VALUES ('grt_1', 'a', 'ada', 'tickets', 'tickets:low', 5, 900);
         INSERT INTO refresh_token (digest, family, client, grant_id, scopes, resource, not_after, state, issued_at)
         VALUES ('d1', 'f1', 'c', 'grt_1', 'tickets:low', 'r', 70, 'rotated', 10),
                ('d2', 'f1', 'c', 'grt_1', 'tickets:low', 'r', 80, 'live', 20),
                ('d3', 'f2', 'c', 'grt_1', 'tickets:low', 'r', 90, 'live', 0),
                ('d4', 'f3', 'c', 'grt_1', 'tickets:low', 'r', 90, 'ended', 30);
         INSERT INTO code (digest, client, redirect_uri, challenge, grant_id, scopes, resource, auth_time, not_after,
             used, issued_at)
         VALUES ('0123456789abcdef0123456789abcdef0123', 'c', 'u', 'x', 'grt_1', 'tickets:low', 'r', 1, 2, 0, 1);",
        include_str!("../../src/sql/schema/0003_installations.sql"),
    ] {
        raw_sql(sql).execute(&mut connection).await.unwrap();
    }
    let sql = "SELECT id, person, since, not_after, hard_end FROM installation ORDER BY id";
    let rows = query(sql).fetch_all(&mut connection).await.unwrap();
    let rows: Vec<(String, String, i64, i64, i64)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect();
    let row = |id: &str, since, until| (id.to_owned(), "ada".to_owned(), since, until, 900);
    assert_eq!(rows, [row("f1", 10, 80), row("f2", 5, 90)]);
    let code = query("SELECT installation FROM code").fetch_one(&mut connection).await.unwrap();
    assert_eq!(code.get::<String, _>(0), "ins_0123456789abcdef0123456789abcdef");
    connection.close().await.unwrap();
}
