//! A client of an enterprise on the official TypeScript SDK: its identity provider speaks for its person, and nobody is asked.

use crypto::AgentKey;
use portcullis_world::{Driver, Era, World, WorldConfig};
use serde_json::json;

const IDP: &str = "https://idp.acme.test";

fn enterprise(key: &AgentKey) -> WorldConfig {
    let clients = "  allow_client_secrets: true\n  registered:\n    portal: { name: Portal, redirect_uris: [\"https://portal.test/cb\"], \
                   auth: client_secret_basic, secret: portal-secret-0123456789 }\n";
    let extra = format!("trusted_idps:\n  acme: {{ issuer: \"{IDP}\", jwks: {{ keys: [{}] }} }}\n", key.public_jwk());
    WorldConfig { clients: clients.into(), extra, ada: ", identities: { acme: 00u1 }".into(), ..WorldConfig::default() }
}

/// Spec: MCP extension enterprise-managed-authorization §3 to §5
#[tokio::test]
async fn typescript_calls_by_the_word_of_the_identity_provider_in_both_eras() {
    let key = AgentKey::generate();
    let world = World::start_with(enterprise(&key)).await;
    for era in [Era::Stateless, Era::Session] {
        let Some(mut portal) = Driver::start_enterprise(era, &world, (IDP, &key), "00u1") else { return };
        portal.connect().await.done();
        let answer = portal.call("get_ticket", json!({"id": "T-1041"})).await.done();
        assert_ne!(answer["isError"], true, "{answer}");
        // It is Ada's agent, and what is above the low tier is hers to give.
        portal.call("create_ticket", json!({"subject": "s", "body": "b", "customer": "C-1"})).await.failed();
        let mut stranger = Driver::start_enterprise(era, &world, (IDP, &key), "00u2").expect("as before");
        stranger.connect().await.failed();
    }
    let listed = world.run(&["--json", "agent", "list"]).await.succeeded();
    assert!(listed.contains("portal@ada"), "{listed}");
}
