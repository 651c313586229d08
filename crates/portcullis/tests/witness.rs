//! A witness outside: what it knows, nobody who puts the whole directory back can take from it.

#![allow(clippy::unwrap_used)]

mod installation;

use std::{
    convert::Infallible,
    fs,
    path::Path,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use audit::{Checkpoint, Hash, check_consistency};
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{StatusCode, header};
use installation::Installation;
use model::{Clock, SystemClock};

/// As the specification has it: one size and one root for one log, moved on by proof alone.
///
/// Spec: C2SP tlog-witness, add-checkpoint
struct Witness {
    pair: Ed25519KeyPair,
    /// The verifier key of the log it knows; none at first.
    log: Option<String>,
    latest: Option<Checkpoint>,
    asked: u64,
    mood: Mood,
}

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Nothing.
    Honest,
    /// It begins, and never ends.
    Endless,
    /// It is 16 MiB long.
    Huge,
    /// It is somewhere else.
    Elsewhere,
    /// It is not what a witness says.
    Rubbish,
    /// A conflict that names no size.
    Conflict,
    /// A conflict that names a size nobody has seen, and another one each time.
    Liar,
    /// Signed two days ago, as an answer that somebody kept.
    Kept,
}

type Shared = Arc<Mutex<Witness>>;

impl Witness {
    async fn start() -> (Shared, u16) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
        let shared = Arc::new(Mutex::new(Self { pair, log: None, latest: None, asked: 0, mood: Mood::Honest }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/w/add-checkpoint", routing::post(add_checkpoint)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (shared, port)
    }

    fn hash(&self) -> Vec<u8> {
        let public = self.pair.public_key().as_ref();
        let text = [b"witness.test\n\x04", public].concat();
        digest::digest(&digest::SHA256, &text).as_ref()[..4].to_vec()
    }

    fn key(&self) -> String {
        let hash: String = self.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = BASE64_STANDARD.encode([&[4], self.pair.public_key().as_ref()].concat());
        format!("witness.test+{hash}+{key}")
    }

    fn answer(&mut self, body: &str) -> (StatusCode, &'static str, String) {
        let no = |status: StatusCode| (status, "text/plain", String::new());
        self.asked += 1;
        let (head, note) = body.split_once("\n\n").unwrap();
        let mut lines = head.lines();
        let old: u64 = lines.next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
        let proof: Vec<Hash> =
            lines.map(|line| Hash(BASE64_STANDARD.decode(line).unwrap().try_into().unwrap())).collect();
        let Some(log) = &self.log else { return no(StatusCode::NOT_FOUND) };
        let (origin, public) = audit::parse_verifier_key(log).unwrap();
        let Ok(new) = Checkpoint::open(note, &origin, &public) else { return no(StatusCode::FORBIDDEN) };
        let known = self.latest.as_ref().map_or(0, |latest| latest.size);
        if old > new.size {
            return no(StatusCode::BAD_REQUEST);
        }
        if old != known {
            return (StatusCode::CONFLICT, "text/x.tlog.size", format!("{known}\n"));
        }
        if let Some(latest) = &self.latest {
            if new.size == latest.size && new.root != latest.root {
                return (StatusCode::CONFLICT, "text/x.tlog.size", format!("{known}\n"));
            }
            if check_consistency(old, new.size, &proof, latest.root, new.root).is_err() {
                return no(StatusCode::UNPROCESSABLE_ENTITY);
            }
        } else if !proof.is_empty() {
            return no(StatusCode::UNPROCESSABLE_ENTITY);
        }
        let kept = if self.mood == Mood::Kept { 2 * 24 * 3600 } else { 0 };
        let time = SystemClock.now().seconds() as u64 - kept;
        let said = format!("cosignature/v1\ntime {time}\n{}\n{}\n{}\n", new.origin, new.size, new.root);
        self.latest = Some(new);
        let signature = self.pair.sign(said.as_bytes());
        let signature = [&self.hash(), &time.to_be_bytes()[..], signature.as_ref()].concat();
        (StatusCode::OK, "text/plain", format!("— witness.test {}\n", BASE64_STANDARD.encode(signature)))
    }
}

async fn add_checkpoint(State(witness): State<Shared>, body: String) -> Response {
    let mut witness = witness.lock().unwrap();
    let (status, kind, text) = witness.answer(&body);
    let of = |status: StatusCode, kind: &'static str, body: Body| (status, [(header::CONTENT_TYPE, kind)], body);
    let size = "text/x.tlog.size";
    match witness.mood {
        Mood::Honest | Mood::Kept => of(status, kind, text.into()).into_response(),
        Mood::Endless => of(StatusCode::OK, kind, Body::new(Endless)).into_response(),
        Mood::Huge => of(StatusCode::OK, kind, vec![b'x'; 16 << 20].into()).into_response(),
        Mood::Elsewhere => {
            (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, "http://127.0.0.1:1/x")]).into_response()
        }
        Mood::Rubbish => of(StatusCode::OK, kind, "<html>\nhello\n".into()).into_response(),
        Mood::Conflict => of(StatusCode::CONFLICT, "text/html", "conflict".into()).into_response(),
        Mood::Liar => of(StatusCode::CONFLICT, size, format!("{}\n", 900_000 + witness.asked).into()).into_response(),
    }
}

/// A body of which nothing ever comes.
struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// An installation that the witness knows, after its first start.
async fn watched() -> (Installation, Shared) {
    let (witness, port) = Witness::start().await;
    let key = witness.lock().unwrap().key();
    let installation = Installation::new(&format!(
        "people: {{ada: {{}}}}\naudit: {{witness: {{url: 'http://127.0.0.1:{port}/w/', key: '{key}'}}}}\n"
    ));
    let error = refuses(&installation).await;
    assert!(error.contains("audit.vkey"), "{error}");
    witness.lock().unwrap().log = Some(installation.read("data/audit.vkey"));
    (installation, witness)
}

/// The witness answers meanwhile.
async fn refuses(installation: &Installation) -> String {
    tokio::task::block_in_place(|| installation.refuses_to_serve())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn size(witness: &Shared) -> u64 {
    witness.lock().unwrap().latest.as_ref().map_or(0, |latest| latest.size)
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..2000 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not happen");
}

/// Field: N6
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_directory_that_is_put_back_is_noticed_by_what_the_witness_knows() {
    let (installation, witness) = watched().await;
    let serving = tokio::task::block_in_place(|| installation.serve());
    assert!(size(&witness) > 0, "a start shows what it opened");
    let serving = tokio::task::block_in_place(|| {
        assert_eq!(serving.terminate(), Some(0));
        copy(&installation.path("data"), &installation.path("kept"));
        installation.serve()
    });
    let before = size(&witness);
    tokio::task::block_in_place(|| installation.run(&["revoke", "person", "ada", "--reason", "a drill"]));
    until(|| size(&witness) > before).await;
    tokio::task::block_in_place(|| assert_eq!(serving.terminate(), Some(0)));
    fs::remove_dir_all(installation.path("data")).unwrap();
    copy(&installation.path("kept"), &installation.path("data"));
    let error = refuses(&installation).await;
    assert!(error.contains("an older copy of it was put back"), "{error}");
    let again = refuses(&installation).await;
    assert_eq!(again, error, "and the refusal itself wrote nothing that the witness takes for a newer log");
}

/// Field: N6
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_does_not_continue_what_the_witness_has_seen_stops_the_start_and_the_node_that_runs() {
    let (installation, witness) = watched().await;
    let serving = tokio::task::block_in_place(|| installation.serve());
    until(|| witness.lock().unwrap().asked >= 3).await;
    // Somebody else has shown it another log under our key.
    witness.lock().unwrap().latest.as_mut().unwrap().root = Hash([9; 32]);
    tokio::task::block_in_place(|| {
        let turned = installation.run(&["revoke", "person", "ada", "--reason", "a drill"]);
        assert_eq!(turned.status, Some(0), "the switch does not wait for a witness: {}", turned.said);
        assert!(serving.event("log_forked")["error"].as_str().unwrap().contains("does not continue it"));
        assert_eq!(serving.ends(), Some(2));
    });
    let error = refuses(&installation).await;
    assert!(error.contains("does not continue it"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_with_another_key_or_none_at_all_is_no_witness() {
    let (installation, witness) = watched().await;
    witness.lock().unwrap().pair = Ed25519KeyPair::from_seed_unchecked(&[6; 32]).unwrap();
    let error = refuses(&installation).await;
    assert!(error.contains("no signature by key `witness.test`"), "{error}");
    let text = installation.read("portcullis.yaml");
    let port = text.split("127.0.0.1:").last().unwrap().split('/').next().unwrap().to_owned();
    installation.write("portcullis.yaml", &text.replace(&port, "1"));
    let error = refuses(&installation).await;
    assert!(error.contains("audit.witness") && error.contains("no connection"), "{error}");
    installation.write("portcullis.yaml", &text.replace("witness.test+", "witness.test+0"));
    let error = refuses(&installation).await;
    assert!(error.contains("audit.witness.key") && error.contains("verifier key"), "{error}");
}

/// Field: N6
#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_witness_does_a_start_is_refused_in_time_and_says_why() {
    let (installation, witness) = watched().await;
    tokio::task::block_in_place(|| assert_eq!(installation.serve().terminate(), Some(0)));
    for (mood, words) in [
        (Mood::Endless, "did not answer within 10 s"),
        (Mood::Huge, "65536"),
        (Mood::Elsewhere, "names \"http://127.0.0.1:1/x\""),
        (Mood::Rubbish, "does not hold"),
        (Mood::Conflict, "409 without a size"),
        (Mood::Liar, "has seen 9"),
        (Mood::Kept, "old answer"),
    ] {
        witness.lock().unwrap().mood = mood;
        let began = Instant::now();
        let error = refuses(&installation).await;
        assert!(error.contains("audit.witness") && error.contains(words), "{mood:?}: {error}");
        assert!(began.elapsed() < Duration::from_secs(40), "{mood:?}: {:?}", began.elapsed());
    }
    witness.lock().unwrap().mood = Mood::Honest;
    tokio::task::block_in_place(|| assert_eq!(installation.serve().terminate(), Some(0)));
}

/// What a witness has not signed ends nothing at the first word, and no revocation waits for it.
///
/// Field: N6
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_runs_goes_on_without_its_witness_and_ends_only_when_it_insists() {
    let (installation, witness) = watched().await;
    let serving = tokio::task::block_in_place(|| installation.serve());
    let revoke = || {
        let began = Instant::now();
        for order in [["revoke", "person", "ada"], ["restore", "person", "ada"]] {
            let done = installation.run(&[&order[..], &["--reason", "a drill"]].concat());
            assert!(done.status == Some(0) && done.said.contains("the running node"), "{}", done.said);
        }
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    };
    for mood in [Mood::Endless, Mood::Rubbish, Mood::Kept] {
        witness.lock().unwrap().mood = mood;
        tokio::task::block_in_place(revoke);
        let away = tokio::task::block_in_place(|| serving.event("witness_away"));
        assert!(away["error"].is_string(), "{away}");
        witness.lock().unwrap().mood = Mood::Honest;
        tokio::task::block_in_place(revoke);
        tokio::task::block_in_place(|| serving.event("witness_back"));
    }
    witness.lock().unwrap().mood = Mood::Liar;
    tokio::task::block_in_place(|| {
        installation.run(&["revoke", "person", "ada", "--reason", "a drill"]);
        serving.event("witness_away");
        serving.event("log_forked");
        assert_eq!(serving.ends(), Some(2));
    });
}

/// One lie, and then the truth.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_witness_says_without_a_signature_is_forgotten_with_the_answer() {
    let (installation, witness) = watched().await;
    let serving = tokio::task::block_in_place(|| installation.serve());
    witness.lock().unwrap().mood = Mood::Liar;
    tokio::task::block_in_place(|| {
        installation.run(&["revoke", "person", "ada", "--reason", "a drill"]);
        let away = serving.event("witness_away");
        witness.lock().unwrap().mood = Mood::Honest;
        assert!(away["error"].as_str().unwrap().contains("has seen 9"), "{away}");
        serving.event("witness_back");
        assert_eq!(serving.terminate(), Some(0));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_named_with_the_witness_and_beside_the_file() {
    let (installation, _witness) = watched().await;
    let text = installation.read("portcullis.yaml");
    installation.write("portcullis.yaml", &text.replace("key: '", "ca_file: ./own-ca.pem, key: '"));
    let error = refuses(&installation).await;
    assert!(error.contains("audit.witness.ca_file: ./own-ca.pem can not be read"), "{error}");
    installation.write("own-ca.pem", "no certificate");
    let error = refuses(&installation).await;
    assert!(error.contains("audit.witness.ca_file: the certificate authorities can not be used"), "{error}");
    let authority = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap();
    installation.write("own-ca.pem", &authority.cert.pem());
    tokio::task::block_in_place(|| assert_eq!(installation.serve().terminate(), Some(0)));
}
