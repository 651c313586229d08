//! Who may knock: the `Host` and `Origin` of a request.
//!
//! A page in somebody's browser can make the browser call `http://127.0.0.1` under any name it likes
//! (DNS rebinding). It cannot forge `Host` or `Origin`, so both are held against lists, always.
//!
//! Spec: MCP basic/transports/streamable-http (security warning).

use http::{HeaderMap, HeaderValue, header, request::Parts};
use model::config::Config;

use crate::refusal::Refusal;

/// The names we answer to and the origins we answer.
#[derive(Debug)]
pub struct Door {
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// A request that was let in, with the browser origin it came from, if any.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// An allowed `Origin`.
    pub origin: Option<HeaderValue>,
}

impl Door {
    /// Of the configuration.
    pub fn new(config: &Config) -> Self {
        let public = config.public_url.authority();
        let default_port = if config.public_url.is_https() { 443 } else { 80 };
        let mut hosts = vec![public.to_owned(), format!("{public}:{default_port}"), config.listen.to_string()];
        if config.listen.ip().is_loopback() || config.listen.ip().is_unspecified() {
            let port = config.listen.port();
            hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        hosts.extend(config.extra_hosts.iter().cloned());
        let mut origins = vec![config.public_url.as_str().to_owned()];
        origins.extend(config.allowed_origins.iter().cloned());
        Self { hosts, origins }
    }

    /// Is the request for us? That is enough for what is public: pages of every origin may read it.
    pub fn knows_host(&self, parts: &Parts) -> Result<(), Refusal> {
        let host = host(parts).ok_or(Refusal::UnknownHost)?;
        match self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
            true => Ok(()),
            false => Err(Refusal::UnknownHost),
        }
    }

    /// Lets a request in, or says why not.
    pub fn admit(&self, parts: &Parts) -> Result<Admitted, Refusal> {
        self.knows_host(parts)?;
        let mut origins = parts.headers.get_all(header::ORIGIN).iter();
        let origin = origins.next();
        let allowed = match origin {
            None => true,
            Some(origin) => {
                origins.next().is_none() && self.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes())
            }
        };
        if allowed { Ok(Admitted { origin: origin.cloned() }) } else { Err(Refusal::ForeignOrigin) }
    }
}

/// The one authority that the request names: in its target (HTTP/2, absolute form) or in `Host`, or the same in both.
fn host(parts: &Parts) -> Option<&str> {
    let mut fields = parts.headers.get_all(header::HOST).iter();
    let field = fields.next().map(HeaderValue::to_str).transpose().ok()?;
    if fields.next().is_some() {
        return None;
    }
    match (parts.uri.authority().map(http::uri::Authority::as_str), field) {
        (Some(target), Some(field)) if !target.eq_ignore_ascii_case(field) => None,
        (target, field) => target.or(field),
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

    fn door() -> Door {
        let config = r#"{"public_url":"https://gw.test","listen":"127.0.0.1:8420","extra_hosts":["probe.internal"],
            "allowed_origins":["https://inspector.test"]}"#;
        Door::new(&serde_json::from_str(config).unwrap())
    }

    fn admit(target: &str, headers: &[(&str, &str)]) -> Result<Admitted, Refusal> {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        door().admit(&request.body(()).unwrap().into_parts().0)
    }

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
            assert!(matches!(admit("/mcp/t", &[("host", host)]), Err(Refusal::UnknownHost)), "{host}");
        }
        assert!(matches!(admit("/mcp/t", &[]), Err(Refusal::UnknownHost)), "no host at all");
        assert!(matches!(admit("/mcp/t", &[("host", "gw.test"), ("host", "evil.test")]), Err(Refusal::UnknownHost)));
        assert!(matches!(admit("https://evil.test/mcp/t", &[("host", "gw.test")]), Err(Refusal::UnknownHost)));
    }

    /// Spec: MCP basic/transports/streamable-http (Origin MUST be validated)
    #[test]
    fn only_listed_origins_are_answered() {
        let with = |origin: &str| admit("/mcp/t", &[("host", "gw.test"), ("origin", origin)]);
        assert!(with("https://gw.test").is_ok() && with("https://inspector.test").is_ok());
        for origin in ["null", "http://gw.test", "https://gw.test:444", "https://gw.test/", "https://evil.test", ""] {
            assert!(matches!(with(origin), Err(Refusal::ForeignOrigin)), "{origin}");
        }
        let two = [("host", "gw.test"), ("origin", "https://gw.test"), ("origin", "https://gw.test")];
        assert!(matches!(admit("/mcp/t", &two), Err(Refusal::ForeignOrigin)));
    }
}
