//! What the official SDKs do with a call that outlives its token, or is cut: the tool runs once.
//!
//! A help desk that takes six seconds for each call counts how often one is carried out. It answers in JSON, or as
//! a stream that begins at once. Tokens live for four seconds.

#![allow(clippy::unwrap_used, reason = "a test that can not be set up has failed")]

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::header,
    middleware::{self, Next},
    response::Response,
};
use portcullis_world::{Driver, Era, Sdk, World, WorldConfig};
use serde_json::json;
use tokio::net::TcpListener;

/// How long a call takes. Real time: the SDKs have no other.
const TAKES: Duration = Duration::from_secs(6);

/// How the help desk answers a call.
#[derive(Clone, Copy, Debug)]
enum Answers {
    /// In one piece, when it is done.
    Json,
    /// As a stream of events that begins at once.
    Events,
    /// As a stream of events that ends before its answer.
    Half,
}

/// A help desk that counts the calls it carries out.
struct Recorder {
    url: String,
    executed: Arc<AtomicUsize>,
}

impl Recorder {
    async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}{}", listener.local_addr().unwrap(), tickets::PATH);
        let executed = Arc::new(AtomicUsize::new(0));
        let counts = executed.clone();
        let slow =
            middleware::from_fn(move |request: Request, next: Next| slow(answers, counts.clone(), request, next));
        tokio::spawn(async move { axum::serve(listener, tickets::router().layer(slow)).await });
        Self { url, executed }
    }

    fn executed(&self) -> usize {
        self.executed.load(Ordering::SeqCst)
    }
}

async fn slow(answers: Answers, executed: Arc<AtomicUsize>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let is_call = String::from_utf8_lossy(&body).contains("\"tools/call\"");
    let request = Request::from_parts(head, Body::from(body));
    if !is_call {
        return next.run(request).await;
    }
    executed.fetch_add(1, Ordering::SeqCst);
    if let Answers::Half = answers {
        let progress = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"x\"}}\n\n";
        return Response::builder().header(header::CONTENT_TYPE, "text/event-stream").body(progress.into()).unwrap();
    }
    let message = async {
        tokio::time::sleep(TAKES).await;
        let body = to_bytes(next.run(request).await.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        let data = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|data| data.starts_with('{')));
        data.unwrap_or(&text).to_owned()
    };
    let kind = |kind: &'static str| Response::builder().header(header::CONTENT_TYPE, kind);
    match answers {
        Answers::Json => kind("application/json").body(Body::from(message.await)).unwrap(),
        Answers::Events | Answers::Half => {
            let event = async { Ok::<_, Infallible>(Bytes::from(format!("data: {}\n\n", message.await))) };
            kind("text/event-stream").body(Body::from_stream(futures_util::stream::once(event))).unwrap()
        }
    }
}

/// A client that is connected and has just been given its token.
async fn connected(sdk: &Sdk, era: Era, answers: Answers) -> Option<(World, Driver, Recorder)> {
    let recorder = Recorder::start(answers).await;
    let extra = "tokens: { access: 4s }\n".to_owned();
    let config = WorldConfig { extra, tickets: Some(recorder.url.clone()), ..WorldConfig::default() };
    let world = World::start_with(config).await;
    let mut client = Driver::start(sdk, era, &world)?;
    let mut ada = world.person("ada");
    let authorize = client.connect().await.authorize();
    client.callback(ada.allow(&authorize).await).await.done();
    Some((world, client, recorder))
}

async fn outlives_its_token(sdk: Sdk, era: Era, answers: Answers) {
    let Some((_world, mut client, recorder)) = connected(&sdk, era, answers).await else { return };
    let answer = client.call("get_ticket", json!({"id": "T-1041"})).await.done();
    assert!(answer.to_string().contains("T-1041"), "{sdk:?} {era:?} {answers:?}: {answer}");
    assert_eq!(recorder.executed(), 1, "{sdk:?} {era:?} {answers:?}");
}

async fn is_cut(sdk: Sdk, era: Era, answers: Answers) {
    let Some((world, mut client, recorder)) = connected(&sdk, era, answers).await else { return };
    let revoke = async {
        while recorder.executed() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.run(&["revoke", "person", "ada", "--reason", "a drill"]).await.succeeded();
    };
    let (answer, ()) = tokio::join!(client.call("get_ticket", json!({"id": "T-1041"})), revoke);
    let failure = answer.failed().to_string();
    assert!(failure.contains("may have been done"), "{sdk:?} {era:?} {answers:?}: {failure}");
    assert_eq!(recorder.executed(), 1, "{sdk:?} {era:?} {answers:?}");
}

async fn is_told_at_once(sdk: Sdk, era: Era) {
    let Some((_world, mut client, recorder)) = connected(&sdk, era, Answers::Half).await else { return };
    let asked = std::time::Instant::now();
    let failure = client.call("get_ticket", json!({"id": "T-1041"})).await.failed().to_string();
    assert!(failure.contains("may have been done"), "{sdk:?} {era:?}: {failure}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{sdk:?} {era:?}: it waited for its own time to run out");
    assert_eq!(recorder.executed(), 1, "{sdk:?} {era:?}");
}

const WAYS: [(Era, Answers); 4] = [
    (Era::Stateless, Answers::Json),
    (Era::Stateless, Answers::Events),
    (Era::Session, Answers::Json),
    (Era::Session, Answers::Events),
];

/// Field: G1, G2
#[tokio::test]
async fn typescript_gets_its_answer_although_its_token_ends_and_the_tool_runs_once() {
    futures_util::future::join_all(WAYS.map(|(era, answers)| outlives_its_token(Sdk::TypeScript, era, answers))).await;
}

/// Field: G1, G2
#[tokio::test]
async fn python_gets_its_answer_although_its_token_ends_and_the_tool_runs_once() {
    futures_util::future::join_all(WAYS.map(|(era, answers)| outlives_its_token(Sdk::Python, era, answers))).await;
}

/// Field: G1, G2
#[tokio::test]
async fn typescript_is_told_of_a_cut_call_and_does_not_send_it_again() {
    futures_util::future::join_all(WAYS.map(|(era, answers)| is_cut(Sdk::TypeScript, era, answers))).await;
}

/// Field: G1, G2
#[tokio::test]
async fn python_is_told_of_a_cut_call_and_does_not_send_it_again() {
    futures_util::future::join_all(WAYS.map(|(era, answers)| is_cut(Sdk::Python, era, answers))).await;
}

/// Field: G2
#[tokio::test]
async fn both_sdks_are_told_at_once_when_a_stream_ends_before_its_answer() {
    for sdk in [Sdk::TypeScript, Sdk::Python] {
        is_told_at_once(sdk.clone(), Era::Stateless).await;
        is_told_at_once(sdk, Era::Session).await;
    }
}
