//! A refusal that nobody on a page has chosen, on its way back to the client.
//!
//! Anybody can publish a metadata document that names any redirect. A link of ours that fails at once and sends the
//! browser on would lead people from our address to wherever that document points, whoever is signed in. So the
//! person sees a page, and goes on by their own hand. Clients that the operator registered are answered at once.
//!
//! Spec: RFC 9700 §4.11.2 (the authorization server as an open redirector).

use askama::Template;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use login::SignedIn;
use web::{FormTargets, Page};

use super::{redirect, request::RedirectTarget};
use crate::{
    clients::Resolved,
    context::Context,
    error::{AuthorizeError, PageError},
};

#[derive(Template)]
#[template(path = "onward.html")]
struct Onward<'a> {
    client_name: String,
    client_id: String,
    happened: String,
    policies: &'a [String],
    redirect_host: String,
    onward: String,
}

/// Back with an error, for which nobody has to answer.
pub(super) fn told(
    cx: &Context,
    person: &SignedIn,
    client: &Resolved,
    back: &RedirectTarget,
    error: &AuthorizeError,
) -> Response {
    if !client.client.id.is_metadata_url() {
        return redirect::error(cx, back, error);
    }
    redirect::say(error, true);
    let content = Onward {
        client_name: client.client.name.clone(),
        client_id: client.client.id.to_string(),
        happened: sentence(&error.to_string()),
        policies: error.policies(),
        redirect_host: oauth::redirect::host(&back.redirect_uri).unwrap_or_default(),
        onward: redirect::error_address(cx, back, error),
    };
    let page = Page::new("Not allowed", &content).of(person).status(StatusCode::BAD_REQUEST);
    page.forms_lead(FormTargets::Onward).into_response()
}

/// The same, with its record.
pub(super) async fn refused(
    cx: &Context,
    person: &SignedIn,
    client: &Resolved,
    back: &RedirectTarget,
    error: AuthorizeError,
) -> Result<Response, PageError> {
    redirect::record_refusal(cx, person, client, &error).await?;
    Ok(told(cx, person, client, back, &error))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
