//! Limits as a person types them, `100/60s` and `1000/day`, and as they are shown.

use std::str::FromStr;

use clap::Args;
use claviger_api::limits::{Quota, QuotaPeriod, RateLimit};

/// How often, how much and whence a token is accepted.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct Limits {
    /// How often it is accepted, such as `100/60s` or `5/1h`; `none` for as often as it likes.
    #[arg(long, value_name = "RATE")]
    pub(crate) rate_limit: Option<Rate>,
    /// How many at once; as many as the rate has in its time unless said.
    #[arg(long, value_name = "COUNT", requires = "rate_limit")]
    pub(crate) burst: Option<u32>,
    /// How much of it there is, such as `1000/day` or `20000/month`; `none` for no end.
    #[arg(long, value_name = "CREDITS")]
    pub(crate) quota: Option<Allotment>,
    /// A network that it is accepted from, such as `10.0.0.0/8`; repeat it or separate by commas. `any` for all, `none` for no network.
    #[arg(
        long = "network",
        visible_alias = "networks",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    pub(crate) networks: Option<Vec<String>>,
}

/// A rate, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(Option<RateLimit>);

/// A quota, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allotment(Option<Quota>);

// === impl Limits ===

impl Limits {
    /// What is said of the rate limit: nothing, that there is none, or one.
    pub(crate) fn rate_limit(&self) -> Option<Option<RateLimit>> {
        self.rate_limit.map(|rate| rate.with_burst(self.burst))
    }

    /// What is said of the quota.
    pub(crate) fn quota(&self) -> Option<Option<Quota>> {
        self.quota.map(|Allotment(quota)| quota)
    }

    /// What is said of the networks.
    pub(crate) fn networks(&self) -> Option<Option<Vec<String>>> {
        let said = self.networks.as_deref()?;
        Some(match said {
            [word] if word == "any" => None,
            [word] if word == "none" => Some(Vec::new()),
            networks => Some(networks.to_vec()),
        })
    }
}

// === impl Rate ===

impl Rate {
    /// The rate with this burst.
    pub(crate) fn with_burst(self, burst: Option<u32>) -> Option<RateLimit> {
        self.0.map(|limit| RateLimit { burst, ..limit })
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let limit = || {
            let (requests, time) = text.split_once('/')?;
            let unit = time.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let count: u32 = match time.strip_suffix(unit)? {
                "" => 1,
                digits => digits.parse().ok()?,
            };
            let seconds: u32 = match unit {
                "s" => 1,
                "m" => 60,
                "h" => 3_600,
                "d" => 86_400,
                _ => return None,
            };
            Some(RateLimit {
                requests: requests.parse().ok()?,
                per_seconds: count.checked_mul(seconds)?,
                burst: None,
            })
        };
        let limit = limit().ok_or("give a rate such as `100/60s` or `5/1h`, or `none`")?;
        Ok(Self(Some(limit)))
    }
}

// === impl Allotment ===

impl FromStr for Allotment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let quota = || {
            let (credits, per) = text.split_once('/')?;
            let per = match per {
                "day" => QuotaPeriod::Day,
                "month" => QuotaPeriod::Month,
                _ => return None,
            };
            let credits = credits.parse().ok()?;
            Some(Quota { credits, per })
        };
        let quota = quota().ok_or("give a quota such as `1000/day` or `20000/month`, or `none`")?;
        Ok(Self(Some(quota)))
    }
}

/// A rate limit as it is typed, and its burst when that is another number.
pub(crate) fn rate(limit: &RateLimit) -> String {
    let rate = format!("{}/{}s", limit.requests, limit.per_seconds);
    match limit.burst {
        Some(burst) if burst != limit.requests => format!("{rate}, {burst} at once"),
        _ => rate,
    }
}

/// A quota as it is typed.
pub(crate) fn quota(quota: &Quota) -> String {
    let per = match quota.per {
        QuotaPeriod::Day => "day",
        QuotaPeriod::Month => "month",
    };
    format!("{}/{per}", quota.credits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        let parsed: Rate = text.parse().unwrap();
        parsed.with_burst(None).as_ref().map(rate)
    }

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        assert_eq!(shown("100/60s").unwrap(), "100/60s");
        assert_eq!(shown("5/1h").unwrap(), "5/3600s");
        assert_eq!(shown("5/m").unwrap(), "5/60s");
        assert_eq!(shown("none"), None);
        for text in [
            "",
            "100",
            "100/",
            "100/60",
            "/60s",
            "-1/60s",
            "1/60w",
            "1/99999999999d",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_quota_is_a_number_a_day_or_a_month() {
        let shown = |text: &str| text.parse().map(|Allotment(parsed)| parsed.as_ref().map(quota));

        assert_eq!(shown("1000/day"), Ok(Some("1000/day".to_owned())));
        assert_eq!(shown("7/month"), Ok(Some("7/month".to_owned())));
        assert_eq!(shown("none"), Ok(None));
        for text in ["", "1000", "1000/week", "/day", "x/day"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }
}
