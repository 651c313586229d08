//! What goes back to a client from the authorization endpoint.
//!
//! Spec: RFC 6749 §4.1.2.1, RFC 9207 §2.

use model::{Elevation, ErrorCode, Id, Scope, event::AuthorizationRefusalCause, thumbprint::NotAThumbprint};
use oauth::{FormError, PkceError, task_details::TaskDetailsError};
use privilege::Refused;

use super::call;
use crate::{liveness::Dead, resource::ResourceError, scopes::ScopeRefusal};

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
    #[error("dpop_jkt: {0}")]
    Key(#[from] NotAThumbprint),
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error(transparent)]
    Scope(#[from] ScopeRefusal),
    #[error("{0}")]
    Details(#[from] TaskDetailsError),
    #[error("{0}")]
    Task(Refused),
    #[error("this server is reached by the word of the organisation's identity provider alone; no consent opens it")]
    EnterpriseOnly,
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
    #[error("{} first, and ask again: what is approved is the one call that was refused", call(.0))]
    NotCalled(Scope),
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
    pub(crate) fn cause(&self) -> AuthorizationRefusalCause {
        self.wire().1
    }

    fn wire(&self) -> (ErrorCode, AuthorizationRefusalCause) {
        use AuthorizationRefusalCause as C;
        match self {
            Self::Form(_) => (ErrorCode::InvalidRequest, C::Malformed),
            Self::ResponseMode => (ErrorCode::InvalidRequest, C::ResponseMode),
            Self::Challenge(_) => (ErrorCode::InvalidRequest, C::Challenge),
            Self::Key(_) => (ErrorCode::InvalidRequest, C::Key),
            Self::ResponseType => (ErrorCode::UnsupportedResponseType, C::ResponseType),
            Self::RequestObject => (ErrorCode::RequestNotSupported, C::RequestObject),
            Self::RequestUri => (ErrorCode::RequestUriNotSupported, C::RequestUri),
            Self::Resource(_) => (ErrorCode::InvalidTarget, C::Resource),
            Self::Scope(_) => (ErrorCode::InvalidScope, C::Scope),
            Self::Details(_) => (ErrorCode::InvalidAuthorizationDetails, C::AuthorizationDetails),
            Self::Task(_) => (ErrorCode::InvalidAuthorizationDetails, C::Task),
            Self::EnterpriseOnly => (ErrorCode::AccessDenied, C::EnterpriseOnly),
            Self::LoginRequired => (ErrorCode::LoginRequired, C::LoginRequired),
            Self::ConsentRequired => (ErrorCode::ConsentRequired, C::ConsentRequired),
            Self::Refused => (ErrorCode::AccessDenied, C::Refused),
            Self::ElevationDenied(_) => (ErrorCode::AccessDenied, C::Denied),
            Self::ElevationLapsed(_) => (ErrorCode::AccessDenied, C::Lapsed),
            Self::TooManyPending => (ErrorCode::AccessDenied, C::TooManyPending),
            Self::NeedsApproval => (ErrorCode::AccessDenied, C::NeedsApproval),
            Self::NotCalled(_) => (ErrorCode::InvalidScope, C::NotCalled),
            Self::Dead(dead) => (ErrorCode::AccessDenied, dead.into()),
        }
    }
}
impl From<&Dead> for AuthorizationRefusalCause {
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
