//! Where the endpoints and pages are.

pub(crate) const JWKS: &str = "/oauth/jwks";
pub(crate) const AUTHORIZE: &str = "/oauth/authorize";
pub(crate) const CONSENT: &str = "/oauth/consent";
pub(crate) const WAIT: &str = "/oauth/wait";
pub(crate) const TOKEN: &str = "/oauth/token";
pub(crate) const REVOKE: &str = "/oauth/revoke";
/// An agent says here that its task is complete.
pub(crate) const COMPLETE_TASK: &str = "/oauth/task/complete";
pub(crate) const STEP_UP: &str = "/me/step-up";
pub(crate) use oauth::metadata::SERVER as METADATA;
