//! Whose turn it is: so many fetches at a time in all, and so many of one host.
//!
//! Strangers choose the hosts, and how slowly they answer. A slow one keeps its own few turns
//! busy, and whoever waits for one of them is told so instead of standing in the way of others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Turns to fetch.
#[derive(Debug)]
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Host>>,
}

#[derive(Debug)]
struct Host {
    free: Arc<Semaphore>,
    present: usize,
}

/// One turn, until dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_host: OwnedSemaphorePermit,
    _present: Present,
}

/// Nobody's turn ended in time.
#[derive(Debug)]
pub(crate) struct NoTurn;

impl Turns {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { all: Arc::new(Semaphore::new(AT_A_TIME)), hosts: Mutex::default() })
    }

    /// A turn at `host`, waited for not longer than two seconds.
    pub(crate) async fn take(self: &Arc<Self>, host: &str) -> Result<Turn, NoTurn> {
        let (present, free) = self.arrive(host.trim_end_matches('.'));
        let waiting = async {
            // The host's own first: who waits for it must not hold what others could use.
            let of_host = free.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { _of_all: of_all, _of_host: of_host, _present: present })
        };
        timeout(LONGEST_WAIT, waiting).await.ok().flatten().ok_or(NoTurn)
    }

    fn arrive(self: &Arc<Self>, name: &str) -> (Present, Arc<Semaphore>) {
        let mut hosts = self.hosts();
        let host = hosts
            .entry(name.to_owned())
            .or_insert_with(|| Host { free: Arc::new(Semaphore::new(AT_A_TIME_PER_HOST)), present: 0 });
        host.present += 1;
        (Present { turns: self.clone(), host: name.to_owned() }, host.free.clone())
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the count of a host for as long as somebody waits or fetches there.
#[derive(Debug)]
struct Present {
    turns: Arc<Turns>,
    host: String,
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut hosts = self.turns.hosts();
        if let Some(host) = hosts.get_mut(&self.host) {
            host.present -= 1;
            if host.present == 0 {
                hosts.remove(&self.host);
            }
        }
    }
}

/// Fetches in flight; strangers can not make more of them.
const AT_A_TIME: usize = 32;
/// Of them, those to one host.
const AT_A_TIME_PER_HOST: usize = 4;
/// Somebody looks at a page that is not there yet.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_host_has_few_turns_and_takes_none_from_others() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for _ in 0..AT_A_TIME_PER_HOST {
            held.push(turns.take("slow.example").await.unwrap());
        }
        assert!(turns.take("slow.example").await.is_err());
        assert!(turns.take("slow.example.").await.is_err(), "the same host");
        assert!(turns.take("other.example").await.is_ok());
        let (fifth, ()) = tokio::join!(turns.take("slow.example"), async { drop(held.pop()) });
        assert!(fifth.is_ok(), "waited for a turn to end");
    }

    #[tokio::test(start_paused = true)]
    async fn all_hosts_together_have_a_bound_too() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for n in 0..AT_A_TIME {
            held.push(turns.take(&format!("{n}.example")).await.unwrap());
        }
        assert!(turns.take("more.example").await.is_err());
        held.clear();
        assert!(turns.take("more.example").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_are_forgotten_when_nobody_fetches_there() {
        let turns = Turns::new();
        let held: Vec<_> = [turns.take("a.example").await, turns.take("b.example").await].into();
        assert_eq!(turns.hosts().len(), 2);
        drop(held);
        drop(turns.take("a.example"));
        assert_eq!(turns.hosts().len(), 0);
    }
}
