//! The two cookies: the session of a person who logged in, and the mark of a browser before that.

use http::{HeaderMap, HeaderValue, header};
use model::{Span, config::PublicUrl};

/// Which cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// A person logged in here.
    Session,
    /// This browser, before anybody logged in: binds a flow to where it began.
    Browser,
}

impl Cookie {
    const fn name(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-portcullis_session",
            (Self::Session, false) => "portcullis_session",
            (Self::Browser, true) => "__Host-portcullis_browser",
            (Self::Browser, false) => "portcullis_browser",
        }
    }
}

/// Reads and writes cookies in the way the public URL asks for.
///
/// Over https they carry `__Host-` and `Secure`, so no other host, path or plain connection can set them.
/// Spec: RFC 6265bis §4.1.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    https: bool,
}

impl Cookies {
    /// For an installation under `public_url`.
    pub fn for_url(public_url: &PublicUrl) -> Self {
        Self { https: public_url.is_https() }
    }

    /// The value of a cookie. Sent twice, it counts as absent: nobody can say which one is ours.
    pub fn read(self, headers: &HeaderMap, cookie: Cookie) -> Option<String> {
        let name = cookie.name(self.https);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) if !value.is_empty() && value.len() <= 256 => Some(value.to_owned()),
            _ => None,
        }
    }

    /// The `Set-Cookie` value that keeps `value` for `lasts`. `value` is one we minted.
    pub fn set(self, cookie: Cookie, value: &str, lasts: Span) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let line = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            cookie.name(self.https),
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
