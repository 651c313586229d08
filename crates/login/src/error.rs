//! Why a login page ends on a page that explains a failure.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use oauth::FormError;
use store::{StoreError, StoreSilent};
use web::{fault, problem};

/// What is wrong, in a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("The link that brought you here is malformed: {0}.")]
    Malformed(#[from] FormError),
    #[error("The link that brought you here is too long.")]
    TooLong,
    #[error("This form was sent from another site, or belongs to an earlier login.")]
    Forged,
    #[error("This page is too old, or was answered before.")]
    Stale,
    #[error("Too many people are logging in at this moment.")]
    Busy,
    #[error("the store can not be reached")]
    Store(#[from] StoreError),
    #[error("the store has been silent for too long")]
    Silent(#[from] StoreSilent),
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, to_do) = match &self {
            Self::Store(_) | Self::Silent(_) => return fault("login_failed", &self),
            Self::Malformed(_) | Self::TooLong => (
                StatusCode::BAD_REQUEST,
                "That link can not be used",
                "Start again from the page or the application that sent you here.",
            ),
            Self::Forged => {
                (StatusCode::FORBIDDEN, "That form was not accepted", "Go back, reload the page and try again.")
            }
            Self::Stale => (
                StatusCode::GONE,
                "This page is no longer good",
                "Start again from the application that sent you here, or ask for a new link.",
            ),
            Self::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "Please wait a moment", "Go back and try again in a few seconds.")
            }
        };
        tracing::info!(event = "page_refused", reason = %self);
        let mut response = problem(status, title, &self.to_string(), to_do, None);
        if matches!(self, Self::Busy) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
