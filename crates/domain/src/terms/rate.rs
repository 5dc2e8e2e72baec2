//! Rate limits: so many requests in so much time, refilled continuously, so many of them at once.
//!
//! The generic cell rate algorithm (ITU-T I.371) in its virtual-scheduling form: one number is the whole state, the instant until
//! which all that was admitted is *paid off*. Pure: the number and the present are arguments; the verifier keeps the numbers in
//! atomics, the HTTP room those of strangers in a table. All times are nanoseconds since 1970.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{FieldError, Timestamp};

/// The most requests of one window.
pub const MAX_REQUESTS: u32 = 1_000_000;
/// The longest window: a day.
pub const MAX_WINDOW_SECONDS: u32 = 86_400;
/// The most requests at once.
pub const MAX_BURST: u32 = 1_000_000;
/// The most that one check costs.
pub const MAX_COST: u32 = 10_000;
/// The longest that a spent burst takes to come back: 31 days.
const MAX_REFILL_SECONDS: u64 = 31 * 86_400;
const SECOND: u64 = 1_000_000_000;
/// How late a check may come after it looked at the clock without giving anything back.
const LATE: u64 = SECOND;

/// `requests` in `per_seconds`, and `burst` of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    requests: u32,
    per_seconds: u32,
    burst: u32,
}

/// A rate limit, worked out: nanoseconds for one request, and nanoseconds that may be owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gcra {
    interval: u64,
    tolerance: u64,
}

/// There is not enough left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Until there is; `None` when there never is, because it costs more than the burst.
    pub wait: Option<Duration>,
}

/// How much is left of a limit at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// What could be spent now.
    pub remaining: u32,
    /// Seconds, rounded up, until all of it is back.
    pub reset_seconds: u32,
}

// === impl RateLimit ===

impl RateLimit {
    /// A limit; the burst is `requests` unless said.
    ///
    /// # Errors
    /// `rate_limit_out_of_range` for each number outside its bounds, and for a burst that would take more than 31 days to come back.
    pub fn new(
        field: &str,
        requests: u32,
        per_seconds: u32,
        burst: Option<u32>,
    ) -> Result<Self, Vec<FieldError>> {
        let limit = Self {
            requests,
            per_seconds,
            burst: burst.unwrap_or(requests),
        };
        let bounds = [
            ("requests", limit.requests, MAX_REQUESTS),
            ("per_seconds", limit.per_seconds, MAX_WINDOW_SECONDS),
            ("burst", limit.burst, MAX_BURST),
        ];
        let refused = |part: &str, detail| {
            FieldError::new(format!("{field}.{part}"), "rate_limit_out_of_range", detail)
        };
        let errors: Vec<FieldError> = bounds
            .into_iter()
            .filter(|(_, value, most)| !(1..=*most).contains(value))
            .map(|(part, _, most)| refused(part, format!("between 1 and {most}")))
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        if limit.gcra().tolerance > MAX_REFILL_SECONDS * SECOND {
            let detail = "at this rate the burst would take more than 31 days to come back".to_owned();
            return Err(vec![refused("burst", detail)]);
        }
        Ok(limit)
    }

    /// How many in [`Self::per_seconds`].
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// The window, in seconds.
    pub const fn per_seconds(&self) -> u32 {
        self.per_seconds
    }

    /// How many at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The limit, worked out. A request takes a whole number of nanoseconds, rounded down.
    pub const fn gcra(&self) -> Gcra {
        // Stored limits passed `new`; whatever else came in is taken for the strictest.
        let requests = if self.requests == 0 { 1 } else { self.requests };
        let interval = self.per_seconds as u64 * SECOND / requests as u64;
        let interval = if interval == 0 { 1 } else { interval };
        Gcra {
            interval,
            tolerance: interval.saturating_mul(self.burst as u64),
        }
    }

    /// True when whoever is bound by `other` never gets more through than whoever is bound by this: as high a rate, as great a burst.
    pub fn covers(&self, other: &Self) -> bool {
        let rate = |limit: &Self, window: &Self| u64::from(limit.requests) * u64::from(window.per_seconds);
        rate(other, self) <= rate(self, other) && other.burst <= self.burst
    }
}

/// `100/60s`, or `100/60s burst 20`.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.requests, self.per_seconds)?;
        if self.burst != self.requests {
            write!(f, " burst {}", self.burst)?;
        }
        Ok(())
    }
}

// === impl Gcra ===

impl Gcra {
    /// The new instant until which all is paid off, when `cost` more is admitted at `now`.
    ///
    /// # Errors
    /// [`Shortage`]: then nothing is to be changed, unless the instant was [ahead](Self::pulled_in).
    #[inline]
    pub fn admit(&self, paid_off: u64, now: u64, cost: u32) -> Result<u64, Shortage> {
        let price = self.price(cost);
        let until = self.pulled_in(paid_off, now).max(now).saturating_add(price);
        let most = now.saturating_add(self.tolerance);
        if until <= most {
            return Ok(until);
        }
        let wait = (price <= self.tolerance).then(|| Duration::from_nanos(until - most));
        Err(Shortage { wait })
    }

    /// What `cost` takes, in nanoseconds.
    #[inline]
    pub const fn price(&self, cost: u32) -> u64 {
        self.interval.saturating_mul(cost as u64)
    }

    /// The instant, no further ahead than a spent burst. It lies further when the limit was slower before, or the clock was set
    /// back: nobody waits for that. But up to a second it stays as it is: then it is as likely that `now` is what lies behind, because
    /// whoever looked at the clock was put to sleep since, and what others took meanwhile must not come back.
    #[inline]
    pub fn pulled_in(&self, paid_off: u64, now: u64) -> u64 {
        let most = now.saturating_add(self.tolerance);
        if paid_off <= most.saturating_add(LATE) {
            paid_off
        } else {
            most
        }
    }

    /// How much is left at `now`.
    pub fn level(&self, paid_off: u64, now: u64) -> Level {
        let owed = self.pulled_in(paid_off, now).saturating_sub(now);
        Level {
            remaining: narrowed(self.tolerance.saturating_sub(owed) / self.interval),
            reset_seconds: narrowed(owed.div_ceil(SECOND)),
        }
    }
}

/// The instant as this arithmetic counts it.
#[inline]
pub(super) fn nanos_of(now: Timestamp) -> u64 {
    u64::try_from(now.micros()).unwrap_or(0).saturating_mul(1_000)
}

impl Timestamp {
    /// Nanoseconds since 1970, as [`Gcra`] counts; 0 before.
    #[inline]
    pub fn nanos(self) -> u64 {
        nanos_of(self)
    }
}

fn narrowed(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(requests: u32, per_seconds: u32, burst: Option<u32>) -> Gcra {
        RateLimit::new("rate_limit", requests, per_seconds, burst)
            .unwrap()
            .gcra()
    }

    const NOW: u64 = 1_790_000_000 * SECOND;

    #[test]
    fn a_burst_is_admitted_at_once_and_then_one_each_interval() {
        let limit = limit(100, 60, Some(3));
        let mut paid_off = 0;
        for remaining in [2, 1, 0] {
            paid_off = limit.admit(paid_off, NOW, 1).unwrap();
            assert_eq!(limit.level(paid_off, NOW).remaining, remaining);
        }

        let wait = Some(Duration::from_millis(600));
        assert_eq!(limit.admit(paid_off, NOW, 1), Err(Shortage { wait }));
        assert!(limit.admit(paid_off, NOW + 599_999_999, 1).is_err());
        assert!(limit.admit(paid_off, NOW + 600_000_000, 1).is_ok());
        assert_eq!(limit.level(paid_off, NOW).reset_seconds, 2, "1.8 s, rounded up");
    }

    #[test]
    fn what_costs_more_than_the_burst_is_never_admitted() {
        assert_eq!(
            limit(10, 1, Some(3)).admit(0, NOW, 4),
            Err(Shortage { wait: None })
        );
    }

    #[test]
    fn a_debt_from_a_slower_limit_or_another_clock_is_forgiven() {
        let limit = limit(10, 1, Some(2));
        let far_ahead = NOW + 3_600 * SECOND;

        let wait = limit.admit(far_ahead, NOW, 1).unwrap_err().wait;

        assert_eq!(wait, Some(Duration::from_millis(100)));
        assert_eq!(
            limit.level(far_ahead, NOW),
            Level {
                remaining: 0,
                reset_seconds: 1
            }
        );
    }

    #[test]
    fn a_check_that_comes_late_gives_nothing_back() {
        let limit = limit(10, 1, Some(10));
        let spent = limit.admit(0, NOW, 10).unwrap();
        let a_moment_ago = NOW - 800_000_000;

        let wait = limit.admit(spent, a_moment_ago, 1).unwrap_err().wait;

        assert_eq!(wait, Some(Duration::from_millis(900)));
        assert_eq!(limit.pulled_in(spent, a_moment_ago), spent);
        assert_eq!(limit.level(spent, a_moment_ago).remaining, 0);
    }

    #[test]
    fn numbers_outside_their_bounds_are_refused() {
        let codes = |requests, per_seconds, burst| {
            let refused = RateLimit::new("rate_limit", requests, per_seconds, burst).unwrap_err();
            refused.into_iter().map(|error| error.field).collect::<Vec<_>>()
        };

        assert_eq!(codes(0, 60, None), ["rate_limit.requests", "rate_limit.burst"]);
        assert_eq!(codes(1, 0, None), ["rate_limit.per_seconds"]);
        assert_eq!(
            codes(1, 86_401, Some(0)),
            ["rate_limit.per_seconds", "rate_limit.burst"]
        );
        assert_eq!(codes(1, 86_400, Some(32)), ["rate_limit.burst"]);
    }

    #[test]
    fn only_what_is_no_looser_is_covered() {
        let of = |requests, per_seconds, burst| {
            RateLimit::new("rate_limit", requests, per_seconds, burst).unwrap()
        };
        let own = of(100, 60, None);

        assert!(own.covers(&of(100, 60, None)));
        assert!(own.covers(&of(1, 1, None)));
        assert!(!own.covers(&of(2, 1, None)), "a higher rate");
        assert!(!own.covers(&of(100, 60, Some(101))), "a greater burst");
    }

    proptest! {
        #[test]
        fn whoever_waits_as_told_is_admitted_and_not_a_nanosecond_earlier(
            requests in 1..5_000_u32,
            per_seconds in 1..600_u32,
            burst in 1..50_u32,
            costs in prop::collection::vec((1..8_u32, 0..2_000_000_000_u64), 1..60),
        ) {
            let limit = limit(requests, per_seconds, Some(burst));
            let (mut paid_off, mut now) = (0, NOW);
            for (cost, pause) in costs {
                now += pause;
                match limit.admit(paid_off, now, cost) {
                    Ok(until) => paid_off = until,
                    Err(Shortage { wait: None }) => prop_assert!(cost > burst),
                    Err(Shortage { wait: Some(wait) }) => {
                        let wait = u64::try_from(wait.as_nanos()).unwrap();
                        prop_assert!(limit.admit(paid_off, now + wait, cost).is_ok());
                        prop_assert!(limit.admit(paid_off, now + wait - 1, cost).is_err());
                    }
                }
                let level = limit.level(paid_off, now);
                prop_assert!(level.remaining == 0 || limit.admit(paid_off, now, level.remaining).is_ok());
                prop_assert!(limit.admit(paid_off, now, level.remaining + 1).is_err());
            }
        }
    }
}
