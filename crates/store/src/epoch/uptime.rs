//! A clock that nobody sets, and that goes on while the machine sleeps.
//!
//! A lease that is counted by a clock which stands still during a suspend is fresh again after an hour of it, when every
//! other node has long taken its owner for dead.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uptime(Duration);

#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

impl Uptime {
    /// Now.
    pub(crate) fn now() -> Self {
        let read = clock_gettime(CLOCK);
        Self(Duration::new(u64::try_from(read.tv_sec).unwrap_or(0), u32::try_from(read.tv_nsec).unwrap_or(0)))
    }

    /// From `earlier` to this one; nothing when it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Since this one.
    pub(crate) fn elapsed(self) -> Duration {
        Self::now().since(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spec: clock_gettime(2), CLOCK_BOOTTIME
    #[test]
    fn it_is_the_clock_of_the_machine_since_its_start_sleep_and_all() {
        let said = std::fs::read_to_string("/proc/uptime").unwrap();
        let seconds: f64 = said.split(' ').next().unwrap().parse().unwrap();
        let Uptime(here) = Uptime::now();
        assert!((here.as_secs_f64() - seconds).abs() < 5.0, "{here:?} and {seconds}");
    }

    #[test]
    fn it_does_not_go_back() {
        let (first, second) = (Uptime::now(), Uptime::now());
        assert!(first <= second);
        assert_eq!(first.since(second), Duration::ZERO);
    }
}
