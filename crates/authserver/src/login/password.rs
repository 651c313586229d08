//! Checking a password: the same words and the same work whether the name exists or not.
//!
//! Spec: OWASP password storage (Argon2id), OWASP authentication (enumeration).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{Id, Person, Secret, Target};
use store::StoreError;
use token::HashMemory;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use super::throttle::{Lines, Throttle};
use crate::cx::Cx;

/// Password checks: how many at a time, how many may wait for their turn, and who has to wait before.
pub(crate) struct Logins {
    turns: Arc<Semaphore>,
    /// One for each turn, so that what hashing takes was taken once.
    memories: Arc<Mutex<Vec<HashMemory>>>,
    line: Arc<Semaphore>,
    /// For browsers that are known: strangers can not fill it.
    line_of_the_known: Arc<Semaphore>,
    in_line: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
    throttle: Mutex<Throttle>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            memories: Arc::new(Mutex::new((0..AT_A_TIME).map(|_| HashMemory::default()).collect())),
            line: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
            line_of_the_known: Arc::new(Semaphore::new(WAITING_KNOWN)),
            in_line: Arc::default(),
            throttle: Mutex::default(),
        }
    }
}

/// Why a login was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    /// One answer for an unknown name, a wrong password, a disabled and a blocked person. The person is for the
    /// record alone.
    #[error("name or password is wrong")]
    Wrong { person: Option<Id<Person>>, cause: &'static str },
    #[error("too many attempts; try again in {seconds} s")]
    Wait { seconds: u64 },
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Too many passwords wait to be checked.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub(super) struct Busy;

/// A place in the line. Taken before any other work, so that a flood costs next to nothing.
pub(super) struct Place {
    _in_line: OwnedSemaphorePermit,
    _of_address: Option<OfAddress>,
}

/// One of the places that an address has.
struct OfAddress {
    address: Option<IpAddr>,
    in_line: Arc<Mutex<HashMap<Option<IpAddr>, usize>>>,
}

/// A place in the line, when there is one; no address gets all of them.
pub(super) fn stand_in_line(cx: &Cx) -> Result<Place, Busy> {
    cx.logins.place(net::caller::address())
}

impl Logins {
    fn place(&self, address: Option<IpAddr>) -> Result<Place, Busy> {
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

    fn place_of_the_known(&self) -> Result<Place, Busy> {
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

/// Where a try comes from.
pub(super) struct TriedFrom<'a> {
    /// The mark that the browser got with the form.
    pub(super) mark: &'a str,
    /// The number it is known by, when somebody logged in as this person with it before.
    pub(super) device: Option<String>,
}

/// A person whose password was right.
pub(super) struct Proved {
    pub(super) person: Person,
    /// Their hash is not made as those of today are.
    pub(super) rehash: Option<Rehash>,
}

/// Another hash of the same password.
#[derive(Clone)]
pub(super) struct Rehash {
    pub(super) old: String,
    pub(super) new: String,
}

/// The person of that name, when the password is theirs.
pub(super) async fn check(cx: &Cx, name: &str, password: Secret, from: TriedFrom<'_>) -> Result<Proved, LoginError> {
    if name.len() > LONGEST_NAME {
        return Err(LoginError::Wrong { person: None, cause: "name_too_long" });
    }
    let (place, lines) = match &from.device {
        Some(device) => (cx.logins.place_of_the_known()?, Lines::known(name, device)),
        None => (stand_in_line(cx)?, Lines::stranger(name, from.mark, net::caller::address())),
    };
    throttle(cx).reserve(&lines, cx.store.now()).map_err(|wait| LoginError::Wait { seconds: wait.seconds })?;
    let id: Option<Id<Person>> = name.parse().ok();
    let person = match &id {
        Some(id) => cx.store.person(id).await?,
        None => None,
    };
    let phc = match &person {
        Some(person) => cx.store.password_phc(&person.id).await?,
        None => None,
    };
    // A hash that the file declares is the file's: another one would be taken for a change at the next start.
    let declared = id.as_ref().and_then(|id| cx.config.people.get(id)).is_some_and(|one| one.password_hash.is_some());
    let verdict = cx
        .logins
        .at_its_turn(place, move |memory| match phc {
            Some(phc) => memory.check_password(&password, &phc).map_err(|_| "wrong_password").map(|()| {
                let stays = declared || token::is_of_today(&phc);
                (!stays).then(|| Rehash { new: memory.hash_password(&password), old: phc })
            }),
            None => {
                memory.check_nobody(&password);
                Err("no_password")
            }
        })
        .await?;
    let cause = match (verdict, &person) {
        (Ok(_), Some(person)) if person.disabled => "disabled",
        (Ok(_), Some(person)) if is_blocked(cx, &person.id) => "blocked",
        (Ok(rehash), Some(found)) => {
            throttle(cx).succeeded(&lines);
            return Ok(Proved { person: found.clone(), rehash });
        }
        (Err(_), None) => "unknown_name",
        (Err(cause), Some(_)) => cause,
        (Ok(_), None) => "not_checked",
    };
    Err(LoginError::Wrong { person: person.map(|person| person.id), cause })
}

/// The hash of a new password.
pub(super) async fn hash(cx: &Cx, place: Place, password: Secret) -> Result<String, Busy> {
    cx.logins.at_its_turn(place, move |memory| memory.hash_password(&password)).await
}

impl Logins {
    /// Argon2id takes memory and time on purpose: a few at a time, and never on a thread that serves.
    ///
    /// Turn and place go with the work and are given back when it is done. A caller that hangs up drops this future, but
    /// the hash it asked for goes on; were its turn free at once, hanging up would buy any number of hashes.
    async fn at_its_turn<T: Send + 'static>(
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

/// A block on the person ends their sessions and bars new ones. A block on everything does not: somebody has to lift it.
pub(super) fn is_blocked(cx: &Cx, person: &Id<Person>) -> bool {
    let blocks = cx.store.blocks();
    blocks.iter().any(|block| block.lifted_at.is_none() && block.target == Target::Person(person.clone()))
}

fn throttle(cx: &Cx) -> MutexGuard<'_, Throttle> {
    locked(&cx.logins.throttle)
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
/// Longest name anybody has here, in bytes.
const LONGEST_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A bound that the waiter holds is no bound: whoever hangs up frees it, and the work goes on.
    ///
    /// Field: S2
    #[tokio::test(flavor = "multi_thread")]
    async fn who_hangs_up_does_not_free_the_turn_or_the_place_that_the_hash_still_has() {
        let logins = Arc::new(Logins::default());
        let mut ends = Vec::new();
        for _ in 0..AT_A_TIME {
            let (logins, (end, ended), (begin, begun)) = (logins.clone(), mpsc::channel::<()>(), mpsc::channel::<()>());
            let caller = tokio::spawn(async move {
                let work = move |_: &mut HashMemory| {
                    begin.send(()).unwrap();
                    let _ = ended.recv();
                };
                let place = logins.place(None).unwrap();
                logins.at_its_turn(place, work).await
            });
            spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
            caller.abort();
            let _ = caller.await;
            ends.push(end);
        }
        assert_eq!((logins.turns.available_permits(), locked(&logins.memories).len()), (0, 0));
        assert_eq!(locked(&logins.in_line)[&None], AT_A_TIME);
        ends.clear();
        let turns = logins.turns.acquire_many(AT_A_TIME as u32).await.unwrap();
        let line = logins.line.acquire_many((AT_A_TIME + WAITING) as u32).await.unwrap();
        assert_eq!(locked(&logins.memories).len(), AT_A_TIME);
        drop((turns, line));
    }

    /// Field: S2, P2
    #[tokio::test(start_paused = true)]
    async fn the_line_is_bounded_in_length_and_time_and_no_address_has_all_of_it() {
        let logins = Logins::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Some(address.parse().unwrap()));
        let mut held: Vec<_> = (0..OF_ADDRESS).map(|_| logins.place(one).unwrap()).collect();
        assert!(logins.place(one).is_err() && logins.place_of_the_known().is_ok());
        held.extend((0..OF_ADDRESS).map(|_| logins.place(other).unwrap()));
        held.extend(std::iter::from_fn(|| logins.place(None).ok()));
        assert_eq!(held.len(), AT_A_TIME + WAITING);
        assert!(logins.place_of_the_known().is_ok(), "who is known has a line that strangers can not fill");
        let turns = logins.turns.acquire_many(AT_A_TIME as u32).await.unwrap();
        assert!(logins.at_its_turn(held.pop().unwrap(), |_| ()).await.is_err(), "told to come again");
        drop(turns);
        held.clear();
        assert!(locked(&logins.in_line).is_empty());
    }
}
