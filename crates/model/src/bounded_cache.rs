//! What was found out before, in bounded memory.
//!
//! Two generations: a full young one becomes the old one, and what is still asked for comes back from there. So it
//! forgets what nobody uses, without a list of uses to maintain. Nothing is ever put in the place of something else by
//! its hash alone.
//!
//! Why not a crate: docs/decisions/0005-dependencies.md.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    hash::{BuildHasher, Hash},
    mem,
    sync::{PoisonError, RwLock},
};

/// Values by key, at most so many.
pub struct BoundedCache<K, V> {
    hasher: RandomState,
    shards: [RwLock<Generations<K, V>>; SHARDS],
    per_generation: usize,
}

/// By the hash of the key, so that it is made once.
struct Generations<K, V> {
    young: HashMap<u64, (K, V)>,
    old: HashMap<u64, (K, V)>,
}

impl<K: Hash + Eq, V: Clone> BoundedCache<K, V> {
    /// An empty one for at most `entries`, rounded up to whole shards.
    pub fn of(entries: usize) -> Self {
        let generations = || Generations { young: HashMap::new(), old: HashMap::new() };
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::new(generations())),
            per_generation: entries.div_ceil(2 * SHARDS).max(1),
        }
    }

    /// The value that is kept for `key`.
    pub fn find(&self, key: &K) -> Option<V> {
        let (hash, shard) = self.shard(key);
        {
            let generations = shard.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = kept(&generations.young, hash, key) {
                return Some(value);
            }
            kept(&generations.old, hash, key)?;
        }
        let mut generations = shard.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been here meanwhile.
        let (known, value) = generations.old.remove(&hash).filter(|(known, _)| known == key)?;
        self.insert(&mut generations, hash, known, value.clone());
        Some(value)
    }

    /// Keeps `value` for `key`.
    pub fn keep(&self, key: K, value: V) {
        let (hash, shard) = self.shard(&key);
        let mut generations = shard.write().unwrap_or_else(PoisonError::into_inner);
        self.insert(&mut generations, hash, key, value);
    }

    fn insert(&self, generations: &mut Generations<K, V>, hash: u64, key: K, value: V) {
        if generations.young.len() >= self.per_generation {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(hash, (key, value));
    }

    fn shard(&self, key: &K) -> (u64, &RwLock<Generations<K, V>>) {
        let hash = self.hasher.hash_one(key);
        (hash, &self.shards[hash as usize % SHARDS])
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().unwrap()).map(|all| all.young.len() + all.old.len()).sum()
    }
}

fn kept<K: Eq, V: Clone>(generation: &HashMap<u64, (K, V)>, hash: u64, key: &K) -> Option<V> {
    generation.get(&hash).filter(|(known, _)| known == key).map(|(_, value)| value.clone())
}

impl<K, V> fmt::Debug for BoundedCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedCache").finish_non_exhaustive()
    }
}

const SHARDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found() {
        let cache = BoundedCache::of(100);
        assert_eq!(cache.find(&1), None);
        cache.keep(1, "one");
        cache.keep(2, "two");
        assert_eq!((cache.find(&1), cache.find(&2), cache.find(&3)), (Some("one"), Some("two"), None));
        cache.keep(1, "another");
        assert_eq!(cache.find(&1), Some("another"));
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let cache = BoundedCache::of(64);
        for key in 0..10_000 {
            cache.keep(key, key);
            cache.find(&(key / 2));
        }
        assert!(cache.len() <= 64, "{}", cache.len());
    }

    #[test]
    fn a_generation_is_full_at_its_bound_and_not_after_it() {
        let cache = BoundedCache::of(1);
        for key in 0..1_000 {
            cache.keep(key, key);
        }
        assert_eq!(cache.len(), 2 * SHARDS, "one young and one old value in each shard");
    }

    #[test]
    fn what_is_asked_for_all_the_time_stays_while_others_pass_through() {
        let cache = BoundedCache::of(1024);
        cache.keep(u64::MAX, ());
        for key in 0..10_000 {
            assert_eq!(cache.find(&u64::MAX), Some(()), "{key}");
            cache.keep(key, ());
        }
    }

    /// A key whose hash is that of every other.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Colliding(u32);

    impl Hash for Colliding {
        fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
            0.hash(state);
        }
    }

    /// An attacker who finds a collision must not be answered with what somebody else may do.
    #[test]
    fn an_equal_hash_is_not_an_equal_key() {
        let cache = BoundedCache::of(100);
        cache.keep(Colliding(1), "allow");
        assert_eq!(cache.find(&Colliding(2)), None);
        cache.keep(Colliding(2), "deny");
        assert_eq!((cache.find(&Colliding(1)), cache.find(&Colliding(2))), (None, Some("deny")));
    }
}
