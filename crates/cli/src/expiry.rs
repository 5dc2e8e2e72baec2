//! When a token ends, and instants in general, as a person types them.

use std::str::FromStr;

use jiff::Timestamp;

/// The end of a token: `30d`, `never`, or an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// After so many days.
    Days(u32),
    /// Not by time.
    Never,
    /// At this instant, RFC 3339 in UTC.
    At(String),
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::Never);
        }
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse().ok()) {
            return Ok(Self::Days(days));
        }
        instant(text).map(Self::At).map_err(|_| {
            "give days such as `30d`, an instant such as `2027-01-01T00:00:00Z`, or `never`".to_owned()
        })
    }
}

/// Reads an instant (RFC 3339, any offset) and gives it in UTC.
pub(crate) fn instant(text: &str) -> Result<String, String> {
    let instant = text.parse::<Timestamp>();
    instant
        .map(|instant| instant.to_string())
        .map_err(|_| "give an instant such as `2027-01-01T00:00:00Z`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_days_an_instant_or_never() {
        let at = |text: &str| Ok(Expiry::At(text.to_owned()));

        assert_eq!("30d".parse(), Ok(Expiry::Days(30)));
        assert_eq!("never".parse(), Ok(Expiry::Never));
        assert_eq!("2027-01-01T00:00:00Z".parse(), at("2027-01-01T00:00:00Z"));
        assert_eq!("2027-01-01T01:30:00+01:30".parse(), at("2027-01-01T00:00:00Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "30",
            "d",
            "-1d",
            "30days",
            "tomorrow",
            "2027-01-01",
            "Never",
            "99999999999d",
        ] {
            assert!(text.parse::<Expiry>().is_err(), "{text}");
        }
    }
}
