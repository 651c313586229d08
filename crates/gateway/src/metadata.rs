//! The metadata of a protected server: for everybody, from any page, cacheable for minutes.
//!
//! At the root of the well-known path there is no server. Clients look there all the same, when they know only the host.
//! Where one server is protected they get its document: it names the server's own resource, so who compares it with
//! what was asked for passes it over, as the RFC wants, and everybody else has found the server. Where there are
//! several, nobody can know which one was meant: the answer names all of them, as the authorization server's metadata
//! does.
//!
//! Spec: RFC 9728 §3.1, §3.2, §3.3

use std::{collections::HashMap, sync::Arc};

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use net::Body;

use crate::{preflight, protected_server::ProtectedServer, refusal::Refusal};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Document<'g> {
    /// The metadata of one server.
    Of(&'g ProtectedServer),
    /// What there is.
    Root(&'g HashMap<String, Arc<ProtectedServer>>),
}

/// The answer, or why there is none.
pub fn answer(document: Document<'_>, parts: &Parts) -> Result<Response<Body>, Refusal> {
    let mut response = match parts.method {
        Method::GET => Response::new(net::full(found(document)?.metadata.clone())),
        Method::HEAD => {
            let mut response = Response::new(net::empty());
            response.headers_mut().insert(header::CONTENT_LENGTH, found(document)?.metadata.len().into());
            response
        }
        Method::OPTIONS => preflight::answer(&parts.headers),
        _ => return Err(Refusal::MethodNotAllowed),
    };
    let headers = response.headers_mut();
    preflight::allow_everybody(headers);
    if response.status() == StatusCode::OK {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    }
    Ok(response)
}

fn found(document: Document<'_>) -> Result<&ProtectedServer, Refusal> {
    let servers = match document {
        Document::Of(server) => return Ok(server),
        Document::Root(servers) => servers,
    };
    let mut urls: Vec<&str> = servers.values().map(|server| server.metadata_url.as_str()).collect();
    urls.sort_unstable();
    match (servers.values().next(), urls.len()) {
        (None, _) => Err(Refusal::NotFound),
        (Some(only), 1) => Ok(only),
        _ => Err(Refusal::Elsewhere(urls.join(" or "))),
    }
}
