//! Answers that were given before, in bounded memory.
//!
//! Two generations: a full young one becomes the old one, and what is still asked for comes back
//! from there. So the table forgets what nobody uses, without a list of uses to maintain.
//!
//! There is nothing to invalidate. A question holds all that an answer depends on, and other
//! policies are another [`crate::Policies`] with a table of its own.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    mem,
    sync::{PoisonError, RwLock},
};

/// Answers by question.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    hasher: RandomState,
    shards: [RwLock<Generations<K, V>>; SHARDS],
    per_generation: usize,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<u64, (K, V)>,
    old: HashMap<u64, (K, V)>,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// A table of at most `entries`, rounded up to whole shards.
    pub(crate) fn of(entries: usize) -> Self {
        let generations = || Generations { young: HashMap::new(), old: HashMap::new() };
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::new(generations())),
            per_generation: entries.div_ceil(2 * SHARDS).max(1),
        }
    }

    /// The answer kept for `key`, or the one `find` gives now.
    pub(crate) fn answer(&self, key: &K, find: impl FnOnce() -> V) -> V {
        let hash = self.hasher.hash_one(key);
        let shard = &self.shards[hash as usize % SHARDS];
        let kept = |map: &HashMap<u64, (K, V)>| match map.get(&hash) {
            Some((known, value)) if known == key => Some(value.clone()),
            _ => None,
        };
        let value = {
            let generations = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = kept(&generations.young) {
                return value;
            }
            kept(&generations.old)
        };
        let value = value.unwrap_or_else(find);
        let mut generations = shard.write().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= self.per_generation {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(hash, (key.clone(), value.clone()));
        value
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap()).map(|all| all.young.len() + all.old.len()).sum()
    }
}

const SHARDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_not_asked_again() {
        let cache = Cache::of(100);
        assert_eq!(cache.answer(&1, || 10), 10);
        assert_eq!(cache.answer(&1, || panic!("asked again")), 10);
    }

    #[test]
    fn the_table_never_grows_beyond_its_bound() {
        let cache = Cache::of(64);
        for key in 0..10_000 {
            cache.answer(&key, || key);
        }
        assert!(cache.len() <= 64, "{}", cache.len());
    }

    #[test]
    fn what_is_asked_all_the_time_stays_while_others_pass_through() {
        let cache = Cache::of(1024);
        let mut asked = 0;
        for key in 0..10_000 {
            cache.answer(&u64::MAX, || asked += 1);
            cache.answer(&key, || ());
        }
        assert_eq!(asked, 1);
    }
    /// A question whose hash is that of every other.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Colliding(u32);

    impl Hash for Colliding {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            0.hash(state);
        }
    }

    /// An attacker who finds a collision must not be answered with what somebody else may do.
    #[test]
    fn an_equal_hash_is_not_an_equal_question() {
        let cache = Cache::of(100);
        assert_eq!(cache.answer(&Colliding(1), || "allow"), "allow");
        assert_eq!(cache.answer(&Colliding(2), || "deny"), "deny");
        assert_eq!(cache.answer(&Colliding(1), || "asked anew"), "asked anew");
    }

    #[test]
    fn a_generation_is_full_at_its_bound_and_not_after_it() {
        let cache = Cache::of(1);
        for key in 0..1_000 {
            cache.answer(&key, || key);
        }
        assert_eq!(cache.len(), 2 * SHARDS, "one young and one old answer in each shard");
    }
}
