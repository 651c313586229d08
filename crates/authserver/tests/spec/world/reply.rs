//! What came back, and what a test expects of it.

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{CALLBACK, ISSUER};

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.body))
    }

    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the redirect.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        let query = self.location().split_once('?').map_or("", |(_, query)| query);
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&mark).map_or("", |(_, rest)| rest);
        let raw = rest.split('"').next().unwrap_or_default();
        raw.replace("&#38;", "&").replace("&amp;", "&")
    }

    #[track_caller]
    pub fn granted(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        self.json()
    }

    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default()),
            (status, code),
            "{}",
            self.body
        );
        assert_eq!(self.headers[header::CACHE_CONTROL], "no-store");
        self.json()
    }

    /// Went back to the client with this error, its state and the issuer.
    #[track_caller]
    pub fn sent_back(&self, code: &str) {
        assert!(self.location().starts_with(CALLBACK), "{} {}", self.location(), self.body);
        assert_eq!(self.parameter("error"), code, "{}", self.location());
        assert_eq!((self.parameter("state").as_str(), self.parameter("iss").as_str()), ("u81Lq", ISSUER));
        assert_ne!(self.parameter("error_description"), "");
    }

    /// Stayed here, with a page that says `words`.
    #[track_caller]
    pub fn page(&self, status: u16, words: &str) {
        assert_eq!(self.status.as_u16(), status, "{} {}", self.location(), self.body);
        assert!(self.location().is_empty() && self.body.contains(words), "{}", self.body);
    }
}

/// The claims of an access token.
pub fn claims(response: &Value) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let token = response["access_token"].as_str().unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
