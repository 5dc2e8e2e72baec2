//! Between the wire types of terms and the domain's. Used for tokens, and for the rate limits of people.

use claviger_api::limits as api;
use claviger_domain::FieldError;
use claviger_domain::terms::{Networks, Period, Quota, RateLimit, Terms, TermsChanges};

use claviger_api::tokens::{IssueToken, UpdateToken};

/// The terms of a token to issue.
///
/// # Errors
/// Whatever of them is refused.
pub(super) fn of_new(body: &IssueToken) -> Result<Terms, Vec<FieldError>> {
    let changes = changes(
        Some(body.networks.as_deref()),
        Some(body.rate_limit.as_ref()),
        Some(body.quota.as_ref()),
    )?;
    let terms = Terms::default().changed(&changes);
    Ok(Terms {
        allow_query: body.allow_query.unwrap_or(false),
        ..terms
    })
}

/// What to change of a token's terms.
///
/// # Errors
/// Whatever of them is refused.
pub(super) fn of_update(body: &UpdateToken) -> Result<TermsChanges, Vec<FieldError>> {
    let changes = changes(
        body.networks.as_ref().map(Option::as_deref),
        body.rate_limit.as_ref().map(Option::as_ref),
        body.quota.as_ref().map(Option::as_ref),
    )?;
    Ok(TermsChanges {
        allow_query: body.allow_query,
        ..changes
    })
}

fn changes(
    networks: Option<Option<&[String]>>,
    rate_limit: Option<Option<&api::RateLimit>>,
    quota: Option<Option<&api::Quota>>,
) -> Result<TermsChanges, Vec<FieldError>> {
    let mut errors = Vec::new();
    let networks = parsed(networks, |texts| Networks::parse("networks", texts), &mut errors);
    let rate_limit = parsed(rate_limit, parsed_rate_limit, &mut errors);
    let quota = parsed(quota, parsed_quota, &mut errors);
    if errors.is_empty() {
        Ok(TermsChanges {
            networks,
            rate_limit,
            quota,
            allow_query: None,
        })
    } else {
        Err(errors)
    }
}

fn parsed<A, T>(
    given: Option<Option<A>>,
    parse: impl Fn(A) -> Result<T, Vec<FieldError>>,
    errors: &mut Vec<FieldError>,
) -> Option<Option<T>> {
    let value = given?.map(parse).transpose();
    value.map_err(|refused| errors.extend(refused)).ok()
}

/// The named rate limit.
///
/// # Errors
/// `rate_limit_out_of_range`.
pub(crate) fn parsed_rate_limit(limit: &api::RateLimit) -> Result<RateLimit, Vec<FieldError>> {
    RateLimit::new("rate_limit", limit.requests, limit.per_seconds, limit.burst)
}

fn parsed_quota(quota: &api::Quota) -> Result<Quota, Vec<FieldError>> {
    let per = match quota.per {
        api::QuotaPeriod::Day => Period::Day,
        api::QuotaPeriod::Month => Period::Month,
    };
    Quota::new("quota", quota.credits, per).map_err(|error| vec![error])
}

/// The shown networks.
pub(super) fn networks(networks: &Networks) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

/// The shown rate limit.
pub(crate) fn rate_limit(limit: &RateLimit) -> api::RateLimit {
    api::RateLimit {
        requests: limit.requests(),
        per_seconds: limit.per_seconds(),
        burst: Some(limit.burst()),
    }
}

/// The shown quota.
pub(super) fn quota(quota: &Quota) -> api::Quota {
    api::Quota {
        credits: quota.credits(),
        per: match quota.per() {
            Period::Day => api::QuotaPeriod::Day,
            Period::Month => api::QuotaPeriod::Month,
        },
    }
}
