//! Who a request is for: its `Host` is held against the names of this installation, on every path alike.
//!
//! A page in somebody's browser can make the browser call `http://127.0.0.1` under any name it likes
//! (DNS rebinding). It cannot forge `Host`.
//!
//! Spec: RFC 9112 §3.2; MCP basic/transports/streamable-http (security warning).

use http::{HeaderMap, Uri, header, uri::Authority};
use model::{Hosts, UnknownHost, config::Config};

/// The names that are answered.
#[derive(Debug)]
pub struct HostGuard(Hosts);

impl HostGuard {
    /// Of the configuration.
    pub fn of(config: &Config) -> Self {
        Self(Hosts::of(config))
    }

    /// Is a request to `target` with these headers for us?
    pub fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), UnknownHost> {
        let fields = headers.get_all(header::HOST).iter().map(|field| field.to_str().ok());
        self.0.know(target.authority().map(Authority::as_str), fields)
    }
}

/// What a request calls the host, for people to read: its target, or else its first `Host`.
pub fn named<'r>(target: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    let field = headers.get(header::HOST).and_then(|field| field.to_str().ok());
    target.authority().map(Authority::as_str).or(field)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(target: &str, hosts: &[&str]) -> Result<(), UnknownHost> {
        let config = r#"{"public_url":"https://gw.test","listen":"127.0.0.1:8420","extra_hosts":["probe.internal"]}"#;
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        HostGuard::of(&serde_json::from_str(config).unwrap()).check(&parts.uri, &parts.headers)
    }

    /// Field: P8
    #[test]
    fn the_names_of_the_configuration_are_answered() {
        for host in
            ["gw.test", "GW.test", "gw.test:443", "localhost:8420", "127.0.0.1:8420", "[::1]:8420", "probe.internal"]
        {
            assert!(check("/mcp/t", &[host]).is_ok(), "{host}");
        }
        assert!(check("https://gw.test/mcp/t", &[]).is_ok(), "HTTP/2 names the host in its target");
    }

    /// A rebound name reaches a server that does not look at `Host` (CVE-2025-66414, CVE-2026-42559).
    ///
    /// Spec: MCP basic/transports/streamable-http (DNS rebinding)
    #[test]
    fn a_rebound_or_doubtful_host_is_refused() {
        for host in
            ["evil.test", "gw.test.evil.test", "localhost", "localhost:1", "gw.test:8443", "", "gw.test@evil.test"]
        {
            assert_eq!(check("/mcp/t", &[host]), Err(UnknownHost), "{host}");
        }
        assert_eq!(check("/mcp/t", &[]), Err(UnknownHost), "no host at all");
        assert_eq!(check("/mcp/t", &["gw.test", "evil.test"]), Err(UnknownHost));
        assert_eq!(check("https://evil.test/mcp/t", &["gw.test"]), Err(UnknownHost));
    }
}
