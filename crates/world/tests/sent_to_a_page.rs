//! Clients that can send their person to a page (URL elicitation): the refused call brings them there, and is made again.

use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::json;

/// Spec: MCP 2026-07-28 client/elicitation (url mode), basic/patterns/mrtr
/// Field: U3
#[tokio::test]
async fn typescript_sends_its_person_there_and_makes_the_call_again() {
    sends_its_person(Era::Stateless).await;
}

/// Spec: MCP 2025-11-25 client/elicitation (URL elicitation required error)
/// Field: U5
#[tokio::test]
async fn typescript_does_so_in_a_session_that_it_began_by_saying_that_it_can() {
    sends_its_person(Era::Session).await;
}

async fn sends_its_person(era: Era) {
    let clients = "  challenge: { \"*\": tool_error }\n".to_owned();
    let extra = "elevation: { hold: 20s }\n".to_owned();
    let world = World::start_with(WorldConfig { clients, extra, ..WorldConfig::default() }).await;
    let Some(mut client) = Driver::start(&Sdk::TypeScript, era, &world) else { return };
    let (mut ada, mut bob) = (world.person("ada"), world.person("bob"));
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    let page = client.call("delete_ticket", json!({"id": "T-1041"})).await.authorize();
    assert!(page.contains("/me/asked/"), "{page}");
    ada.ask_at(&page, "a duplicate").await;
    // The call waits while somebody decides.
    let back = url::Url::parse(&page).expect("a URL");
    let (answer, _) = tokio::join!(client.callback(back), bob.approve("delete_ticket"));
    let answer = answer.done();
    assert_ne!(answer["isError"], true, "{answer}");
    // It was good for that call.
    let page = client.call("delete_ticket", json!({"id": "T-1042"})).await.authorize();
    assert!(page.contains("/me/asked/"), "{page}");
}
