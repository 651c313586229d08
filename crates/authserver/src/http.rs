//! The routes. Handlers convert in, call one use case, convert out.
//!
//! The pages are for a browser that is here with its cookies. The endpoints for clients take none, so any
//! web page may call them (CORS `*` without credentials).

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use oauth::{Form, TokenRefusal, dpop_header::DPOP_NONCE};
use serde_json::json;
use web::Posted;

use crate::{
    authorize, completion,
    context::Context,
    error::{PageError, TokenError},
    metadata, paths, revocation, sender_constraint, step_up, token_endpoint,
};

type Shared = State<Arc<Context>>;

/// Every route of the authorization server.
pub(crate) fn router(cx: Arc<Context>) -> Router {
    // Each answers OPTIONS itself: whoever merges this router may have an answer of its own for other methods.
    let clients = Router::new()
        .route(paths::METADATA, get(metadata_document).options(preflight))
        .route(paths::JWKS, get(jwks).options(preflight))
        .route(paths::TOKEN, post(token).options(preflight))
        .route(paths::REVOKE, post(revoke).options(preflight))
        .route(paths::COMPLETE_TASK, post(complete_task).options(preflight))
        .layer(middleware::from_fn(any_origin));
    Router::new()
        .route(paths::AUTHORIZE, get(authorize_link))
        .route(paths::CONSENT, post(consent))
        .route(paths::WAIT, get(wait).post(go_on))
        .route(paths::STEP_UP, post(open_by_hand))
        .merge(clients)
        .with_state(cx)
}

/// Spec: RFC 8414 §3.2
async fn metadata_document(State(cx): Shared) -> Response {
    json_for(StatusCode::OK, &metadata::document(&cx), "public, max-age=300")
}

async fn jwks(State(cx): Shared) -> Response {
    json_for(StatusCode::OK, &metadata::jwks(&cx), "public, max-age=300")
}

/// Spec: RFC 6749 §3.2
async fn token(State(cx): Shared, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let outcome = match strict_form(&head.headers, body).await {
        Ok(form) => token_endpoint::answer(&cx, &head, form).await,
        Err(error) => Err(token_endpoint::refused(&cx, None, None, None, error).await),
    };
    let mut response = match outcome {
        Ok(response) => json_for(StatusCode::OK, &response, "no-store"),
        Err(error) => token_error(&head.headers, error),
    };
    if let Some(nonce) = sender_constraint::nonce(&cx, &head.headers) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

/// Spec: RFC 7009 §2.2
async fn revoke(State(cx): Shared, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let outcome = match strict_form(&head.headers, body).await {
        Ok(form) => revocation::answer(&cx, &head.headers, form).await,
        Err(error) => Err(token_endpoint::refused(&cx, None, None, None, error).await),
    };
    match outcome {
        Ok(()) => json_for(StatusCode::OK, &json!({}), "no-store"),
        Err(error) => token_error(&head.headers, error),
    }
}

async fn complete_task(State(cx): Shared, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let outcome = match strict_form(&head.headers, body).await {
        Ok(form) => completion::answer(&cx, &head.headers, form).await,
        Err(error) => Err(token_endpoint::refused(&cx, None, None, None, error).await),
    };
    match outcome {
        Ok(completed) => json_for(StatusCode::OK, &completed, "no-store"),
        Err(error) => token_error(&head.headers, error),
    }
}

async fn authorize_link(State(cx): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    shown(authorize::authorize(&cx, &headers, &query.unwrap_or_default()).await)
}

async fn consent(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(authorize::decide(&cx, &headers, &form).await)
}

async fn wait(State(cx): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    shown(authorize::wait(&cx, &headers, &query.unwrap_or_default()).await)
}

async fn go_on(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(authorize::go_on(&cx, &headers, &form).await)
}

async fn open_by_hand(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(step_up::step_up(&cx, &headers, &form).await)
}

fn shown(outcome: Result<Response, PageError>) -> Response {
    outcome.unwrap_or_else(PageError::into_response)
}

/// Spec: RFC 6749 §3.2 (parameters in the body, each once)
async fn strict_form(headers: &HeaderMap, body: Body) -> Result<Form, TokenError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(TokenError::NotAForm);
    }
    let bytes = net::receive(body, LARGEST_FORM).await.map_err(TokenError::Unread)?;
    Ok(Form::parse_allowing(&bytes, &["resource"])?)
}

/// Spec: RFC 6749 §5.2
fn token_error(headers: &HeaderMap, error: TokenError) -> Response {
    let status = error.status();
    let mut body = TokenRefusal {
        error: error.code().to_string(),
        error_description: error.description(),
        ..TokenRefusal::default()
    };
    if let TokenError::Pending(elevation, _) | TokenError::Denied(elevation) = &error {
        body.elevation_id = Some(elevation.clone());
    }
    if let TokenError::Pending(..) = &error {
        body.interval = Some(2);
    }
    let mut response = json_for(status, &body, "no-store");
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if status == StatusCode::UNAUTHORIZED && headers.contains_key(header::AUTHORIZATION) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"portcullis\""));
    }
    response
}

/// Spec: RFC 6749 §5.1 (no-store), RFC 8259
fn json_for(status: StatusCode, body: &impl serde::Serialize, cache: &'static str) -> Response {
    // INVARIANT: strings, numbers and lists of them always serialise.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, bytes).into_response()
}

/// Web pages may read these answers: nothing here depends on a cookie.
async fn any_origin(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in CORS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Asked by a browser before a page of another origin sends what a form could not.
///
/// Spec: Fetch (CORS-preflight fetch)
async fn preflight() -> StatusCode {
    StatusCode::NO_CONTENT
}

const CORS: [(&str, &str); 5] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, OPTIONS"),
    ("access-control-allow-headers", "authorization, content-type, dpop, mcp-protocol-version"),
    ("access-control-expose-headers", "www-authenticate, retry-after, dpop-nonce"),
    ("access-control-max-age", "86400"),
];

/// Largest form a client may send, in bytes.
const LARGEST_FORM: usize = 32 * 1024;
