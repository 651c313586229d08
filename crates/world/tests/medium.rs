//! The medium tier: the person's own consent is enough, for a while.

use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::{Value, json};

#[tokio::test]
async fn consent_opens_the_bucket_for_several_calls_and_ends_by_itself() {
    let extra = "elevation: { consent_lasts: 3s }\n".to_owned();
    let world = World::start_with(WorldConfig { extra, ..WorldConfig::default() }).await;
    let sdk = Sdk::Rust(env!("CARGO_BIN_EXE_driver-rmcp").into());
    let mut client = Driver::start(&sdk, Era::Stateless, &world).unwrap();
    let mut ada = world.person("ada");
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();

    // Nobody else is asked: Ada says yes, and the call goes through.
    let authorize = client.call("create_ticket", ticket("First")).await.authorize();
    let consented = std::time::Instant::now();
    client.callback(ada.allow(&authorize).await).await.done();

    // One consent covers the bucket, not one call.
    client.call("create_ticket", ticket("Second")).await.done();
    client.call("update_ticket", json!({"id": "T-1042", "status": "pending"})).await.done();

    // After its time it is over, without anybody doing anything.
    tokio::time::sleep(std::time::Duration::from_secs(4).saturating_sub(consented.elapsed())).await;
    client.call("create_ticket", ticket("Third")).await.authorize();
    let audit = world.run(&["audit", "verify"]).await;
    audit.succeeded();
}

fn ticket(subject: &str) -> Value {
    json!({"subject": subject, "body": "As told on the phone.", "customer": "C-1"})
}
