//! The page that explains a failure: what happened, what to do, and under which number the log has it.

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use model::shown;

use crate::{incident::Incident, page::Page};

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    title: &'a str,
    happened: &'a str,
    to_do: &'a str,
    incident: Option<&'a Incident>,
}

/// A page for `status`: what happened and what to do, each a sentence or two for a person.
pub fn problem(status: StatusCode, title: &str, happened: &str, to_do: &str, incident: Option<&Incident>) -> Response {
    Page::new(title, &Problem { title, happened, to_do, incident }).status(status).into_response()
}

/// Nothing is at `uri`: a page for people, and no text for programs.
pub async fn nowhere(uri: Uri) -> Response {
    if is_for_programs(uri.path()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    problem(
        StatusCode::NOT_FOUND,
        "There is no such page",
        &format!("Nothing is at “{}”.", shown(uri.path(), 120)),
        "Check the address, or begin at the start page.",
        None,
    )
}

/// Something is at `uri`, and it is not looked at: what takes forms, when its address was typed or loaded again.
pub async fn only_forms(uri: Uri) -> Response {
    if is_for_programs(uri.path()) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "There is nothing to see here",
        "This address only takes what a form sends. Nothing was changed.",
        "Go back to the page with the form, or begin at the start page.",
        None,
    )
}

/// What programs ask for. People get to two pages below `/oauth/` as well.
fn is_for_programs(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let for_people = ["/oauth/authorize", "/oauth/consent", "/oauth/wait"].contains(&path);
    !for_people && FOR_PROGRAMS.into_iter().any(below)
}

const FOR_PROGRAMS: [&str; 9] =
    ["/.well-known", "/mcp", "/oauth", "/idp", "/api", "/access", "/audit/log", "/ssf", "/assets"];

/// An inner fault: its text goes to the log under an incident number, the person sees only the number.
///
/// `event` is the stable word in the log.
pub fn fault(event: &'static str, error: &dyn std::error::Error) -> Response {
    let incident = Incident::mint();
    tracing::error!(event, incident = %incident, error = %error, "a page could not be shown");
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "Something went wrong on our side",
        "Nothing was changed by this request, as far as we know.",
        "Try again in a moment. If it keeps happening, give the incident number to your operator.",
        Some(&incident),
    )
}
