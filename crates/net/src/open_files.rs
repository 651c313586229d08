//! How many connections the system lets this process have.
//!
//! A listener that takes more than it has descriptors for can take none: neither the next client, nor a health
//! check, nor the connection to an upstream that a call needs. Each call has two, so half of them are for callers.
//! What a process may open at first is little, for the sake of programs that are older than most; it is ours to raise.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// `connections`, or as many as the process may have files open for. Says so when it is fewer.
pub(crate) fn afford(connections: usize) -> usize {
    let affordable = affordable(raised(needed(connections)));
    if affordable < connections {
        tracing::warn!(
            event = "few_open_files",
            connections = affordable,
            hint = "raise the hard limit of open files (LimitNOFILE, ulimit -Hn) to twice limits.connections and some more"
        );
    }
    connections.min(affordable)
}

/// How many files may be open, after asking for as many as are `needed`. `None` is any number.
fn raised(needed: u64) -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current = current?;
    let wanted = maximum.map_or(needed, |maximum| maximum.min(needed));
    if wanted <= current {
        return Some(current);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => Some(wanted),
        Err(_) => Some(current),
    }
}

fn needed(connections: usize) -> u64 {
    (connections as u64).saturating_mul(2).saturating_add(OURS)
}

fn affordable(files: Option<u64>) -> usize {
    let Some(files) = files else { return usize::MAX };
    usize::try_from(files.saturating_sub(OURS) / 2).unwrap_or(usize::MAX).max(1)
}

/// The store, the log, the listener and the connections kept back.
const OURS: u64 = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_may_be_open_is_for_callers_and_what_is_asked_for_is_enough() {
        assert_eq!(affordable(Some(1024)), 432);
        assert_eq!(affordable(Some(10)), 1);
        assert_eq!(affordable(None), usize::MAX);
        for connections in [1, 4096, 1 << 20] {
            assert_eq!(affordable(Some(needed(connections))), connections);
        }
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_may_be_and_never_lowered() {
        let before = getrlimit(Resource::Nofile).current;
        assert_eq!(raised(1), before);
        let few = before.map_or(0, |before| before + 1);
        let allowed = getrlimit(Resource::Nofile).maximum.is_none_or(|maximum| maximum >= few);
        assert!(before.is_none() || !allowed || raised(few) == Some(few));
    }
}
