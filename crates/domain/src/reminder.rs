//! Reminders: what is said of a token's end, and when.
//!
//! Six thresholds lie before and at the end; a seventh notice follows the first use that is refused because of it. Of one end each is
//! noticed once (the store's key decides), and only the nearest threshold that passed: whoever was away for a month is told of
//! today, not of the month. A threshold counts when the token lived to see it, so a token of a week hears nothing of 30 days.

use std::time::Duration;

use crate::time::DAY_SECONDS;
use crate::token::Token;
use crate::webhook::WebhookEvent;
use crate::{Timestamp, WebhookId};

/// The answers of a token's own calls name its end from so long before it.
pub const ANSWERS_WARN_WITHIN: Duration = Duration::from_secs(14 * DAY);
/// How often a delivery is tried at most.
pub const MAX_ATTEMPTS: u32 = 10;

const DAY: u64 = DAY_SECONDS.unsigned_abs();

/// The waits before the second and every later try (Standard Webhooks 1.0.0, "Deliverability and reliability").
const WAITS: [Duration; MAX_ATTEMPTS as usize - 1] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(5 * 3_600),
    Duration::from_secs(10 * 3_600),
    Duration::from_secs(14 * 3_600),
    Duration::from_secs(20 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// What is noticed of a token's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// It ends within 60 days.
    ExpiresIn60,
    /// It ends within 30 days.
    ExpiresIn30,
    /// It ends within 14 days.
    ExpiresIn14,
    /// It ends within 7 days.
    ExpiresIn7,
    /// It ends within a day.
    ExpiresIn1,
    /// It ended.
    Expired,
    /// It was presented after its end, for the first time.
    RefusedAfterExpiry,
}

/// The ends that one threshold is about at one instant: after the first, up to and including the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Ends at or before it belong to a nearer threshold; `None` = there is none nearer.
    pub after: Option<Timestamp>,
    /// Ends after it have not come so near.
    pub until: Timestamp,
}

/// What a recipient is told.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// Something about a token's end.
    Notice {
        /// What.
        kind: NoticeKind,
        /// When it was noticed.
        at: Timestamp,
        /// The token as it was then.
        token: &'a Token,
    },
    /// Nothing: somebody wants to see whether it arrives.
    Test {
        /// When.
        at: Timestamp,
        /// Where it goes.
        webhook: WebhookId,
    },
}

// === impl NoticeKind ===

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::ExpiresIn60,
        Self::ExpiresIn30,
        Self::ExpiresIn14,
        Self::ExpiresIn7,
        Self::ExpiresIn1,
        Self::Expired,
        Self::RefusedAfterExpiry,
    ];

    /// Those that time alone brings, the earliest first.
    pub const THRESHOLDS: [Self; 6] = [
        Self::ExpiresIn60,
        Self::ExpiresIn30,
        Self::ExpiresIn14,
        Self::ExpiresIn7,
        Self::ExpiresIn1,
        Self::Expired,
    ];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExpiresIn60 => "expires_in_60",
            Self::ExpiresIn30 => "expires_in_30",
            Self::ExpiresIn14 => "expires_in_14",
            Self::ExpiresIn7 => "expires_in_7",
            Self::ExpiresIn1 => "expires_in_1",
            Self::Expired => "expired",
            Self::RefusedAfterExpiry => "refused_after_expiry",
        }
    }

    /// The days before the end; `None` at and after it.
    pub const fn threshold_days(self) -> Option<u32> {
        match self {
            Self::ExpiresIn60 => Some(60),
            Self::ExpiresIn30 => Some(30),
            Self::ExpiresIn14 => Some(14),
            Self::ExpiresIn7 => Some(7),
            Self::ExpiresIn1 => Some(1),
            Self::Expired | Self::RefusedAfterExpiry => None,
        }
    }

    /// The time before the end.
    pub fn lead(self) -> Duration {
        Duration::from_secs(u64::from(self.threshold_days().unwrap_or_default()) * DAY)
    }

    /// The event that webhooks know it by.
    pub const fn event(self) -> WebhookEvent {
        match self {
            Self::ExpiresIn60
            | Self::ExpiresIn30
            | Self::ExpiresIn14
            | Self::ExpiresIn7
            | Self::ExpiresIn1 => WebhookEvent::TokenExpiring,
            Self::Expired => WebhookEvent::TokenExpired,
            Self::RefusedAfterExpiry => WebhookEvent::TokenRefusedAfterExpiry,
        }
    }

    /// The threshold that an end comes under at `now`; `None` when it is further away than all of them.
    pub fn nearest(end: Timestamp, now: Timestamp) -> Option<Self> {
        let mut nearer_first = Self::THRESHOLDS.into_iter().rev();
        nearer_first.find(|kind| end <= kind.window(now).until)
    }

    /// The ends that this threshold is about at `now`.
    pub fn window(self, now: Timestamp) -> Window {
        let nearer = Self::THRESHOLDS.into_iter().find(|nearer| *nearer > self);
        Window {
            after: nearer.map(|nearer| now + nearer.lead()),
            until: now + self.lead(),
        }
    }
}

/// When a delivery is tried again that failed `attempts` times, the last time at `now`; `None` when that is enough. The wait is
/// stretched by at most a tenth, `jitter` of 65,536 parts of it, so that what failed together does not come back together.
pub fn next_attempt(attempts: u32, now: Timestamp, jitter: u16) -> Option<Timestamp> {
    let place = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let wait = *WAITS.get(place)?;
    Some(now + wait + wait / 10 * u32::from(jitter) / 65_536)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn kind_of(end: Timestamp) -> Option<NoticeKind> {
        let is_in = |kind: &NoticeKind| {
            let window = kind.window(NOW);
            window.after.is_none_or(|after| end > after) && end <= window.until
        };
        let found: Vec<_> = NoticeKind::THRESHOLDS.into_iter().filter(is_in).collect();
        assert!(found.len() <= 1, "{end}: {found:?}");
        assert_eq!(NoticeKind::nearest(end, NOW), found.first().copied(), "{end}");
        found.first().copied()
    }

    #[test]
    fn every_end_is_in_the_window_of_its_nearest_threshold_alone() {
        let second = Duration::from_secs(1);
        for (end, expected) in [
            (NOW.plus_days(60) + second, None),
            (NOW.plus_days(60), Some(NoticeKind::ExpiresIn60)),
            (NOW.plus_days(30) + second, Some(NoticeKind::ExpiresIn60)),
            (NOW.plus_days(30), Some(NoticeKind::ExpiresIn30)),
            (NOW.plus_days(14), Some(NoticeKind::ExpiresIn14)),
            (NOW.plus_days(7), Some(NoticeKind::ExpiresIn7)),
            (NOW.plus_days(1) + second, Some(NoticeKind::ExpiresIn7)),
            (NOW.plus_days(1), Some(NoticeKind::ExpiresIn1)),
            (NOW + second, Some(NoticeKind::ExpiresIn1)),
            (NOW, Some(NoticeKind::Expired)),
            (Timestamp::from_micros(0), Some(NoticeKind::Expired)),
        ] {
            assert_eq!(kind_of(end), expected, "{end}");
        }
    }

    #[test]
    fn ten_tries_follow_the_schedule_and_an_eleventh_does_not() {
        let seconds: Vec<_> = (1..=MAX_ATTEMPTS)
            .map(|attempts| next_attempt(attempts, NOW, 0).map(|at| at.since(NOW).as_secs()))
            .collect();

        let waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        assert_eq!(seconds[..9], waits.map(Some));
        assert_eq!(seconds[9], None);
    }

    #[test]
    fn jitter_stretches_a_wait_by_less_than_a_tenth() {
        let wait = |jitter| next_attempt(2, NOW, jitter).unwrap().since(NOW);

        assert_eq!(wait(0), Duration::from_secs(300));
        assert_eq!(wait(32_768), Duration::from_secs(315));
        assert!(wait(u16::MAX) < Duration::from_secs(330));
    }

    #[test]
    fn every_kind_has_its_own_text() {
        let texts: std::collections::HashSet<_> = NoticeKind::ALL.iter().map(|kind| kind.as_str()).collect();

        assert_eq!(texts.len(), NoticeKind::ALL.len());
    }
}
