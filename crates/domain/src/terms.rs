//! Terms: on which conditions a token is accepted, besides what it may do: whence, how often, how much, and presented how.
//!
//! Nothing here narrows *where* a token acts (that is [`crate::token::Restrictions`]). The verifier interns terms together with
//! the authority, so that a token without any costs a check nothing. Invariant: [`Terms::allow`] is the attenuation law for them:
//! whatever a caller makes is bound at least as tightly as the caller. Why each is as it is: `docs/decisions/0011-limits.md`.

mod network;
mod quota;
mod rate;

pub use network::{MAX_NETWORKS, Network, Networks};
pub use quota::{MAX_CREDITS, Period, Quota, Spent};
pub use rate::{Gcra, Level, MAX_BURST, MAX_COST, MAX_REQUESTS, MAX_WINDOW_SECONDS, RateLimit, Shortage};
use serde::{Deserialize, Serialize};

use crate::{FieldError, Scope, ScopeSet};

/// The scopes of a token that may be presented in a query string: those that bring something in and show nothing.
pub const INGEST: ScopeSet = ScopeSet::of(&[Scope::DeploymentsWrite]);

/// On which conditions a token is accepted. The default sets none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Only from these networks; `None` = from anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Networks>,
    /// Only so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Only so much a day or a month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// It may be presented as `?token=` where something is brought in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_query: bool,
}

/// What to change of terms; the outer `None` leaves a condition as it is, the inner one drops it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermsChanges {
    /// The networks.
    pub networks: Option<Option<Networks>>,
    /// The rate limit.
    pub rate_limit: Option<Option<RateLimit>>,
    /// The quota.
    pub quota: Option<Option<Quota>>,
    /// Whether it may be presented as `?token=`.
    pub allow_query: Option<bool>,
}

// === impl Terms ===

impl Terms {
    /// True when no condition is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Shows that a token may have these scopes on these terms: what may stand in an address must not show or change anything.
    ///
    /// # Errors
    /// `query_scope_refused`.
    pub fn permit(&self, scopes: ScopeSet) -> Result<(), FieldError> {
        let beyond = scopes.difference(INGEST);
        if !self.allow_query || beyond.is_empty() {
            return Ok(());
        }
        let detail = format!(
            "a token that may be presented in an address has no scope but `{INGEST}`; drop `{beyond}`"
        );
        Err(FieldError::new("allow_query", "query_scope_refused", detail))
    }

    /// The attenuation law: a token on the terms `after` is bound at least as tightly as its maker, who is bound by these. Where a
    /// condition of `before` stays or is tightened, nothing is added and nothing is asked.
    ///
    /// # Errors
    /// `networks_exceed_caller`, `rate_limit_exceeds_caller`, `quota_exceeds_caller`.
    pub fn allow(&self, before: Option<&Self>, after: &Self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut refuse = |field: &str, code, has: String| {
            let detail = format!("the calling token is bound by {has}, and so is what it makes");
            errors.push(FieldError::new(field, code, detail));
        };
        let loosened =
            before.is_none_or(|before| !is_within(&before.networks, &after.networks, Networks::covers));
        if let Some(own) = &self.networks
            && loosened
            && !is_within(&self.networks, &after.networks, Networks::covers)
        {
            refuse("networks", "networks_exceed_caller", format!("`{own}`"));
        }
        let loosened =
            before.is_none_or(|before| !is_within(&before.rate_limit, &after.rate_limit, RateLimit::covers));
        if let Some(own) = &self.rate_limit
            && loosened
            && !is_within(&self.rate_limit, &after.rate_limit, RateLimit::covers)
        {
            refuse("rate_limit", "rate_limit_exceeds_caller", format!("`{own}`"));
        }
        let loosened = before.is_none_or(|before| !is_within(&before.quota, &after.quota, Quota::covers));
        if let Some(own) = &self.quota
            && loosened
            && !is_within(&self.quota, &after.quota, Quota::covers)
        {
            refuse("quota", "quota_exceeds_caller", format!("`{own}`"));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The terms after these changes.
    #[must_use]
    pub fn changed(&self, changes: &TermsChanges) -> Self {
        fn new<T: Clone>(old: &Option<T>, change: &Option<Option<T>>) -> Option<T> {
            change.as_ref().unwrap_or(old).clone()
        }

        Self {
            networks: new(&self.networks, &changes.networks),
            rate_limit: new(&self.rate_limit, &changes.rate_limit),
            quota: new(&self.quota, &changes.quota),
            allow_query: changes.allow_query.unwrap_or(self.allow_query),
        }
    }
}

/// True when whoever is bound by `own` gives nothing away with `given`.
fn is_within<T>(own: &Option<T>, given: &Option<T>, covers: impl Fn(&T, &T) -> bool) -> bool {
    match (own, given) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(given)) => covers(own, given),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32) -> Terms {
        Terms {
            rate_limit: Some(RateLimit::new("rate_limit", requests, 60, None).unwrap()),
            ..Terms::default()
        }
    }

    fn codes(refused: Result<(), Vec<FieldError>>) -> Vec<&'static str> {
        refused
            .err()
            .into_iter()
            .flatten()
            .map(|error| error.code)
            .collect()
    }

    #[test]
    fn whoever_is_bound_makes_nothing_that_is_bound_less() {
        let own = rate(10);

        assert_eq!(own.allow(None, &rate(10)), Ok(()));
        assert_eq!(own.allow(None, &rate(9)), Ok(()));
        assert_eq!(codes(own.allow(None, &rate(11))), ["rate_limit_exceeds_caller"]);
        assert_eq!(
            codes(own.allow(None, &Terms::default())),
            ["rate_limit_exceeds_caller"]
        );
        assert_eq!(Terms::default().allow(None, &Terms::default()), Ok(()));
    }

    #[test]
    fn a_weaker_caller_may_tighten_what_it_could_not_make() {
        let own = rate(10);

        assert_eq!(own.allow(Some(&rate(100)), &rate(50)), Ok(()));
        assert_eq!(own.allow(Some(&Terms::default()), &Terms::default()), Ok(()));
        assert_eq!(
            codes(own.allow(Some(&rate(50)), &rate(100))),
            ["rate_limit_exceeds_caller"]
        );
        assert_eq!(
            codes(own.allow(Some(&rate(50)), &Terms::default())),
            ["rate_limit_exceeds_caller"]
        );
    }

    #[test]
    fn a_token_for_addresses_has_no_scope_that_shows_anything() {
        let terms = Terms {
            allow_query: true,
            ..Terms::default()
        };
        let both = INGEST.with(Scope::DeploymentsRead);

        assert_eq!(terms.permit(INGEST), Ok(()));
        assert_eq!(terms.permit(both).unwrap_err().code, "query_scope_refused");
        assert_eq!(Terms::default().permit(both), Ok(()));
    }

    #[test]
    fn stored_terms_are_read_as_they_were_written() {
        let text = r#"{"networks":["10.0.0.0/8"],"rate_limit":{"requests":100,"per_seconds":60,"burst":20},"quota":{"credits":5,"per":"day"},"allow_query":true}"#;

        let terms: Terms = serde_json::from_str(text).unwrap();

        assert_eq!(serde_json::to_string(&terms).unwrap(), text);
        assert_eq!(serde_json::to_string(&Terms::default()).unwrap(), "{}");
    }
}
