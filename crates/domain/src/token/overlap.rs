//! Overlaps: the time after a regeneration in which the old secret is good too.
//!
//! An overlap ends by time, at the latest after a day, or sooner: when somebody ends it, at the first use of the new secret if it
//! was asked to, and with the token. A token has at most one old secret: a regeneration during an overlap ends the older one.

use std::time::Duration;

use claviger_token::{Digest, Hint, PepperId};

use super::{LastUse, Token};
use crate::{FieldError, Timestamp};

/// The longest overlap, in seconds: a day (security.md T27).
pub const MAX_OVERLAP_SECONDS: u32 = 86_400;

/// How long the old secret is to stay good, as the caller said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    seconds: u32,
    /// It ends sooner, at the first use of the new secret.
    pub until_first_use: bool,
}

/// The secret before the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// What is looked up.
    pub digest: Digest,
    /// The pepper under which the digest was made.
    pub pepper: PepperId,
    /// Its last four characters.
    pub hint: Hint,
    /// When it stops being good, unless something ends it sooner.
    pub ends_at: Timestamp,
    /// The first use of the present secret ends it.
    pub until_first_use: bool,
    /// When and whence it was last accepted.
    pub last_use: Option<LastUse>,
}

// === impl Overlap ===

impl Overlap {
    /// The overlap of so many seconds, or until the first use of the new secret, or whichever comes first. `None` = the old secret
    /// stops at once: for no seconds, and when neither is said.
    ///
    /// # Errors
    /// `overlap_too_long` above [`MAX_OVERLAP_SECONDS`].
    pub fn parse(
        field: &str,
        seconds: Option<u32>,
        until_first_use: bool,
    ) -> Result<Option<Self>, FieldError> {
        let unsaid = if until_first_use { MAX_OVERLAP_SECONDS } else { 0 };
        let seconds = seconds.unwrap_or(unsaid);
        if seconds > MAX_OVERLAP_SECONDS {
            let detail = format!("at most {MAX_OVERLAP_SECONDS} seconds, a day");
            return Err(FieldError::new(field, "overlap_too_long", detail));
        }
        Ok((seconds > 0).then_some(Self {
            seconds,
            until_first_use,
        }))
    }

    /// The instant at which it ends by time, when it begins at `now`.
    pub fn end(self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.seconds.into())
    }
}

// === impl Token ===

impl Token {
    /// The old secret and the instant at which it stops by time, while it is good at `now`.
    pub fn previous_at(&self, now: Timestamp) -> Option<(&PreviousSecret, Timestamp)> {
        let previous = self.previous.as_ref()?;
        let end = self
            .expires_at
            .map_or(previous.ends_at, |end| end.min(previous.ends_at));
        (self.is_live(now) && now < end).then_some((previous, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrgId;
    use crate::token::{Holder, Restrictions, sample};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn parse(seconds: Option<u32>, until_first_use: bool) -> Option<(Timestamp, bool)> {
        let overlap = Overlap::parse("overlap_seconds", seconds, until_first_use).unwrap();
        overlap.map(|overlap| (overlap.end(NOW), overlap.until_first_use))
    }

    #[test]
    fn an_overlap_lasts_as_long_as_was_said_and_a_day_at_most() {
        let later = |seconds| NOW + Duration::from_secs(seconds);

        assert_eq!(parse(None, false), None);
        assert_eq!(parse(Some(0), false), None);
        assert_eq!(parse(Some(0), true), None, "whichever comes first");
        assert_eq!(parse(Some(60), false), Some((later(60), false)));
        assert_eq!(parse(Some(60), true), Some((later(60), true)));
        assert_eq!(parse(None, true), Some((later(86_400), true)));
        assert_eq!(parse(Some(86_400), false), Some((later(86_400), false)));
        let refused = Overlap::parse("overlap_seconds", Some(86_401), true).unwrap_err();
        assert_eq!(refused.code, "overlap_too_long");
    }

    #[test]
    fn the_old_secret_stops_by_time_and_with_the_token() {
        let second = |seconds| NOW + Duration::from_secs(seconds);
        let mut token = sample(Holder::Organization(OrgId::from_i64(1)), Restrictions::default());
        token.previous = Some(PreviousSecret {
            digest: token.digest,
            pepper: token.pepper,
            hint: token.hint,
            ends_at: second(60),
            until_first_use: false,
            last_use: None,
        });
        let end = |token: &Token, now| token.previous_at(now).map(|(_, end)| end);

        assert_eq!(end(&token, second(59)), Some(second(60)));
        assert_eq!(end(&token, second(60)), None);
        token.expires_at = Some(second(30));
        assert_eq!(end(&token, second(29)), Some(second(30)));
        assert_eq!(end(&token, second(30)), None);
    }
}
