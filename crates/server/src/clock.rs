//! The real clock: the only place that reads one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use claviger_domain::Timestamp;
use claviger_service::Clock;
use rustix::time::{ClockId, clock_gettime};

/// Wall time of the system, and `CLOCK_BOOTTIME`, which counts while the machine is suspended.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is as wrong as one that stands still there.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        // Never negative: the time since boot.
        Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_after_2026_and_never_backwards() {
        let first = SystemClock.monotonic();

        assert!(SystemClock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
        assert!(SystemClock.monotonic() >= first);
        assert!(first > Duration::ZERO);
    }
}
