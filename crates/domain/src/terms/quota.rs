//! Quotas: so many credits a day or a month, all back at its start in UTC.

use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::time::DAY_SECONDS;
use crate::{FieldError, Timestamp};

/// The most credits of one period.
pub const MAX_CREDITS: u32 = 1_000_000_000;

/// `credits` in each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    credits: u32,
    per: Period,
}

/// After which time a quota is full again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// At midnight UTC.
    Day,
    /// At midnight UTC of the first of the month.
    Month,
}

/// What was spent of a quota, and in which period. One word, so that it can be kept in one atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// The period's number; see [`Quota::period_at`].
    pub period: u32,
    /// Credits.
    pub credits: u32,
}

/// More days than a month has.
const LONGEST_MONTH: u64 = 31;

// === impl Quota ===

impl Quota {
    /// A quota.
    ///
    /// # Errors
    /// `quota_out_of_range`.
    pub fn new(field: &str, credits: u32, per: Period) -> Result<Self, FieldError> {
        if (1..=MAX_CREDITS).contains(&credits) {
            return Ok(Self { credits, per });
        }
        let detail = format!("between 1 and {MAX_CREDITS}");
        Err(FieldError::new(
            format!("{field}.credits"),
            "quota_out_of_range",
            detail,
        ))
    }

    /// Credits of one period.
    pub const fn credits(&self) -> u32 {
        self.credits
    }

    /// After which time they are back.
    pub const fn per(&self) -> Period {
        self.per
    }

    /// The number of the period that `now` is in: days since 1970 or months since year 0, and in the lowest bit which of the two, so
    /// that a day never has a month's number. Cost: a division; for months a date is worked out, some ten nanoseconds.
    pub fn period_at(&self, now: Timestamp) -> u32 {
        let (number, unit) = match self.per {
            Period::Day => (now.seconds().div_euclid(DAY_SECONDS), 0),
            Period::Month => {
                let date = date_of(now);
                (i64::from(date.year()) * 12 + i64::from(date.month()) - 1, 1)
            }
        };
        u32::try_from(number.clamp(0, 1 << 30)).unwrap_or(0) << 1 | unit
    }

    /// When the period that `now` is in ends and everything is back.
    pub fn refill_at(&self, now: Timestamp) -> Timestamp {
        match self.per {
            Period::Day => Timestamp::from_seconds((now.seconds().div_euclid(DAY_SECONDS) + 1) * DAY_SECONDS),
            Period::Month => {
                let next = date_of(now).last_of_month().tomorrow().ok();
                let zoned = next.and_then(|first| first.to_zoned(TimeZone::UTC).ok());
                zoned.map_or(now, |zoned| {
                    Timestamp::from_seconds(zoned.timestamp().as_second())
                })
            }
        }
    }

    /// What was spent after `cost` more at `period`; `None` when there is not enough left. A period that is over costs nothing any
    /// more; one that lies ahead, because the clock was set back, is still on.
    #[inline]
    pub fn spend(&self, spent: Spent, period: u32, cost: u32) -> Option<Spent> {
        let on = self.on(spent, period);
        let credits = on.credits.checked_add(cost)?;
        (credits <= self.credits).then_some(Spent {
            period: on.period,
            credits,
        })
    }

    /// What is left at `period`.
    #[inline]
    pub fn remaining(&self, spent: Spent, period: u32) -> u32 {
        self.credits.saturating_sub(self.on(spent, period).credits)
    }

    /// True when whoever is bound by `other` never spends more than whoever is bound by this, in any day or month.
    pub fn covers(&self, other: &Self) -> bool {
        let (own, given) = (u64::from(self.credits), u64::from(other.credits));
        match (self.per, other.per) {
            (Period::Day, Period::Day | Period::Month) | (Period::Month, Period::Month) => given <= own,
            (Period::Month, Period::Day) => given * LONGEST_MONTH <= own,
        }
    }

    /// What counts of `spent` at `period`.
    fn on(&self, spent: Spent, period: u32) -> Spent {
        let same_unit = spent.period & 1 == period & 1;
        if same_unit && spent.period >= period {
            spent
        } else {
            Spent { period, credits: 0 }
        }
    }
}

/// `1000/day`.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.credits, self.per.as_str())
    }
}

impl Period {
    /// The shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

// === impl Spent ===

impl Spent {
    /// The word.
    pub const fn to_word(self) -> u64 {
        (self.period as u64) << 32 | self.credits as u64
    }

    /// What a word says.
    pub const fn from_word(word: u64) -> Self {
        Self {
            period: (word >> 32) as u32,
            credits: (word & 0xffff_ffff) as u32,
        }
    }
}

/// The date in UTC; the last one there is for an instant beyond.
fn date_of(now: Timestamp) -> civil::Date {
    let instant = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or(jiff::Timestamp::MAX);
    TimeZone::UTC.to_datetime(instant).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_quota_is_full_again_at_the_start_of_the_next_period() {
        let day = Quota::new("quota", 10, Period::Day).unwrap();
        let month = Quota::new("quota", 10, Period::Month).unwrap();
        let now = at("2026-12-31T23:59:59.999999Z");

        assert_eq!(day.refill_at(now), at("2027-01-01T00:00:00Z"));
        assert_eq!(month.refill_at(now), at("2027-01-01T00:00:00Z"));
        assert_eq!(
            month.refill_at(at("2028-02-01T00:00:00Z")),
            at("2028-03-01T00:00:00Z")
        );
        for quota in [day, month] {
            let refill = quota.refill_at(now);
            assert_ne!(quota.period_at(now), quota.period_at(refill));
            assert_eq!(quota.period_at(now), quota.period_at(at("2026-12-31T00:00:00Z")));
        }
    }

    #[test]
    fn credits_are_spent_to_the_last_and_not_beyond() {
        let quota = Quota::new("quota", 10, Period::Day).unwrap();
        let period = quota.period_at(at("2026-11-22T10:00:00Z"));

        let spent = quota.spend(Spent::default(), period, 9).unwrap();

        assert_eq!(quota.spend(spent, period, 2), None);
        assert_eq!(quota.spend(spent, period, 1).unwrap().credits, 10);
        assert_eq!(
            quota.spend(spent, period + 2, 10).unwrap().credits,
            10,
            "the next day"
        );
        assert_eq!(quota.spend(spent, period - 2, 2), None, "the clock was set back");
        assert_eq!(quota.spend(spent, period, u32::MAX), None);
    }

    #[test]
    fn a_day_is_no_month() {
        let day = Quota::new("quota", 10, Period::Day).unwrap();
        let month = Quota::new("quota", 10, Period::Month).unwrap();
        let now = at("2026-11-22T10:00:00Z");
        let spent = day.spend(Spent::default(), day.period_at(now), 10).unwrap();

        assert_eq!(month.remaining(spent, month.period_at(now)), 10);
        assert_eq!(Spent::from_word(spent.to_word()), spent);
    }

    #[test]
    fn only_what_never_spends_more_is_covered() {
        let of = |credits, per| Quota::new("quota", credits, per).unwrap();

        assert!(of(100, Period::Day).covers(&of(100, Period::Month)));
        assert!(!of(100, Period::Day).covers(&of(101, Period::Month)));
        assert!(of(310, Period::Month).covers(&of(10, Period::Day)));
        assert!(!of(309, Period::Month).covers(&of(10, Period::Day)));
    }
}
