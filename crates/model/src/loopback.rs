//! Addresses of the computer that a person sits at.
//!
//! Spec: RFC 8252 §7.3, RFC 6761 §6.3 (localhost).

use url::{Host, Url};

/// Does this URL go to the computer of the person: `http` to `127.0.0.1`, `[::1]` or `localhost`?
pub fn is_loopback_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "http" && is_loopback_host(&url))
}

/// Is its host `127.0.0.1`, `[::1]` or `localhost`?
pub fn is_loopback_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
