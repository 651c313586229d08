//! What a server says when it does not do what it was asked: in its own words, for a person to read.

use http::header;

use crate::ClientError;

/// The first line of a body is shown up to here.
const LONGEST_LINE: usize = 160;

/// An answer that is none.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The server is there, and does not let us in as we came.
    OfTheDoor(Door),
    /// Anything else, in a few words.
    Other(String),
}

/// Why the server did not let us in.
#[derive(Debug)]
pub(crate) enum Door {
    /// It wants credentials, or other ones.
    Credentials(String),
    /// It is elsewhere.
    Elsewhere(String),
}

impl Refusal {
    pub(crate) fn of(response: &net::WebResponse) -> Self {
        let status = response.status.as_u16();
        match status {
            401 | 407 => Self::OfTheDoor(Door::Credentials(said(response))),
            301 | 302 | 303 | 307 | 308 => {
                let target = response.header(header::LOCATION.as_str()).unwrap_or("somewhere it does not name");
                Self::OfTheDoor(Door::Elsewhere(clean(target)))
            }
            _ => Self::Other(said(response)),
        }
    }

    /// In a few words.
    pub(crate) fn says(self) -> String {
        match self {
            Self::OfTheDoor(Door::Credentials(says)) | Self::Other(says) => says,
            Self::OfTheDoor(Door::Elsewhere(target)) => format!("a redirect to {target}"),
        }
    }
}

impl Door {
    pub(crate) fn at(self, endpoint: &str) -> ClientError {
        let url = endpoint.to_owned();
        match self {
            Self::Credentials(says) => ClientError::NeedsCredentials { url, says },
            Self::Elsewhere(target) => ClientError::Unexpected {
                url,
                what: format!("with a redirect to {target}; write the address where the server is"),
            },
        }
    }
}

/// The status, and the first line of the body when it is text.
fn said(response: &net::WebResponse) -> String {
    let status = format!("status {}", response.status.as_u16());
    let is = |kind: &str| response.header(header::CONTENT_TYPE.as_str()).is_some_and(|said| said.starts_with(kind));
    let is_page = is("text/html");
    let text = response.text();
    if is("text/event-stream") && cut_off(&text) {
        return format!("{status} and a stream that ends inside an event, without a blank line after it");
    }
    let line = clean(text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default());
    if is_page || line.is_empty() { status } else { format!("{status} ({line})") }
}

/// Does a stream end before its last event does? Readers discard such an event (WHATWG HTML §9.2.6).
fn cut_off(stream: &str) -> bool {
    let ends = ["\n\n", "\r\r", "\r\n\r\n", "\n\r\n"];
    !stream.trim().is_empty() && !ends.iter().any(|end| stream.ends_with(end))
}

/// A stranger's text, on one line of a terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn answer(status: u16, kind: &'static str, body: &'static str) -> net::WebResponse {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::LOCATION, HeaderValue::from_static("/mcp/")),
        ]);
        net::WebResponse { status: StatusCode::from_u16(status).unwrap(), headers, body: body.into() }
    }

    /// Field: H6
    #[test]
    fn a_refusal_is_told_in_the_servers_words_and_on_one_line() {
        for (status, kind, body, expected) in [
            (
                401,
                "application/json",
                "{\"error\":\"no key\"}",
                "x needs credentials: status 401 ({\"error\":\"no key\"})",
            ),
            (403, "text/plain", "\n  this key may not list\nmore", "x answered status 403 (this key may not list)"),
            (403, "text/plain", "", "x answered status 403"),
            (404, "text/html; charset=utf-8", "<html>", "x answered status 404"),
            (500, "text/plain", "\u{1b}[31mred", "x answered status 500 ([31mred)"),
            (
                200,
                "text/event-stream",
                "data: {\"jsonrpc\": \"2.0\"}\n",
                "x answered status 200 and a stream that ends inside an event, without a blank line after it",
            ),
            (200, "text/event-stream", "data: {}\r\n\r\n", "x answered status 200 (data: {})"),
            (307, "text/plain", "", "x answered with a redirect to /mcp/; write the address where the server is"),
        ] {
            let said = match Refusal::of(&answer(status, kind, body)) {
                Refusal::OfTheDoor(door) => door.at("x").to_string(),
                Refusal::Other(what) => ClientError::Unexpected { url: "x".into(), what }.to_string(),
            };
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
