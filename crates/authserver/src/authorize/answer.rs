//! The way back to the client: always 303, always with `iss`, and with `state` when there was one.
//!
//! Spec: RFC 6749 §4.1.2 and §4.1.2.1, RFC 9207 §2, RFC 9700 §4.12.

use axum::response::Response;
use pages::see_other;
use token::Opaque;

use super::request::Back;
use crate::{
    cx::Cx,
    error::{AuthorizeError, describable},
};

/// With a code. Spec: RFC 6749 §4.1.2
pub(super) fn code(cx: &Cx, back: &Back, code: &Opaque) -> Response {
    answer(cx, back, &[("code", code.expose())])
}

/// With an error. Spec: RFC 6749 §4.1.2.1
pub(super) fn error(cx: &Cx, back: &Back, error: &AuthorizeError) -> Response {
    tracing::info!(event = "authorization_refused", error = error.code().0, reason = %error);
    answer(cx, back, &[("error", error.code().0), ("error_description", &describable(&error.to_string()))])
}

fn answer(cx: &Cx, back: &Back, parameters: &[(&str, &str)]) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    if let Some(state) = &back.state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", cx.issuer());
    let joint = if back.redirect_uri.contains('?') { '&' } else { '?' };
    see_other(&format!("{}{joint}{}", back.redirect_uri, query.finish()))
}
