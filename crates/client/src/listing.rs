//! What a server lists, asked directly, in whichever era it speaks: its tools, its prompts and resources if it has any, and
//! what it says of itself.
//!
//! The answers are kept as they came. Which of the items in them exist is for the caller to say, who reads them as the
//! gate would.
//!
//! Spec: MCP 2026-07-28 server/tools, basic/versioning (fall back to `initialize` unless the
//! answer is a recognised modern error); MCP 2025-11-25 basic/lifecycle.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use mcp::{
    jsonrpc::{self, Malformed, code::METHOD_NOT_FOUND},
    list::List,
    method::SERVER_DISCOVER,
    revision::{Revision, header::VERSION, newest, newest_with_sessions},
    session,
    transport::http::{self as transport, Post},
};
use model::Secret;
use net::redirect::{HOPS, onward, shown};
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use crate::{ClientError, Endless, answer::Refusal, pages::Pages, send};

/// The pages of each list of a server, each one the JSON-RPC message as it came. Nothing in here is trusted.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// `tools/list`.
    pub tools: Vec<Vec<u8>>,
    /// `prompts/list`; empty when the server has none.
    pub prompts: Vec<Vec<u8>>,
    /// `resources/list`; empty when the server has none.
    pub resources: Vec<Vec<u8>>,
    /// `resources/templates/list`; empty when the server has none.
    pub templates: Vec<Vec<u8>>,
    /// The answer to `server/discover` or `initialize`, whichever its era has; `None` when it gives none.
    pub introduction: Option<Vec<u8>>,
    /// Which of these lists were not followed to their end, and why.
    pub endless: Vec<(List, Endless)>,
}

/// What is listed besides tools; a server that refuses has none.
const OTHERS: [List; 3] = [List::Prompts, List::Templates, List::Resources];
/// For each of them nobody waits longer: whoever has slow resources has tools all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The tools alone.
    Tools,
    /// The tools and the prompts, and what the server says of itself.
    Definitions,
    /// All of that and resources as well.
    Everything,
}

impl Extent {
    /// What is listed besides the tools.
    fn others(self) -> &'static [List] {
        match self {
            Self::Tools => &[],
            Self::Definitions => &OTHERS[..1],
            Self::Everything => &OTHERS,
        }
    }

    /// Is the server asked what it is?
    const fn introduces(self) -> bool {
        !matches!(self, Self::Tools)
    }
}

/// Lists what the server at `endpoint` has, with these headers on every request.
pub async fn list(
    web: &net::WebClient,
    endpoint: &str,
    headers: &BTreeMap<String, Secret>,
    extent: Extent,
) -> Result<Listing, ClientError> {
    let mut base = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream")),
        (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (header::USER_AGENT, HeaderValue::from_static(concat!("portcullis/", env!("CARGO_PKG_VERSION")))),
    ]);
    for (name, value) in headers {
        let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.expose())) else {
            return Err(ClientError::Unexpected {
                url: endpoint.to_owned(),
                what: format!("nothing: the configured header {name} is not a valid header"),
            });
        };
        value.set_sensitive(true);
        base.insert(name, value);
    }
    let asked = Asked { web, endpoint, headers: base };
    if let Some(tools) = asked.stateless(List::Tools).await? {
        let mut listing = Listing::default();
        listing.keep(List::Tools, tools);
        asked.others(extent, &mut listing).await;
        return Ok(listing);
    }
    let listed = asked.session(extent).await;
    if listed.is_ok() || !asked.has_no(List::Tools).await? {
        return listed;
    }
    // It speaks the newest revision, and has no tools.
    let mut listing = Listing::default();
    asked.others(extent, &mut listing).await;
    Ok(listing)
}

impl Listing {
    fn keep(&mut self, list: List, (pages, endless): Followed) {
        self.endless.extend(endless.map(|why| (list, why)));
        *match list {
            List::Tools => &mut self.tools,
            List::Prompts => &mut self.prompts,
            List::Resources => &mut self.resources,
            List::Templates => &mut self.templates,
        } = pages;
    }
}

/// The pages of a list, and why it was not followed to its end.
type Followed = (Vec<Vec<u8>>, Option<Endless>);

/// A server, and what every request to it carries.
struct Asked<'a> {
    web: &'a net::WebClient,
    endpoint: &'a str,
    headers: HeaderMap,
}

impl Asked<'_> {
    /// Sends what was written, with these headers besides its own.
    async fn post(&self, headers: &HeaderMap, post: Result<Post, Malformed>) -> Result<net::WebResponse, ClientError> {
        let mut post = post.map_err(|malformed| ClientError::Unexpected {
            url: self.endpoint.to_owned(),
            what: format!("nothing: {}", malformed.cause),
        })?;
        post.headers.extend(headers.clone());
        ask(self.web, Method::POST, self.endpoint, post.headers, post.body).await
    }

    /// `None`: the server does not speak the newest revision.
    async fn stateless(&self, list: List) -> Result<Option<Followed>, ClientError> {
        let mut pages = Pages::default();
        let mut cursor = Value::Null;
        loop {
            let post = transport::request(newest(), 1, list.method(), at(cursor));
            let response = self.post(&self.headers, post).await?;
            match page(&response, list) {
                Some((page, next)) => match pages.take(page, next) {
                    Ok(Some(next)) => cursor = next,
                    Ok(None) => return Ok(Some((pages.pages, None))),
                    Err(endless) => return Ok(Some((pages.pages, Some(endless)))),
                },
                // A server of the old era answers with an error of its own; one that wants credentials says so now.
                None => match Refusal::of(&response) {
                    Refusal::OfTheDoor(why) => return Err(why.at(self.endpoint)),
                    Refusal::Other(_) => return Ok(None),
                },
            }
        }
    }

    /// What there is besides tools, of a server that speaks the newest revision.
    async fn others(&self, extent: Extent, listing: &mut Listing) {
        if extent.introduces() {
            let post = transport::request(newest(), 1, SERVER_DISCOVER.name, json!({}));
            let discovered = self.post(&self.headers, post).await.ok();
            listing.introduction = discovered.and_then(|response| introduction(&response));
        }
        for &list in extent.others() {
            let listed = timeout(PATIENCE, self.stateless(list)).await;
            listing.keep(list, listed.map_or_else(|_| slow(), |listed| listed.ok().flatten().unwrap_or_default()));
        }
    }

    /// Does the server say, in the newest revision, that there is no such method?
    async fn has_no(&self, list: List) -> Result<bool, ClientError> {
        let response = self.post(&self.headers, transport::request(newest(), 1, list.method(), json!({}))).await?;
        let answer = transport::answer(&response.headers, &response.body).and_then(|text| jsonrpc::answer(&text));
        Ok(matches!(answer, Some(jsonrpc::Answer::Error { code, .. }) if code == i64::from(METHOD_NOT_FOUND)))
    }

    async fn session(&self, extent: Extent) -> Result<Listing, ClientError> {
        let revision = newest_with_sessions();
        let hello = json!({
            "protocolVersion": revision.name(), "capabilities": {},
            "clientInfo": {"name": "portcullis", "version": env!("CARGO_PKG_VERSION")},
        });
        let response = self.post(&self.headers, transport::request(revision, 1, "initialize", hello)).await?;
        let Some(hello) = result(&response).filter(Value::is_object) else {
            return Err(match Refusal::of(&response) {
                Refusal::OfTheDoor(why) => why.at(self.endpoint),
                Refusal::Other(says) => ClientError::Unexpected {
                    url: self.endpoint.to_owned(),
                    what: format!("{says} to tools/list and to initialize; is this the URL of an MCP endpoint?"),
                },
            });
        };
        let mut headers = self.headers.clone();
        if let Ok(version) = HeaderValue::from_str(hello["protocolVersion"].as_str().unwrap_or(revision.name())) {
            headers.insert(VERSION, version);
        }
        if let Some(session) = response.headers.get(session::HEADER) {
            headers.insert(session::HEADER, session.clone());
        }
        self.post(&headers, transport::notification(revision, "notifications/initialized")).await?;
        let mut listing = Listing { introduction: introduction(&response), ..Listing::default() };
        // Some servers have prompts or resources alone, and say so.
        let says_nothing = !hello["capabilities"].is_object();
        if says_nothing || hello["capabilities"]["tools"].is_object() {
            listing.keep(List::Tools, self.pages(&headers, revision, List::Tools).await?);
        }
        for &list in extent.others() {
            let capability = match list {
                List::Tools => "tools",
                List::Prompts => "prompts",
                List::Resources | List::Templates => "resources",
            };
            if hello["capabilities"][capability].is_object() {
                let listed = timeout(PATIENCE, self.pages(&headers, revision, list)).await;
                listing.keep(list, listed.map_or_else(|_| slow(), Result::unwrap_or_default));
            }
        }
        if headers.contains_key(session::HEADER) {
            // The session was ours alone; a server that keeps it loses nothing but memory.
            let _ = ask(self.web, Method::DELETE, self.endpoint, headers, String::new()).await;
        }
        Ok(listing)
    }

    async fn pages(&self, headers: &HeaderMap, revision: &dyn Revision, list: List) -> Result<Followed, ClientError> {
        let mut pages = Pages::default();
        let mut cursor = Value::Null;
        loop {
            let response = self.post(headers, transport::request(revision, 2, list.method(), at(cursor))).await?;
            let Some((page, next)) = page(&response, list) else {
                return Err(ClientError::Unexpected {
                    url: self.endpoint.to_owned(),
                    what: format!("{} to {}, and no list", Refusal::of(&response).says(), list.method()),
                });
            };
            match pages.take(page, next) {
                Ok(Some(next)) => cursor = next,
                Ok(None) => return Ok((pages.pages, None)),
                Err(endless) => return Ok((pages.pages, Some(endless))),
            }
        }
    }
}

/// Asks as the gateway does: sent on within the origin, and nowhere else.
async fn ask(
    web: &net::WebClient,
    method: Method,
    endpoint: &str,
    headers: HeaderMap,
    body: String,
) -> Result<net::WebResponse, ClientError> {
    let unexpected = |what: String| ClientError::Unexpected { url: endpoint.to_owned(), what };
    let mut url = Url::parse(endpoint).map_err(|_| unexpected("nothing: this is no URL".into()))?;
    let mut response = send(web, method.clone(), url.as_str(), headers.clone(), body.clone()).await?;
    for _ in 0..HOPS {
        let Some(next) = onward(&url, response.status, &response.headers) else { break };
        url = next;
        response = send(web, method.clone(), url.as_str(), headers.clone(), body.clone()).await?;
    }
    if response.status.is_redirection() {
        let target = shown(&response.headers);
        let status = response.status.as_u16();
        return Err(unexpected(format!(
            "status {status}, a redirect to {target}; if that is the server, write it as `url`"
        )));
    }
    Ok(response)
}

/// The parameters of a request for one page of a list.
fn at(cursor: Value) -> Value {
    if cursor.is_null() { json!({}) } else { json!({"cursor": cursor}) }
}

/// What the server says, when it answers the request.
fn result(response: &net::WebResponse) -> Option<Value> {
    match jsonrpc::answer(&transport::answer(&response.headers, &response.body)?)? {
        jsonrpc::Answer::Result(result) => Some(result),
        jsonrpc::Answer::Error { .. } => None,
    }
}

/// A list that was not waited for.
fn slow() -> Followed {
    (Vec::new(), Some(Endless::TooSlow))
}

/// The message with what a server says of itself, as it came.
fn introduction(response: &net::WebResponse) -> Option<Vec<u8>> {
    let text = transport::answer(&response.headers, &response.body)?;
    let is_one = response.status.is_success() && result(response).is_some_and(|result| result.is_object());
    is_one.then(|| text.to_vec())
}

/// The message with a list, as it came, and the cursor of the next page.
fn page(response: &net::WebResponse, list: List) -> Option<(Vec<u8>, Value)> {
    let text = transport::answer(&response.headers, &response.body)?;
    let result = result(response)?;
    let next = result.get("nextCursor").cloned().unwrap_or(Value::Null);
    (response.status.is_success() && result[list.member()].is_array()).then(|| (text.to_vec(), next))
}
