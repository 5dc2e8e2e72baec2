//! A clock that stands still until a test moves it; so does the background work of a server that has it, until a test asks for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use claviger_domain::Timestamp;
use claviger_service::Clock;

/// Where every test clock starts: 2026-11-22T10:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_795_341_600);

/// Wall and monotonic time under a test's control. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<Times>>);

#[derive(Debug, Clone, Copy)]
struct Times {
    wall: Timestamp,
    monotonic: Duration,
}

// === impl TestClock ===

impl TestClock {
    /// A clock at [`START`].
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Times {
            wall: START,
            // Not zero: a bug that takes zero for "never" shows.
            monotonic: Duration::from_secs(3_600),
        })))
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        self.change(|times| {
            times.wall = times.wall + by;
            times.monotonic += by;
        });
    }

    /// Sets the wall clock alone, forwards or backwards, as an operator or NTP would.
    pub fn set(&self, wall: Timestamp) {
        self.change(|times| times.wall = wall);
    }

    fn change(&self, how: impl FnOnce(&mut Times)) {
        how(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn times(&self) -> Times {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.times().wall
    }

    fn monotonic(&self) -> Duration {
        self.times().monotonic
    }

    fn runs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_only_when_told() {
        let clock = TestClock::new();
        let shared = clock.clone();

        clock.advance(Duration::from_micros(1));

        assert_eq!(START.to_string(), "2026-11-22T10:00:00Z");
        assert_eq!(shared.now().micros(), START.micros() + 1);
        assert_eq!(shared.monotonic(), Duration::new(3_600, 1_000));
    }

    #[test]
    fn a_wall_clock_that_jumps_moves_no_duration() {
        let clock = TestClock::new();
        let before = clock.monotonic();

        clock.set("2020-01-01T00:00:00Z".parse().unwrap());

        assert_eq!(clock.now().to_string(), "2020-01-01T00:00:00Z");
        assert_eq!(clock.monotonic(), before);
    }
}
