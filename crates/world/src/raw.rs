//! An MCP client with nothing between a test and the wire.

use mcp::{revision, transport::http};
use serde_json::{Value, json};

/// Speaks the newest revision with one token, or none when it is empty, one request at a time.
#[derive(Clone)]
pub struct Raw {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// An answer as it was on the wire.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// The body.
    pub body: String,
}

impl Raw {
    /// A client of the endpoint at `url`.
    ///
    /// # Panics
    /// When the platform has no HTTP client to offer.
    pub fn at(url: String, token: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { client, url, token: token.to_owned() }
    }

    /// Calls a tool.
    pub async fn call(&self, tool: &str, arguments: Value) -> Answer {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// Any request, and the whole answer.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn ask(&self, method: &str, params: Value) -> Answer {
        let response = self.open(method, params).await;
        let challenge = response.headers().get("www-authenticate");
        let challenge = challenge.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let status = response.status().as_u16();
        Answer { status, challenge, body: response.text().await.expect("a whole answer") }
    }

    /// Any request, and its answer as it begins: what follows may be a stream.
    ///
    /// # Panics
    /// When nobody answers.
    pub async fn open(&self, method: &str, params: Value) -> reqwest::Response {
        self.try_open(method, params).await.expect("an answer from the gateway")
    }

    /// Any request, where nobody may be there to answer.
    ///
    /// # Errors
    /// When nobody answers.
    ///
    /// # Panics
    /// When the gate could not read what is asked.
    pub async fn try_open(&self, method: &str, mut params: Value) -> reqwest::Result<reqwest::Response> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
        });
        let post = http::request(revision::newest(), 1, method, params).expect("a message that the gate reads");
        let mut request = self.client.post(&self.url).headers(post.headers);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        request.body(post.body).send().await
    }
}
