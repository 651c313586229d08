//! What is told by mail arrives, or says why not, and a password is said to nobody in plain.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

extern crate portcullis_governance as governance;

mod support;

use std::sync::{Arc, Mutex};

use governance::notify::{Answer, Notifier, Receivers, subscriptions};
use model::{Actor, StepUp, Timestamp, config::Config, event::examples};
use serde_json::{Value, json};
use support::Installation;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// A mail server that answers each command as it is told to, and keeps what it was told.
struct MailServer {
    url: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// `answers` are to the commands that begin like this; everything else is fine.
    async fn answers(answers: &'static [(&'static str, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = said.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (read, mut write) = stream.into_split();
                let (mut lines, mut in_data) = (BufReader::new(read).lines(), false);
                let _ = write.write_all(b"220 mail.test\r\n").await;
                while let Ok(Some(line)) = lines.next_line().await {
                    kept.lock().unwrap().push(line.clone());
                    let scripted = answers.iter().find(|(command, _)| line.starts_with(command));
                    let answer = match (in_data, line.as_str()) {
                        (true, ".") => {
                            in_data = false;
                            "250 taken\r\n"
                        }
                        (true, _) => continue,
                        (false, _) if scripted.is_some() => scripted.unwrap().1,
                        (false, line) if line.starts_with("EHLO") => {
                            "250-mail.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN\r\n"
                        }
                        (false, "DATA") => {
                            in_data = true;
                            "354 go on\r\n"
                        }
                        (false, line) if line.starts_with("AUTH") => "235 welcome\r\n",
                        (false, "QUIT") => "221 bye\r\n",
                        (false, _) => "250 fine\r\n",
                    };
                    if write.write_all(answer.as_bytes()).await.is_err() || answer.starts_with("421") {
                        break;
                    }
                }
            }
        });
        Self { url, said }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

fn config(mail: Value, exempt: &[&str]) -> Config {
    net::install_crypto_provider();
    let servers =
        json!({"tickets": {"url": "http://127.0.0.1:3001/mcp"}, "files": {"url": "http://127.0.0.1:3002/mcp"}});
    let notify = json!({"exempt_hosts": exempt, "mail": {"ops": mail}});
    serde_json::from_value(json!({"public_url": "https://gw.test", "servers": servers, "notify": notify})).unwrap()
}

fn receivers(mail: Value, exempt: &[&str]) -> Result<Receivers, String> {
    Receivers::of(&config(mail, exempt).notify, None).map_err(|error| error.to_string())
}

fn ops(server: &str) -> Value {
    json!({"server": server, "from": "Portcullis <gw@acme.test>", "to": ["Ops <ops@acme.test>", "bob@acme.test"],
           "username": "gw", "password": "hunter2"})
}

async fn told(receivers: &Receivers) -> Answer {
    let body = model::Message::test().body("https://gw.test", Timestamp::from_seconds(1_800_000_000));
    receivers.send("ops", ("msg_1", &body), Timestamp::from_seconds(1_800_000_000)).await.unwrap()
}

/// Spec: RFC 5321 §3.3, RFC 5322 §3.6.4, RFC 3834 §5
#[tokio::test]
async fn an_approval_that_is_asked_for_is_mailed_to_everybody_named_once() {
    let world = Installation::start().await;
    let server = MailServer::answers(&[]).await;
    let config = config(ops(&server.url), &["127.0.0.1"]);
    world.store.tell(subscriptions::of(&config));
    let notifier = Notifier::new(world.store.clone(), Arc::new(Receivers::of(&config.notify, None).unwrap()));
    let id = world.request("elv_one", "grt_claude", "tickets.delete_ticket").await;
    let elevation = world.store.elevation(&id).await.unwrap().unwrap();
    let mut requested = examples::elevation_requested(&elevation);
    requested.of.by = StepUp::Approval;
    world.store.record(requested.by(Actor::System)).await.unwrap();
    let delivered = notifier.deliver("ops").await.unwrap();
    assert_eq!((delivered.taken, delivered.failed), (1, 0));
    let again = notifier.deliver("ops").await.unwrap();
    assert_eq!((again.taken, again.failed), (0, 0), "it was taken");

    let said = server.said();
    for line in ["EHLO acme.test", "MAIL FROM:<gw@acme.test>", "RCPT TO:<ops@acme.test>", "RCPT TO:<bob@acme.test>"] {
        assert!(said.iter().any(|one| one.starts_with(line)), "{line}: {said:#?}");
    }
    let text = said.join("\n");
    for part in [
        "Subject: [Portcullis] ",
        "Message-ID: <msg_",
        "@acme.test>",
        "Auto-Submitted: auto-generated",
        "https://gw.test/console/approvals/elv_one",
        "tickets.delete_ticket",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(&elevation.reason), "the words of an agent are nobody's mail: {text}");
}

/// What is so for every mail holds up this receiver; what is so for one mail does not.
///
/// Spec: RFC 5321 §4.2.1
/// Field: W12
#[tokio::test]
async fn a_server_that_refuses_says_why_and_the_password_is_in_no_error() {
    for (answers, is_away, why) in [
        (&[("RCPT TO:<bob", "550 no such user hunter\r\n")][..], false, "no such user"),
        (&[("MAIL", "451 try later\r\n")], true, "try later"),
        (&[("AUTH", "535 wrong password\r\n")], true, "the server did not take the password"),
        (&[("EHLO", "421 too busy\r\n"), ("HELO", "421 too busy\r\n")], true, ""),
        (&[("MAIL", "nonsense\r\n")], true, ""),
    ] {
        let server = MailServer::answers(answers).await;
        let answer = told(&receivers(ops(&server.url), &["127.0.0.1"]).unwrap()).await;
        let Answer::Failed { said, away, .. } = &answer else { panic!("{answer:?}") };
        assert!(*away == is_away && said.contains(why), "{answers:?}: {answer:?}");
        assert!(!said.contains("hunter2") && !said.contains("aHVudGVyMg"), "{said}");
    }
    let nobody = receivers(ops("smtps://127.0.0.1:1"), &["127.0.0.1"]).unwrap();
    assert!(matches!(told(&nobody).await, Answer::Failed { away: true, .. }));
}

/// Attack: whoever sits between drops the offer of STARTTLS, and is told the password.
///
/// Spec: RFC 3207 §6, RFC 8314 §3
/// Field: W11
#[tokio::test]
async fn a_password_is_said_in_plain_to_exempted_hosts_alone_and_starttls_that_is_offered_is_used() {
    let offers: &[(&str, &str)] = &[("EHLO", "250-mail.test\r\n250 STARTTLS\r\n"), ("STARTTLS", "220 go on\r\n")];
    let server = MailServer::answers(offers).await;
    let answer = told(&receivers(ops(&server.url), &["127.0.0.1"]).unwrap()).await;
    assert!(matches!(answer, Answer::Failed { away: true, .. }), "it speaks no TLS afterwards: {answer:?}");
    let said = server.said();
    assert!(
        said.iter().any(|line| line == "STARTTLS") && !said.iter().any(|line| line.starts_with("AUTH")),
        "{said:?}"
    );
    // Not exempted: the address is not even dialled, and a name that leads there neither.
    let server = MailServer::answers(&[]).await;
    for url in [server.url.clone(), server.url.replace("127.0.0.1", "localhost")] {
        let answer = told(&receivers(ops(&url), &[]).unwrap()).await;
        let Answer::Failed { said, away: true, .. } = &answer else { panic!("{answer:?}") };
        assert!(said.contains("exempt_hosts"), "{said}");
    }
    assert!(server.said().is_empty());
}

#[test]
fn what_can_not_be_mailed_is_named_and_no_password_is_repeated() {
    let with = |change: Value| {
        let mut mail = ops("smtps://mail.acme.test");
        change.as_object().unwrap().iter().for_each(|(name, value)| mail[name] = value.clone());
        receivers(mail, &[]).err().unwrap_or_default()
    };
    assert_eq!(with(json!({})), "");
    for (change, why) in [
        (json!({"server": "https://mail.acme.test"}), "is not smtps://HOST"),
        (json!({"server": "smtps://gw:hunter2@mail.acme.test"}), "write `username` and `password`"),
        (json!({"server": "smtp://mail.acme.test/?tls=none"}), "more than a host and a port"),
        (json!({"server": "mail.acme.test"}), "is not"),
        (json!({"server": "smtp://"}), "names no host"),
        (json!({"from": "nobody"}), "from: `nobody` is not a mail address"),
        (json!({"to": ["ops@acme.test\r\nBcc: eve@evil.test"]}), "is not a mail address"),
        (json!({"to": []}), "name at least one address"),
        (json!({"username": null}), "username and password go together"),
        (json!({"password": null}), "username and password go together"),
    ] {
        let said = with(change.clone());
        assert!(said.starts_with("notify.mail.ops") && said.contains(why), "{change}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let both = json!({"public_url": "https://gw.test", "notify": {
        "mail": {"ops": ops("smtps://mail.acme.test")},
        "webhooks": {"ops": {"url": "https://h.test/", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
    }});
    let both: Config = serde_json::from_value(both).unwrap();
    let said = Receivers::of(&both.notify, None).err().unwrap().to_string();
    assert!(said.contains("there is a webhook of that name"), "{said}");
}

/// Who looks after one server hears of that one alone.
#[tokio::test]
async fn a_receiver_of_some_servers_is_told_of_these() {
    let world = Installation::start().await;
    let mut mail = ops("smtp://127.0.0.1:1");
    mail["servers"] = json!(["files"]);
    world.store.tell(subscriptions::of(&config(mail.clone(), &[])));
    let id = world.request("elv_one", "grt_claude", "tickets.delete_ticket").await;
    let elevation = world.store.elevation(&id).await.unwrap().unwrap();
    let mut requested = examples::elevation_requested(&elevation);
    requested.of.by = StepUp::Approval;
    let event = requested.by(Actor::System);
    world.store.record(event.clone()).await.unwrap();
    assert_eq!(world.store.outbox_state("ops").await.unwrap().waiting, 0);
    mail["servers"] = json!(["tickets"]);
    world.store.tell(subscriptions::of(&config(mail, &[])));
    world.store.record(event).await.unwrap();
    assert_eq!(world.store.outbox_state("ops").await.unwrap().waiting, 1);
}
