//! The binary from outside: how it starts, how it refuses to, and how it ends.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

use crypto::AgentKey;
use http::Method;
use installation::{Ended, Installation, PUBLIC};

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Installation::of(&format!("public_url: {PUBLIC}\nlisten: {address}\n")).refuses_to_serve();
    assert!(error.contains(&address.to_string()) && error.contains("in use"), "{error}");
}

#[test]
fn a_master_key_that_others_can_read_is_not_used() {
    let installation = Installation::new("");
    let key = installation.path("data/master.key");
    fs::create_dir(installation.path("data")).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o660] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let error = installation.refuses_to_serve();
        assert!(error.contains("master.key") && error.contains("chmod 600"), "{mode:o}: {error}");
    }
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, [7; 31]).unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("master.key"), "too short: {error}");
}

#[test]
fn a_data_directory_that_is_none_is_named() {
    let installation = Installation::new("");
    fs::write(installation.path("data"), "a file").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("data") && error.contains("directory"), "{error}");
}

#[test]
fn another_key_does_not_open_an_installation() {
    let installation = Installation::new("");
    assert_eq!(installation.serve().terminate(), Some(0));
    fs::write(installation.path("data/master.key"), [7; 32]).unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("key"), "{error}");
}

#[test]
fn files_of_tls_that_can_not_be_used_are_named() {
    let installation = Installation::new("tls: { certificate_file: ./cert.pem, key_file: ./key.pem }\n");
    let error = installation.refuses_to_serve();
    assert!(error.contains("tls") && error.contains("cert.pem"), "{error}");
    fs::write(installation.path("cert.pem"), "no certificate").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("key.pem"), "{error}");
    fs::write(installation.path("key.pem"), "no key").unwrap();
    let error = installation.refuses_to_serve();
    assert!(error.contains("certificate"), "{error}");
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_line() {
    for (more, line, word) in [
        ("servers:\n  a:\n    uri: http://127.0.0.1:1/mcp\n", 7, "uri"),
        ("colour: red\n", 5, "colour"),
        ("limits: [1]\n", 5, "table"),
        ("people:\n  ada: { name: [ }\n", 6, ""),
    ] {
        let error = Installation::new(more).refuses_to_serve();
        assert!(error.contains(&format!("portcullis.yaml:{line}:")) && error.contains(word), "{more}\n{error}");
    }
    let nowhere = Installation::new("").run(&["serve", "--config", "elsewhere.yaml"]);
    assert_eq!(nowhere.status, Some(2));
    assert!(nowhere.said.contains("elsewhere.yaml") && nowhere.said.contains("portcullis init"), "{}", nowhere.said);
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for place in [closed, silent.local_addr().unwrap()] {
        let url = format!("postgres://keeper:hunter2@{place}/gate");
        let installation = Installation::of(&format!("public_url: {PUBLIC}\nlisten: 127.0.0.1:0\nstore: {url}\n"));
        let error = installation.refuses_to_serve();
        assert!(error.contains(&place.to_string()) && error.contains("database"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_answers_502_and_the_others_are_served() {
    let down = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tickets = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let up = tickets.local_addr().unwrap();
    tokio::spawn(tickets::serve(tickets));
    let key = AgentKey::generate();
    let installation = Installation::new(&format!(
        "people: {{ ada: {{ name: Ada }} }}\n\
         agents: {{ nightly: {{ owner: ada, purpose: tests, servers: [up, down], public_key: {} }} }}\n\
         servers:\n\
         \x20 up: {{ url: \"http://{up}/mcp\", tools: {{ list_tickets: low }} }}\n\
         \x20 down: {{ url: \"http://{down}/mcp\", tools: {{ list_tickets: low }} }}\n",
        key.public_jwk()
    ));
    let serving = installation.serve();
    assert_eq!(serving.event("upstream_unreachable")["server"], "down");
    let token = serving.token(&key, "down").await;
    let answer = serving.call("down", &token, "list_tickets").await;
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!answer.text().contains(&down.to_string()), "{}", answer.text());
    let token = serving.token(&key, "up").await;
    let answer = serving.call("up", &token, "list_tickets").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("result"), "{}", answer.text());
    assert_eq!(serving.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_stop_ends_well() {
    let installation = Installation::new("");
    for _ in 0..2 {
        let serving = installation.serve();
        assert_eq!(serving.send(Method::GET, "/healthz", &[], String::new()).await.status, 200);
        assert_eq!(serving.terminate(), Some(0), "with an idle connection open");
    }
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}

/// The commands under `path` as its help lists them.
fn listed(installation: &Installation, path: &[&str]) -> Vec<String> {
    let help = installation.run(&[path, &["--help"]].concat());
    assert_eq!(help.status, Some(0), "{path:?}\n{}", help.said);
    let commands = help.said.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = commands.take_while(|line| !line.is_empty()).filter_map(|line| {
        // What a command is for may go on in further, deeper lines.
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next()
    });
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_command_that_help_lists_runs() {
    let installation = Installation::new("");
    let endless = ["serve", "demo"];
    let mut ran = 0;
    let mut left: Vec<Vec<String>> = listed(&installation, &[]).into_iter().map(|name| vec![name]).collect();
    while let Some(path) = left.pop() {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let below = listed(&installation, &path);
        left.extend(below.iter().map(|name| path.iter().map(ToString::to_string).chain([name.clone()]).collect()));
        if !below.is_empty() || endless.contains(&path[0]) {
            continue;
        }
        let Ended { status, said, .. } = installation.run(&path);
        assert!(matches!(status, Some(0..=2)), "{path:?} ended with {status:?}\n{said}");
        for word in ["panicked", "fault in the program", "not implemented", "not yet"] {
            assert!(!said.contains(word), "{path:?}\n{said}");
        }
        // Status 2 without a word about what is missing is no answer.
        assert!(status != Some(2) || said.contains("error:"), "{path:?}\n{said}");
        ran += 1;
    }
    assert!(ran > 20, "{ran}");
}

/// Field: H11
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_answered_is_in_the_log_once_with_the_setting_that_would() {
    let installation = Installation::new("");
    let serving = installation.serve();
    for host in ["lb.internal", "another.internal"] {
        let answer =
            serving.web.request(Method::GET, &format!("http://{}/login", serving.address), named(host), "").await;
        assert_eq!(answer.unwrap().status, 421);
    }
    let said = serving.event("unknown_host");
    assert_eq!((&said["host"], &said["count"]), (&"lb.internal".into(), &1.into()), "{said}");
    assert!(said["message"].as_str().unwrap().contains("extra_hosts"), "{said}");
}

fn named(host: &str) -> http::HeaderMap {
    http::HeaderMap::from_iter([(http::header::HOST, host.parse().unwrap())])
}
