//! Streams stay open as long as whoever opened them may listen, and no longer.

use std::time::{Duration, Instant};

use portcullis_world::{Protected, World, WorldConfig, fixture};
use serde_json::json;
use tokio::net::TcpListener;

/// How soon after a revocation an open stream has to end.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// Spec: MCP 2026-07-28 subscriptions/listen
#[tokio::test]
async fn an_event_arrives_while_the_stream_is_open_and_a_revocation_cuts_it() {
    let world = World::start_with(fixture_behind_the_gate().await).await;
    let agent = world.raw("fixture", &world.agent_token("fixture").await.unwrap());

    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let mut stream = agent.open("subscriptions/listen", wanted).await;
    assert_eq!(stream.status(), 200);
    arrives(&mut stream, "notifications/subscriptions/acknowledged").await;

    assert_eq!(agent.call("test_trigger_tool_change", json!({})).await.status, 200);
    arrives(&mut stream, "notifications/tools/list_changed").await;

    world.run(&["revoke", "agent", "nightly", "--reason", "its work is done"]).await.succeeded();
    let revoked = Instant::now();
    let end = tokio::time::timeout(10 * CUT_WITHIN, async { while let Ok(Some(_)) = stream.chunk().await {} }).await;
    assert!(end.is_ok(), "the stream is still open");
    assert!(revoked.elapsed() < CUT_WITHIN, "it took {:?}", revoked.elapsed());
}

async fn fixture_behind_the_gate() -> WorldConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    tokio::spawn(fixture::serve(listener));
    let tools = vec![("*".into(), "low".into())];
    WorldConfig {
        servers: vec![Protected { name: "fixture".into(), url, tools, ..Protected::default() }],
        ..WorldConfig::default()
    }
}

/// Reads the stream until `text` was in it.
async fn arrives(stream: &mut reqwest::Response, text: &str) {
    let mut seen = String::new();
    let reading = async {
        while !seen.contains(text) {
            let chunk = stream.chunk().await.expect("a stream").expect("the stream goes on");
            seen.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    let arrived = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(arrived.is_ok(), "`{text}` did not arrive");
}
