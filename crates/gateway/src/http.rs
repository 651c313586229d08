//! The face of the gateway: its paths, who may ask them, and what a browser needs.
//!
//! Spec: MCP basic/transports/streamable-http; WHATWG Fetch (CORS).

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use net::{Body, BodyError};

use crate::{
    gateway::Gateway,
    metadata::{self, Document},
    preflight,
    protected_server::ProtectedServer,
    refusal::{Asked, Refusal, respond},
};

enum Route<'g> {
    Endpoint(&'g Arc<ProtectedServer>),
    Metadata(Document<'g>),
}

impl Gateway {
    /// Is this path the gateway's: an MCP endpoint or the metadata of one?
    pub fn owns(path: &str) -> bool {
        path.starts_with(ENDPOINTS) || path.starts_with(METADATA)
    }

    /// Answers one request to a path that it [owns](Self::owns).
    pub async fn handle<B>(self: &Arc<Self>, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let (parts, body) = request.into_parts();
        let route = match self.route(parts.uri.path()) {
            Ok(route) => route,
            Err(nothing) => return self.turn_away(&nothing),
        };
        if let Err(unknown) = self.host_guard.check(&parts.uri, &parts.headers) {
            return self.turn_away(&unknown.into());
        }
        match route {
            // That is enough for what is public: pages of every origin may read it.
            Route::Metadata(document) => metadata::answer(document, &parts).unwrap_or_else(|refusal| {
                let mut response = self.turn_away(&refusal);
                preflight::allow_everybody(response.headers_mut());
                response
            }),
            Route::Endpoint(server) => {
                let admitted = match self.origins.admit(&parts.headers) {
                    Ok(admitted) => admitted,
                    Err(foreign) => return self.turn_away(&foreign.into()),
                };
                let mut response = match parts.method {
                    Method::OPTIONS if admitted.origin.is_some() => preflight::answer(&parts.headers),
                    _ => self.endpoint(server, &parts, body).await,
                };
                admitted.expose(response.headers_mut());
                response
            }
        }
    }

    /// The raw path, compared once: no decoding, no dot segments, no second slash.
    fn route(&self, path: &str) -> Result<Route<'_>, Refusal> {
        let named = |name: &str| self.servers.get(name);
        // Many clients and people add a slash, or leave one off.
        let nearly = |name: &str| named(name.strip_suffix('/').unwrap_or_default());
        if let Some(name) = path.strip_prefix(ENDPOINTS) {
            let elsewhere = || nearly(name).map(|server| Refusal::Elsewhere(server.resource.clone()));
            return named(name).map(Route::Endpoint).ok_or_else(|| elsewhere().unwrap_or(Refusal::NotFound));
        }
        let below = path.strip_prefix(METADATA).ok_or(Refusal::NotFound)?;
        if matches!(below, "" | "/") {
            return Ok(Route::Metadata(Document::Root(&self.servers)));
        }
        let name = below.strip_prefix(ENDPOINTS).ok_or(Refusal::NotFound)?;
        let elsewhere = || nearly(name).map(|server| Refusal::Elsewhere(server.metadata_url.clone()));
        let document = named(name).map(|server| Route::Metadata(Document::Of(server)));
        document.ok_or_else(|| elsewhere().unwrap_or(Refusal::NotFound))
    }

    /// Somebody who is nobody yet.
    fn turn_away(&self, refusal: &Refusal) -> Response<Body> {
        if let Some(count) = self.refusals.line(refusal, self.store.now()) {
            tracing::info!(event = "request_refused", reason = refusal.reason().as_str(), why = %refusal, count);
        }
        respond(refusal, None, &Asked::default())
    }
}

const ENDPOINTS: &str = "/mcp/";
const METADATA: &str = "/.well-known/oauth-protected-resource";
