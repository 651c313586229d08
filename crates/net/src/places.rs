//! Room for connections: so many in all, and so many of one address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{ListenLimits, PerAddress};

/// Room for connections.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    full: bool,
    per_address: usize,
    spare_this_machine: bool,
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
}

#[derive(Default)]
struct Taken {
    connections: usize,
    refused: bool,
}

/// The network a request came from, among the request's extensions: the address, or what one subscriber has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Room for one connection of one address; given back when dropped.
pub(crate) struct Place {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
    _room: OwnedSemaphorePermit,
}

impl Places {
    /// As many as `limits` says.
    pub(crate) fn within(limits: &ListenLimits) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            full: false,
            per_address: match limits.per_address {
                PerAddress::Quarter => (limits.connections / 4).max(1),
                PerAddress::AtMost(most) => most,
                PerAddress::Any => usize::MAX,
            },
            spare_this_machine: limits.per_address == PerAddress::Quarter,
            taken: Arc::default(),
        }
    }

    /// Waits for room. Says once, and not for every client of a crowd, that there is none.
    pub(crate) async fn room(&mut self) -> OwnedSemaphorePermit {
        let full = self.free.available_permits() == 0;
        if full && !self.full {
            tracing::warn!(event = "connections_exhausted", hint = "raise limits.connections or look for idle clients");
        }
        self.full = full;
        self.free.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Gives `room` to `peer`, or back when `peer` has its share already.
    pub(crate) fn take(&self, peer: IpAddr, room: OwnedSemaphorePermit) -> Result<Place, OwnedSemaphorePermit> {
        let address = network(peer);
        let spared = self.spare_this_machine && address.is_loopback();
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(address).or_default();
        if taken.connections >= self.per_address && !spared {
            if !std::mem::replace(&mut taken.refused, true) {
                tracing::warn!(event = "address_exhausted", %peer, connections = taken.connections);
            }
            return Err(room);
        }
        taken.connections += 1;
        Ok(Place { address, taken: self.taken.clone(), _room: room })
    }
}

impl Place {
    /// Whose it is.
    pub(crate) fn peer(&self) -> Peer {
        Peer(self.address)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.address) {
            taken.connections -= 1;
            if taken.connections == 0 {
                all.remove(&self.address);
            }
        }
    }
}

/// What one customer of a network has: an IPv4 address, or 64 bits of IPv6.
///
/// Spec: RFC 6177 §2
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `attempts` by `addresses` in turn get a place that they keep.
    async fn kept(connections: usize, per_address: PerAddress, addresses: &[&str], attempts: usize) -> usize {
        let mut places = Places::within(&ListenLimits { connections, per_address, ..ListenLimits::default() });
        let mut kept = Vec::new();
        for peer in addresses.iter().cycle().take(attempts) {
            let room = places.room().await;
            kept.extend(places.take(peer.parse().unwrap(), room).ok());
        }
        kept.len()
    }

    #[tokio::test]
    async fn one_address_has_a_quarter_of_all_places_and_this_machine_any() {
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1"], 10).await, 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1", "192.0.2.2"], 10).await, 8);
        assert_eq!(kept(2, PerAddress::Quarter, &["192.0.2.1"], 10).await, 1);
        assert_eq!(kept(16, PerAddress::Quarter, &["127.0.0.1", "::1", "::ffff:127.0.0.1"], 10).await, 10);
    }

    #[tokio::test]
    async fn a_setting_is_for_everybody_and_there_may_be_none() {
        assert_eq!(kept(16, PerAddress::AtMost(3), &["127.0.0.1"], 10).await, 3);
        assert_eq!(kept(16, PerAddress::Any, &["192.0.2.1"], 10).await, 10);
    }

    #[tokio::test]
    async fn addresses_of_one_network_and_spellings_of_one_address_share() {
        assert_eq!(kept(16, PerAddress::Quarter, &["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"], 10).await, 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1", "::ffff:192.0.2.1"], 10).await, 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["2001:db8::1", "2001:db8:0:1::1"], 10).await, 8);
    }

    #[tokio::test]
    async fn a_place_given_back_can_be_had_again_and_nothing_is_remembered() {
        let limits = ListenLimits { connections: 4, ..ListenLimits::default() };
        let mut places = Places::within(&limits);
        let peer = "192.0.2.1".parse().unwrap();
        let room = places.room().await;
        let first = places.take(peer, room).ok().unwrap();
        let room = places.room().await;
        let room = places.take(peer, room).err().unwrap();
        drop(first);
        assert!(places.taken.lock().unwrap().is_empty());
        assert!(places.take(peer, room).is_ok());
    }
}
