//! Why a link or a form of ours was refused, for the causes that every page has.

use axum::response::Response;
use http::StatusCode;
use oauth::FormError;

use crate::{csrf::Forged, problem::problem};

/// What is wrong with the link or the form, in a sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum BadPage {
    /// The link has a parameter twice, or lacks one.
    #[error("The link that brought you here is malformed: {0}.")]
    Malformed(#[from] FormError),
    /// The link names something that can not be; which, in a sentence.
    #[error("{0}")]
    Wrong(String),
    /// The link is longer than any of ours.
    #[error("The link that brought you here is too long.")]
    TooLong,
    /// The form was not made for this browser and login.
    #[error("This form was sent from another site, or belongs to an earlier login.")]
    Forged(#[from] Forged),
    /// What the page was for is over.
    #[error("This page is too old, or was answered before.")]
    Stale,
}

impl BadPage {
    /// The page that says so.
    pub fn told(&self) -> Response {
        let (status, title, to_do) = match self {
            Self::Malformed(_) | Self::Wrong(_) | Self::TooLong => (
                StatusCode::BAD_REQUEST,
                "That link can not be used",
                "Start again from the page or the application that sent you here.",
            ),
            Self::Forged(_) => {
                (StatusCode::FORBIDDEN, "That form was not accepted", "Go back, reload the page and try again.")
            }
            Self::Stale => (
                StatusCode::GONE,
                "This page is no longer good",
                "Start again from the application that sent you here, or ask for a new link.",
            ),
        };
        tracing::info!(event = "page_refused", reason = %self);
        problem(status, title, &self.to_string(), to_do, None)
    }
}
