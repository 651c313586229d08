//! Which network a request came from, in a form that says nothing but whether it is the same one.
//!
//! Addresses are personal, and nothing here needs one: what is kept is a keyed digest of the neighbourhood. Behind
//! a proxy on another machine it is the proxy's, and then nothing ever comes from another network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use net::Peer;
use store::secrets::Vault;

use crate::context::Context;

/// 32 hexadecimal digits; empty when it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network(String);

impl Network {
    /// Of the caller of a request.
    pub(crate) fn of(cx: &Context, extensions: &http::Extensions) -> Self {
        let Some(Peer(address)) = extensions.get() else { return Self::default() };
        let digest = Vault::of(&cx.store).derive("network").authenticate(&neighbourhood(*address).to_string());
        Self(digest.to_hex()[..32].to_owned())
    }

    /// To be stored.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it known, and another than the one that was stored?
    pub(crate) fn differs_from(&self, stored: &str) -> bool {
        !self.0.is_empty() && !stored.is_empty() && self.0 != stored
    }
}

/// 256 IPv4 addresses, or what one site has of IPv6; all of this computer is one.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        local if local.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & 0xffff_ff00)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        neighbourhood(one.parse().unwrap()) == neighbourhood(other.parse().unwrap())
    }

    #[test]
    fn neighbours_are_one_network_and_strangers_are_not() {
        assert!(same("192.0.2.1", "192.0.2.254") && same("2001:db8:1:2::1", "2001:db8:1:fff::9"));
        assert!(same("127.0.0.1", "::1") && same("::ffff:192.0.2.1", "192.0.2.7"));
        assert!(!same("192.0.2.1", "192.0.3.1") && !same("2001:db8:1::1", "2001:db8:2::1"));
        assert!(!same("192.0.2.1", "2001:db8:1::1"));
    }
}
