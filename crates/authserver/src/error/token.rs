//! What the token endpoint and the revocation endpoint say.
//!
//! Spec: RFC 6749 §5.2, RFC 8707 §2, RFC 9449 §5 and §8.

use crypto::{AssertionError, IdJagError, KeyError, ProofError};
use http::StatusCode;
use model::{AuthMethod, Elevation, ErrorCode, Id, Scope, event::TokenRefusalCause};
use net::{FetchError, ReadError};
use oauth::{CredentialsError, FormError, PkceError, task_details::TaskDetailsError};
use privilege::{Refused, authority::NotIssuable};
use store::{MatchingNumber, StoreError, StoreSilent};
use web::Incident;

use super::{call, describable, told};
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
    #[error("{0}")]
    Proof(#[from] ProofError),
    #[error("it is bound to another key than the one that was proved")]
    OtherKey,
    #[error("{0}")]
    IdJag(#[from] IdJagError),
    #[error("the assertion was used before; ask the identity provider for a new one")]
    IdJagReplayed,
    #[error("the assertion is of nobody whose word counts here")]
    UnknownProvider,
    #[error("the keys of the identity provider can not be read at the moment")]
    ProviderKeys(#[source] FetchError),
    #[error("the assertion is of another tenant of its identity provider")]
    OtherTenant,
    #[error("the person whom the assertion is about is not known here")]
    UnknownSubject,
    #[error("the assertion's `resource` is no server here")]
    OtherResource,
    #[error("this server is reached by the word of the organisation's identity provider alone")]
    EnterpriseOnly,
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
    #[error("this agent has no such task")]
    NoTask,
    #[error("the task is over already")]
    TaskOver,
    #[error("the token is none that is good: show a token of the grant for which the task was opened")]
    DeadToken,
    #[error("the access token was issued to another client")]
    TokenOfAnother,
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(transparent)]
    Scope(#[from] ScopeRefusal),
    #[error("a person has to decide on elevation {}{}; ask again in a few seconds", .0, told(*.1))]
    Pending(Id<Elevation>, Option<MatchingNumber>),
    #[error("elevation {0} was denied; do not ask again soon")]
    Denied(Id<Elevation>),
    #[error("too many elevations of this agent wait for a decision")]
    TooManyPending,
    #[error("{} first, and ask again: what is approved is the one call that was refused", call(.0))]
    NotCalled(Scope),
    #[error(transparent)]
    Details(#[from] TaskDetailsError),
    #[error("no task: {0}")]
    Task(Refused),
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
            Self::Store(_) | Self::Signing(_) | Self::Task(Refused::Store(_)) => {
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
    pub(crate) fn cause(&self) -> TokenRefusalCause {
        self.wire().1
    }

    fn wire(&self) -> (ErrorCode, TokenRefusalCause) {
        use TokenRefusalCause as C;
        match self {
            Self::Form(_) => (ErrorCode::InvalidRequest, C::Malformed),
            Self::NotAForm => (ErrorCode::InvalidRequest, C::NotAForm),
            Self::Unread(ReadError::NoRoom) => (ErrorCode::TemporarilyUnavailable, C::NoRoom),
            Self::Unread(_) => (ErrorCode::InvalidRequest, C::Unread),
            Self::UnknownGrantType => (ErrorCode::UnsupportedGrantType, C::UnknownGrantType),
            Self::GrantNotForClient => (ErrorCode::UnauthorizedClient, C::GrantNotForClient),
            Self::Credentials(error) => match error {
                CredentialsError::Form(_) => (ErrorCode::InvalidRequest, C::Malformed),
                CredentialsError::Several => (ErrorCode::InvalidRequest, C::SeveralAuthMethods),
                CredentialsError::Authorization => (ErrorCode::InvalidClient, C::BadAuthorization),
                CredentialsError::AssertionType => (ErrorCode::InvalidRequest, C::AssertionType),
                CredentialsError::AssertionOfAnother => (ErrorCode::InvalidClient, C::AssertionOfAnother),
                CredentialsError::ClientId(_) => (ErrorCode::InvalidClient, C::UnknownClient),
            },
            Self::UnknownClient(_) => (ErrorCode::InvalidClient, C::UnknownClient),
            Self::OldKeys(_) => (ErrorCode::InvalidClient, C::OldKeys),
            Self::WrongAuthMethod(_) => (ErrorCode::InvalidClient, C::WrongAuthMethod),
            Self::Assertion(_) => (ErrorCode::InvalidClient, C::Assertion),
            Self::AssertionReplayed => (ErrorCode::InvalidClient, C::AssertionReplayed),
            Self::WrongSecret => (ErrorCode::InvalidClient, C::WrongSecret),
            Self::Proof(ProofError::Nonce(_)) => (ErrorCode::UseDpopNonce, C::ProofNonce),
            Self::Proof(ProofError::Missing) => (ErrorCode::InvalidDpopProof, C::ProofMissing),
            Self::Proof(ProofError::Replayed) => (ErrorCode::InvalidDpopProof, C::ProofReplayed),
            Self::Proof(_) => (ErrorCode::InvalidDpopProof, C::Proof),
            Self::Scope(ScopeRefusal::NotIssuable(NotIssuable::NeedsKey(_))) => {
                (ErrorCode::InvalidDpopProof, C::ProofMissing)
            }
            Self::OtherKey => (ErrorCode::InvalidGrant, C::OtherKey),
            Self::IdJag(_) => (ErrorCode::InvalidGrant, C::IdJag),
            Self::IdJagReplayed => (ErrorCode::InvalidGrant, C::IdJagReplayed),
            Self::UnknownProvider => (ErrorCode::InvalidGrant, C::UnknownProvider),
            Self::ProviderKeys(_) => (ErrorCode::TemporarilyUnavailable, C::ProviderKeys),
            Self::OtherTenant => (ErrorCode::InvalidGrant, C::OtherTenant),
            Self::UnknownSubject => (ErrorCode::InvalidGrant, C::UnknownSubject),
            Self::OtherResource => (ErrorCode::InvalidGrant, C::OtherResource),
            Self::EnterpriseOnly => (ErrorCode::InvalidGrant, C::EnterpriseOnly),
            Self::UnknownCode => (ErrorCode::InvalidGrant, C::UnknownCode),
            Self::CodeOfAnother => (ErrorCode::InvalidGrant, C::CodeOfAnother),
            Self::CodeExpired => (ErrorCode::InvalidGrant, C::CodeExpired),
            Self::WrongRedirect => (ErrorCode::InvalidGrant, C::WrongRedirect),
            Self::Verifier(_) => (ErrorCode::InvalidGrant, C::WrongVerifier),
            Self::CodeReplayed => (ErrorCode::InvalidGrant, C::CodeReplayed),
            Self::UnknownRefresh => (ErrorCode::InvalidGrant, C::UnknownRefresh),
            Self::RefreshOfAnother => (ErrorCode::InvalidGrant, C::RefreshOfAnother),
            Self::RefreshOver => (ErrorCode::InvalidGrant, C::RefreshOver),
            Self::RefreshReplayed => (ErrorCode::InvalidGrant, C::RefreshReplayed),
            Self::RefreshUsed => (ErrorCode::InvalidGrant, C::RefreshUsed),
            Self::TokenOfAnother => (ErrorCode::InvalidGrant, C::TokenOfAnother),
            Self::NoTask | Self::TaskOver => (ErrorCode::InvalidRequest, C::Task),
            Self::DeadToken => (ErrorCode::InvalidGrant, C::DeadToken),
            Self::Resource(_) => (ErrorCode::InvalidTarget, C::Resource),
            Self::Scope(_) => (ErrorCode::InvalidScope, C::Scope),
            Self::Pending(..) => (ErrorCode::AuthorizationPending, C::Pending),
            Self::Denied(_) => (ErrorCode::AccessDenied, C::Denied),
            Self::TooManyPending => (ErrorCode::AccessDenied, C::TooManyPending),
            Self::NotCalled(_) => (ErrorCode::InvalidScope, C::NotCalled),
            Self::Details(_) => (ErrorCode::InvalidAuthorizationDetails, C::AuthorizationDetails),
            Self::Task(Refused::Store(_)) => (ErrorCode::TemporarilyUnavailable, C::Store),
            Self::Task(_) => (ErrorCode::InvalidAuthorizationDetails, C::Task),
            Self::Dead(dead) => (ErrorCode::InvalidGrant, dead.into()),
            Self::Store(_) => (ErrorCode::TemporarilyUnavailable, C::Store),
            Self::Silent(_) => (ErrorCode::TemporarilyUnavailable, C::StoreSilent),
            Self::Signing(_) => (ErrorCode::ServerError, C::Signing),
        }
    }
}
const NOT_AUTHENTICATED: &str = "the client is unknown, or did not authenticate as it is registered to";

impl From<&Dead> for TokenRefusalCause {
    fn from(dead: &Dead) -> Self {
        match dead {
            Dead::GrantEnded => Self::GrantEnded,
            Dead::AgentNotActive(_) => Self::AgentNotActive,
            Dead::AgentUnknown => Self::AgentUnknown,
            Dead::PersonDisabled => Self::PersonDisabled,
            Dead::Blocked(_) => Self::Blocked,
        }
    }
}
