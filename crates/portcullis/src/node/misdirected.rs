//! What a request gets that names another host: the guard is [`web::HostGuard`], this is its log and its answer.
//!
//! Spec: RFC 9110 §15.5.20.

use http::{Request, Response, StatusCode};
use model::{Clock, Pace, Sampling, SystemClock, config::Config};
use web::{HostGuard, host_guard::named};

/// The names this node answers to, and whether it was said lately that others were asked for.
pub struct Hosts {
    guard: HostGuard,
    said: Sampling<(), ()>,
}

impl Hosts {
    /// Of the configuration.
    pub fn of(config: &Config) -> Self {
        Self { guard: HostGuard::of(config), said: Sampling::at(Pace::STRANGER) }
    }

    /// Refuses a request for somebody else. Health checks may come under any name.
    pub fn check<B>(&self, request: &Request<B>) -> Result<(), Misdirected> {
        if matches!(request.uri().path(), "/healthz" | "/readyz") {
            return Ok(());
        }
        self.guard.check(request.uri(), request.headers()).map_err(|_| {
            self.say(named(request.uri(), request.headers()));
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
