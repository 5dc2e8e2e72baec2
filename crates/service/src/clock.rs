//! Time as an argument. Only `server` has a clock that reads the real one.

use std::future;
use std::time::Duration;

use claviger_domain::Timestamp;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The two times of a process.
pub trait Clock: Send + Sync {
    /// Wall time: for what is stored and shown. It may jump.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary instant that never goes back: for durations.
    fn monotonic(&self) -> Duration;

    /// True when it goes by itself. Under one that stands until it is moved, background work is done when somebody asks for it and
    /// never by itself: [`Service::flush`](crate::Service::flush), [`Service::settle_outbox`](crate::Service::settle_outbox).
    fn runs(&self) -> bool {
        true
    }
}

/// The turns of background work: the first at once, then one after each time span.
pub(crate) struct Turns(Option<Interval>);

impl Turns {
    /// Those of a clock; none ever comes under one that stands.
    pub(crate) fn new(clock: &dyn Clock, every: Duration) -> Self {
        let turns = clock.runs().then(|| {
            let mut turns = interval(every);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            turns
        });
        Self(turns)
    }

    /// Returns when the next turn has come.
    pub(crate) async fn next(&mut self) {
        match &mut self.0 {
            Some(turns) => {
                turns.tick().await;
            }
            None => future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    struct AClock {
        runs: bool,
    }

    impl Clock for AClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        fn runs(&self) -> bool {
            self.runs
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_turn_comes_at_once_and_the_next_after_its_time() {
        let begin = Instant::now();
        let mut turns = Turns::new(&AClock { runs: true }, Duration::from_secs(7));

        turns.next().await;
        assert_eq!(begin.elapsed(), Duration::ZERO);
        turns.next().await;
        assert_eq!(begin.elapsed(), Duration::from_secs(7));
    }

    #[tokio::test(start_paused = true)]
    async fn under_a_clock_that_stands_no_turn_comes() {
        let mut turns = Turns::new(&AClock { runs: false }, Duration::from_secs(7));

        assert!(timeout(Duration::from_secs(86_400), turns.next()).await.is_err());
    }
}
