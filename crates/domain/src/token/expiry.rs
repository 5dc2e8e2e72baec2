//! How long a token lives: what callers may say, and the instant that comes of it.

use crate::time::DAY_SECONDS;
use crate::{FieldError, Timestamp};

/// The lifetimes that are offered by name, in days.
pub const PRESET_DAYS: [u32; 4] = [7, 30, 60, 90];
/// The lifetime when the caller names none, in days (security.md §2).
pub const DEFAULT_DAYS: u32 = 90;
/// The longest custom lifetime, in days: a hundred years, which keeps every instant within RFC 3339.
pub const MAX_DAYS: i64 = 36_525;

/// How long a new token is to live, as the caller said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Days from now.
    Days(u32),
    /// An instant.
    At(Timestamp),
    /// No end.
    Never,
}

impl Expiry {
    /// The instant of the end, to the millisecond.
    ///
    /// # Errors
    /// `expiry_in_past` when it is not after `now`; `expiry_too_far` above [`MAX_DAYS`]; `expiry_preset_unknown` for days that are
    /// not offered ([`PRESET_DAYS`]).
    pub fn resolve(self, field: &str, now: Timestamp) -> Result<Option<Timestamp>, FieldError> {
        let end = match self {
            Self::Never => return Ok(None),
            Self::Days(days) if PRESET_DAYS.contains(&days) => now.plus_days(days),
            Self::Days(days) => {
                let detail =
                    format!("`{days}` days are not offered; choose 7, 30, 60 or 90, or give an instant");
                return Err(FieldError::new(field, "expiry_preset_unknown", detail));
            }
            Self::At(instant) => instant,
        };
        let end = end.truncated_to_millis();
        if end <= now {
            return Err(FieldError::new(
                field,
                "expiry_in_past",
                format!("`{end}` is not in the future"),
            ));
        }
        if end.seconds() - now.seconds() > MAX_DAYS * DAY_SECONDS {
            return Err(FieldError::new(
                field,
                "expiry_too_far",
                format!("at most {MAX_DAYS} days from now; say `never` for no end"),
            ));
        }
        Ok(Some(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn presets_instants_and_never_are_the_three_ways_to_end() {
        assert_eq!(
            Expiry::Days(30).resolve("expires_in", NOW),
            Ok(Some(NOW.plus_days(30)))
        );
        assert_eq!(Expiry::Never.resolve("expires_at", NOW), Ok(None));
        assert_eq!(
            Expiry::Days(31).resolve("expires_in", NOW).unwrap_err().code,
            "expiry_preset_unknown"
        );
        assert_eq!(
            Expiry::At(NOW).resolve("expires_at", NOW).unwrap_err().code,
            "expiry_in_past"
        );
        assert_eq!(
            Expiry::At(NOW.plus_days(40_000))
                .resolve("expires_at", NOW)
                .unwrap_err()
                .code,
            "expiry_too_far"
        );
    }

    #[test]
    fn an_instant_within_this_millisecond_is_not_the_future() {
        let within = Timestamp::from_micros(NOW.micros() + 999);

        assert_eq!(
            Expiry::At(within).resolve("expires_at", NOW).unwrap_err().code,
            "expiry_in_past"
        );
    }
}
