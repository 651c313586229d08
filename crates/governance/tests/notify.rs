//! What is told arrives, signed, again after pauses, and not for ever.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

extern crate portcullis_governance as governance;

mod support;

use std::sync::{Arc, Mutex};

use crypto::WebhookKey;
use governance::notify::{Delivered, Notifier, Receivers, deliver, subscriptions};
use model::{Actor, Event, Span, StepUp, config::Config, event::examples};
use serde_json::json;
use support::Installation;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BEFORE: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A receiver that answers what it is told to, one answer after the other, and keeps what it got.
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn answers(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=hunter2", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = got.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (mut text, mut part) = (String::new(), [0; 4096]);
                while !is_whole(&text) {
                    let read = stream.read(&mut part).await.unwrap();
                    text.push_str(std::str::from_utf8(&part[..read]).unwrap());
                }
                kept.lock().unwrap().push(text);
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, got }
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = header(head, "content-length").and_then(|length| length.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

fn header<'t>(request: &'t str, name: &str) -> Option<&'t str> {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Two receivers, `ops` and `dead`, and who tells them.
fn notifier(world: &Installation, ops: &str, dead: &str) -> Notifier {
    net::install_crypto_provider();
    let config: Config = serde_json::from_value(json!({
        "public_url": "https://gw.test",
        "notify": {
            "exempt_hosts": ["127.0.0.1"],
            "webhooks": {
                "ops": {"url": ops, "secret": SECRET, "previous_secret": BEFORE},
                "dead": {"url": dead, "secret": SECRET, "events": ["revoked", "approval_requested"]},
            }
        }
    }))
    .unwrap();
    world.store.tell(subscriptions::of(&config));
    Notifier::new(world.store.clone(), Arc::new(Receivers::of(&config.notify, None).unwrap()))
}

const NOBODY: &str = "http://127.0.0.1:1/";

async fn asked(world: &Installation) -> Event {
    let id = world.request("elv_one", "grt_claude", "tickets.delete_ticket").await;
    let elevation = world.store.elevation(&id).await.unwrap().unwrap();
    let mut requested = examples::elevation_requested(&elevation);
    requested.of.by = StepUp::Approval;
    requested.by(Actor::System)
}

fn came(taken: u32, failed: u32) -> Delivered {
    Delivered { taken, failed }
}

/// Spec: Standard Webhooks (headers; signature scheme; several signatures)
/// Field: W4, W7
#[tokio::test]
async fn a_message_is_signed_and_keeps_its_id_until_it_is_taken() {
    let world = Installation::start().await;
    let receiver = Receiver::answers(&["500 No", "302 Found\r\nlocation: http://127.0.0.1:1/", "204 Yes"]).await;
    let notifier = notifier(&world, &receiver.url, NOBODY);
    world.store.record(asked(&world).await).await.unwrap();
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 1));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 0), "not before the pause is over");
    world.clock.advance(Span::from_seconds(3));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 1), "a redirect is a failure, and not followed");
    world.clock.advance(Span::from_seconds(5));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(1, 0));
    world.clock.advance(Span::from_minutes(60));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 0), "and never again");

    let got = receiver.got();
    let of = |name: &str| got.iter().map(|one| header(one, name).unwrap().to_owned()).collect::<Vec<_>>();
    let ids = of("webhook-id");
    assert!(ids.iter().all(|id| *id == ids[0] && id.starts_with("msg_")), "{ids:?}");
    let times = of("webhook-timestamp");
    assert!(times[0] < times[1] && times[1] < times[2], "each try is signed with its own time: {times:?}");
    let (head, body) = got[2].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook?key=hunter2 HTTP/1.1"));
    let expected = [SECRET, BEFORE]
        .map(|secret| WebhookKey::parse(secret).unwrap().sign(&ids[0], times[2].parse().unwrap(), body));
    assert_eq!(of("webhook-signature")[2], expected.join(" "));
    let state = world.store.outbox_state("ops").await.unwrap();
    assert_eq!((state.waiting, state.failing_since), (0, None));
}

/// Field: W5
#[tokio::test]
async fn a_receiver_that_is_away_holds_up_nobody_and_is_given_up_with_a_record() {
    let world = Installation::start().await;
    let receiver = Receiver::answers(&["200 OK", "200 OK"]).await;
    let notifier = notifier(&world, &receiver.url, NOBODY);
    let event = asked(&world).await;
    world.store.record(event.clone()).await.unwrap();
    world.store.record(event).await.unwrap();
    assert_eq!(notifier.deliver("dead").await.unwrap(), came(0, 1), "one try is enough to know");
    assert_eq!(notifier.due().await.unwrap(), ["ops"]);
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(2, 0));
    let said = world.store.outbox_state("dead").await.unwrap().said.unwrap();
    assert!(said.starts_with("unreachable") && !said.contains("http"), "{said}");
    let mut tries = 1;
    for _ in 0..48 {
        world.clock.advance(Span::from_minutes(60));
        tries += notifier.deliver("dead").await.unwrap().failed;
    }
    assert!(tries <= 26, "no storm: {tries}");
    let state = world.store.outbox_state("dead").await.unwrap();
    assert_eq!((state.waiting, state.given_up), (0, 2));
    let records = world.store.last_records(1).await.unwrap();
    let record: serde_json::Value = serde_json::from_slice(&records[0].1).unwrap();
    assert_eq!((&record["event"], &record["receiver"]), (&"messages_given_up".into(), &"dead".into()));
    assert!(!record.to_string().contains("127.0.0.1"), "{record}");
}

/// Spec: Standard Webhooks (410 Gone), RFC 9110 §10.2.3
/// Field: W8
#[tokio::test]
async fn a_receiver_may_ask_for_time_or_say_that_it_wants_no_more() {
    let world = Installation::start().await;
    let receiver = Receiver::answers(&["429 Slow\r\nretry-after: 600", "410 Gone", "200 OK"]).await;
    let notifier = notifier(&world, &receiver.url, NOBODY);
    let event = asked(&world).await;
    world.store.record(event.clone()).await.unwrap();
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 1));
    world.clock.advance(Span::from_seconds(599));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 0));
    world.clock.advance(Span::from_seconds(1));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 1));
    world.store.record(event.clone()).await.unwrap();
    world.clock.advance(Span::from_minutes(60));
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(0, 0), "it is told no more");
    let records = world.store.last_records(2).await.unwrap();
    assert!(records.iter().any(|(_, record)| String::from_utf8_lossy(record).contains("receiver_switched")));
    assert!(deliver::switch_on(&world.store, "ops").await.unwrap());
    assert!(!deliver::switch_on(&world.store, "ops").await.unwrap());
    world.store.record(event).await.unwrap();
    assert_eq!(notifier.deliver("ops").await.unwrap(), came(1, 0));
}

/// Field: W4
#[tokio::test]
async fn private_addresses_are_refused_unless_they_were_exempted() {
    let world = Installation::start().await;
    let url = |url: &str| json!({"webhooks": {"ops": {"url": url, "secret": SECRET}}});
    net::install_crypto_provider();
    for inside in ["https://127.0.0.1:9/", "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1/"] {
        let config = serde_json::from_value(url(inside)).unwrap();
        let receivers = Receivers::of(&config, None).unwrap();
        let answer = receivers.send("ops", ("msg_1", "{}"), world.store.now()).await.unwrap();
        assert!(format!("{answer:?}").contains("not_public"), "{inside}: {answer:?}");
    }
    let config = serde_json::from_value(url("http://127.0.0.1:1/")).unwrap();
    assert!(Receivers::of(&config, None).is_err(), "plain http leaves to nobody who was not exempted");
}
