//! What one grant may have under way at a time, so that no agent takes the gateway from the others.
//!
//! A call is counted from the moment its token is found to be live until its answer is over, its body in full from
//! the moment its length is announced until it was sent on. Standing streams are counted by themselves, because they
//! stay: a GET stream, and the answer to `subscriptions/listen`. An answer that comes as events belongs to its call.
//!
//! All grants together have room for the bodies of a few that use theirs up, and not of more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{Grant, Id, config::PerGrantConfig, event::CallRefusalReason};

/// Counts what is under way, by grant.
#[derive(Debug)]
pub struct Quotas {
    most: PerGrantConfig,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    grants: HashMap<Id<Grant>, Counts>,
    bytes: usize,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    calls: usize,
    cancels: usize,
    streams: usize,
    bytes: usize,
}

/// Which bound a grant has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Quota {
    /// As many calls are under way as one grant may have.
    #[error("too many calls of this grant are under way; wait for one to end")]
    Calls,
    /// As many streams are open.
    #[error("too many streams of this grant are open; close one")]
    Streams,
    /// As many bytes of requests are under way.
    #[error("too much of this grant's requests is under way; wait for one to be answered")]
    Bytes,
    /// Refusals come faster than they can be recorded one by one.
    #[error("too many requests of this grant are refused; they are only counted until there are fewer")]
    RefusalSampling,
}

impl Quota {
    /// The stable word in the audit and in logs.
    pub const fn reason(self) -> CallRefusalReason {
        match self {
            Self::Calls => CallRefusalReason::TooManyCalls,
            Self::Streams => CallRefusalReason::TooManyStreams,
            Self::Bytes => CallRefusalReason::TooManyBytes,
            Self::RefusalSampling => CallRefusalReason::TooManyRefusals,
        }
    }
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// This grant has enough under way.
    OfGrant,
    /// All grants together have.
    OfAll,
}

/// One call or one stream of a grant; given back when dropped.
#[derive(Debug)]
pub struct Share {
    grant: Id<Grant>,
    kind: Kind,
    taken: Arc<Mutex<Taken>>,
}

/// What is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    /// What came when all calls were under way, and may only end one.
    Cancel,
    Stream,
}

impl Share {
    /// Is there room for nothing but the cancellation of a call?
    pub fn only_cancels(&self) -> bool {
        self.kind == Kind::Cancel
    }
}

/// The bytes of one request; given back when dropped.
#[derive(Debug)]
pub struct Bytes {
    grant: Id<Grant>,
    most: usize,
    bytes: usize,
    taken: Arc<Mutex<Taken>>,
}

impl Quotas {
    /// With these bounds.
    pub fn of(most: PerGrantConfig) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// One more call. When all are under way there is still room for a few messages that [only cancel] one: what fills
    /// the house must not keep out what empties it.
    ///
    /// [only cancel]: Share::only_cancels
    pub fn call(&self, grant: &Id<Grant>) -> Result<Share, Quota> {
        self.share(grant, Kind::Call).or_else(|_| self.share(grant, Kind::Cancel))
    }

    /// One more standing stream.
    pub fn stream(&self, grant: &Id<Grant>) -> Result<Share, Quota> {
        self.share(grant, Kind::Stream)
    }

    fn share(&self, grant: &Id<Grant>, kind: Kind) -> Result<Share, Quota> {
        let mut taken = lock(&self.taken);
        if !taken.grants.contains_key(grant) {
            taken.grants.insert(grant.clone(), Counts::default());
        }
        let Some(counts) = taken.grants.get_mut(grant) else { return Err(Quota::Calls) };
        let (count, most, quota) = match kind {
            Kind::Call => (&mut counts.calls, self.most.calls, Quota::Calls),
            Kind::Cancel => (&mut counts.cancels, CANCELS, Quota::Calls),
            Kind::Stream => (&mut counts.streams, self.most.streams, Quota::Streams),
        };
        if *count >= most {
            taken.forget_if_idle(grant);
            return Err(quota);
        }
        *count += 1;
        Ok(Share { grant: grant.clone(), kind, taken: self.taken.clone() })
    }

    /// None yet of the bytes of a request.
    pub fn bytes(&self, grant: &Id<Grant>) -> Bytes {
        Bytes { grant: grant.clone(), most: self.most.bytes, bytes: 0, taken: self.taken.clone() }
    }
}

impl Bytes {
    /// So many more, all or none.
    pub fn take(&mut self, more: usize) -> Result<(), NoRoom> {
        let mut taken = lock(&self.taken);
        let of_all = taken.bytes + more;
        if of_all > self.most.saturating_mul(GRANTS_AT_ONCE) {
            return Err(NoRoom::OfAll);
        }
        let counts = taken.grants.entry(self.grant.clone()).or_default();
        if counts.bytes + more > self.most {
            taken.forget_if_idle(&self.grant);
            return Err(NoRoom::OfGrant);
        }
        counts.bytes += more;
        taken.bytes = of_all;
        self.bytes += more;
        Ok(())
    }
}

impl Taken {
    fn forget_if_idle(&mut self, grant: &Id<Grant>) {
        if self.grants.get(grant).is_some_and(|counts| *counts == Counts::default()) {
            self.grants.remove(grant);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(counts) = taken.grants.get_mut(&self.grant) {
            match self.kind {
                Kind::Call => counts.calls -= 1,
                Kind::Cancel => counts.cancels -= 1,
                Kind::Stream => counts.streams -= 1,
            }
        }
        taken.forget_if_idle(&self.grant);
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = lock(&self.taken);
        taken.bytes -= self.bytes;
        if let Some(counts) = taken.grants.get_mut(&self.grant) {
            counts.bytes -= self.bytes;
        }
        taken.forget_if_idle(&self.grant);
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many messages of a grant whose calls are all under way are read to see whether they cancel one.
const CANCELS: usize = 4;

/// So many grants may have all their bytes under way at once; with the default that is 128 MiB.
const GRANTS_AT_ONCE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas() -> Quotas {
        Quotas::of(PerGrantConfig { calls: 3, bytes: 100, streams: 2 })
    }

    fn grant(name: &str) -> Id<Grant> {
        name.parse().unwrap()
    }

    /// Field: S5
    #[test]
    fn calls_and_streams_of_a_grant_are_counted_apart_and_given_back() {
        let (quotas, one, other) = (quotas(), grant("one"), grant("other"));
        let mut held: Vec<_> = (0..3 + CANCELS).map(|_| quotas.call(&one).unwrap()).collect();
        assert_eq!(held.iter().filter(|share| share.only_cancels()).count(), CANCELS, "the last ones");
        assert_eq!(quotas.call(&one).unwrap_err(), Quota::Calls);
        held.extend((0..2).map(|_| quotas.stream(&one).unwrap()));
        assert_eq!(quotas.stream(&one).unwrap_err(), Quota::Streams);
        assert!(quotas.call(&other).is_ok() && quotas.stream(&other).is_ok());
        held.clear();
        assert!(quotas.call(&one).is_ok() && quotas.stream(&one).is_ok());
        assert!(lock(&quotas.taken).grants.is_empty(), "nothing is remembered");
    }

    /// Field: S5
    #[test]
    fn bytes_are_bounded_for_a_grant_and_for_all_of_them() {
        let quotas = quotas();
        let take = |name: &str, bytes| {
            let mut taken = quotas.bytes(&grant(name));
            taken.take(bytes).map(|()| taken)
        };
        let mut first = take("one", 60).unwrap();
        assert_eq!(first.take(41), Err(NoRoom::OfGrant));
        assert_eq!(first.take(40), Ok(()));
        assert_eq!(take("one", 1).unwrap_err(), NoRoom::OfGrant);
        let others: Vec<_> = ["two", "three", "four"].map(|name| take(name, 100).unwrap()).into();
        assert_eq!(take("five", 1).unwrap_err(), NoRoom::OfAll);
        drop(first);
        assert!(take("five", 100).is_ok());
        drop(others);
        let taken = lock(&quotas.taken);
        assert!(taken.bytes == 0 && taken.grants.is_empty());
    }
}
