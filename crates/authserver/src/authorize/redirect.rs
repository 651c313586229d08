//! The way back to the client: always 303, always with `iss`, and with `state` when there was one.
//!
//! Spec: RFC 6749 §4.1.2 and §4.1.2.1, RFC 9207 §2, RFC 9700 §4.12.

use axum::response::Response;
use crypto::Opaque;
use login::SignedIn;
use model::{Actor, event::AuthorizationRefused};
use web::see_other;

use super::request::RedirectTarget;
use crate::{
    clients::Resolved,
    context::Context,
    error::{AuthorizeError, PageError, describable},
};

/// With a code. Spec: RFC 6749 §4.1.2
pub(super) fn code(cx: &Context, back: &RedirectTarget, code: &Opaque) -> Response {
    see_other(&address(cx, back, &[("code", code.expose())]))
}

/// With an error. Spec: RFC 6749 §4.1.2.1
pub(super) fn error(cx: &Context, back: &RedirectTarget, error: &AuthorizeError) -> Response {
    say(error, false);
    see_other(&error_address(cx, back, error))
}

/// The line in the log; does the person see a `page` first?
pub(super) fn say(error: &AuthorizeError, page: bool) {
    let policies = (!error.policies().is_empty()).then(|| error.policies().join(", "));
    tracing::info!(event = "authorization_refused", error = error.code().as_str(), reason = %error, policies, page);
}

/// Where [`error`] leads.
pub(super) fn error_address(cx: &Context, back: &RedirectTarget, error: &AuthorizeError) -> String {
    address(cx, back, &[("error", error.code().as_str()), ("error_description", &describable(&error.to_string()))])
}

/// With an error that `person` did not choose, and the record of it.
pub(super) async fn refused(
    cx: &Context,
    person: &SignedIn,
    client: &Resolved,
    back: &RedirectTarget,
    error: AuthorizeError,
) -> Result<Response, PageError> {
    record_refusal(cx, person, client, &error).await?;
    Ok(self::error(cx, back, &error))
}

/// The record of a refusal by the rules.
pub(super) async fn record_refusal(
    cx: &Context,
    person: &SignedIn,
    client: &Resolved,
    error: &AuthorizeError,
) -> Result<(), PageError> {
    let person = &person.person.id;
    let refused = AuthorizationRefused {
        person: person.clone(),
        agent: None,
        client: client.client.id.clone(),
        cause: error.cause(),
        error: error.code(),
        elevation: match error {
            AuthorizeError::ElevationDenied(elevation) => Some(elevation.clone()),
            _ => None,
        },
        policies: error.policies().to_vec(),
    };
    cx.store.record(refused.by(Actor::Person(person.clone()))).await?;
    Ok(())
}

fn address(cx: &Context, back: &RedirectTarget, parameters: &[(&str, &str)]) -> String {
    oauth::redirect::answer(&back.redirect_uri, parameters, back.state.as_deref(), cx.issuer())
}
