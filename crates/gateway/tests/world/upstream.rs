//! An MCP server that says what it is told to say.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Script = Box<dyn FnMut(&Arrived) -> Option<Response> + Send>;

#[derive(Default)]
struct Shared {
    arrived: Mutex<Vec<Arrived>>,
    script: Mutex<Option<Script>>,
    hangs: AtomicBool,
    held: watch::Sender<bool>,
    /// Only requests of this method are held.
    holds_only: Mutex<Option<Method>>,
}

/// An MCP server on loopback.
pub struct Upstream {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
}

impl Upstream {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { shared, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.shared.arrived.lock().unwrap().clone()
    }

    pub fn last(&self) -> Arrived {
        self.arrived().pop().expect("something arrived")
    }

    /// Waits until something arrived.
    pub async fn first(&self) {
        self.nth(1).await;
    }

    /// Waits until so many have arrived.
    pub async fn nth(&self, count: usize) {
        while self.arrived().len() < count {
            tokio::task::yield_now().await;
        }
    }

    #[track_caller]
    pub fn got_nothing(&self) {
        assert!(self.arrived().is_empty(), "{:?}", self.arrived());
    }

    /// Takes requests from now on and never answers.
    pub fn hangs(&self) {
        self.shared.hangs.store(true, Ordering::SeqCst);
    }

    /// Takes requests from now on, and answers when it [goes on](Self::goes_on).
    pub fn holds(&self) {
        self.shared.held.send_replace(true);
    }

    /// The same for requests of one method.
    pub fn holds_only(&self, method: Method) {
        *self.shared.holds_only.lock().unwrap() = Some(method);
        self.holds();
    }

    pub fn goes_on(&self) {
        self.shared.held.send_replace(false);
    }

    /// Answers with this from now on; `None` is the usual answer.
    pub fn answers(&self, script: impl FnMut(&Arrived) -> Option<Response> + Send + 'static) {
        *self.shared.script.lock().unwrap() = Some(Box::new(script));
    }
}

/// A response with these headers.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// A stream of events that stays open as long as the sender is kept.
pub fn stream() -> (mpsc::UnboundedSender<String>, Response) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    let events = futures_util::stream::poll_fn(move |cx| {
        receiver.poll_recv(cx).map(|event| event.map(Ok::<_, std::convert::Infallible>))
    });
    (sender, reply(200, &[("content-type", "text/event-stream")], Body::from_stream(events)))
}

pub const TOOLS: [&str; 5] = ["get_ticket", "create_ticket", "delete_ticket", "mystery", "get_größe"];

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let arrived = Arrived { method: parts.method, path: parts.uri.path().into(), headers: parts.headers, body };
    shared.arrived.lock().unwrap().push(arrived.clone());
    if shared.hangs.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let passes = shared.holds_only.lock().unwrap().as_ref().is_some_and(|held| *held != arrived.method);
    if !passes {
        let _ = shared.held.subscribe().wait_for(|held| !held).await;
    }
    let scripted = shared.script.lock().unwrap().as_mut().and_then(|script| script(&arrived));
    scripted.unwrap_or_else(|| usual(&arrived))
}

fn usual(arrived: &Arrived) -> Response {
    let json = [("content-type", "application/json")];
    if arrived.method != Method::POST {
        return reply(405, &[], "");
    }
    let message: Value = serde_json::from_slice(&arrived.body).unwrap();
    let Some(id) = message.get("id") else { return reply(202, &[], "") };
    let result = match message["method"].as_str() {
        Some("tools/list") => {
            let tools: Vec<_> =
                TOOLS.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
            json!({"tools": tools, "nextCursor": "n", "ttlMs": 60000, "cacheScope": "public", "resultType": "complete"})
        }
        _ => json!({"content": [{"type": "text", "text": "done"}], "resultType": "complete"}),
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
    match message["method"].as_str() {
        Some("initialize") => reply(200, &[json[0], ("mcp-session-id", "upstream-session-1")], answer),
        _ => reply(200, &json, answer),
    }
}
