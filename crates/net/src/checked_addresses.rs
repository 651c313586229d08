//! The addresses of a host outside, looked at before one is dialled.
//!
//! A name is resolved once and what was looked at is what is dialled, so a name that says something else a moment later
//! leads nowhere (DNS rebinding).
//!
//! Spec: draft-ietf-oauth-client-id-metadata-document (SSRF); Standard Webhooks (server-side request forgery).

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::{fetch_error::FetchError, is_special_use};

/// All addresses of the host of `url`; unless the operator exempted the host, all of them are public.
pub(crate) async fn checked_addresses(url: &Url, port: u16, exempt: bool) -> Result<Vec<SocketAddr>, FetchError> {
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(url::Host::Ipv4(address)) => vec![(address, port).into()],
        Some(url::Host::Ipv6(address)) => vec![(address, port).into()],
        Some(url::Host::Domain(name)) => match tokio::net::lookup_host((name, port)).await {
            Ok(addresses) => addresses.collect(),
            Err(error) => return Err(FetchError::Unreachable(error.to_string())),
        },
        None => Vec::new(),
    };
    if addresses.is_empty() {
        return Err(FetchError::Unreachable("the name has no address".into()));
    }
    if !exempt {
        check_addresses(&addresses)?;
    }
    Ok(addresses)
}

/// Did the operator exempt the host, on any port or on this one?
pub(crate) fn is_exempt(exempt_hosts: &[String], host: &str, port: u16) -> bool {
    exempt_hosts.iter().any(|entry| *entry == host || *entry == format!("{host}:{port}"))
}

/// A connection to one of them.
pub(crate) async fn connect_checked(url: &Url, port: u16, exempt: bool) -> Result<TcpStream, FetchError> {
    let addresses = checked_addresses(url, port, exempt).await?;
    let stream = timeout(CONNECT, TcpStream::connect(addresses.as_slice())).await.map_err(|_| FetchError::TimedOut)?;
    stream.map_err(|error| FetchError::Unreachable(error.to_string()))
}

/// For the TCP connection, over all addresses.
const CONNECT: Duration = Duration::from_secs(4);

/// One special address among public ones is a trap, not a choice: all of them must be public.
fn check_addresses(addresses: &[SocketAddr]) -> Result<(), FetchError> {
    if addresses.iter().any(|address| is_special_use(address.ip())) { Err(FetchError::NotPublic) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: draft-ietf-oauth-client-id-metadata-document (SSRF)
    #[test]
    fn one_special_address_among_public_ones_is_enough_to_refuse() {
        let addresses = |all: &[&str]| all.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert!(check_addresses(&addresses(&["8.8.8.8:443", "[2606:4700::1111]:443"])).is_ok());
        for trap in [["8.8.8.8:443", "10.0.0.1:443"], ["[::1]:443", "8.8.8.8:443"]] {
            assert!(matches!(check_addresses(&addresses(&trap)), Err(FetchError::NotPublic)), "{trap:?}");
        }
    }
}
