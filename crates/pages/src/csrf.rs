//! Was this form posted from a page of ours, by the browser that got it?
//!
//! The token in every form is a digest of the cookie's value, which no other site can read. Browsers also
//! say where a request comes from, and that has to fit.
//!
//! Spec: threats A1.5; MCP security best practices (consent UI requirements).

use http::{HeaderMap, header};
use model::config::PublicUrl;
use token::Digest;

use crate::Form;

/// The name of the hidden field in every form.
pub const CSRF_FIELD: &str = "csrf";

/// The token for the forms of one session or browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Csrf(Digest);

/// The post did not come from a page of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forged {
    /// `Sec-Fetch-Site` or `Origin` names another site.
    #[error("the form was sent from another site")]
    OtherSite,
    /// The form has no token, or that of another session.
    #[error("the form does not belong to this login")]
    WrongToken,
}

impl Csrf {
    /// For the forms shown to the holder of this cookie value.
    pub fn of_cookie(value: &str) -> Self {
        Self(Digest::of(&format!("portcullis csrf\n{value}")))
    }

    /// The text for the hidden field.
    pub fn text(&self) -> String {
        self.0.to_hex()
    }

    /// Does `form` carry it, and do the headers not name another site? To be called on every post.
    pub fn check(&self, headers: &HeaderMap, public_url: &PublicUrl, form: &Form) -> Result<(), Forged> {
        check_origin(headers, public_url)?;
        let sent = form.value(CSRF_FIELD).and_then(Digest::from_hex).ok_or(Forged::WrongToken)?;
        if sent.same_as(&self.0) { Ok(()) } else { Err(Forged::WrongToken) }
    }
}

/// Refuses a request that says it comes from another site.
///
/// `Origin: null` is fine from a browser that also says `same-origin`: with `Referrer-Policy: no-referrer`
/// browsers send it for our own forms (Fetch, "append a request Origin header"). Tools that send neither
/// header have no cookies to steal.
pub fn check_origin(headers: &HeaderMap, public_url: &PublicUrl) -> Result<(), Forged> {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    let origin = headers.get(header::ORIGIN).map(|value| value.as_bytes());
    let ours = public_url.as_str().as_bytes();
    match (site, origin) {
        (Some(b"same-origin"), None | Some(b"null")) | (None, None) => Ok(()),
        (Some(b"same-origin") | None, Some(origin)) if origin == ours => Ok(()),
        _ => Err(Forged::OtherSite),
    }
}
