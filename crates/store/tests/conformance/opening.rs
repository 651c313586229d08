//! Opening says clearly what is wrong.

use std::{fs, os::unix::fs::PermissionsExt};

use model::config::StoreUrl;
use store::{OpenError, OpenOptions, Store};

use crate::place::Place;

on_both!(
    the_first_start_leaves_private_files_and_two_records,
    eight_processes_may_start_at_once,
    a_master_key_that_others_can_read_is_refused,
    another_master_key_is_refused,
    a_missing_master_key_is_not_made_anew,
    a_newer_schema_is_refused,
    a_data_directory_of_another_log_is_refused,
    the_log_keeps_its_name,
);

/// Whoever runs it knows the words of no driver.
#[tokio::test]
async fn a_database_server_that_can_not_be_used_says_first_what_to_do() {
    let reason = async |url: String| {
        let mut place = Place::sqlite();
        place.url = StoreUrl::try_from(url).unwrap();
        match place.open_as(None).await {
            Err(OpenError::Unreachable { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let nobody = reason("postgres://ada@127.0.0.1:1/portcullis".into()).await;
    assert!(nobody.starts_with("the database server can not be reached; look whether it runs"), "{nobody}");
    if let Some(place) = Place::postgres().await {
        let other = place.url.expose().replace("/portcullis_", "/no_portcullis_");
        let unknown = reason(other).await;
        assert!(unknown.starts_with("the database server has no database of that name; create it"), "{unknown}");
        place.drop_database().await;
    }
}

async fn the_first_start_leaves_private_files_and_two_records(place: &Place) {
    let store = place.open().await;
    let mode = |name| fs::metadata(place.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("master.key"), mode("")), (0o600, 0o700));
    if place.url.sqlite_directory().is_some() {
        assert_eq!(mode("portcullis.db"), 0o600);
    }
    let records = store.records(0, 10).await.unwrap();
    assert_eq!(records.len(), 2);
    assert!(records[0].1.starts_with(b"{\"event\":\"log_started\""));
    let kids = store.jwks(store.now())["keys"].as_array().unwrap().len();
    assert_eq!(kids, 1);
}

async fn eight_processes_may_start_at_once(place: &Place) {
    let stores = futures_util::future::join_all((0..8).map(|_| place.open())).await;
    let jwks = stores[0].jwks(stores[0].now());
    assert!(stores.iter().all(|store| store.jwks(store.now()) == jwks));
    assert_eq!(stores[7].log_size().await.unwrap(), 2);
}

async fn a_master_key_that_others_can_read_is_refused(place: &Place) {
    place.open().await.close().await;
    fs::set_permissions(place.file("master.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::KeyExposed(_))));
}

async fn another_master_key_is_refused(place: &Place) {
    place.open().await.close().await;
    fs::write(place.file("master.key"), [7; 32]).unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::WrongMasterKey(_))));
    fs::write(place.file("master.key"), [7; 31]).unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::NotAKey(_))));
}

async fn a_missing_master_key_is_not_made_anew(place: &Place) {
    place.open().await.close().await;
    fs::remove_file(place.file("master.key")).unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::KeyMissing(_))));
    assert!(!place.file("master.key").exists());
}

async fn a_newer_schema_is_refused(place: &Place) {
    place.open().await.close().await;
    place.tamper("UPDATE schema_version SET version = 1000").await;
    assert!(matches!(place.open_as(None).await, Err(OpenError::NewerSchema { found: 1000, .. })));
}

async fn a_data_directory_of_another_log_is_refused(place: &Place) {
    place.open().await.close().await;
    fs::write(place.file("audit.vkey"), "another+0+0\n").unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::OtherLog(_))));
}

async fn the_log_keeps_its_name(place: &Place) {
    place.open().await.close().await;
    let renamed = OpenOptions { origin: "elsewhere.example/audit".into(), ..place.options(None) };
    let store = Store::open(renamed).await.unwrap();
    assert_eq!(store.log_origin(), "mcp.acme.example/audit");
}

#[tokio::test]
async fn a_file_is_not_a_directory() {
    let place = Place::sqlite();
    fs::write(place.directory.path().join("data"), "").unwrap();
    assert!(matches!(place.open_as(None).await, Err(OpenError::NotADirectory(_))));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let place = Place::sqlite();
    let url = StoreUrl::try_from("postgres://p:hunter2@127.0.0.1:1/none".to_owned()).unwrap();
    let Err(error) = Store::open(OpenOptions { url, ..place.options(None) }).await else { panic!("it opened") };
    let said = error.to_string();
    assert!(matches!(error, OpenError::Unreachable { .. }) && said.contains("127.0.0.1"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
