//! The kill switch from outside: who turns it, and what still works when something is broken.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    time::Duration,
};

use crypto::AgentKey;
use http::Method;
use installation::{Installation, Serving};

fn with_nightly() -> (Installation, AgentKey) {
    let key = AgentKey::generate();
    let installation = Installation::new(&format!(
        "servers: {{tickets: {{url: 'http://127.0.0.1:1/mcp', tools: {{'get_*': low}}}}}}\npeople: {{ada: {{}}}}\n\
         agents: {{nightly: {{owner: ada, purpose: to test, servers: [tickets], public_key: {}}}}}\n",
        key.public_jwk()
    ));
    (installation, key)
}

/// Asks until the answer is what it should be; how long that takes is not the question.
async fn until_ready_says(serving: &Serving, status: u16) {
    for _ in 0..2000 {
        if serving.send(Method::GET, "/readyz", &[], String::new()).await.status == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("/readyz never said {status}");
}

/// Field: N10
#[tokio::test]
async fn the_node_that_runs_turns_the_switch_and_without_one_the_store_is_asked() {
    let (installation, key) = with_nightly();
    let serving = installation.serve();
    let token = serving.token(&key, "tickets").await;
    assert_eq!(serving.call("tickets", &token, "get_ticket").await.status, 502, "it is let through");
    let revoke = |kind: &str, name: &str| installation.run(&["revoke", kind, name, "--reason", "a drill"]);
    let said = revoke("agent", "nightly").said;
    assert!(said.contains("through the running node. Every node refuses from now on."), "{said}");
    assert_eq!(serving.call("tickets", &token, "get_ticket").await.status, 401);
    let unknown = revoke("agent", "nightli");
    assert!(unknown.status != Some(0) && unknown.said.contains("there are nightly"), "{}", unknown.said);
    let unknown = revoke("tool", "ticket.get_ticket");
    assert!(unknown.status != Some(0) && unknown.said.contains("there are tickets"), "{}", unknown.said);
    assert_eq!(serving.terminate(), Some(0));
    assert!(!installation.path("data/admin.sock").exists());
    let said = revoke("person", "ada").said;
    assert!(said.contains("through the store. Every node refuses from now on."), "{said}");
    let said = installation.run(&["audit", "verify"]);
    assert_eq!(said.status, Some(0), "{}", said.said);
}

/// Field: N10
#[tokio::test]
async fn the_node_that_runs_restores_and_suspends_as_well_and_without_one_the_store_does() {
    let (installation, key) = with_nightly();
    let serving = installation.serve();
    let token = serving.token(&key, "tickets").await;
    // A token from before a revocation stays dead.
    let orders: [(&[&str], u16); 4] = [
        (&["agent", "suspend", "nightly"], 401),
        (&["agent", "resume", "nightly"], 502),
        (&["revoke", "agent", "nightly", "--reason", "a drill"], 401),
        (&["restore", "agent", "nightly", "--reason", "over"], 401),
    ];
    for (order, status) in orders {
        let said = installation.run(order);
        assert!(said.status == Some(0) && said.said.contains("through the running node"), "{}", said.said);
        let answer = serving.call("tickets", &token, "get_ticket").await;
        assert_eq!(answer.status, status, "{order:?}: {}", answer.text());
    }
    assert!(!installation.run(&["revoked"]).said.contains("nightly"));
    for refused in
        [&["restore", "all", "--reason", "over"][..], &["agent", "resume", "nightly"], &["agent", "suspend", "x"]]
    {
        let said = installation.run(refused);
        assert_ne!(said.status, Some(0), "{refused:?}: {}", said.said);
    }
    assert_eq!(serving.terminate(), Some(0));
    for (order, _) in orders {
        let said = installation.run(order);
        assert!(said.status == Some(0) && said.said.contains("through the store"), "{}", said.said);
    }
}

/// Takes what it is asked and says nothing, as a node does whose database went away in the middle of it.
fn says_nothing(installation: &Installation) -> std::thread::JoinHandle<String> {
    let socket = std::os::unix::net::UnixListener::bind(installation.path("data/admin.sock")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        stream.write_all(b"!").unwrap();
        let mut question = String::new();
        BufReader::new(stream).read_line(&mut question).unwrap();
        question
    })
}

/// Whoever asks the store next must not be told that it was over before.
///
/// Field: N17
#[tokio::test]
async fn a_node_that_was_asked_and_does_not_answer_may_have_done_it_and_that_is_said() {
    let (installation, key) = with_nightly();
    let serving = installation.serve();
    serving.token(&key, "tickets").await;
    let grants: serde_json::Value =
        serde_json::from_str(&installation.run(&["--json", "grant", "list"]).printed).unwrap();
    let grant = grants[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(serving.terminate(), Some(0));
    let revoke = ["revoke", "grant", &grant, "--reason", "a drill"];
    let silent = says_nothing(&installation);
    let said = installation.run(&revoke);
    assert!(said.status == Some(0) && said.said.contains("because the running node did not answer"), "{}", said.said);
    assert!(silent.join().unwrap().contains(&grant));
    // As if it had been the node that ended it.
    fs::remove_file(installation.path("data/admin.sock")).unwrap();
    let silent = says_nothing(&installation);
    let said = installation.run(&revoke);
    assert!(said.status == Some(0) && said.said.contains("which did not answer: the store has it"), "{}", said.said);
    silent.join().unwrap();
    // Nobody was asked: then it was over before, and that is what is said.
    let said = installation.run(&revoke);
    assert!(said.status != Some(0) && said.said.contains("has ended"), "{}", said.said);
}

/// Field: N9
#[tokio::test]
async fn a_file_stops_the_node_of_this_machine_without_its_store() {
    let (installation, key) = with_nightly();
    let serving = installation.serve();
    let token = serving.token(&key, "tickets").await;
    fs::write(installation.path("data/deny-all"), "").unwrap();
    until_ready_says(&serving, 503).await;
    assert_eq!(serving.call("tickets", &token, "get_ticket").await.status, 503);
    assert_eq!(serving.send(Method::GET, "/healthz", &[], String::new()).await.status, 200);
    assert_eq!(serving.event("node_halted")["why"], "deny-all");
    fs::remove_file(installation.path("data/deny-all")).unwrap();
    until_ready_says(&serving, 200).await;
    assert_eq!(serving.call("tickets", &token, "get_ticket").await.status, 502);
}

/// Field: N5, N11
#[test]
fn a_process_whose_database_is_gone_ends_with_a_status_and_is_not_started_on_a_new_one() {
    let (installation, _) = with_nightly();
    let serving = installation.serve();
    fs::rename(installation.path("data/portcullis.db"), installation.path("data/elsewhere.db")).unwrap();
    serving.event("log_forked");
    assert_eq!(serving.ends(), Some(2));
    let error = installation.refuses_to_serve();
    assert!(error.contains("portcullis.db") && error.contains("restore it"), "{error}");
    let revoked = installation.run(&["revoke", "all", "--reason", "a drill"]);
    assert!(revoked.status == Some(2) && revoked.said.contains("deny-all"), "{}", revoked.said);
}

/// Field: N6
#[tokio::test]
async fn a_copy_from_before_a_revocation_is_not_started() {
    let (installation, key) = with_nightly();
    let serving = installation.serve();
    serving.token(&key, "tickets").await;
    assert_eq!(serving.terminate(), Some(0));
    fs::copy(installation.path("data/portcullis.db"), installation.path("copy.db")).unwrap();
    let revoked = installation.run(&["revoke", "agent", "nightly", "--reason", "a drill"]);
    assert_eq!(revoked.status, Some(0), "{}", revoked.said);
    for file in ["portcullis.db-wal", "portcullis.db-shm"] {
        let _ = fs::remove_file(installation.path(&format!("data/{file}")));
    }
    fs::copy(installation.path("copy.db"), installation.path("data/portcullis.db")).unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("older backup"), "{error}");
}
