//! Which `Host` a request may name. A page on the internet that points its own name at this
//! machine (DNS rebinding) must find nobody home.
//!
//! Spec: RFC 9112 §3.2; MCP 2026-07-28 basic/transports (Host and Origin).

use http::{Request, Response, StatusCode, header};
use model::{Clock, Pace, Sampling, SystemClock, config::Config};

/// The names this node answers to.
pub struct Hosts {
    names: model::Hosts,
    said: Sampling<(), ()>,
}

impl Hosts {
    /// Of the configuration.
    pub fn of(config: &Config) -> Self {
        Self { names: model::Hosts::of(config), said: Sampling::at(Pace::STRANGER) }
    }

    /// Refuses a request for somebody else. Health checks may come under any name.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Misdirected> {
        if matches!(request.uri().path(), "/healthz" | "/readyz") {
            return Ok(());
        }
        let target = request.uri().authority().map(http::uri::Authority::as_str);
        let fields = || request.headers().get_all(header::HOST).iter().map(|field| field.to_str().ok());
        self.names.know(target, fields()).map_err(|_| {
            self.say(target.or_else(|| fields().flatten().next()));
            Misdirected
        })
    }

    /// Says in the log which name was asked for, and which setting would answer to it. Strangers choose the names, so
    /// there is a line a minute and no more.
    fn say(&self, named: Option<&str>) {
        if let Some((_, count)) = self.said.see((), (), SystemClock.now(), || ()).record {
            let host: String = named.unwrap_or("none").chars().filter(|c| !c.is_control()).take(128).collect();
            tracing::info!(event = "unknown_host", host, count, "if it is one of ours, add it to `extra_hosts`");
        }
    }
}

/// The request is for somebody else (RFC 9110 §15.5.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misdirected;

impl Misdirected {
    /// The answer, which tells an operator what to look at.
    pub fn response(self) -> Response<net::Body> {
        let text = "this host name is not served here: check public_url and extra_hosts in the configuration\n";
        let mut response = Response::new(net::full(text));
        *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(host: Option<&str>, path: &str) -> bool {
        let config: Config = serde_json::from_str(
            r#"{"public_url":"https://mcp.acme.test","listen":"127.0.0.1:8443","extra_hosts":["probe"]}"#,
        )
        .unwrap();
        let mut request = Request::builder().uri(path);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        Hosts::of(&config).check(&request.body(()).unwrap()).is_err()
    }

    /// Field: P8
    #[test]
    fn the_names_of_this_node_are_answered() {
        for host in ["mcp.acme.test", "MCP.acme.test", "mcp.acme.test:443", "probe", "localhost:8443", "127.0.0.1:8443"]
        {
            assert!(!refused(Some(host), "/login"), "{host}");
        }
    }

    #[test]
    fn dns_rebinding_finds_nobody_home() {
        for host in ["evil.test", "mcp.acme.test:81", "127.0.0.1", "localhost", "mcp.acme.test.evil.test", ""] {
            assert!(refused(Some(host), "/login"), "{host}");
        }
        assert!(refused(None, "/login"));
        assert!(!refused(Some("10.0.0.7"), "/healthz"));
    }
}
