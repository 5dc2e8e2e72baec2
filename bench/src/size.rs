//! How much is measured: everything, or little for a first look.
//!
//! Invariant: only [`Size::FULL`] makes results that are kept. `--quick` runs the same code over fewer tokens and shorter rounds.

use std::time::Duration;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Tokens of a small installation.
    pub(crate) small: u32,
    /// Tokens of the installation that most goals are about.
    pub(crate) medium: u32,
    /// Tokens of a large one.
    pub(crate) large: u32,
    /// Rounds of each comparison; odd, so that the median is one of them.
    pub(crate) rounds: u32,
    /// The same where a large installation takes part.
    pub(crate) large_rounds: u32,
    /// How long one side of a comparison is measured in a round.
    pub(crate) round: Duration,
    /// The same over HTTP where bookkeeping counts: as long as from one flush of last uses to the next, so that each round holds one.
    pub(crate) lane: Duration,
    /// The same over HTTP where only the threads that answer count.
    pub(crate) short_lane: Duration,
    /// Tokens of one bulk revocation.
    pub(crate) bulk: u32,
}

impl Size {
    /// What the goals are about; twenty minutes, and at first some more to make the databases.
    pub(crate) const FULL: Self = Self {
        small: 1_000,
        medium: 1_000_000,
        large: 10_000_000,
        rounds: 5,
        large_rounds: 3,
        round: Duration::from_secs(3),
        lane: Duration::from_secs(10),
        short_lane: Duration::from_secs(5),
        bulk: 100_000,
    };

    /// Three minutes, for whoever changes the bench or looks for a direction.
    pub(crate) const QUICK: Self = Self {
        small: 1_000,
        medium: 100_000,
        large: 1_000_000,
        rounds: 3,
        large_rounds: 3,
        round: Duration::from_millis(700),
        lane: Duration::from_secs(2),
        short_lane: Duration::from_secs(1),
        bulk: 20_000,
    };
}

/// A number of tokens as people say it: `1 million`, `100,000`.
pub(crate) fn spoken(tokens: u32) -> String {
    if tokens >= 1_000_000 && tokens.is_multiple_of(1_000_000) {
        return format!("{} million", tokens / 1_000_000);
    }
    if tokens >= 1_000 {
        return format!("{},{:03}", tokens / 1_000, tokens % 1_000);
    }
    tokens.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_say_them() {
        assert_eq!(spoken(10_000_000), "10 million");
        assert_eq!(spoken(100_000), "100,000");
        assert_eq!(spoken(1_000), "1,000");
        assert_eq!(spoken(500), "500");
    }
}
