//! `check` from outside: it sees what a start will meet, and changes nothing.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{collections::BTreeSet, fs, process::Command};

use installation::Installation;

/// The files of the data directory that are not SQLite's own.
fn files(installation: &Installation) -> BTreeSet<String> {
    let names = fs::read_dir(installation.path("data")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| !name.starts_with("portcullis.db-")).collect()
}

/// Field: H3
#[test]
fn a_check_before_the_first_start_makes_nothing() {
    let installation = Installation::new("");
    for _ in 0..3 {
        let checked = installation.run(&["check"]);
        assert_eq!(checked.status, Some(0), "{}", checked.said);
        assert!(checked.said.contains("will be made at the first start"), "{}", checked.said);
        assert!(!installation.path("data").exists());
    }
}

/// Field: H3, H4
#[test]
fn a_check_says_what_the_next_start_changes_and_changes_nothing_itself() {
    let people = "people:\n  ada: { roles: [admin] }\n  bob: {}\n";
    let installation = Installation::new(people);
    let good = installation.read("portcullis.yaml");
    assert_eq!(installation.serve().terminate(), Some(0));
    let (before, there) = (installation.run(&["audit", "tail", "-n", "1000"]).printed, files(&installation));
    let checked = installation.run(&["check"]);
    assert!(checked.said.contains("changes nothing"), "{}", checked.said);

    let server = "servers:\n  crm: { url: \"http://127.0.0.1:1/mcp\", tools: { x: low } }\n";
    installation.write("portcullis.yaml", &(good.replace("  bob: {}\n", "").replace("admin", "approver") + server));
    let checked = installation.run(&["check"]);
    for line in [
        "changes people.ada.roles",
        "sets servers.crm.tools, servers.crm.url",
        "takes away people.bob",
        "bob: disabled: taken out of the configuration",
    ] {
        assert!(checked.said.contains(line), "{line}\n{}", checked.said);
    }
    assert_eq!(installation.run(&["audit", "tail", "-n", "1000"]).printed, before);
    assert_eq!(files(&installation), there);
    assert_eq!(installation.run(&["audit", "verify"]).status, Some(0));

    assert_eq!(installation.serve().terminate(), Some(0));
    let record = installation.run(&["audit", "tail", "-n", "20"]).printed;
    let applied = record.lines().rfind(|line| line.contains("configuration_applied")).unwrap();
    for field in ["\"changed\":\"people.ada.roles\"", "\"removed\":\"people.bob\"", "\"digest\":\""] {
        assert!(applied.contains(field), "{field}\n{applied}");
    }
}

/// Field: H4
#[test]
fn a_policy_that_was_edited_is_a_change_of_the_next_start() {
    let installation = Installation::new("policies: ./policies\n");
    fs::create_dir(installation.path("policies")).unwrap();
    let policy = |who: &str| {
        format!("@id(\"mine\")\nforbid (principal == Agent::\"{who}\", action in Action::\"call\", resource);\n")
    };
    installation.write("policies/own.cedar", &policy("a"));
    assert_eq!(installation.serve().terminate(), Some(0));
    assert!(installation.run(&["check"]).said.contains("changes nothing"));
    installation.write("policies/own.cedar", &policy("b"));
    let checked = installation.run(&["check"]);
    assert!(checked.said.contains("changes policies"), "{}", checked.said);
    installation.write("policies/own.cedar", "forbid (");
    let broken = installation.run(&["check"]);
    assert!(broken.status == Some(1) && broken.said.contains("own.cedar:1:"), "{}", broken.said);
}

/// Field: H3
#[test]
fn an_approver_of_the_store_counts() {
    let installation = Installation::new("");
    let warned = |installation: &Installation| installation.run(&["check"]).said.contains("nobody is an approver");
    assert!(warned(&installation));
    assert_eq!(installation.run(&["person", "add", "bob", "--role", "approver"]).status, Some(0));
    assert!(!warned(&installation));
}

/// Field: O7
#[test]
fn a_certificate_that_a_start_refuses_fails_the_check() {
    let installation = Installation::new("tls: { certificate_file: ./cert.pem, key_file: ./key.pem }\n");
    let fails = |words: &str| {
        let checked = installation.run(&["check"]);
        assert_eq!(checked.status, Some(1), "{}", checked.said);
        assert!(checked.said.contains(words), "{words}\n{}", checked.said);
    };
    fails("cert.pem can not be read");
    let [one, other] =
        ["localhost", "b.test"].map(|name| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap());
    installation.write("cert.pem", &one.cert.pem());
    installation.write("key.pem", &other.signing_key.serialize_pem());
    fails("can not be used together");
    installation.write("key.pem", &one.signing_key.serialize_pem());
    let checked = installation.run(&["check"]);
    assert!(checked.said.contains("belongs to its key and is good until"), "{}", checked.said);
}

#[test]
fn a_client_is_told_why_it_would_fail() {
    let installation = Installation::new("servers: { t: { url: \"http://127.0.0.1:1/mcp\", tools: { x: low } } }\n");
    let checked = installation.run(&["check", "--client", "claude"]);
    assert_eq!(checked.status, Some(1), "{}", checked.said);
    for words in ["known: [claude]", "can not reach http://localhost:8420"] {
        assert!(checked.said.contains(words), "{words}\n{}", checked.said);
    }
    let unknown = installation.run(&["check", "--client", "clippy"]);
    assert!(unknown.status == Some(2) && unknown.said.contains("cursor"), "{}", unknown.said);
}

/// Field: H3
#[test]
fn servers_that_say_nothing_do_not_hold_the_check_up_one_after_the_other() {
    let silent: Vec<_> = (0..5).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let servers = silent.iter().enumerate().map(|(at, listener)| {
        format!("  s{at}: {{ url: \"http://{}/mcp\", timeout: 2s }}\n", listener.local_addr().unwrap())
    });
    let installation = Installation::new(&format!("servers:\n{}", servers.collect::<String>()));
    let begun = std::time::Instant::now();
    let checked = installation.run(&["check"]);
    assert_eq!(checked.said.matches("did not answer within 2s").count(), 5, "{}", checked.said);
    assert!(checked.status == Some(1) && begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
}

#[test]
fn a_client_is_checked_against_what_the_running_server_says() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = |clients: &str| {
        format!(
            "public_url: http://localhost:{port}\nstore: sqlite:./data\ndata_dir: ./data\nclients: {{ {clients} }}\n\
             servers: {{ t: {{ url: \"http://127.0.0.1:1/mcp\", tools: {{ x: low }} }} }}\n"
        )
    };
    let installation = Installation::of(&file("known: [vscode]"));
    let away = installation.run(&["check", "--client", "vscode"]).said;
    assert!(away.contains("does not answer from here"), "{away}");
    let serving = installation.serve();
    let there = installation.run(&["check", "--client", "vscode", "--client", "claude-code"]).said;
    assert!(there.contains("says everything that vscode looks for"), "{there}");
    assert!(there.contains("known: [claude-code]"), "{there}");
    assert_eq!(serving.terminate(), Some(0));

    installation.write("portcullis.yaml", &file(""));
    let _serving = installation.serve();
    let closed = installation.run(&["check", "--client", "vscode"]).said;
    assert!(closed.contains("client_id_metadata_document_supported is not true"), "{closed}");
}

/// Runs SQL with `psql`; what it answers.
fn sql(server: &str, statement: &str) -> String {
    let done = Command::new("psql").args([server, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", statement]).output().unwrap();
    assert!(done.status.success(), "{statement}\n{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Field: H3
#[test]
fn on_postgresql_a_check_makes_no_table_and_notices_a_user_who_may_not_write() {
    // `cargo xtask test` starts a server and names it.
    let Ok(server) = std::env::var("PORTCULLIS_TEST_POSTGRES") else { return };
    let name = format!("check_{}", std::process::id());
    sql(&server, &format!("CREATE DATABASE {name}"));
    let database = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let tables = || sql(&database, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'");
    let file = format!("public_url: http://localhost:8420\nlisten: 127.0.0.1:0\nstore: {database}\ndata_dir: ./data\n");
    let installation = Installation::of(&file);
    for _ in 0..3 {
        let checked = installation.run(&["check"]);
        assert_eq!(checked.status, Some(0), "{}", checked.said);
        assert!(checked.said.contains("will be made at the first start"), "{}", checked.said);
        assert_eq!((tables().trim(), installation.path("data").exists()), ("0", false));
    }
    assert_eq!(installation.serve().terminate(), Some(0));
    let checked = installation.run(&["check"]);
    assert!(checked.status == Some(0) && checked.said.contains("changes nothing"), "{}", checked.said);

    let reader = format!("reader_{}", std::process::id());
    sql(&database, &format!("CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"));
    let (scheme, place) = database.split_once("://").unwrap();
    let place = place.split_once('@').map_or(place, |(_, place)| place);
    installation.write("portcullis.yaml", &file.replace(&database, &format!("{scheme}://{reader}@{place}")));
    let checked = installation.run(&["check"]);
    assert!(checked.status == Some(1) && checked.said.contains("permission denied"), "{}", checked.said);
    sql(&database, &format!("DROP OWNED BY {reader}; DROP ROLE {reader}"));
    sql(&server, &format!("DROP DATABASE {name} WITH (FORCE)"));
}
