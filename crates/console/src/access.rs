//! Who may enter: types that exist only for a visitor who holds the right.

use std::marker::PhantomData;

use axum::{
    extract::{FromRequest, FromRequestParts, OriginalUri, Request},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode, Uri, request::Parts};
use login::{SignedIn, signed_in};
use model::{Person, Role};
use oauth::Form;
use web::{LocalPath, login_first, problem};

use crate::{
    context::{Console, Shared},
    failure::{forbidden, store_failed},
};
use governance::inventory::blocked_person;

/// What a page demands of its visitor.
pub trait Right: Send + Sync + 'static {
    /// The right as a person would say it.
    const NAMED: &'static str;
    /// Whoever holds one of these may enter; nothing listed means everybody who is signed in.
    const ROLES: &'static [Role];
}

/// Everybody who is signed in.
pub struct Anyone;
/// Approvers and auditors.
pub struct Oversees;
/// Auditors.
pub struct Reads;
/// Administrators.
pub struct Administers;

impl Right for Anyone {
    const NAMED: &'static str = "anybody";
    const ROLES: &'static [Role] = &[];
}

impl Right for Oversees {
    const NAMED: &'static str = "approvers and auditors";
    const ROLES: &'static [Role] = &[Role::Approver, Role::Auditor];
}

impl Right for Reads {
    const NAMED: &'static str = "auditors";
    const ROLES: &'static [Role] = &[Role::Auditor];
}

impl Right for Administers {
    const NAMED: &'static str = "administrators";
    const ROLES: &'static [Role] = &[Role::Admin];
}

/// A visitor with the right `R`, who looks.
pub struct As<R> {
    /// Who.
    pub who: SignedIn,
    right: PhantomData<R>,
}

/// A visitor with the right `R`, who posted a form from a page of ours.
pub struct Posted<R> {
    /// Who.
    pub who: SignedIn,
    /// What they sent.
    pub form: Form,
    right: PhantomData<R>,
}

impl<R: Right> FromRequestParts<Shared> for As<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Shared) -> Result<Self, Response> {
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let who = console.visitor(&parts.method, uri, &parts.headers).await?;
        holds::<R>(&who.person)?;
        Ok(Self { who, right: PhantomData })
    }
}

impl<R: Right> FromRequest<Shared> for Posted<R> {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Shared) -> Result<Self, Response> {
        let headers = request.headers().clone();
        let who = console.visitor(request.method(), request.uri(), &headers).await?;
        holds::<R>(&who.person)?;
        let web::Posted(form) = web::Posted::from_request(request, console).await?;
        who.csrf.check(&headers, &console.config.public_url, &form).map_err(|forged| {
            tracing::warn!(event = "form_refused", person = %who.person.id, why = %forged, "a post was refused");
            problem(
                StatusCode::FORBIDDEN,
                "That form was not ours",
                &format!("Nothing was changed: {forged}."),
                &format!("Open {} in this browser, and send the form from there.", console.config.public_url.as_str()),
                None,
            )
        })?;
        Ok(Self { who, form, right: PhantomData })
    }
}

fn holds<R: Right>(person: &Person) -> Result<(), Response> {
    if R::ROLES.is_empty() || R::ROLES.iter().any(|role| person.holds(*role)) {
        return Ok(());
    }
    Err(forbidden(
        &format!("This page is for {}.", R::NAMED),
        "Your own agents and grants are under “My agents”. Roles are given in the configuration file.",
    ))
}

impl Console {
    /// The person at the other end, or the way to the login.
    async fn visitor(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<SignedIn, Response> {
        let found = signed_in(&self.store, self.cookies, headers).await.map_err(store_failed)?;
        let Some(who) = found else {
            // A form has to be filled in again after a login.
            let asked = if method == Method::GET { uri.path_and_query().map(|path| path.as_str()) } else { None };
            return Err(login_first(&asked.and_then(LocalPath::parse).unwrap_or(LocalPath::ROOT)));
        };
        match blocked_person(&self.store, &who.person.id) {
            Some(_) => Err(forbidden("Your access is revoked.", "Ask an administrator to restore it.")),
            None => Ok(who),
        }
    }
}
