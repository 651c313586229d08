//! How many connections the system lets this process have.
//!
//! A listener that takes more than it has descriptors for can take none: neither the next client, nor a health
//! check, nor the connection to an upstream that a call needs. Each call has two, so half of them are for callers.

use std::fs;

/// `connections`, or as many as the process may have files open for. Says so when it is fewer.
pub(crate) fn afford(connections: usize) -> usize {
    let Some(files) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(soft_limit) else {
        return connections;
    };
    let affordable = (files.saturating_sub(OURS) / 2).max(1);
    if affordable < connections {
        tracing::warn!(
            event = "few_open_files",
            connections = affordable,
            hint = "raise the limit of open files (LimitNOFILE, ulimit -n) to twice limits.connections and some more"
        );
    }
    connections.min(affordable)
}

/// `None` when there is no limit, or none that is told.
fn soft_limit(limits: &str) -> Option<usize> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

/// The store, the log, the listener and the connections kept back.
const OURS: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_one_that_counts() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax processes 1 2 p\nMax open files  1024   524288   files\n";
        assert_eq!(soft_limit(text), Some(1024));
        assert_eq!(soft_limit("Max open files unlimited unlimited files"), None);
        assert_eq!(soft_limit(""), None);
    }
}
