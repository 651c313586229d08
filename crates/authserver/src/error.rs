//! Causes become wire codes here and nowhere else.
//!
//! One variant per cause. The code and the stable word for the audit are chosen together, without a
//! `_` arm: a new cause must choose both.
//!
//! Spec: RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, RFC 9126 §2.3.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use model::{AgentState, AuthMethod, Elevation, Id};
use net::ReadError;
use pages::{FormError, Incident, fault, problem};
use store::{StoreError, StoreSilent};
use token::{AssertionError, KeyError, PkceError};

use crate::{clients::ClientRefusal, liveness::Dead, resource::ResourceError, scopes::ScopeRefusal};

/// An error code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorCode(pub(crate) &'static str);

const INVALID_REQUEST: ErrorCode = ErrorCode("invalid_request");
const INVALID_CLIENT: ErrorCode = ErrorCode("invalid_client");
const INVALID_GRANT: ErrorCode = ErrorCode("invalid_grant");
const INVALID_SCOPE: ErrorCode = ErrorCode("invalid_scope");
const INVALID_TARGET: ErrorCode = ErrorCode("invalid_target");
const ACCESS_DENIED: ErrorCode = ErrorCode("access_denied");
const SERVER_ERROR: ErrorCode = ErrorCode("server_error");
const UNAVAILABLE: ErrorCode = ErrorCode("temporarily_unavailable");

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
    #[error("send one kind of client authentication, not several")]
    SeveralAuthMethods,
    #[error("the Authorization header is not HTTP Basic with a client_id and a secret")]
    BadAuthorization,
    #[error("the client is unknown")]
    UnknownClient(#[source] ClientRefusal),
    #[error("the client's keys are too old, and its metadata document could not be read again")]
    OldKeys(#[source] ClientRefusal),
    #[error("this client authenticates by {0}")]
    WrongAuthMethod(AuthMethod),
    #[error("the client_assertion_type is not `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`")]
    AssertionType,
    #[error("`client_id` is not the client of the assertion")]
    AssertionOfAnother,
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
            INVALID_CLIENT => StatusCode::UNAUTHORIZED,
            _ if matches!(self, Self::Unread(ReadError::TooLarge { .. })) => StatusCode::PAYLOAD_TOO_LARGE,
            _ if matches!(self, Self::Unread(ReadError::TooSlow)) => StatusCode::REQUEST_TIMEOUT,
            UNAVAILABLE => StatusCode::SERVICE_UNAVAILABLE,
            SERVER_ERROR => StatusCode::INTERNAL_SERVER_ERROR,
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
            Self::UnknownClient(_) | Self::WrongAuthMethod(_) | Self::WrongSecret => NOT_AUTHENTICATED.to_owned(),
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
            Self::Form(_) => (INVALID_REQUEST, "malformed"),
            Self::NotAForm => (INVALID_REQUEST, "not_a_form"),
            Self::Unread(ReadError::NoRoom) => (UNAVAILABLE, "no_room"),
            Self::Unread(_) => (INVALID_REQUEST, "unread"),
            Self::UnknownGrantType => (ErrorCode("unsupported_grant_type"), "unknown_grant_type"),
            Self::GrantNotForClient => (ErrorCode("unauthorized_client"), "grant_not_for_client"),
            Self::SeveralAuthMethods => (INVALID_REQUEST, "several_auth_methods"),
            Self::BadAuthorization => (INVALID_CLIENT, "bad_authorization"),
            Self::UnknownClient(_) => (INVALID_CLIENT, "unknown_client"),
            Self::OldKeys(_) => (INVALID_CLIENT, "old_keys"),
            Self::WrongAuthMethod(_) => (INVALID_CLIENT, "wrong_auth_method"),
            Self::AssertionType => (INVALID_REQUEST, "assertion_type"),
            Self::AssertionOfAnother => (INVALID_CLIENT, "assertion_of_another"),
            Self::Assertion(_) => (INVALID_CLIENT, "assertion"),
            Self::AssertionReplayed => (INVALID_CLIENT, "assertion_replayed"),
            Self::WrongSecret => (INVALID_CLIENT, "wrong_secret"),
            Self::UnknownCode => (INVALID_GRANT, "unknown_code"),
            Self::CodeOfAnother => (INVALID_GRANT, "code_of_another"),
            Self::CodeExpired => (INVALID_GRANT, "code_expired"),
            Self::WrongRedirect => (INVALID_GRANT, "wrong_redirect"),
            Self::Verifier(_) => (INVALID_GRANT, "wrong_verifier"),
            Self::CodeReplayed => (INVALID_GRANT, "code_replayed"),
            Self::UnknownRefresh => (INVALID_GRANT, "unknown_refresh"),
            Self::RefreshOfAnother => (INVALID_GRANT, "refresh_of_another"),
            Self::RefreshOver => (INVALID_GRANT, "refresh_over"),
            Self::RefreshReplayed => (INVALID_GRANT, "refresh_replayed"),
            Self::RefreshUsed => (INVALID_GRANT, "refresh_used"),
            Self::TokenOfAnother => (INVALID_GRANT, "token_of_another"),
            Self::Resource(_) => (INVALID_TARGET, "resource"),
            Self::Scope(_) => (INVALID_SCOPE, "scope"),
            Self::Pending(_) => (ErrorCode("authorization_pending"), "pending"),
            Self::Denied(_) => (ACCESS_DENIED, "denied"),
            Self::TooManyPending => (ACCESS_DENIED, "too_many_pending"),
            Self::Dead(dead) => (INVALID_GRANT, dead.cause()),
            Self::Store(_) => (UNAVAILABLE, "store"),
            Self::Silent(_) => (UNAVAILABLE, "store_silent"),
            Self::Signing(_) => (SERVER_ERROR, "signing"),
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
            Self::Form(_) => (INVALID_REQUEST, "malformed"),
            Self::ResponseMode => (INVALID_REQUEST, "response_mode"),
            Self::Challenge(_) => (INVALID_REQUEST, "challenge"),
            Self::ResponseType => (ErrorCode("unsupported_response_type"), "response_type"),
            Self::RequestObject => (ErrorCode("request_not_supported"), "request_object"),
            Self::RequestUri => (ErrorCode("request_uri_not_supported"), "request_uri"),
            Self::Resource(_) => (INVALID_TARGET, "resource"),
            Self::Scope(_) => (INVALID_SCOPE, "scope"),
            Self::LoginRequired => (ErrorCode("login_required"), "login_required"),
            Self::ConsentRequired => (ErrorCode("consent_required"), "consent_required"),
            Self::Refused => (ACCESS_DENIED, "refused"),
            Self::ElevationDenied(_) => (ACCESS_DENIED, "denied"),
            Self::ElevationLapsed(_) => (ACCESS_DENIED, "lapsed"),
            Self::TooManyPending => (ACCESS_DENIED, "too_many_pending"),
            Self::NeedsApproval => (ACCESS_DENIED, "needs_approval"),
            Self::Dead(dead) => (ACCESS_DENIED, dead.cause()),
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
    #[error("Too many people are logging in at this moment.")]
    Busy,
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
            Self::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "Please wait a moment", "Go back and try again in a few seconds.")
            }
        };
        tracing::info!(event = "page_refused", reason = %self);
        let mut happened = self.to_string();
        if let Self::StepUp(error) = &self
            && !error.policies().is_empty()
        {
            happened += &format!(" The policy that says so: {}.", error.policies().join(", "));
        }
        let mut response = problem(status, title, &happened, to_do, None);
        if matches!(self, Self::Busy) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// Only the characters an `error_description` may have. Spec: RFC 6749 §4.1.2.1 and §5.2
pub(crate) fn describable(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).take(300).collect()
}

/// What is wrong with an agent.
pub(crate) fn state_words(state: AgentState) -> &'static str {
    match state {
        AgentState::Active => "active",
        AgentState::Suspended => "suspended",
        AgentState::Retired => "retired",
    }
}
