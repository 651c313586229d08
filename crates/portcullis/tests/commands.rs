//! The commands from outside: what they print, in either form, and what an outsider can do with it.

#![allow(clippy::unwrap_used)]

mod installation;

use std::fs;

use installation::{Ended, Installation};
use serde_json::Value;

/// Two people and one server that is away.
fn installation() -> Installation {
    let installation = Installation::new(
        "people:\n  ada: { roles: [admin] }\nservers:\n  crm: { url: \"http://127.0.0.1:1/mcp\", tools: { \"get_*\": low } }\n",
    );
    assert_eq!(installation.serve().terminate(), Some(0));
    installation
}

/// What it printed, which is JSON and nothing else.
#[track_caller]
fn json(ended: &Ended) -> Vec<Value> {
    let whole = serde_json::from_str::<Value>(&ended.printed).map(|value| vec![value]);
    let lines = || ended.printed.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>();
    whole.or_else(|_| lines()).unwrap_or_else(|error| panic!("{error}\n{}", ended.said))
}

/// Every command below `path`, as the help lists them.
fn leaves(installation: &Installation, path: &[String]) -> Vec<Vec<String>> {
    let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = installation.run(&args).said;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| {
        let line = line.strip_prefix("  ").filter(|line| !line.starts_with(' '))?;
        line.split_whitespace().next().filter(|name| *name != "help")
    });
    let below: Vec<_> = names.map(|name| [path, &[name.to_owned()]].concat()).collect();
    if below.is_empty() {
        vec![path.to_vec()]
    } else {
        below.iter().flat_map(|path| leaves(installation, path)).collect()
    }
}

/// Field: H12
#[test]
fn every_command_answers_in_json_when_asked_to_whatever_comes_of_it() {
    let installation = installation();
    for path in leaves(&installation, &[]) {
        if ["serve", "demo"].contains(&path[0].as_str()) {
            continue;
        }
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--json"]).collect();
        let ended = installation.run(&args);
        let values = json(&ended);
        if ended.status == Some(2) {
            assert!(values[0]["error"].as_str().is_some_and(|said| !said.is_empty()), "{path:?}\n{}", ended.said);
            assert_eq!(ended.complained, "", "{path:?}");
        }
    }
}

/// Field: H12
#[test]
fn what_succeeds_answers_in_json_too() {
    let installation = installation();
    for args in [
        &["person", "add", "bob", "--role", "approver"][..],
        &["person", "link", "bob"],
        &["person", "role", "bob", "--role", "auditor"],
        &["key", "rotate"],
        &["revoke", "person", "bob", "--reason", "left"],
        &["restore", "person", "bob", "--reason", "came back"],
        &["person", "disable", "bob", "--reason", "left again"],
        &["policy", "check"],
        &["policy", "schema"],
        &["audit", "prove", "0"],
        &["audit", "export", "out"],
        &["schema", "--markdown"],
    ] {
        let ended = installation.run(&[args, &["--json"]].concat());
        assert_eq!(ended.status, Some(0), "{args:?}\n{}", ended.said);
        assert!(!json(&ended).is_empty(), "{args:?}");
    }
    let people = json(&installation.run(&["person", "list", "--json"]));
    assert_eq!(people[0][1]["state"], "revoked", "{people:?}");
    let missing = installation.run(&["audit", "verify", "--export", "nowhere", "--json", "--key", "k"]);
    assert!(missing.status == Some(2) && json(&missing)[0]["error"].as_str().unwrap().contains('k'));
}

/// Field: H12
#[test]
fn without_the_word_nothing_is_json_but_a_proof() {
    let installation = installation();
    let said = installation.run(&["elevation", "list"]).printed;
    assert!(said.contains("AGENT") && said.contains("FOR"), "{said}");
    let refused = installation.run(&["person", "link", "nobody"]);
    assert!(
        refused.status == Some(2) && refused.complained.starts_with("error: there is no person"),
        "{}",
        refused.said
    );
    for line in installation.run_with(&["server", "list"], &[("COLUMNS", "60")]).printed.lines() {
        assert!(line.chars().count() <= 60, "{line}");
    }
}

/// Field: H16
#[test]
fn an_export_is_verified_by_an_outsider_with_a_key_alone() {
    let installation = installation();
    let key = installation.read("data/audit.vkey");
    let exported = installation.run(&["audit", "export", "out"]);
    assert_eq!(exported.status, Some(0), "{}", exported.said);
    let again = installation.run(&["audit", "export", "out"]);
    assert!(again.status == Some(2) && again.said.contains("is not empty"), "{}", again.said);
    let proof = installation.run(&["audit", "prove", "1"]).printed;
    let witness = installation.read("out/checkpoint");

    // On another machine: no configuration, no database.
    let outside = Installation::of("nothing that could be read");
    fs::rename(installation.path("out"), outside.path("out")).unwrap();
    outside.write("key", &key);
    outside.write("proof.json", &proof);
    outside.write("witness", &witness);
    let verify = ["audit", "verify", "--export", "out", "--key", "key"];
    for args in [
        &verify[..],
        &["audit", "verify", "--export", "out", "--key", key.trim(), "--witness", "witness"],
        &["audit", "verify-proof", "proof.json"],
        &["audit", "verify-proof", "proof.json", "--key", "key"],
    ] {
        let ended = outside.run(args);
        assert!(ended.status == Some(0) && ended.printed.starts_with("verified: "), "{args:?}\n{}", ended.said);
    }
    assert_eq!(outside.run(&["audit", "verify", "--export", "out"]).status, Some(2), "without a key it proves nothing");

    let other = Installation::new("");
    assert_eq!(other.serve().terminate(), Some(0));
    outside.write("other", &other.read("data/audit.vkey"));
    for args in [
        &["audit", "verify", "--export", "out", "--key", "other"][..],
        &["audit", "verify-proof", "proof.json", "--key", "other"],
    ] {
        let ended = outside.run(args);
        assert!(ended.status == Some(1) && ended.printed.starts_with("NOT VERIFIED: "), "{args:?}\n{}", ended.said);
    }

    outside.write("edited.json", &proof.replace("key_made", "key_mado"));
    assert_eq!(outside.run(&["audit", "verify-proof", "edited.json", "--key", "key"]).status, Some(1));
    let entries = outside.path("out/tile/entries");
    let bundle = fs::read_dir(entries.join("000.p")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&bundle).unwrap();
    let at = bytes.windows(9).position(|word| word == b"log_start").unwrap();
    bytes[at] ^= 1;
    fs::write(&bundle, &bytes).unwrap();
    let edited = outside.run(&verify);
    assert!(edited.status == Some(1) && edited.printed.contains("do not hash to the signed root"), "{}", edited.said);
    fs::remove_file(&bundle).unwrap();
    let missing = outside.run(&verify);
    assert!(missing.status == Some(1) && missing.printed.contains("is missing"), "{}", missing.said);
}

/// Field: H10
#[test]
fn the_schema_is_printed_and_a_policy_that_names_nobody_is_warned_of() {
    let anywhere = Installation::of("nothing that could be read");
    let schema = anywhere.run(&["policy", "schema"]);
    assert!(schema.status == Some(0) && schema.printed.contains("entity Agent"), "{}", schema.said);

    let installation = Installation::new(
        "policies: ./policies\nservers:\n  crm: { url: \"http://127.0.0.1:1/mcp\", tools: { get_x: low } }\n",
    );
    fs::create_dir(installation.path("policies")).unwrap();
    installation.write(
        "policies/own.cedar",
        "@id(\"mine\")\nforbid (principal == Agent::\"janitr\", action in Action::\"call\", resource == Tool::\"crm.get_y\");\n",
    );
    for command in [["policy", "check"], ["check", "--json"]] {
        let said = installation.run(&command).said;
        assert!(said.contains("own.cedar:2: there is no agent `janitr`"), "{said}");
        assert!(said.contains("there is no tool `crm.get_y`, so this matches nobody; is `crm.get_x` meant?"), "{said}");
    }
    assert_eq!(installation.run(&["policy", "check"]).status, Some(0), "a warning stops nobody");
    let serving = installation.serve();
    assert!(serving.event("policy_names_nobody")["message"].as_str().unwrap().contains("janitr"));
}

/// Field: H7
#[test]
fn the_demo_gives_both_people_a_link_and_its_file_opens_it() {
    let installation = Installation::of("");
    let demo = installation.run(&["demo", "--exit", "--port", "0"]);
    assert_eq!(demo.status, Some(0), "{}", demo.said);
    assert_eq!(demo.printed.matches("/enrol?ticket=").count(), 2, "{}", demo.printed);
    let people = installation.run(&["--config", "portcullis-data/demo.yaml", "person", "list"]);
    assert_eq!(people.status, Some(0), "{}", people.said);
    for name in ["alex", "ada", "bob"] {
        assert!(people.printed.contains(name), "{}", people.printed);
    }
    let verified = installation.run(&["--config", "portcullis-data/demo.yaml", "audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}

/// Field: H8
#[test]
fn a_person_gets_a_new_link_and_other_roles_unless_the_file_or_a_revocation_says_no() {
    let installation = installation();
    let run = |args: &[&str]| installation.run(&[&["person"], args].concat());
    let first = run(&["add", "bob", "--role", "approver"]);
    let again = run(&["link", "bob"]);
    let link = |ended: &Ended| ended.printed.lines().find(|line| line.contains("/enrol?ticket=")).unwrap().to_owned();
    assert_ne!(link(&first), link(&again));
    assert!(run(&["role", "bob", "--role", "auditor"]).printed.contains("bob has auditor"));
    assert!(run(&["role", "bob"]).printed.contains("bob has no role"));

    let declared = run(&["role", "ada", "--role", "auditor"]);
    assert!(declared.status == Some(2) && declared.said.contains("people.ada.roles"), "{}", declared.said);
    let unknown = run(&["role", "bob", "--role", "aprover"]);
    assert!(unknown.status == Some(2) && unknown.said.contains("approver"), "{}", unknown.said);
    assert_eq!(run(&["disable", "bob", "--reason", "left"]).status, Some(0));
    let gone = run(&["link", "bob"]);
    assert!(gone.status == Some(2) && gone.said.contains("disabled or revoked"), "{}", gone.said);
}
