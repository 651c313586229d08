//! Official clients that are told by the results of tools: the model reads what is needed and where, and the same call works
//! afterwards.

use portcullis_world::{Driver, Era, Said, Sdk, World, WorldConfig};
use serde_json::{Value, json};

#[tokio::test]
async fn typescript() {
    told_by_results(&Sdk::TypeScript, Era::Session).await;
}

#[tokio::test]
async fn python() {
    told_by_results(&Sdk::Python, Era::Session).await;
}

#[tokio::test]
async fn rust() {
    told_by_results(&Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into()), Era::Stateless).await;
}

/// Spec: docs/decisions/0035-one-exact-call.md
async fn told_by_results(sdk: &Sdk, era: Era) {
    let clients = "  challenge: { \"*\": tool_error }\n".to_owned();
    let world = World::start_with(WorldConfig { clients, ..WorldConfig::default() }).await;
    let Some(mut client) = Driver::start(sdk, era, &world) else { return };
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    let page = told(&mut client, "delete_ticket", json!({"id": "T-1041"})).await;
    ada.ask_at(&page, "a duplicate").await;
    let waits = client.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    assert!(waits.to_string().contains("waits for a decision"), "{waits}");
    bob.approve("delete_ticket").await;
    let done = client.call("delete_ticket", json!({"id": "T-1041"})).await.done();
    assert!(!is_error(&done), "{done}");
    // It was good for that call, and another one is another question.
    assert_ne!(told(&mut client, "delete_ticket", json!({"id": "T-1042"})).await, page);

    // The medium tier, too: its person allows it on their own page.
    assert!(told(&mut client, "create_ticket", ticket()).await.ends_with("/me"));
    let me = ada.open(&format!("{}/me", world.url())).await.page();
    ada.press(&me, "Allow").await.page();
    let done = client.call("create_ticket", ticket()).await.done();
    assert!(!is_error(&done), "{done}");
}

fn is_error(result: &Value) -> bool {
    result["isError"] == true || result["is_error"] == true
}

/// Where the person has to go, as the application is told: by the result of the tool; or, in a session whose SDK says that it can send
/// people somewhere, by an error, which one application opens and another only shows.
async fn told(client: &mut Driver, tool: &str, arguments: Value) -> String {
    match client.call(tool, arguments).await {
        Said::Done(result) => {
            assert!(is_error(&result), "{result}");
            page_in(result["content"][0]["text"].as_str().expect("words"))
        }
        Said::Failed(failed) => page_in(failed["error"].as_str().expect("words")),
        Said::Authorize(url) => {
            // It comes back without having done anything, and makes the call again.
            let again = client.callback(url::Url::parse(&url).expect("a URL")).await.failed();
            assert_eq!(again["code"], -32042, "{again}");
            url
        }
    }
}

/// The address in the words that the model reads.
fn page_in(words: &str) -> String {
    let address = words.split_whitespace().find(|word| word.contains("/me")).expect("an address");
    address.trim_end_matches(['.', ',', ';']).to_owned()
}

fn ticket() -> Value {
    json!({"subject": "First", "body": "As told on the phone.", "customer": "C-1"})
}
