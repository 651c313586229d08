//! Was this form posted from a page of ours, by the browser that got it?
//!
//! The token in every form is a digest of the cookie's value, which no other site can read. Browsers also
//! say where a request comes from, and that has to fit.
//!
//! Spec: MCP security best practices (consent UI requirements).

use crypto::Digest;
use http::{HeaderMap, header};
use model::config::PublicUrl;

use oauth::Form;

/// The name of the hidden field in every form.
pub const CSRF_FIELD: &str = "csrf";

/// The token for the forms of one session or browser.
#[derive(Clone, PartialEq, Eq)]
pub struct Csrf {
    /// For the forms of a page.
    given: Digest,
    /// Good as well: there may be several cookies of one name, and a form may be older than the mark of its browser.
    also: Vec<Digest>,
}

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
        Self::of_cookies([value.to_owned()])
    }

    /// The same when it may be any of several; new forms get the one of the first.
    pub(crate) fn of_cookies(values: impl IntoIterator<Item = String>) -> Self {
        let mut tokens = values.into_iter().map(|value| Digest::of(&format!("portcullis csrf\n{value}")));
        // Of no cookie there is no token that anybody could send.
        let given = tokens.next().unwrap_or_else(|| Digest::of(crypto::Opaque::mint("none").expose()));
        Self { given, also: tokens.collect() }
    }

    /// The text for the hidden field.
    pub fn text(&self) -> String {
        self.given.to_hex()
    }

    /// Does `form` carry it, and do the headers not name another site? To be called on every post.
    pub fn check(&self, headers: &HeaderMap, public_url: &PublicUrl, form: &Form) -> Result<(), Forged> {
        check_origin(headers, public_url)?;
        let sent = form.value(CSRF_FIELD).and_then(Digest::from_hex).ok_or(Forged::WrongToken)?;
        let known = std::iter::once(&self.given).chain(&self.also).any(|token| sent.same_as(token));
        if known { Ok(()) } else { Err(Forged::WrongToken) }
    }
}

/// Refuses a request that says it comes from another site.
///
/// `Origin: null` is fine unless the browser says that the page is another site's: with `Referrer-Policy: no-referrer`
/// browsers send it for our own forms (Fetch, "append a request Origin header"), and what is in the form decides.
/// Tools that send neither header have no cookies to steal.
pub fn check_origin(headers: &HeaderMap, public_url: &PublicUrl) -> Result<(), Forged> {
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    let origin = headers.get(header::ORIGIN).map(|value| value.as_bytes());
    let ours = public_url.as_str().as_bytes();
    match (site, origin) {
        (Some(b"same-origin") | None, None | Some(b"null")) => Ok(()),
        (Some(b"same-origin") | None, Some(origin)) if origin == ours => Ok(()),
        _ => Err(Forged::OtherSite),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const OURS: &str = "https://gw.test";

    fn ours() -> PublicUrl {
        PublicUrl::try_from(OURS.to_owned()).unwrap()
    }

    fn from(site: Option<&'static str>, origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
            if let Some(value) = value {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        headers
    }

    fn form(csrf: &str) -> Form {
        Form::parse(format!("csrf={csrf}").as_bytes()).unwrap()
    }

    /// Field: P5
    #[test]
    fn a_post_from_our_own_page_passes() {
        let csrf = Csrf::of_cookie("pcs_1");
        for headers in [
            from(Some("same-origin"), Some(OURS)),
            from(Some("same-origin"), Some("null")),
            from(Some("same-origin"), None),
            from(None, Some(OURS)),
            from(None, Some("null")),
            from(None, None),
        ] {
            assert_eq!(csrf.check(&headers, &ours(), &form(&csrf.text())), Ok(()), "{headers:?}");
        }
    }

    #[test]
    fn a_post_from_another_site_is_refused_even_with_the_right_token() {
        let csrf = Csrf::of_cookie("pcs_1");
        for headers in [
            from(Some("cross-site"), None),
            from(Some("cross-site"), Some(OURS)),
            from(Some("same-site"), Some("https://evil.gw.test")),
            from(Some("none"), None),
            from(Some("same-origin"), Some("https://evil.test")),
            from(None, Some("https://evil.test")),
            from(None, Some("http://gw.test")),
            from(None, Some("https://gw.test.evil.test")),
            from(Some("cross-site"), Some("null")),
            from(Some("same-site"), Some("null")),
        ] {
            let refused = csrf.check(&headers, &ours(), &form(&csrf.text()));
            assert_eq!(refused, Err(Forged::OtherSite), "{headers:?}");
        }
    }

    #[test]
    fn a_post_without_the_token_of_this_session_is_refused() {
        let csrf = Csrf::of_cookie("pcs_1");
        let headers = from(Some("same-origin"), Some(OURS));
        for wrong in ["", "x", "pcs_1", &Csrf::of_cookie("pcs_2").text(), &Digest::of("pcs_1").to_hex()] {
            assert_eq!(csrf.check(&headers, &ours(), &form(wrong)), Err(Forged::WrongToken), "{wrong}");
        }
        assert_eq!(csrf.check(&headers, &ours(), &Form::default()), Err(Forged::WrongToken));
    }

    #[test]
    fn the_token_in_the_page_does_not_tell_the_cookie_nor_what_the_store_keeps_of_it() {
        let text = Csrf::of_cookie("pcs_1").text();
        assert!(!text.contains("pcs_1") && text != Digest::of("pcs_1").to_hex());
    }
}
