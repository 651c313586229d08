//! What counts as one neighbour on the network.

use std::net::{IpAddr, Ipv6Addr};

/// What one customer of a network has: an IPv4 address, or 64 bits of IPv6.
///
/// Spec: RFC 6177 §2
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}
