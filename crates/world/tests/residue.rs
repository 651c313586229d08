//! Two nodes under load, tasks that end while their calls come: nothing is decided after an end, and the log alone says so.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_world::{REDIRECT_URI, Raw, World, WorldConfig, on_postgres};
use serde_json::{Value, json};

#[tokio::test]
async fn nothing_is_decided_after_an_end_on_two_nodes_of_one_sqlite_database() {
    under_load(WorldConfig::default()).await;
}

/// Field: K12
#[tokio::test]
async fn nothing_is_decided_after_an_end_on_two_nodes_of_one_postgresql_database() {
    on_postgres("residue", under_load).await;
}

/// Of each task: what its callers saw.
#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    /// Calls that began after `task end` had returned, and were answered all the same.
    late: AtomicU64,
}

/// Spec: docs/tasks.md (what is left after the end)
async fn under_load(config: WorldConfig) {
    let extra = format!("{}elevation: {{ consent_uses: 500 }}\n", config.extra);
    let world = World::start_with(WorldConfig { extra, ..config }).await;
    let node = world.another_node().await;
    let mut ada = world.person("ada");
    let mut under_way = Vec::new();
    for number in 0..4 {
        let callback = ada.allow(&authorize(&world, &format!("the load of {number}"))).await;
        let granted = redeem(&world, &callback).await;
        let task = granted["authorization_details"][0]["id"].as_str().expect("a task").to_owned();
        let token = granted["access_token"].as_str().expect("a token").to_owned();
        let (seen, ended) = (Arc::new(Seen::default()), Arc::new(std::sync::OnceLock::new()));
        let callers: Vec<_> = [world.raw("tickets", &token), node.raw("tickets", &token)]
            .into_iter()
            .flat_map(|raw| [raw.clone(), raw])
            .map(|raw| tokio::spawn(call_until_refused(raw, seen.clone(), ended.clone())))
            .collect();
        under_way.push((task, seen, ended, callers));
    }
    for (task, seen, ended, callers) in under_way {
        // Every caller has come through before the end.
        while seen.answered.load(Ordering::Relaxed) < 12 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        world.run(&["task", "end", &task]).await.succeeded();
        ended.set(Instant::now()).expect("once");
        for caller in callers {
            caller.await.expect("no caller fails");
        }
        assert_eq!(seen.late.load(Ordering::Relaxed), 0, "{task}");
    }
    let measured: Value =
        serde_json::from_str(&world.run(&["audit", "residue", "--json"]).await.succeeded()).expect("JSON");
    assert!(measured["late"] == 0 && measured["most_residue_us"].as_i64() <= Some(0), "{measured}");
    let measured = measured["ended"].as_array().expect("a list");
    let tasks: Vec<_> =
        measured.iter().filter(|one| one["id"].as_str().is_some_and(|id| id.starts_with("tsk_"))).collect();
    assert_eq!(tasks.len(), 4, "{measured:?}");
    for one in measured {
        assert!(one["residue"].as_i64().is_none_or(|residue| residue <= 0), "{one}");
    }
    for task in tasks {
        assert!(task["calls"].as_u64() >= Some(12) && task["cause"] == "by_hand", "{task}");
    }
    world.run(&["audit", "verify"]).await.succeeded();
}

async fn call_until_refused(raw: Raw, seen: Arc<Seen>, ended: Arc<std::sync::OnceLock<Instant>>) {
    loop {
        let began = Instant::now();
        let ticket = json!({"subject": "Load", "body": "As told on the phone.", "customer": "C-1"});
        let answer = raw.call("create_ticket", ticket).await;
        // What was cut says that it may have been done; a token of a task that is over is refused.
        if answer.status != 200 || answer.body.contains("-31001") {
            return;
        }
        seen.answered.fetch_add(1, Ordering::Relaxed);
        if ended.get().is_some_and(|ended| began > *ended) {
            seen.late.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Spec: RFC 6749 §4.1.1, RFC 9396 §3
fn authorize(world: &World, purpose: &str) -> String {
    let mut url = url::Url::parse(&format!("{}/oauth/authorize", world.url())).expect("a URL");
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &world.documents.client_id("other")),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "tickets:low tickets:medium"),
        ("resource", &world.mcp("tickets")),
        ("state", "load"),
        // RFC 7636 appendix B
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
        ("authorization_details", &json!([{"type": "io.portcullis/task", "purpose": purpose}]).to_string()),
    ]);
    url.into()
}

/// Spec: RFC 6749 §4.1.3
async fn redeem(world: &World, callback: &url::Url) -> Value {
    let code = callback.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &world.documents.client_id("other")),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let answer = client.post(format!("{}/oauth/token", world.url())).form(&form).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}
