//! What an operator orders is carried out by the node that runs, once, and the command says by whom.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixListener,
};

use http::Method;
use installation::{Ended, Installation};
use serde_json::Value;

fn an_installation() -> Installation {
    Installation::new("people: {ada: {}}\n")
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    serde_json::from_str(&ended.printed).unwrap()
}

fn keys(installation: &Installation) -> Vec<Value> {
    json(&installation.run(&["--json", "key", "list"])).as_array().unwrap().clone()
}

/// Field: N10
#[tokio::test]
async fn keys_and_people_go_through_the_node_that_runs_and_without_one_through_the_store() {
    let installation = an_installation();
    let serving = installation.serve();
    let through = |node: &str, args: &[&str]| {
        let answer = json(&installation.run(&[&["--json"], args].concat()));
        assert_eq!(answer["through"], node, "{args:?}");
        answer
    };
    let node = "the running node";
    let routine = through(node, &["key", "rotate"]);
    let published = serving.send(Method::GET, "/oauth/jwks", &[], String::new()).await;
    assert!(published.text().contains(routine["kid"].as_str().unwrap()), "it is published when the command ends");
    let compromised = through(node, &["key", "rotate", "--compromised"]);
    let published = serving.send(Method::GET, "/oauth/jwks", &[], String::new()).await.json().unwrap();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published["keys"][0]["kid"], compromised["kid"]);
    for field in ["signs_from", "old_gone_at"] {
        assert!(routine[field].as_str().unwrap().contains('T') && compromised[field].is_string());
    }

    let first = through(node, &["person", "add", "bob", "--role", "approver"]);
    let again = through(node, &["person", "link", "bob"]);
    for (link, status) in [(&first, 410), (&again, 200)] {
        let (_, path) = link["enrolment"].as_str().unwrap().split_once(installation::PUBLIC).unwrap();
        assert_eq!(serving.send(Method::GET, path, &[], String::new()).await.status, status, "{path}");
    }
    assert_eq!(through(node, &["person", "role", "bob", "--role", "auditor"])["roles"][0], "auditor");
    for (refused, word) in [
        (&["person", "add", "bob"][..], "already"),
        (&["person", "role", "ada", "--role", "admin"], "people.ada.roles"),
        (&["person", "role", "eve", "--role", "admin"], "no person `eve`"),
        (&["person", "link", "eve"], "no person `eve`"),
    ] {
        let said = installation.run(refused);
        assert!(said.status == Some(2) && said.said.contains(word), "{refused:?}: {}", said.said);
    }
    assert_eq!(serving.terminate(), Some(0));

    let store = "the store";
    assert_eq!(through(store, &["person", "role", "bob", "--role", "approver"])["roles"][0], "approver");
    through(store, &["person", "add", "eve"]);
    through(store, &["person", "link", "eve"]);
    through(store, &["key", "rotate"]);
    assert_eq!(keys(&installation).len(), 4);
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}

/// A node that answers the first questions so, and goes away when it has heard one more.
fn goes_away_after(installation: &Installation, answers: Vec<String>) -> std::thread::JoinHandle<String> {
    let socket = UnixListener::bind(installation.path("data/admin.sock")).unwrap();
    let path = installation.path("data/admin.sock");
    std::thread::spawn(move || {
        let mut answers = answers.into_iter();
        loop {
            let (mut stream, _) = socket.accept().unwrap();
            stream.write_all(b"!").unwrap();
            let mut question = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut question).unwrap();
            let Some(answer) = answers.next() else {
                fs::remove_file(path).unwrap();
                return question;
            };
            stream.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
    })
}

/// Nobody knows whether the node did it before it went away. Both ways, there is one new key, and its name is told.
///
/// Field: N17
#[test]
fn a_rotation_that_got_no_answer_is_not_done_twice() {
    let installation = an_installation();
    assert_eq!(installation.serve().terminate(), Some(0));
    let newest = || keys(&installation)[0]["kid"].as_str().unwrap().to_owned();
    let told = |kid: &str| vec![format!("{{\"everywhere\":{{\"key\":\"{kid}\"}}}}")];

    // It had not.
    let first = newest();
    let gone = goes_away_after(&installation, told(&first));
    let rotated = json(&installation.run(&["--json", "key", "rotate"]));
    assert!(gone.join().unwrap().contains(&first));
    assert_eq!(rotated["through"], "the store, because the running node did not answer");
    assert_eq!((rotated["kid"].as_str().unwrap(), keys(&installation).len()), (newest().as_str(), 2));

    // It had: the order still names the key from before.
    let gone = goes_away_after(&installation, told(&first));
    let again = json(&installation.run(&["--json", "key", "rotate"]));
    gone.join().unwrap();
    assert_eq!(again["through"], "the running node, which did not answer: the store has it");
    assert_eq!((&again["kid"], &again["signs_from"]), (&rotated["kid"], &rotated["signs_from"]));
    assert_eq!((&again["old_gone_at"], keys(&installation).len()), (&rotated["old_gone_at"], 2));

    // A key that is believed for a while is not what was ordered here.
    let gone = goes_away_after(&installation, told(&first));
    let refused = installation.run(&["key", "rotate", "--compromised"]);
    gone.join().unwrap();
    assert!(refused.status == Some(2) && refused.said.contains("has a successor already"), "{}", refused.said);
    assert_eq!(keys(&installation).len(), 2);
}

/// Field: N17
#[test]
fn a_person_who_was_added_by_a_node_that_went_away_is_added_and_gets_a_link() {
    let installation = an_installation();
    assert_eq!(installation.serve().terminate(), Some(0));
    let add = ["--json", "person", "add", "bob", "--role", "approver"];
    let gone = goes_away_after(&installation, Vec::new());
    assert_eq!(json(&installation.run(&add))["through"], "the store, because the running node did not answer");
    gone.join().unwrap();
    let gone = goes_away_after(&installation, Vec::new());
    let again = json(&installation.run(&add));
    gone.join().unwrap();
    assert_eq!(again["through"], "the running node, which did not answer: the store has it");
    assert!(again["enrolment"].as_str().unwrap().contains("/enrol?ticket="));
    // Somebody else of that name is nobody who was just added.
    let gone = goes_away_after(&installation, Vec::new());
    let other = installation.run(&["person", "add", "bob", "--role", "admin"]);
    gone.join().unwrap();
    assert!(other.status == Some(2) && other.said.contains("already"), "{}", other.said);
}

#[test]
fn an_agent_is_made_to_ask_and_who_sponsors_it_is_said_by_the_file_alone() {
    let installation = Installation::new(
        r#"people: {ada: {}, bob: {}}
servers: {tickets: {url: "http://127.0.0.1:3001/mcp", tools: {"get_*": low}}}
agents: {nightly: {owner: ada, sponsor: bob, purpose: closes, servers: [tickets], public_key: {kty: EC, crv: P-256, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0}}}
"#,
    );
    drop(installation.serve());
    assert_eq!(json(&installation.run(&["--json", "agent", "eligible", "nightly"]))["eligible_only"], true);
    let shown = json(&installation.run(&["--json", "agent", "show", "nightly"]));
    assert_eq!((&shown["agent"]["sponsor"], &shown["agent"]["eligible_only"]), (&"bob".into(), &true.into()));
    let sheet = installation.run(&["agent", "show", "nightly"]).said;
    assert!(sheet.contains("only what it asked for") && sheet.contains("bob"), "{sheet}");
    assert_eq!(json(&installation.run(&["--json", "agent", "eligible", "nightly", "--off"]))["eligible_only"], false);
    for (args, why) in [
        (&["agent", "sponsor", "nightly", "ada"][..], "declared in the configuration, and so is its sponsor"),
        (&["agent", "sponsor", "nightly", "--nobody"], "change it there, and reload"),
        (&["agent", "eligible", "nobody"], "portcullis agent list"),
        (&["agent", "eligible", "nightly", "--off"], "stands already"),
        (&["agent", "sponsor", "nightly"], "--nobody"),
    ] {
        let refused = installation.run(args);
        assert!(refused.status == Some(2) && refused.said.contains(why), "{args:?}: {}", refused.said);
    }
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}
