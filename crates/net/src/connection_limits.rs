//! Room for connections: so many in all, so many of one address, and a few kept back.
//!
//! When the house is full, the oldest connection whose caller did not prove who it is makes room for the next. When
//! all of them did, or when an address has its share, the next one is only let into the hall: there it is told that
//! there is no room, and there alone the house itself is still to be asked how it is.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    ListenLimits, PerAddress,
    caller::{Caller, Room, SHARED_BYTES},
    network::network,
};

/// Room for connections.
pub(crate) struct Places {
    connections: usize,
    kept_back: usize,
    per_address: usize,
    spare_this_machine: bool,
    shared: Arc<Room>,
    taken: Arc<Mutex<Taken>>,
    /// Whether all of them are asked to come to an end.
    ending: watch::Sender<bool>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    /// By age. Who was told to leave is not in it any more.
    rooms: BTreeMap<u64, Arc<Caller>>,
    hall: BTreeMap<u64, Arc<Caller>>,
    addresses: HashMap<IpAddr, Address>,
    said_full: bool,
}

#[derive(Default)]
struct Address {
    connections: usize,
    refused: bool,
}

/// The network a request came from, among the request's extensions: the address, or what one subscriber has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Where a connection may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// It is served.
    Room,
    /// It is told that there is no room.
    Hall,
}

/// Room for one connection of one address; given back when dropped.
pub(crate) struct Place {
    number: u64,
    address: IpAddr,
    /// Where it may stay.
    pub(crate) at: Where,
    /// Who has it.
    pub(crate) caller: Arc<Caller>,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// As many as `limits` says, or as this process may have files open.
    pub(crate) fn within(limits: &ListenLimits) -> Self {
        let connections = limits.connections;
        Self {
            connections,
            kept_back: limits.kept_back,
            per_address: match limits.per_address {
                PerAddress::Quarter => (connections / 4).max(1),
                PerAddress::AtMost(most) => most,
                PerAddress::Any => usize::MAX,
            },
            spare_this_machine: limits.per_address == PerAddress::Quarter,
            shared: Arc::new(Room::of(SHARED_BYTES)),
            taken: Arc::default(),
            ending: watch::Sender::new(false),
        }
    }

    /// What only waits for something to happen may end now.
    pub(crate) fn begin_to_end(&self) {
        self.ending.send_replace(true);
    }

    /// A place for `peer`. Somebody else may have to leave for it.
    pub(crate) fn take(&self, peer: IpAddr) -> Place {
        let caller = Caller::at(peer, self.shared.clone(), self.ending.subscribe());
        let address = network(peer);
        let mut taken = lock(&self.taken);
        let at = if self.has_its_share(&mut taken, address) { Where::Hall } else { self.room(&mut taken) };
        let number = taken.next;
        taken.next += 1;
        match at {
            Where::Room => {
                taken.addresses.entry(address).or_default().connections += 1;
                taken.rooms.insert(number, caller.clone());
            }
            Where::Hall => {
                if taken.hall.len() >= self.kept_back
                    && let Some((_, oldest)) = taken.hall.pop_first()
                {
                    oldest.close();
                }
                taken.hall.insert(number, caller.clone());
            }
        }
        drop(taken);
        Place { number, address, at, caller, taken: self.taken.clone() }
    }

    fn has_its_share(&self, taken: &mut Taken, address: IpAddr) -> bool {
        let spared = self.spare_this_machine && address.is_loopback();
        let Some(of_it) = taken.addresses.get_mut(&address) else { return self.per_address == 0 };
        let full = of_it.connections >= self.per_address && !spared;
        if full && !std::mem::replace(&mut of_it.refused, true) {
            tracing::warn!(event = "address_exhausted", %address, connections = of_it.connections);
        }
        full
    }

    fn room(&self, taken: &mut Taken) -> Where {
        let full = taken.rooms.len() >= self.connections;
        if full && !std::mem::replace(&mut taken.said_full, true) {
            tracing::warn!(event = "connections_exhausted", hint = "raise limits.connections or look for idle clients");
        }
        // In a crowd somebody leaves all the time: not worth a line each.
        taken.said_full &= taken.rooms.len() > self.connections / 2;
        if !full || taken.show_out_the_oldest_stranger() { Where::Room } else { Where::Hall }
    }

    /// The system has no room for one more: somebody has to leave whether the house is full or not.
    pub(crate) fn make_room(&self) {
        lock(&self.taken).show_out_the_oldest_stranger();
    }
}

impl Taken {
    fn show_out_the_oldest_stranger(&mut self) -> bool {
        let stranger = self.rooms.iter().find(|(_, caller)| !caller.is_verified()).map(|(number, _)| *number);
        let Some(caller) = stranger.and_then(|number| self.rooms.remove(&number)) else { return false };
        caller.close();
        true
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
        let mut taken = lock(&self.taken);
        if self.at == Where::Hall {
            taken.hall.remove(&self.number);
            return;
        }
        taken.rooms.remove(&self.number);
        if let Some(address) = taken.addresses.get_mut(&self.address) {
            address.connections -= 1;
            if address.connections == 0 {
                taken.addresses.remove(&self.address);
            }
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, timeout};

    use super::*;

    fn places(connections: usize, per_address: PerAddress) -> Places {
        Places::within(&ListenLimits { connections, per_address, kept_back: 2, ..ListenLimits::default() })
    }

    /// How many of `attempts` by `addresses` in turn get a room that they keep.
    fn kept(connections: usize, per_address: PerAddress, addresses: &[&str], attempts: usize) -> usize {
        let places = places(connections, per_address);
        let addresses = addresses.iter().cycle().take(attempts);
        let all: Vec<_> = addresses.map(|peer| places.take(peer.parse().unwrap())).collect();
        all.iter().filter(|place| place.at == Where::Room).count()
    }

    async fn must_leave(place: &Place) -> bool {
        timeout(Duration::ZERO, place.caller.told_to_close()).await.is_ok()
    }

    #[test]
    fn one_address_has_a_quarter_of_all_places_and_this_machine_any() {
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1"], 10), 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1", "192.0.2.2"], 10), 8);
        assert_eq!(kept(2, PerAddress::Quarter, &["192.0.2.1"], 10), 1);
        assert_eq!(kept(16, PerAddress::Quarter, &["127.0.0.1", "::1", "::ffff:127.0.0.1"], 10), 10);
    }

    #[test]
    fn a_setting_is_for_everybody_and_there_may_be_none() {
        assert_eq!(kept(16, PerAddress::AtMost(3), &["127.0.0.1"], 10), 3);
        assert_eq!(kept(16, PerAddress::Any, &["192.0.2.1"], 10), 10);
    }

    #[test]
    fn addresses_of_one_network_and_spellings_of_one_address_share() {
        assert_eq!(kept(16, PerAddress::Quarter, &["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"], 10), 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["192.0.2.1", "::ffff:192.0.2.1"], 10), 4);
        assert_eq!(kept(16, PerAddress::Quarter, &["2001:db8::1", "2001:db8:0:1::1"], 10), 8);
    }

    #[test]
    fn a_place_given_back_can_be_had_again_and_nothing_is_remembered() {
        let places = places(4, PerAddress::Quarter);
        let peer = "192.0.2.1".parse().unwrap();
        let first = places.take(peer);
        assert_eq!(places.take(peer).at, Where::Hall);
        drop(first);
        let taken = lock(&places.taken);
        assert!(taken.addresses.is_empty() && taken.rooms.is_empty() && taken.hall.is_empty());
        drop(taken);
        assert_eq!(places.take(peer).at, Where::Room);
    }

    /// Field: S3, S5
    #[tokio::test]
    async fn the_oldest_stranger_leaves_first_and_who_is_known_stays() {
        let places = places(3, PerAddress::Any);
        let peer = "192.0.2.1".parse().unwrap();
        let (known, old, young) = (places.take(peer), places.take(peer), places.take(peer));
        known.caller.answering(async { crate::caller::verified() }).await;
        let next = places.take(peer);
        assert_eq!(next.at, Where::Room);
        assert!(must_leave(&old).await && !must_leave(&young).await && !must_leave(&known).await);
        assert_eq!(places.take(peer).at, Where::Room);
        assert!(must_leave(&young).await, "who left already is not asked twice");
        drop((old, young));
        assert!(!must_leave(&known).await && !must_leave(&next).await);
    }

    /// Field: N15
    #[tokio::test]
    async fn when_everybody_is_known_the_next_one_is_let_into_the_hall_and_the_oldest_there_leaves() {
        let places = places(1, PerAddress::Any);
        let peer = "192.0.2.1".parse().unwrap();
        let known = places.take(peer);
        known.caller.answering(async { crate::caller::verified() }).await;
        let hall = [places.take(peer), places.take(peer), places.take(peer)];
        assert!(hall.iter().all(|place| place.at == Where::Hall));
        assert!(must_leave(&hall[0]).await && !must_leave(&hall[1]).await && !must_leave(&hall[2]).await);
        drop(known);
        assert_eq!(places.take(peer).at, Where::Room);
    }
}
