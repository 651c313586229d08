//! Why a login page ends on a page that explains a failure.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use oauth::FormError;
use store::{StoreError, StoreSilent};
use web::{BadPage, Forged, fault, problem};

/// What is wrong, in a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error(transparent)]
    Page(#[from] BadPage),
    #[error("Too many people are logging in at this moment.")]
    Busy,
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
        match &self {
            Self::Page(page) => page.told(),
            Self::Busy => {
                tracing::info!(event = "page_refused", reason = %self);
                let to_do = "Go back and try again in a few seconds.";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                let mut response = problem(status, "Please wait a moment", &self.to_string(), to_do, None);
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
                response
            }
            Self::Store(_) | Self::Silent(_) => fault("login_failed", &self),
        }
    }
}
