//! The authorization endpoint: from a link to a code, with a person in between.
//!
//! Nothing is stored until the person answers. The login page leads back to the same link, which is judged anew,
//! and the consent form carries the link sealed for the person and browser it was shown to. So a flow can not be begun by one
//! person and finished by another, and what is granted is what was shown. A form that comes twice gets one answer twice.
//!
//! Spec: RFC 6749 §4.1, RFC 7636, RFC 8707, RFC 9207, RFC 9700 §4; OAuth 2.1 §4.1, §7.13.2.
//!
//! Next: `request` reads the link, `plan` says what it would take, `consent` shows it, `consented` does it, `waiting` waits.

mod code_request;
mod consent;
mod consented;
mod for_task;
mod onward;
mod plan;
mod redirect;
mod repeated;
mod request;
mod ticket;
mod view;
mod waiting;

use std::sync::Arc;

use axum::response::Response;
pub(crate) use consent::decide;
use http::HeaderMap;
use login::signed_in;
use oauth::Form;
use view::Filled;
pub(crate) use waiting::{go_on, wait};
use web::{BadPage, LocalPath, login_first};

use crate::{
    context::Context,
    error::{AuthorizeError, PageError},
    paths,
};

/// `GET /oauth/authorize`
///
/// A stranger's link does nothing before somebody has logged in: nothing is fetched, recorded or redirected to.
///
/// Spec: RFC 6749 §4.1.1; OAuth 2.1 §7.13.2 (no redirect before the person has logged in)
pub(crate) async fn authorize(cx: &Arc<Context>, headers: &HeaderMap, query: &str) -> Result<Response, PageError> {
    cx.store.freshness()?;
    let here = LocalPath::parse(&format!("{}?{query}", paths::AUTHORIZE)).ok_or(BadPage::TooLong)?;
    let form = request::parse(query)?;
    let Some(person) = signed_in(&cx.store, cx.cookies, headers).await? else {
        return match request::must_stay_silent(&form) {
            true => not_logged_in(cx, &form),
            false => Ok(login_first(&here)),
        };
    };
    let addressed = request::addressed(cx, &form, &person.person).await?;
    if request::must_stay_silent(&form) {
        return Ok(onward::told(cx, &person, &addressed.client, &addressed.back, &AuthorizeError::ConsentRequired));
    }
    let wanted = match request::wanted(cx, &addressed, &form) {
        Ok(wanted) => wanted,
        Err(error) => return onward::refused(cx, &person, &addressed.client, &addressed.back, error).await,
    };
    match plan::plan(cx, &wanted, &person.person).await? {
        Ok(plan) => Ok(consent::page(cx, query, &wanted, &plan, &person, Filled::default())),
        Err(error) => onward::refused(cx, &person, &wanted.client, &wanted.back, error).await,
    }
}

/// `prompt=none` and nobody is logged in. Only a client that the operator registered is told so by a redirect:
/// anybody can publish a document, and we would be the way to wherever it points.
///
/// Spec: OpenID Connect Core §3.1.2.6, RFC 9700 §4.11.2
fn not_logged_in(cx: &Context, form: &Form) -> Result<Response, PageError> {
    let addressed = request::addressed_by_registered(cx, form).ok_or(PageError::NotLoggedIn)?;
    Ok(redirect::error(cx, &addressed.back, &AuthorizeError::LoginRequired))
}
