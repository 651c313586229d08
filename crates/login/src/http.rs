//! The routes of the login pages.

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use web::Posted;

use crate::{change_password, context::Context, enrolment, error::PageError, log_in, paths};

type Shared = State<Arc<Context>>;

/// Every page.
pub(crate) fn router(cx: Arc<Context>) -> Router {
    Router::new()
        .route(paths::LOGIN, get(login_page).post(log_in))
        .route(paths::LOGOUT, post(log_out))
        .route(paths::ENROL, get(enrolment_page).post(enrol))
        .route(paths::PASSWORD, get(password_page).post(change_password))
        .with_state(cx)
}

async fn login_page(State(cx): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    shown(log_in::login_page(&cx, &headers, &query.unwrap_or_default()).await)
}

async fn log_in(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(log_in::login(&cx, &headers, &form).await)
}

async fn log_out(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(log_in::leave(&cx, &headers, &form).await)
}

async fn enrolment_page(State(cx): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    shown(enrolment::enrolment(&cx, &headers, &query.unwrap_or_default()).await)
}

async fn enrol(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(enrolment::enrol(&cx, &headers, &form).await)
}

async fn password_page(State(cx): Shared, headers: HeaderMap) -> Response {
    shown(change_password::change_page(&cx, &headers).await)
}

async fn change_password(State(cx): Shared, headers: HeaderMap, Posted(form): Posted) -> Response {
    shown(change_password::change(&cx, &headers, &form).await)
}

fn shown(outcome: Result<Response, PageError>) -> Response {
    outcome.unwrap_or_else(PageError::into_response)
}
