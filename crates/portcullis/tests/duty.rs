//! Approving in another's name from the command line, through the node that runs and without one.

#![allow(clippy::unwrap_used)]

mod installation;

use installation::{Ended, Installation};
use serde_json::Value;

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    serde_json::from_str(&ended.printed).unwrap()
}

#[tokio::test]
async fn a_duty_is_handed_over_listed_and_ended_by_whoever_has_the_store() {
    let installation = Installation::new(
        "servers: {tickets: {url: 'http://127.0.0.1:1/mcp', tools: {'get_*': low}, approvals: {'delete_*': 2}}}\n\
         people: {ada: {}, bob: {roles: [approver]}, eve: {}}\n",
    );
    let serving = installation.serve();
    let delegate = ["--json", "duty", "delegate", "bob", "eve", "--for", "8h", "--server", "tickets"];
    let handed = json(&installation.run(&delegate));
    assert_eq!(
        (&handed["through"], &handed["from"], &handed["to"]),
        (&"the running node".into(), &"bob".into(), &"eve".into())
    );
    let id = handed["duty"].as_str().unwrap();
    let listed = json(&installation.run(&["--json", "duty", "list"]));
    assert_eq!(
        (&listed[0]["id"], &listed[0]["server"], &listed[0]["stands"]),
        (&id.into(), &"tickets".into(), &true.into())
    );
    for (refused, word) in [
        (&["duty", "delegate", "bob", "eve", "--for", "1h", "--server", "tickets"][..], "handed over already"),
        (&["duty", "delegate", "bob", "bob", "--for", "1h"], "to themselves"),
        (&["duty", "delegate", "eve", "ada", "--for", "1h"], "`eve` is not an approver"),
        (&["duty", "delegate", "bob", "nobody", "--for", "1h"], "`nobody` is not a person"),
        (&["duty", "delegate", "bob", "ada", "--for", "721h"], "30 days"),
        (&["duty", "delegate", "bob", "ada", "--for", "1h", "--server", "none"], "no server `none`"),
        (&["duty", "end", "dut_none"], "no duty `dut_none`"),
    ] {
        let said = installation.run(refused);
        assert!(said.status == Some(2) && said.said.contains(word), "{refused:?}: {}", said.said);
    }
    json(&installation.run(&["--json", "duty", "end", id]));
    assert_eq!(installation.run(&["duty", "end", id]).status, Some(2));
    assert_eq!(serving.terminate(), Some(0));

    let alone = json(&installation.run(&["--json", "duty", "delegate", "bob", "ada", "--for", "1h"]));
    assert_eq!(alone["through"], "the store");
    let shown = installation.run(&["duty", "list"]).printed;
    assert!(shown.contains("standing") && shown.contains("ended: by_hand"), "{shown}");
    let verified = installation.run(&["audit", "verify"]);
    assert_eq!(verified.status, Some(0), "{}", verified.said);
    let warned = installation.run(&["check"]).printed;
    assert!(warned.contains("1 of them may approve, and there are requests that take 2"), "{warned}");
}
