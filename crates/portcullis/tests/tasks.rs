//! Tasks from the command line, through the node that runs and without one; and what is left after their end.

#![allow(clippy::unwrap_used)]

mod installation;

use installation::{Ended, Installation};
use serde_json::Value;

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    serde_json::from_str(&ended.printed).unwrap()
}

/// Field: K10
#[tokio::test]
async fn a_task_is_opened_shown_and_ended_by_whoever_has_the_store_and_the_log_says_what_was_left() {
    let key = crypto::AgentKey::generate().public_jwk();
    let installation = Installation::new(&format!(
        "servers: {{tickets: {{url: 'http://127.0.0.1:1/mcp', tools: {{'get_*': low}}}}}}\npeople: {{ada: {{}}}}\n\
         agents: {{nightly: {{owner: ada, purpose: to test, servers: [tickets], public_key: {key}}}}}\n"
    ));
    let serving = installation.serve();
    let opened = json(&installation.run(&["--json", "task", "open", "nightly", "close ticket 4711", "--uses", "3"]));
    assert_eq!(opened["through"], "the running node");
    let id = opened["id"].as_str().unwrap();
    assert!(id.starts_with("tsk_") && opened["digest"].as_str().unwrap().len() == 64);
    assert_eq!(opened["stop"], format!("portcullis task end {id}"));
    let listed = json(&installation.run(&["--json", "task", "list"]));
    assert_eq!((&listed[0]["purpose"], &listed[0]["state"]), (&"close ticket 4711".into(), &"open".into()));
    for (refused, word) in [
        (&["task", "open", "nobody", "x"][..], "no agent `nobody`"),
        (&["task", "open", "nightly", " "], "say what the task is for"),
        (&["task", "open", "nightly", "x", "--lasts", "9h"], "between 1s and 8h"),
        (&["task", "open", "nightly", "x", "--lasts", "soon"], "length of time"),
        (&["task", "end", "tsk_none"], "no task `tsk_none`"),
        (&["task", "show", "tsk_none"], "no task `tsk_none`"),
    ] {
        let said = installation.run(refused);
        assert!(said.status == Some(2) && said.said.contains(word), "{refused:?}: {}", said.said);
    }
    let ended = json(&installation.run(&["--json", "task", "end", id]));
    assert_eq!((&ended["state"], &ended["cause"]), (&"ended".into(), &"by_hand".into()));
    assert_eq!(installation.run(&["task", "end", id]).status, Some(2));
    assert_eq!(serving.terminate(), Some(0));

    let alone = json(&installation.run(&["--json", "task", "open", "nightly", "without a node"]));
    assert_eq!(alone["through"], "the store");
    let left = json(&installation.run(&["--json", "audit", "residue"]));
    assert_eq!((&left["late"], &left["ended"][0]["cause"]), (&0.into(), &"by_hand".into()));
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
}
