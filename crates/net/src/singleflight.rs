//! Work that several want at the same moment is done once.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};

/// What is being worked on, by its name. It is given up when nobody waits for it any more.
pub(crate) struct Flights<K, V: Clone> {
    aloft: Mutex<HashMap<K, WeakShared<BoxFuture<'static, V>>>>,
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { aloft: Mutex::default() })
    }

    /// What `work` yields, or what work begun before under this `key` does.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: K,
        work: impl Future<Output = V> + Send + 'static,
    ) -> Shared<BoxFuture<'static, V>> {
        let mut aloft = self.aloft();
        if let Some(flight) = aloft.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        let landing = Landing { flights: self.clone(), key: key.clone() };
        let flight = async move {
            let landed = work.await;
            drop(landing);
            landed
        }
        .boxed()
        .shared();
        aloft.extend(flight.downgrade().map(|weak| (key, weak)));
        flight
    }

    fn aloft(&self) -> MutexGuard<'_, HashMap<K, WeakShared<BoxFuture<'static, V>>>> {
        self.aloft.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a flight, whether it ended or was given up.
struct Landing<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K, V> Drop for Landing<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn drop(&mut self) {
        self.flights.aloft().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_comes_later_gets_what_the_first_began() {
        let flights = Flights::new();
        let (tell, told) = oneshot::channel();
        let first = flights.join("a", told.map(Result::ok));
        let second = flights.join("a", ready(Some(2)));
        assert_eq!(flights.join("b", ready(Some(3))).await, Some(3), "another key waits for nobody");
        drop(first);
        tell.send(1).unwrap();
        assert_eq!(second.await, Some(1), "also when the first went away");
        assert_eq!(flights.join("a", ready(Some(4))).await, Some(4), "what ended is not kept");
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_given_up() {
        let flights = Flights::new();
        drop(flights.join("a", pending::<u8>()));
        assert!(flights.aloft().is_empty());
        assert_eq!(flights.join("a", ready(1)).await, 1);
    }
}
