//! Causes become wire codes here and nowhere else.
//!
//! One variant per cause. The code and the stable word for the audit are chosen together, without a
//! `_` arm: a new cause must choose both.
//!
//! Spec: RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9126 §2.3, RFC 9449 §5 and §8.

mod authorize;
mod token;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use model::Scope;
use oauth::FormError;
use store::{MatchingNumber, StoreError, StoreSilent};
use web::{BadPage, Forged, fault, problem};

use crate::clients::ClientRefusal;
pub(crate) use authorize::AuthorizeError;
pub(crate) use token::TokenError;

/// What the agent has to do first.
fn call(scope: &Scope) -> String {
    format!("call `{scope}`")
}
/// For the person who decides, by the mouth of the one who asked.
fn told(number: Option<MatchingNumber>) -> String {
    number.map_or_else(String::new, |number| format!(" and needs to be told the number {number}"))
}

/// Why an authorization request ends on a page of ours: there is nobody it may safely be sent back to,
/// or the page itself is stale.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Page(#[from] BadPage),
    #[error("This application may not ask for access: {0}.")]
    Client(ClientRefusal),
    #[error("The application did not say where to send you back to, or named a place that is not registered for it.")]
    Redirect,
    #[error("You allowed this a moment ago, and the application may have it by now.")]
    AllowedBefore,
    #[error("The application wants an answer without any page, and you are not logged in here.")]
    NotLoggedIn,
    #[error("There is no grant of that number, or it is about somebody else’s agent.")]
    NotTheirs,
    #[error("Nothing was opened: {0}.")]
    StepUp(AuthorizeError),
    #[error("Nobody was asked: the form does not say why it is needed.")]
    NoReason,
    #[error("the store can not be reached")]
    Store(#[from] StoreError),
    #[error("the store has been silent for too long")]
    Silent(#[from] StoreSilent),
}

impl From<FormError> for PageError {
    fn from(error: FormError) -> Self {
        Self::Page(error.into())
    }
}

impl From<Forged> for PageError {
    fn from(forged: Forged) -> Self {
        Self::Page(forged.into())
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, to_do) = match &self {
            Self::Page(page) => return page.told(),
            Self::Store(_) | Self::Silent(_) => return fault("authorization_failed", &self),
            Self::Client(_) => (
                StatusCode::FORBIDDEN,
                "This application was turned away",
                "If you trust it, ask your administrator to allow it. The reason has been recorded.",
            ),
            Self::Redirect => (
                StatusCode::BAD_REQUEST,
                "You can not be sent back safely",
                "Start again from the application that sent you here. If this comes again, tell its maker.",
            ),
            Self::AllowedBefore => {
                (StatusCode::CONFLICT, "It was allowed already", "End it under “My agents” if you did not mean it.")
            }
            Self::NotLoggedIn => (
                StatusCode::FORBIDDEN,
                "You have to log in first",
                "Log in here, then start again from the application that sent you here.",
            ),
            Self::NotTheirs => (StatusCode::NOT_FOUND, "Not yours to open", "Your own agents are under “My agents”."),
            Self::StepUp(_) => {
                (StatusCode::CONFLICT, "Nothing was changed", "Go back to “My agents” and look at where things stand.")
            }
            Self::NoReason => (
                StatusCode::BAD_REQUEST,
                "Say why it is needed",
                "Go back and write a few words: they are what the approver reads before deciding.",
            ),
        };
        tracing::info!(event = "page_refused", reason = %self);
        let mut happened = self.to_string();
        if let Self::StepUp(error) = &self
            && !error.policies().is_empty()
        {
            happened += &format!(" The policy that says so: {}.", error.policies().join(", "));
        }
        problem(status, title, &happened, to_do, None)
    }
}

/// Only the characters an `error_description` may have. Spec: RFC 6749 §4.1.2.1 and §5.2
pub(crate) fn describable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).take(300).collect()
}
