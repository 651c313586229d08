//! From which pages a request may come: its `Origin` is held against a list.
//!
//! A page in somebody's browser can make the browser call us, with what the browser knows. It cannot forge `Origin`.
//!
//! Spec: MCP basic/transports/streamable-http (security warning).

use http::{HeaderMap, HeaderValue, header};
use model::config::Config;

/// `Origin` is not on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignOrigin;

/// The origins that are answered.
#[derive(Debug)]
pub struct Origins(Vec<String>);

/// A request that was let in, with the browser origin it came from, if any.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// An allowed `Origin`.
    pub origin: Option<HeaderValue>,
}

impl Origins {
    /// Of the configuration.
    pub fn of(config: &Config) -> Self {
        let mut origins = vec![config.public_url.as_str().to_owned()];
        origins.extend(config.allowed_origins.iter().cloned());
        Self(origins)
    }

    /// Lets a request in, or not.
    pub fn admit(&self, headers: &HeaderMap) -> Result<Admitted, ForeignOrigin> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        let allowed = match origin {
            None => true,
            Some(origin) => origins.next().is_none() && self.0.iter().any(|ours| ours.as_bytes() == origin.as_bytes()),
        };
        if allowed { Ok(Admitted { origin: origin.cloned() }) } else { Err(ForeignOrigin) }
    }
}

impl Admitted {
    /// Lets the browser hand the response to a page of the allowed origin.
    ///
    /// Spec: WHATWG Fetch, CORS protocol
    pub fn expose(&self, headers: &mut HeaderMap) {
        let Some(origin) = &self.origin else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("WWW-Authenticate, DPoP-Nonce, Retry-After, Mcp-Session-Id, MCP-Protocol-Version"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(origins: &[&str]) -> Result<(), ForeignOrigin> {
        let config = r#"{"public_url":"https://gw.test","listen":"127.0.0.1:8420",
            "allowed_origins":["https://inspector.test"]}"#;
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        Origins::of(&serde_json::from_str(config).unwrap()).admit(&headers).map(drop)
    }

    /// Spec: MCP basic/transports/streamable-http (Origin MUST be validated)
    #[test]
    fn only_listed_origins_are_answered() {
        assert!(
            admit(&[]).is_ok() && admit(&["https://gw.test"]).is_ok() && admit(&["https://inspector.test"]).is_ok()
        );
        for origin in ["null", "http://gw.test", "https://gw.test:444", "https://gw.test/", "https://evil.test", ""] {
            assert_eq!(admit(&[origin]), Err(ForeignOrigin), "{origin}");
        }
        assert_eq!(admit(&["https://gw.test", "https://gw.test"]), Err(ForeignOrigin));
    }
}
