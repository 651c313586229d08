//! Who is at the other end of a connection, as far as room depends on it.
//!
//! Whoever answers a request may say here that its caller proved who it is: a live token, a session, a client's
//! key. When the house is full, the oldest connection of which nobody said so is closed first. The handler of a
//! request reaches its caller through the task that runs it, so nothing has to be handed through every function.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use crate::network::network;

tokio::task_local! {
    static CALLER: Arc<Caller>;
}

/// One connection, as those who share out room see it.
#[derive(Debug)]
pub(crate) struct Caller {
    address: IpAddr,
    verified: AtomicBool,
    close: Notify,
    /// Whether the listener is ending.
    ending: watch::Receiver<bool>,
    /// Bytes of bodies that this connection may have read without asking for room.
    pub(crate) own: Room,
    /// What all connections of the listener share beyond that.
    pub(crate) shared: Arc<Room>,
}

/// The caller of the request that is being answered proved who it is.
pub fn verified() {
    let _ = CALLER.try_with(|caller| caller.verified.store(true, Ordering::Relaxed));
}

/// What the caller showed is worth nothing any more.
pub fn unverified() {
    let _ = CALLER.try_with(|caller| caller.verified.store(false, Ordering::Relaxed));
}

/// The network that the request being answered came from: an IPv4 address, or 64 bits of IPv6. Behind a reverse
/// proxy it is the proxy's.
pub fn address() -> Option<IpAddr> {
    CALLER.try_with(|caller| caller.address).ok()
}

/// The end of the listener that the request being answered came through, for what would not end by itself.
pub fn listener() -> Option<ListenerEnd> {
    CALLER.try_with(|caller| ListenerEnd(caller.ending.clone())).ok()
}

/// When a listener begins to end.
#[derive(Clone, Debug)]
pub struct ListenerEnd(watch::Receiver<bool>);

impl ListenerEnd {
    /// Waits until requests in flight are given their last time.
    pub async fn begins(mut self) {
        // An error means that the listener is gone altogether.
        let _ = self.0.wait_for(|ending| *ending).await;
    }
}

/// The caller of the request that this task answers.
pub(crate) fn current() -> Option<Arc<Caller>> {
    CALLER.try_with(Arc::clone).ok()
}

impl Caller {
    pub(crate) fn at(peer: IpAddr, shared: Arc<Room>, ending: watch::Receiver<bool>) -> Arc<Self> {
        let (address, verified, close) = (network(peer), AtomicBool::new(false), Notify::new());
        Arc::new(Self { address, verified, close, ending, own: Room::of(OWN_BYTES), shared })
    }

    pub(crate) fn is_verified(&self) -> bool {
        self.verified.load(Ordering::Relaxed)
    }

    /// Its place is needed.
    pub(crate) fn close(&self) {
        self.close.notify_one();
    }

    /// Waits until its place is needed.
    pub(crate) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    /// `work`, as the answer to a request of this caller.
    pub(crate) fn answering<F: Future>(self: &Arc<Self>, work: F) -> impl Future<Output = F::Output> + use<F> {
        CALLER.scope(self.clone(), work)
    }
}

/// Bytes that may be held.
#[derive(Debug)]
pub(crate) struct Room(AtomicUsize);

impl Room {
    pub(crate) const fn of(bytes: usize) -> Self {
        Self(AtomicUsize::new(bytes))
    }

    /// Takes all of `bytes`, or nothing.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |free| free.checked_sub(bytes)).is_ok()
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }
}

/// A login, a decision and a token request fit into it, so none of them depends on what others leave.
pub(crate) const OWN_BYTES: usize = 8 * 1024;
/// Unfinished bodies of all callers of a listener, beyond what each connection has of its own.
pub(crate) const SHARED_BYTES: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_reaches_the_caller_of_its_own_request_only() {
        let (_, ending) = watch::channel(false);
        let caller = Caller::at("192.0.2.7".parse().unwrap(), Arc::new(Room::of(1)), ending);
        verified();
        assert!(!caller.is_verified() && address().is_none());
        caller.answering(async { verified() }).await;
        assert!(caller.is_verified());
        assert_eq!(caller.answering(async { address() }).await, Some("192.0.2.7".parse().unwrap()));
        caller.answering(async { unverified() }).await;
        assert!(!caller.is_verified());
    }

    #[test]
    fn room_is_given_whole_or_not_at_all() {
        let room = Room::of(10);
        assert!(room.take(7) && !room.take(4) && room.take(3) && !room.take(1));
        room.give_back(10);
        assert!(room.take(10));
    }
}
