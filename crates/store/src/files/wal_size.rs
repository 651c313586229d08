//! How large the write-ahead log of a SQLite file grew.
//!
//! It is used again from its beginning when everything in it is in the file, and a reader that does not end keeps that
//! from happening. Nothing here can end the reader of another process; that it is there is said before the disk is full.

use std::path::Path;

/// From this size on it is said; without a reader it stays below a tenth of that.
const LARGE: u64 = 64 << 20;

/// What was said of it.
#[derive(Debug, Default)]
pub(crate) struct WalSize {
    /// The size at which it is said again; 0 when nothing was.
    next: u64,
}

/// What there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It grew to so many bytes.
    Grew(u64),
    /// It is small again.
    IsSmall,
}

impl WalSize {
    /// It has `size` bytes now. Said at each doubling, and once when it is over.
    pub(crate) fn seen(&mut self, size: u64) -> Option<Said> {
        if size < LARGE {
            return (std::mem::take(&mut self.next) != 0).then_some(Said::IsSmall);
        }
        if size < self.next {
            return None;
        }
        self.next = size.saturating_mul(2);
        Some(Said::Grew(size))
    }

    /// Looks at the log beside the database `file`, and says what there is to say.
    pub(crate) fn look(&mut self, file: &Path) {
        let mut path = file.to_owned().into_os_string();
        path.push("-wal");
        let size = std::fs::metadata(&path).map_or(0, |found| found.len());
        match self.seen(size) {
            Some(Said::Grew(bytes)) => tracing::warn!(
                event = "wal_grows",
                bytes,
                "a reader of the database does not end: look for a backup or a `sqlite3` that was left open"
            ),
            Some(Said::IsSmall) => tracing::info!(event = "wal_is_small", "the write-ahead log is small again"),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field: N16
    #[test]
    fn a_log_that_grows_is_said_at_each_doubling_and_once_when_it_is_over() {
        let mut size = WalSize::default();
        let mut seen = |mib: u64| size.seen(mib << 20);
        assert_eq!([seen(1), seen(63)], [None, None]);
        assert_eq!([seen(64), seen(65), seen(127)], [Some(Said::Grew(64 << 20)), None, None]);
        assert_eq!([seen(130), seen(259)], [Some(Said::Grew(130 << 20)), None]);
        assert_eq!([seen(8), seen(8), seen(70)], [Some(Said::IsSmall), None, Some(Said::Grew(70 << 20))]);
    }
}
