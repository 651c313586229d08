//! The cookies: the session of a person who logged in, the mark of a browser before that, and what it is known by after.

use http::{HeaderMap, HeaderValue, header};
use model::{Span, config::PublicUrl};

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// A person logged in here.
    Session,
    /// This browser, before anybody logged in: binds a flow to where it began.
    Browser,
    /// This browser, known from an earlier login: opens nothing, but has a line of its own for the next one.
    Device,
}

impl Cookie {
    const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-portcullis_session",
            (Self::Session, false) => "portcullis_session",
            (Self::Browser, true) => "__Host-portcullis_browser",
            (Self::Browser, false) => "portcullis_browser",
            (Self::Device, true) => "__Host-portcullis_device",
            (Self::Device, false) => "portcullis_device",
        }
    }
}

/// Reads and writes cookies in the way the public URL asks for.
///
/// Over https they carry `__Host-` and `Secure`, so no other host, path or plain connection can set them. Cookies belong
/// to a host with all its ports, so a port that is not the scheme's own is in their names: two installations on one host
/// keep theirs apart.
///
/// Spec: RFC 6265bis §4.1.3.2; RFC 6265 §8.5 (no isolation by port).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    https: bool,
    port: Option<u16>,
}

impl Cookies {
    /// For an installation under `public_url`.
    pub fn for_url(public_url: &PublicUrl) -> Self {
        Self { https: public_url.is_https(), port: public_url.unusual_port() }
    }

    fn name(self, cookie: Cookie) -> String {
        let name = cookie.name(self.https);
        self.port.map_or_else(|| name.to_owned(), |port| format!("{name}_{port}"))
    }

    /// The values of a cookie in the order they were sent, at most eight. Usually it is one; a neighbour on the host can
    /// put another one of the same name beside it, and only what it is checked against tells which one is ours.
    ///
    /// The header is bytes, and other programs on the host put into it what they like: what is not ours is passed over.
    ///
    /// Spec: RFC 6265 §5.4 (user agents send octets, and cookies of one name with different paths side by side)
    pub fn all(self, headers: &HeaderMap, cookie: Cookie) -> Vec<String> {
        // Logins from before the port was in the name go on. It may be a neighbour's: then it is not good here.
        let before = (self.port.is_some() && cookie != Cookie::Browser).then(|| cookie.name(self.https).to_owned());
        let names = [Some(self.name(cookie)), before];
        let values = names.iter().flatten().flat_map(|name| sent_as(headers, name.as_bytes()));
        let ours = values.filter(|value| !value.is_empty() && value.len() <= 256 && value.is_ascii());
        let mut found: Vec<String> = Vec::new();
        for value in ours.map(|value| String::from_utf8_lossy(value).into_owned()) {
            if found.len() < MOST && !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    /// The `Set-Cookie` value that keeps `value` for `lasts`. `value` is one we minted.
    pub fn set(self, cookie: Cookie, value: &str, lasts: Span) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let line = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            self.name(cookie),
            lasts.seconds()
        );
        // A value that does not fit into a header is none of ours; an empty one is harmless.
        HeaderValue::try_from(line).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The `Set-Cookie` value that removes the cookie.
    pub fn clear(self, cookie: Cookie) -> HeaderValue {
        self.set(cookie, "", Span::from_seconds(0))
    }
}

fn sent_as<'h>(headers: &'h HeaderMap, name: &'h [u8]) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        (pair[..at].trim_ascii() == name).then(|| pair[at + 1..].trim_ascii())
    })
}

/// So many cookies of one name are looked at.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(url: &str) -> Cookies {
        Cookies::for_url(&PublicUrl::try_from(url.to_owned()).unwrap())
    }

    fn sent(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (header::COOKIE, HeaderValue::from_str(line).unwrap())).collect()
    }

    /// Spec: RFC 6265bis §4.1.3.2
    #[test]
    fn over_https_a_cookie_is_bound_to_the_host_and_to_tls() {
        let line = cookies("https://gw.test").set(Cookie::Session, "pcs_x", Span::from_minutes(1));
        assert_eq!(
            line.to_str().unwrap(),
            "__Host-portcullis_session=pcs_x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
        );
    }

    #[test]
    fn on_this_computer_it_works_without_tls() {
        let line = cookies("http://127.0.0.1:8420").clear(Cookie::Browser);
        assert_eq!(line.to_str().unwrap(), "portcullis_browser_8420=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    /// Field: P9
    #[test]
    fn two_installations_on_one_host_keep_their_cookies_apart() {
        let [usual, other, third] = ["https://gw.test", "https://gw.test:8443", "https://gw.test:9443"].map(cookies);
        let named = |cookies: Cookies| {
            let line = cookies.set(Cookie::Session, "x", Span::from_minutes(1)).to_str().unwrap().to_owned();
            assert!(line.starts_with("__Host-") && line.contains("; Path=/;") && line.ends_with("; Secure"), "{line}");
            line.split('=').next().unwrap().to_owned()
        };
        assert_eq!(named(usual), "__Host-portcullis_session");
        assert_eq!(named(other), "__Host-portcullis_session_8443");
        let headers = sent(&["__Host-portcullis_session_8443=other; __Host-portcullis_session_9443=third"]);
        assert_eq!(other.all(&headers, Cookie::Session), ["other"]);
        assert_eq!(third.all(&headers, Cookie::Session), ["third"]);
        assert_eq!(usual.all(&headers, Cookie::Session), [""; 0]);
    }

    /// Field: P9
    #[test]
    fn a_login_from_before_the_port_was_in_the_name_goes_on_and_the_new_one_counts_first() {
        let other = cookies("https://gw.test:8443");
        let headers =
            sent(&["__Host-portcullis_session=old; __Host-portcullis_browser=old; __Host-portcullis_session_8443=new"]);
        assert_eq!(other.all(&headers, Cookie::Session), ["new", "old"]);
        assert_eq!(other.all(&headers, Cookie::Browser), [""; 0], "a mark is made anew");
        assert!(
            other.clear(Cookie::Session).to_str().unwrap().starts_with("__Host-portcullis_session_8443=;"),
            "never a neighbour's"
        );
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers = sent(&["a=1; __Host-portcullis_session=pcs_x", "b=2"]);
        assert_eq!(cookies("https://gw.test").all(&headers, Cookie::Session), ["pcs_x"]);
    }

    /// Field: P1
    #[test]
    fn what_neighbours_on_the_host_put_there_is_passed_over() {
        for neighbour in
            [&b"theme=\xe4\xf6"[..], b"\xff\xfe", b"=", b"a", b"q=\"x; y\"", b"name=gr\xc3\xb6\xc3\x9fe", b";;;"]
        {
            let together = [neighbour, b"; portcullis_session=pcs_x; ", neighbour].concat();
            let apart = [neighbour, b"portcullis_session=pcs_x"];
            for lines in [vec![&together[..]], apart.to_vec()] {
                let headers: HeaderMap =
                    lines.iter().map(|line| (header::COOKIE, HeaderValue::from_bytes(line).unwrap())).collect();
                let read = cookies("http://localhost").all(&headers, Cookie::Session);
                assert_eq!(read, ["pcs_x"], "{lines:?}");
            }
        }
    }

    /// Field: P3
    #[test]
    fn of_a_cookie_that_is_there_twice_each_is_looked_at_and_not_without_end() {
        let headers = sent(&["portcullis_session=a; portcullis_session=b; portcullis_session=a"]);
        assert_eq!(cookies("http://localhost").all(&headers, Cookie::Session), ["a", "b"]);
        let many: Vec<String> = (0..100).map(|n| format!("portcullis_session={n}")).collect();
        assert_eq!(cookies("http://localhost").all(&sent(&[&many.join("; ")]), Cookie::Session).len(), MOST);
    }

    #[test]
    fn a_plain_cookie_is_not_taken_for_the_one_bound_to_the_host() {
        let headers = sent(&["portcullis_session=a"]);
        assert_eq!(cookies("https://gw.test").all(&headers, Cookie::Session), [""; 0]);
    }

    #[test]
    fn an_empty_or_endless_cookie_counts_for_nothing() {
        let long = format!("portcullis_session={}", "x".repeat(257));
        for line in ["portcullis_session=", &long, "portcullis_session", "xportcullis_session=a"] {
            assert_eq!(cookies("http://localhost").all(&sent(&[line]), Cookie::Session), [""; 0], "{line}");
        }
    }
}
