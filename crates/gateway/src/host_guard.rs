//! Who may knock: the `Host` (`model::Hosts`) and `Origin` of a request.
//!
//! A page in somebody's browser can make the browser call `http://127.0.0.1` under any name it likes
//! (DNS rebinding). It cannot forge `Host` or `Origin`, so both are held against lists, always.
//!
//! Spec: MCP basic/transports/streamable-http (security warning).

use http::{HeaderMap, HeaderValue, header, request::Parts};
use model::{Hosts, config::Config};

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// `Host` is missing or none of our names.
    #[error("this host is not served here")]
    UnknownHost,
    /// `Origin` is not on the list.
    #[error("requests from this origin are not allowed")]
    ForeignOrigin,
}

/// The names we answer to and the origins we answer.
#[derive(Debug)]
pub struct HostGuard {
    hosts: Hosts,
    origins: Vec<String>,
}

/// A request that was let in, with the browser origin it came from, if any.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// An allowed `Origin`.
    pub origin: Option<HeaderValue>,
}

impl HostGuard {
    /// Of the configuration.
    pub fn new(config: &Config) -> Self {
        let mut origins = vec![config.public_url.as_str().to_owned()];
        origins.extend(config.allowed_origins.iter().cloned());
        Self { hosts: Hosts::of(config), origins }
    }

    /// Is the request for us? That is enough for what is public: pages of every origin may read it.
    pub fn knows_host(&self, parts: &Parts) -> Result<(), HostError> {
        let fields = parts.headers.get_all(header::HOST).iter().map(|field| field.to_str().ok());
        let target = parts.uri.authority().map(http::uri::Authority::as_str);
        self.hosts.know(target, fields).map_err(|_| HostError::UnknownHost)
    }

    /// Lets a request in, or says why not.
    pub fn admit(&self, parts: &Parts) -> Result<Admitted, HostError> {
        self.knows_host(parts)?;
        let mut origins = parts.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        let allowed = match origin {
            None => true,
            Some(origin) => {
                origins.next().is_none() && self.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
            }
        };
        if allowed { Ok(Admitted { origin: origin.cloned() }) } else { Err(HostError::ForeignOrigin) }
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
            HeaderValue::from_static("WWW-Authenticate, Retry-After, Mcp-Session-Id, MCP-Protocol-Version"),
        );
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host_guard() -> HostGuard {
        let config = r#"{"public_url":"https://gw.test","listen":"127.0.0.1:8420","extra_hosts":["probe.internal"],
            "allowed_origins":["https://inspector.test"]}"#;
        HostGuard::new(&serde_json::from_str(config).unwrap())
    }

    fn admit(target: &str, headers: &[(&str, &str)]) -> Result<Admitted, HostError> {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        host_guard().admit(&request.body(()).unwrap().into_parts().0)
    }

    /// Field: P8
    #[test]
    fn the_names_of_the_configuration_are_answered() {
        for host in
            ["gw.test", "GW.test", "gw.test:443", "localhost:8420", "127.0.0.1:8420", "[::1]:8420", "probe.internal"]
        {
            assert!(admit("/mcp/t", &[("host", host)]).is_ok(), "{host}");
        }
        assert!(admit("https://gw.test/mcp/t", &[]).is_ok(), "HTTP/2 names the host in its target");
    }

    /// A rebound name reaches a server that does not look at `Host` (CVE-2025-66414, CVE-2026-42559).
    ///
    /// Spec: MCP basic/transports/streamable-http (DNS rebinding)
    #[test]
    fn a_rebound_or_doubtful_host_is_refused() {
        for host in
            ["evil.test", "gw.test.evil.test", "localhost", "localhost:1", "gw.test:8443", "", "gw.test@evil.test"]
        {
            assert!(matches!(admit("/mcp/t", &[("host", host)]), Err(HostError::UnknownHost)), "{host}");
        }
        assert!(matches!(admit("/mcp/t", &[]), Err(HostError::UnknownHost)), "no host at all");
        assert!(matches!(admit("/mcp/t", &[("host", "gw.test"), ("host", "evil.test")]), Err(HostError::UnknownHost)));
        assert!(matches!(admit("https://evil.test/mcp/t", &[("host", "gw.test")]), Err(HostError::UnknownHost)));
    }

    /// Spec: MCP basic/transports/streamable-http (Origin MUST be validated)
    #[test]
    fn only_listed_origins_are_answered() {
        let with = |origin: &str| admit("/mcp/t", &[("host", "gw.test"), ("origin", origin)]);
        assert!(with("https://gw.test").is_ok() && with("https://inspector.test").is_ok());
        for origin in ["null", "http://gw.test", "https://gw.test:444", "https://gw.test/", "https://evil.test", ""] {
            assert!(matches!(with(origin), Err(HostError::ForeignOrigin)), "{origin}");
        }
        let two = [("host", "gw.test"), ("origin", "https://gw.test"), ("origin", "https://gw.test")];
        assert!(matches!(admit("/mcp/t", &two), Err(HostError::ForeignOrigin)));
    }
}
