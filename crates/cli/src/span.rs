//! Spans of time as a person types them: `90s`, `30m`, `1h`.

use std::str::FromStr;

/// A number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(u32);

impl Span {
    /// How many seconds.
    pub(crate) const fn seconds(self) -> u32 {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("s", 1), ("m", 60), ("h", 3_600)];
        let parsed = units.into_iter().find_map(|(unit, seconds)| {
            let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(seconds)
        });
        parsed
            .map(Self)
            .ok_or_else(|| "give a time such as `90s`, `30m` or `1h`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_with_its_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("30m", 1_800), ("24h", 86_400)] {
            assert_eq!(text.parse(), Ok(Span(seconds)));
        }
        for text in ["", "s", "90", "-1s", "1d", "1.5h", "1 h", "4294967295h"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
