//! A browser, known by a mark that it keeps through logins: what a person began in one tab goes on in another.
//!
//! The mark opens nothing. What is shown to a person is bound to the person and the browser, and not to the session it
//! was shown in: people log in again in a second tab while the first one still shows a form.
//!
//! Spec: RFC 9700 §4.7 (binding a flow to the user agent), MCP security best practices (consent UI requirements).

use axum::response::Response;
use crypto::{Digest, Opaque};
use http::{HeaderMap, header};
use model::Span;

use crate::{
    cookies::{Cookie, Cookies},
    csrf::Csrf,
};

/// The browser that sent a request.
#[derive(Clone)]
pub struct Browser {
    /// Ours is among them. A neighbour on the host may have set others under the same name.
    marks: Vec<String>,
    new: bool,
}

impl Browser {
    /// The browser that sent `headers`; one without a mark gets one.
    pub fn of(cookies: Cookies, headers: &HeaderMap) -> Self {
        let marks = cookies.all(headers, Cookie::Browser);
        match marks.is_empty() {
            true => Self { marks: vec![Opaque::mint("brw").expose().to_owned()], new: true },
            false => Self { marks, new: false },
        }
    }

    /// The mark, for counting what comes from this browser.
    pub fn mark(&self) -> &str {
        self.marks.first().map_or("", String::as_str)
    }

    /// What is stored of it, with what is bound to it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.mark())
    }

    /// Is it the one of which `digest` was stored?
    pub fn is(&self, digest: &Digest) -> bool {
        self.digests().any(|known| known.same_as(digest))
    }

    /// What could have been stored of it: more than one, when there are several cookies of the name.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        self.marks.iter().map(|mark| Digest::of(mark))
    }

    /// For forms that are shown before anybody has logged in.
    pub fn csrf(&self) -> Csrf {
        Csrf::of_cookies(self.marks.iter().cloned())
    }

    /// For forms shown to `person`, with the session for a browser whose mark did not come with this request.
    pub fn csrf_of(&self, person: &str, session: &str) -> Csrf {
        let marks = self.marks.iter().filter(|_| !self.new).map(|mark| format!("{mark}\n{person}"));
        Csrf::of_cookies(marks.chain([session.to_owned()]))
    }

    /// The response that makes the browser keep its mark for another while.
    pub fn keep(&self, cookies: Cookies, mut response: Response, lasts: Span) -> Response {
        let cookie = cookies.set(Cookie::Browser, self.mark(), lasts.max(LASTS));
        response.headers_mut().append(header::SET_COOKIE, cookie);
        response
    }
}

/// At least so long.
const LASTS: Span = Span::from_minutes(24 * 60);

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use model::config::PublicUrl;

    use super::*;
    use oauth::Form;

    fn browser(cookie: &str) -> Browser {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookie).unwrap())]);
        Browser::of(Cookies::for_url(&ours()), &headers)
    }

    fn ours() -> PublicUrl {
        PublicUrl::try_from("http://localhost".to_owned()).unwrap()
    }

    fn passes(csrf: &Csrf, shown: &Csrf) -> bool {
        let form = Form::parse(format!("csrf={}", shown.text()).as_bytes()).unwrap();
        csrf.check(&HeaderMap::new(), &ours(), &form).is_ok()
    }

    /// Field: P3
    #[test]
    fn a_form_is_good_through_another_login_of_its_person_in_its_browser_and_nowhere_else() {
        let shown = browser("portcullis_browser=brw_a").csrf_of("ada", "ses_1");
        assert!(passes(&browser("portcullis_browser=brw_a").csrf_of("ada", "ses_2"), &shown));
        for (cookie, person) in [("portcullis_browser=brw_a", "bob"), ("portcullis_browser=brw_b", "ada"), ("", "ada")]
        {
            assert!(!passes(&browser(cookie).csrf_of(person, "ses_2"), &shown), "{cookie} {person}");
        }
        assert!(!passes(&browser("portcullis_browser=brw_a").csrf(), &shown), "nor before a login");
    }

    /// Field: P3
    #[test]
    fn a_browser_that_has_no_mark_yet_is_held_to_its_session() {
        let (fresh, marked) = (browser("x=y"), browser("portcullis_browser=brw_a"));
        assert!(passes(&marked.csrf_of("ada", "ses_1"), &fresh.csrf_of("ada", "ses_1")));
        assert!(!passes(&marked.csrf_of("ada", "ses_2"), &fresh.csrf_of("ada", "ses_1")));
    }

    /// Field: P3
    #[test]
    fn a_second_cookie_of_the_name_takes_nothing_from_the_first() {
        let (ours, both) =
            (browser("portcullis_browser=brw_a"), browser("portcullis_browser=x; portcullis_browser=brw_a"));
        assert!(both.is(&ours.digest()) && passes(&both.csrf(), &ours.csrf()));
        assert!(passes(&both.csrf_of("ada", "s"), &ours.csrf_of("ada", "s")));
        assert!(!browser("portcullis_browser=x").is(&ours.digest()));
    }
}
