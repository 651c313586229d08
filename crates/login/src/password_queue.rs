//! The line in which passwords wait to be hashed: few at a time, and no address gets all of the places.
//!
//! Field: S2

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crypto::HashMemory;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

/// How many passwords are hashed at a time, and how many may wait for their turn.
pub(crate) struct PasswordQueue {
    turns: Arc<Semaphore>,
    /// One for each turn, so that what hashing takes was taken once.
    memories: Arc<Mutex<Vec<HashMemory>>>,
    line: Arc<Semaphore>,
    /// For browsers that are known: strangers can not fill it.
    line_of_the_known: Arc<Semaphore>,
    in_line: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
}

impl Default for PasswordQueue {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            memories: Arc::new(Mutex::new((0..AT_A_TIME).map(|_| HashMemory::default()).collect())),
            line: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
            line_of_the_known: Arc::new(Semaphore::new(WAITING_KNOWN)),
            in_line: Arc::default(),
        }
    }
}

/// Too many passwords wait to be checked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub(crate) struct Busy;

/// A place in the line. Taken before any other work, so that a flood costs next to nothing.
pub(crate) struct Place {
    _in_line: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

/// One of the places that an address has.
struct OfAddress {
    address: Option<IpAddr>,
    in_line: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
}

impl PasswordQueue {
    /// A place in the line, when there is one; no address gets all of them.
    pub(crate) fn place(&self, address: Option<IpAddr>) -> Result<Place, Busy> {
        let place = self.line.clone().try_acquire_owned().map_err(|_| Busy)?;
        let mut places = locked(&self.in_line);
        let taken = places.entry(address).or_default();
        if *taken >= OF_ADDRESS {
            return Err(Busy);
        }
        *taken += 1;
        drop(places);
        Ok(Place { _in_line: place, _of_address: Some(OfAddress { address, in_line: self.in_line.clone() }) })
    }

    /// A place that strangers can not fill.
    pub(crate) fn place_of_the_known(&self) -> Result<Place, Busy> {
        let place = self.line_of_the_known.clone().try_acquire_owned().map_err(|_| Busy)?;
        Ok(Place { _in_line: place, _of_address: None })
    }
}

impl Drop for OfAddress {
    fn drop(&mut self) {
        let mut places = locked(&self.in_line);
        if let Some(taken) = places.get_mut(&self.address) {
            *taken -= 1;
            if *taken == 0 {
                places.remove(&self.address);
            }
        }
    }
}

impl PasswordQueue {
    /// Argon2id takes memory and time on purpose: a few at a time, and never on a thread that serves.
    ///
    /// Turn and place go with the work and are given back when it is done. A caller that hangs up drops this future, but
    /// the hash it asked for goes on; were its turn free at once, hanging up would buy any number of hashes.
    pub(crate) async fn at_its_turn<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut HashMemory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let turn = timeout(LONGEST_WAIT, self.turns.clone().acquire_owned()).await;
        let turn = turn.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let memories = self.memories.clone();
        let working = spawn_blocking(move || {
            let mut memory = locked(&memories).pop().unwrap_or_default();
            let done = work(&mut memory);
            locked(&memories).push(memory);
            // In this order: who gets the turn finds the place free as well.
            drop((place, turn));
            done
        });
        working.await.map_err(|_| Busy)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes at a time, and so memories of 19 MiB.
const AT_A_TIME: usize = 2;
const WAITING: usize = 32;
const WAITING_KNOWN: usize = 8;
/// Of those in line, how many may be from one address.
const OF_ADDRESS: usize = 16;
/// How long a caller waits for a turn before it is told to come again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A bound that the waiter holds is no bound: whoever hangs up frees it, and the work goes on.
    ///
    /// Field: S2
    #[tokio::test(flavor = "multi_thread")]
    async fn who_hangs_up_does_not_free_the_turn_or_the_place_that_the_hash_still_has() {
        let queue = Arc::new(PasswordQueue::default());
        let mut ends = Vec::new();
        for _ in 0..AT_A_TIME {
            let (queue, (end, ended), (begin, begun)) = (queue.clone(), mpsc::channel::<()>(), mpsc::channel::<()>());
            let caller = tokio::spawn(async move {
                let work = move |_: &mut HashMemory| {
                    begin.send(()).unwrap();
                    let _ = ended.recv();
                };
                let place = queue.place(None).unwrap();
                queue.at_its_turn(place, work).await
            });
            spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
            caller.abort();
            let _ = caller.await;
            ends.push(end);
        }
        assert_eq!((queue.turns.available_permits(), locked(&queue.memories).len()), (0, 0));
        assert_eq!(locked(&queue.in_line)[&None], AT_A_TIME);
        ends.clear();
        let turns = queue.turns.acquire_many(AT_A_TIME as u32).await.unwrap();
        let line = queue.line.acquire_many((AT_A_TIME + WAITING) as u32).await.unwrap();
        assert_eq!(locked(&queue.memories).len(), AT_A_TIME);
        drop((turns, line));
    }

    /// Field: S2, P2
    #[tokio::test(start_paused = true)]
    async fn the_line_is_bounded_in_length_and_time_and_no_address_has_all_of_it() {
        let queue = PasswordQueue::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().unwrap()));
        let mut held: Vec<_> = (0..OF_ADDRESS).map(|_| queue.place(one).unwrap()).collect();
        assert!(queue.place(one).is_err() && queue.place_of_the_known().is_ok());
        held.extend((0..OF_ADDRESS).map(|_| queue.place(other).unwrap()));
        held.extend(std::iter::from_fn(|| queue.place(None).ok()));
        assert_eq!(held.len(), AT_A_TIME + WAITING);
        assert!(queue.place_of_the_known().is_ok(), "who is known has a line that strangers can not fill");
        let turns = queue.turns.acquire_many(AT_A_TIME as u32).await.unwrap();
        assert!(queue.at_its_turn(held.pop().unwrap(), |_| ()).await.is_err(), "told to come again");
        drop(turns);
        held.clear();
        assert!(locked(&queue.in_line).is_empty());
    }
}
