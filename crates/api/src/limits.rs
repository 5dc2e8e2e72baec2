//! Limits: how often a token is accepted, and how much of that is left.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// So many requests in so many seconds, refilled continuously.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// 1–1,000,000. A check of a token costs 1 unless it says otherwise.
    #[schema(example = 100)]
    pub requests: u32,
    /// 1–86,400.
    #[schema(example = 60)]
    pub per_seconds: u32,
    /// How many at once, 1–1,000,000; `requests` unless you say otherwise. At most what comes back within 31 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 20)]
    pub burst: Option<u32>,
}

/// So many credits a day or a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// 1–1,000,000,000. A check of a token takes 1 unless it says otherwise.
    #[schema(example = 1000)]
    pub credits: u32,
    /// After which time all of it is back.
    pub per: QuotaPeriod,
}

/// After which time a quota is full again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuotaPeriod {
    /// At midnight UTC.
    Day,
    /// At midnight UTC of the first of the month.
    Month,
}

/// What is left of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitLevel {
    /// `token` for the token's own rate limit, `owner` for the one that it shares, `quota`.
    #[schema(example = "token")]
    pub name: String,
    /// How much there is in a window.
    #[schema(example = 100)]
    pub limit: u32,
    /// The window; `null` for a month.
    #[schema(example = 60)]
    pub window_seconds: Option<u32>,
    /// What could be spent now.
    #[schema(example = 50)]
    pub remaining: u32,
    /// Until all of it is back.
    #[schema(example = 30)]
    pub reset_seconds: u32,
}

/// Tells a field that is `null` from one that is absent: `null` is a value here.
pub(crate) fn stated<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
