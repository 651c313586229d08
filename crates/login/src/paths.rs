//! Where the pages are.

pub(crate) const LOGIN: &str = "/login";
pub(crate) const LOGOUT: &str = "/logout";
pub(crate) const ENROL: &str = "/enrol";
pub(crate) const PASSWORD: &str = "/me/password";
/// Where clients send people, for whom the login page then says so.
pub(crate) const AUTHORIZE: &str = "/oauth/authorize";
