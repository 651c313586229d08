//! Causes become wire codes here and nowhere else.
//!
//! One variant per cause. The code and the stable word for the audit are chosen together, without a
//! `_` arm: a new cause must choose both.
//!
//! Spec: RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9126 §2.3.

use axum::response::{IntoResponse, Response};
use crypto::{AssertionError, KeyError};
use http::StatusCode;
use model::{AuthMethod, Elevation, Id};
use net::ReadError;
use oauth::{CredentialsError, ErrorCode, FormError, PkceError};
use store::{StoreError, StoreSilent};
use web::{Incident, fault, problem};

use crate::{clients::ClientRefusal, liveness::Dead, resource::ResourceError, scopes::ScopeRefusal};

/// Why the token or the revocation endpoint said no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("{0}")]
    Form(#[from] FormError),
    #[error("send the parameters as application/x-www-form-urlencoded in the body")]
    NotAForm,
    #[error("{0}")]
    Unread(ReadError),
    #[error("the grant type is not supported")]
    UnknownGrantType,
    #[error("this client may not use this grant type")]
    GrantNotForClient,
    #[error(transparent)]
    Credentials(CredentialsError),
    #[error("the client is unknown")]
    UnknownClient(#[source] ClientRefusal),
    #[error("the client's keys are too old, and its metadata document could not be read again")]
    OldKeys(#[source] ClientRefusal),
    #[error("this client authenticates by {0}")]
    WrongAuthMethod(AuthMethod),
    #[error("the client assertion proves nothing: {0}")]
    Assertion(#[from] AssertionError),
    #[error("the client assertion was used before; sign a new one for every request")]
    AssertionReplayed,
    #[error("the client secret is wrong")]
    WrongSecret,
    #[error("the authorization code is unknown")]
    UnknownCode,
    #[error("the authorization code was issued to another client")]
    CodeOfAnother,
    #[error("the authorization code has expired")]
    CodeExpired,
    #[error("the redirect_uri is not the one of the authorization request")]
    WrongRedirect,
    #[error("{0}")]
    Verifier(#[from] PkceError),
    #[error("the authorization code was redeemed before; what it issued has been revoked")]
    CodeReplayed,
    #[error("the refresh token is unknown")]
    UnknownRefresh,
    #[error("the refresh token was issued to another client")]
    RefreshOfAnother,
    #[error("the refresh token has expired or was revoked; authorize again")]
    RefreshOver,
    #[error("the refresh token was used long before; this login has been ended, authorize again")]
    RefreshReplayed,
    #[error("the refresh token was used before, and so was the one that came of it; use the newest one")]
    RefreshUsed,
    #[error("the access token was issued to another client")]
    TokenOfAnother,
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(transparent)]
    Scope(#[from] ScopeRefusal),
    #[error("a person has to decide on elevation {0}; ask again in a few seconds")]
    Pending(Id<Elevation>),
    #[error("elevation {0} was denied; do not ask again soon")]
    Denied(Id<Elevation>),
    #[error("too many elevations of this agent wait for a decision")]
    TooManyPending,
    #[error(transparent)]
    Dead(#[from] Dead),
    #[error("the store can not be reached")]
    Store(#[from] StoreError),
    #[error("the store has been silent for too long")]
    Silent(#[from] StoreSilent),
    #[error("the token could not be signed")]
    Signing(#[from] KeyError),
}

impl TokenError {
    /// The ids of the policies that said no, for records and the log.
    pub(crate) fn policies(&self) -> &[String] {
        match self {
            Self::Scope(refusal) => refusal.policies(),
            _ => &[],
        }
    }

    /// The status that goes with the code. Spec: RFC 6749 §5.2
    pub(crate) fn status(&self) -> StatusCode {
        match self.code() {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            _ if matches!(self, Self::Unread(ReadError::TooLarge { .. })) => StatusCode::PAYLOAD_TOO_LARGE,
            _ if matches!(self, Self::Unread(ReadError::TooSlow)) => StatusCode::REQUEST_TIMEOUT,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What the client is told: of inner faults only the number under which the log has them.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::Store(_) | Self::Signing(_) => {
                let incident = Incident::mint();
                tracing::error!(event = "token_failed", incident = %incident, error = ?self);
                format!("incident {incident}")
            }
            // Which of the two it is would tell strangers who is a client here. The log says it.
            Self::UnknownClient(_)
            | Self::Credentials(CredentialsError::ClientId(_))
            | Self::WrongAuthMethod(_)
            | Self::WrongSecret => NOT_AUTHENTICATED.to_owned(),
            Self::Assertion(error) if !error.key_was_proved() => NOT_AUTHENTICATED.to_owned(),
            other => describable(&other.to_string()),
        }
    }

    /// The code on the wire. Spec: RFC 6749 §5.2
    pub(crate) fn code(&self) -> ErrorCode {
        self.wire().0
    }

    /// The stable word in the audit.
    pub(crate) fn cause(&self) -> &'static str {
        self.wire().1
    }

    fn wire(&self) -> (ErrorCode, &'static str) {
        match self {
            Self::Form(_) => (ErrorCode::InvalidRequest, "malformed"),
            Self::NotAForm => (ErrorCode::InvalidRequest, "not_a_form"),
            Self::Unread(ReadError::NoRoom) => (ErrorCode::TemporarilyUnavailable, "no_room"),
            Self::Unread(_) => (ErrorCode::InvalidRequest, "unread"),
            Self::UnknownGrantType => (ErrorCode::UnsupportedGrantType, "unknown_grant_type"),
            Self::GrantNotForClient => (ErrorCode::UnauthorizedClient, "grant_not_for_client"),
            Self::Credentials(error) => match error {
                CredentialsError::Form(_) => (ErrorCode::InvalidRequest, "malformed"),
                CredentialsError::Several => (ErrorCode::InvalidRequest, "several_auth_methods"),
                CredentialsError::Authorization => (ErrorCode::InvalidClient, "bad_authorization"),
                CredentialsError::AssertionType => (ErrorCode::InvalidRequest, "assertion_type"),
                CredentialsError::AssertionOfAnother => (ErrorCode::InvalidClient, "assertion_of_another"),
                CredentialsError::ClientId(_) => (ErrorCode::InvalidClient, "unknown_client"),
            },
            Self::UnknownClient(_) => (ErrorCode::InvalidClient, "unknown_client"),
            Self::OldKeys(_) => (ErrorCode::InvalidClient, "old_keys"),
            Self::WrongAuthMethod(_) => (ErrorCode::InvalidClient, "wrong_auth_method"),
            Self::Assertion(_) => (ErrorCode::InvalidClient, "assertion"),
            Self::AssertionReplayed => (ErrorCode::InvalidClient, "assertion_replayed"),
            Self::WrongSecret => (ErrorCode::InvalidClient, "wrong_secret"),
            Self::UnknownCode => (ErrorCode::InvalidGrant, "unknown_code"),
            Self::CodeOfAnother => (ErrorCode::InvalidGrant, "code_of_another"),
            Self::CodeExpired => (ErrorCode::InvalidGrant, "code_expired"),
            Self::WrongRedirect => (ErrorCode::InvalidGrant, "wrong_redirect"),
            Self::Verifier(_) => (ErrorCode::InvalidGrant, "wrong_verifier"),
            Self::CodeReplayed => (ErrorCode::InvalidGrant, "code_replayed"),
            Self::UnknownRefresh => (ErrorCode::InvalidGrant, "unknown_refresh"),
            Self::RefreshOfAnother => (ErrorCode::InvalidGrant, "refresh_of_another"),
            Self::RefreshOver => (ErrorCode::InvalidGrant, "refresh_over"),
            Self::RefreshReplayed => (ErrorCode::InvalidGrant, "refresh_replayed"),
            Self::RefreshUsed => (ErrorCode::InvalidGrant, "refresh_used"),
            Self::TokenOfAnother => (ErrorCode::InvalidGrant, "token_of_another"),
            Self::Resource(_) => (ErrorCode::InvalidTarget, "resource"),
            Self::Scope(_) => (ErrorCode::InvalidScope, "scope"),
            Self::Pending(_) => (ErrorCode::AuthorizationPending, "pending"),
            Self::Denied(_) => (ErrorCode::AccessDenied, "denied"),
            Self::TooManyPending => (ErrorCode::AccessDenied, "too_many_pending"),
            Self::Dead(dead) => (ErrorCode::InvalidGrant, dead.cause()),
            Self::Store(_) => (ErrorCode::TemporarilyUnavailable, "store"),
            Self::Silent(_) => (ErrorCode::TemporarilyUnavailable, "store_silent"),
            Self::Signing(_) => (ErrorCode::ServerError, "signing"),
        }
    }
}

const NOT_AUTHENTICATED: &str = "the client is unknown, or did not authenticate as it is registered to";

/// Why an authorization request goes back to its client with an error. The client and its redirect are good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorizeError {
    #[error("{0}")]
    Form(#[from] FormError),
    #[error("the only response_type here is `code`")]
    ResponseType,
    #[error("the only response_mode here is `query`")]
    ResponseMode,
    #[error("request objects are not supported")]
    RequestObject,
    #[error("request_uri is not supported")]
    RequestUri,
    #[error("{0}")]
    Challenge(#[from] PkceError),
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(transparent)]
    Scope(#[from] ScopeRefusal),
    #[error("the person has to log in")]
    LoginRequired,
    #[error("the person has to consent")]
    ConsentRequired,
    #[error("the person said no")]
    Refused,
    #[error("elevation {0} was denied")]
    ElevationDenied(Id<Elevation>),
    #[error("elevation {0} was not decided in time")]
    ElevationLapsed(Id<Elevation>),
    #[error("too many elevations of this agent wait for a decision")]
    TooManyPending,
    #[error("another person has to approve this, and nobody was asked")]
    NeedsApproval,
    #[error(transparent)]
    Dead(#[from] Dead),
}

impl AuthorizeError {
    /// The ids of the policies that said no, for records, the log and the person.
    pub(crate) fn policies(&self) -> &[String] {
        match self {
            Self::Scope(refusal) => refusal.policies(),
            _ => &[],
        }
    }

    /// The code on the wire. Spec: RFC 6749 §4.1.2.1
    pub(crate) fn code(&self) -> ErrorCode {
        self.wire().0
    }

    /// The stable word in the audit.
    pub(crate) fn cause(&self) -> &'static str {
        self.wire().1
    }

    fn wire(&self) -> (ErrorCode, &'static str) {
        match self {
            Self::Form(_) => (ErrorCode::InvalidRequest, "malformed"),
            Self::ResponseMode => (ErrorCode::InvalidRequest, "response_mode"),
            Self::Challenge(_) => (ErrorCode::InvalidRequest, "challenge"),
            Self::ResponseType => (ErrorCode::UnsupportedResponseType, "response_type"),
            Self::RequestObject => (ErrorCode::RequestNotSupported, "request_object"),
            Self::RequestUri => (ErrorCode::RequestUriNotSupported, "request_uri"),
            Self::Resource(_) => (ErrorCode::InvalidTarget, "resource"),
            Self::Scope(_) => (ErrorCode::InvalidScope, "scope"),
            Self::LoginRequired => (ErrorCode::LoginRequired, "login_required"),
            Self::ConsentRequired => (ErrorCode::ConsentRequired, "consent_required"),
            Self::Refused => (ErrorCode::AccessDenied, "refused"),
            Self::ElevationDenied(_) => (ErrorCode::AccessDenied, "denied"),
            Self::ElevationLapsed(_) => (ErrorCode::AccessDenied, "lapsed"),
            Self::TooManyPending => (ErrorCode::AccessDenied, "too_many_pending"),
            Self::NeedsApproval => (ErrorCode::AccessDenied, "needs_approval"),
            Self::Dead(dead) => (ErrorCode::AccessDenied, dead.cause()),
        }
    }
}

/// Why an authorization request ends on a page of ours: there is nobody it may safely be sent back to,
/// or the page itself is stale.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    #[error("The link that brought you here is malformed: {0}.")]
    Malformed(#[from] FormError),
    #[error("The link that brought you here is too long.")]
    TooLong,
    #[error("The client_id is not one: {0}.")]
    BadClientId(&'static str),
    #[error("This application may not ask for access: {0}.")]
    Client(ClientRefusal),
    #[error("The application did not say where to send you back to, or named a place that is not registered for it.")]
    Redirect,
    #[error("This form was sent from another site, or belongs to an earlier login.")]
    Forged,
    #[error("This page is too old, or was answered before.")]
    Stale,
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

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, to_do) = match &self {
            Self::Store(_) | Self::Silent(_) => return fault("authorization_failed", &self),
            Self::Malformed(_) | Self::TooLong | Self::BadClientId(_) => (
                StatusCode::BAD_REQUEST,
                "That link can not be used",
                "Start again from the application that sent you here.",
            ),
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
            Self::Forged => {
                (StatusCode::FORBIDDEN, "That form was not accepted", "Go back, reload the page and try again.")
            }
            Self::Stale => (
                StatusCode::GONE,
                "This page is no longer good",
                "Start again from the application that sent you here, or ask for a new link.",
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
