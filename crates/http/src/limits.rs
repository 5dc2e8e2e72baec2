//! Limits on the wire: `RateLimit`, `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) and `Retry-After`.
//!
//! Every answer to a call with a limited token tells what limits it and what is left, in the numbers that the decision left behind.
//! `q` and `w` are what was configured, `r` is what could be spent now, `t` the seconds until all of it is back; a burst that differs
//! from `q` is said as `clv-burst`, a cost other than 1 as `clv-cost`. A limit without a fixed window in seconds, a month, has no `w`.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_domain::terms::{Level, Period, Quota, RateLimit};
use claviger_verify::Allowance;
use http::header::{HeaderMap, HeaderName, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::problem::Problem;

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of everything that limits a token, and what the call took of it or would have taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charged {
    pub(crate) allowance: Allowance,
    pub(crate) cost: u32,
}

impl Default for Charged {
    fn default() -> Self {
        Allowance::default().into()
    }
}

/// An ordinary call.
impl From<Allowance> for Charged {
    fn from(allowance: Allowance) -> Self {
        Self { allowance, cost: 1 }
    }
}

/// One limit by its name, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    pub(crate) limit: u32,
    pub(crate) window_seconds: Option<u32>,
    burst: Option<u32>,
    pub(crate) level: Level,
}

/// Everything that limits a token: its own rate limit, its owner's, its quota.
pub(crate) fn told(allowance: &Allowance) -> impl Iterator<Item = Told> + Clone {
    let of_rate = |name, bound: Option<(RateLimit, Level)>| {
        bound.map(|(limit, level)| Told {
            name,
            limit: limit.requests(),
            window_seconds: Some(limit.per_seconds()),
            burst: (limit.burst() != limit.requests()).then_some(limit.burst()),
            level,
        })
    };
    let quota = allowance.quota.map(|(quota, level)| Told {
        name: "quota",
        limit: quota.credits(),
        window_seconds: window(&quota),
        burst: None,
        level,
    });
    [
        of_rate("token", allowance.token),
        of_rate("owner", allowance.owner),
        quota,
    ]
    .into_iter()
    .flatten()
}

/// The one that has the least left, of which an answer in a body tells.
pub(crate) fn tightest(allowance: &Allowance) -> Option<Told> {
    told(allowance).min_by_key(|told| told.level.remaining)
}

/// Adds the fields to an answer, if anything limits the token.
pub(crate) fn tell(headers: &mut HeaderMap, charged: &Charged) {
    for (name, value) in fields(charged) {
        headers.insert(name, value);
    }
}

/// The fields; none when nothing limits the token.
pub(crate) fn fields(charged: &Charged) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let Charged { allowance, cost } = charged;
    let written = (!allowance.is_unlimited()).then(|| {
        [
            (RATE_LIMIT_POLICY, policy(allowance)),
            (RATE_LIMIT, state(allowance, *cost)),
        ]
    });
    let visible = |(name, text): (HeaderName, String)| Some((name, HeaderValue::try_from(text).ok()?));
    written.into_iter().flatten().filter_map(visible)
}

/// A refusal for want of budget, which lasts so long.
pub(crate) fn exceeded(code: &'static str, wait: Option<Duration>, charged: &Charged) -> Problem {
    let detail = match (code, wait) {
        (_, None) => format!(
            "the call costs {}, and a limit of the token never holds as much; ask for a greater one",
            charged.cost
        ),
        ("quota_exhausted", _) => {
            "the token's quota is spent; wait as `Retry-After` says, or ask for a greater one".to_owned()
        }
        _ => "the token was used too often; wait as `Retry-After` says".to_owned(),
    };
    let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
    if let Some(wait) = wait {
        problem = problem.with_header(RETRY_AFTER, HeaderValue::from(seconds_of(wait)));
    }
    fields(charged).fold(problem, |problem, (name, value)| problem.with_header(name, value))
}

/// A refusal of an address from which too much was presented that is not accepted.
pub(crate) fn too_many_failures(wait: Duration) -> Problem {
    let detail = "too much was presented from this address that is not accepted; wait as `Retry-After` says";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", detail)
        .with_header(RETRY_AFTER, HeaderValue::from(seconds_of(wait)))
}

/// Whole seconds after which the wait is over, at least one.
pub(crate) fn seconds_of(wait: Duration) -> u32 {
    let up = wait.as_nanos().div_ceil(1_000_000_000).max(1);
    u32::try_from(up).unwrap_or(u32::MAX)
}

const fn window(quota: &Quota) -> Option<u32> {
    match quota.per() {
        Period::Day => Some(86_400),
        Period::Month => None,
    }
}

/// `"token";q=100;w=60, "quota";q=1000;w=86400`.
fn policy(allowance: &Allowance) -> String {
    joined(allowance, |text, told| {
        write!(text, "\"{}\";q={}", told.name, told.limit)?;
        if let Some(window) = told.window_seconds {
            write!(text, ";w={window}")?;
        }
        if let Some(burst) = told.burst {
            write!(text, ";clv-burst={burst}")?;
        }
        Ok(())
    })
}

/// `"token";r=50;t=30, "quota";r=12;t=4711`, and what a call took that costs more than others.
fn state(allowance: &Allowance, cost: u32) -> String {
    joined(allowance, |text, told| {
        let Level {
            remaining,
            reset_seconds,
        } = told.level;
        write!(text, "\"{}\";r={remaining};t={reset_seconds}", told.name)?;
        if cost > 1 {
            write!(text, ";clv-cost={cost}")?;
        }
        Ok(())
    })
}

fn joined(allowance: &Allowance, write: impl Fn(&mut String, &Told) -> std::fmt::Result) -> String {
    let mut text = String::new();
    for told in told(allowance) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing to a string does not fail.
        let _ = write(&mut text, &told);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance() -> Allowance {
        let level = |remaining, reset_seconds| Level {
            remaining,
            reset_seconds,
        };
        Allowance {
            token: Some((
                RateLimit::new("rate_limit", 100, 60, None).unwrap(),
                level(50, 30),
            )),
            owner: Some((
                RateLimit::new("rate_limit", 10, 1, Some(40)).unwrap(),
                level(39, 1),
            )),
            quota: Some((
                Quota::new("quota", 1_000, Period::Month).unwrap(),
                level(7, 4_711),
            )),
        }
    }

    #[test]
    fn every_limit_is_told_with_what_is_left() {
        assert_eq!(
            policy(&allowance()),
            r#""token";q=100;w=60, "owner";q=10;w=1;clv-burst=40, "quota";q=1000"#
        );
        assert_eq!(
            state(&allowance(), 1),
            r#""token";r=50;t=30, "owner";r=39;t=1, "quota";r=7;t=4711"#
        );
        assert_eq!(
            state(&allowance(), 50),
            r#""token";r=50;t=30;clv-cost=50, "owner";r=39;t=1;clv-cost=50, "quota";r=7;t=4711;clv-cost=50"#
        );
        assert_eq!(tightest(&allowance()).unwrap().name, "quota");
    }

    #[test]
    fn a_token_without_limits_is_told_nothing() {
        let mut headers = HeaderMap::new();

        tell(&mut headers, &Charged::default());

        assert!(headers.is_empty());
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        assert_eq!(seconds_of(Duration::ZERO), 1);
        assert_eq!(seconds_of(Duration::from_nanos(1_000_000_000)), 1);
        assert_eq!(seconds_of(Duration::from_nanos(1_000_000_001)), 2);
    }
}
