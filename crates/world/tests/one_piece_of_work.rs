//! A task of a person's, with official clients that know nothing of tasks: made on the consent page, named by the token alone,
//! and after its end the client goes on with the baseline.

use portcullis_world::{Driver, Era, Sdk, World};
use serde_json::{Value, json};

/// Field: K18
#[tokio::test]
async fn typescript() {
    one_piece_of_work(&Sdk::TypeScript, Era::Session).await;
}

/// Field: K19
#[tokio::test]
async fn python() {
    one_piece_of_work(&Sdk::Python, Era::Stateless).await;
}

#[tokio::test]
async fn rust() {
    one_piece_of_work(&Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into()), Era::Stateless).await;
}

/// Spec: docs/decisions/0034-privilege-belongs-to-a-task.md
async fn one_piece_of_work(sdk: &Sdk, era: Era) {
    let world = World::start().await;
    let Some(mut client) = Driver::start(sdk, era, &world) else { return };
    let mut ada = world.person("ada");
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    // The client asks for more, and ada makes one piece of work of it.
    let authorize = client.call("create_ticket", ticket("First")).await.authorize();
    client.callback(ada.allow_for(&authorize, "file what came by phone").await).await.done();
    client.call("create_ticket", ticket("Second")).await.done();
    let tasks: Value = serde_json::from_str(&world.run(&["task", "list", "--json"]).await.succeeded()).expect("JSON");
    let task = tasks[0]["id"].as_str().expect("a task").to_owned();
    assert_eq!((&tasks[0]["purpose"], &tasks[0]["for"]), (&json!("file what came by phone"), &json!("ada")));
    assert!(tasks[0]["uses"].as_u64() > Some(0), "{tasks}");

    // Its end takes the medium tier away, and the client reads on with another token.
    world.run(&["task", "end", &task]).await.succeeded();
    let read = client.call("get_ticket", json!({"id": "T-1041"})).await;
    match sdk {
        // It renews no token that was refused: it sends its person to the browser again, who gives nothing new.
        Sdk::Python => {
            client.callback(ada.allow(&read.authorize()).await).await.done();
        }
        _ => {
            read.done();
        }
    }
    client.call("create_ticket", ticket("Third")).await.authorize();
    world.run(&["audit", "residue"]).await.succeeded();
    world.run(&["audit", "verify"]).await.succeeded();
}

fn ticket(subject: &str) -> Value {
    json!({"subject": subject, "body": "As told on the phone.", "customer": "C-1"})
}
