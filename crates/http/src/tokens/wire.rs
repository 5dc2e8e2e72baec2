//! Between the wire types of tokens and the domain's.

use std::collections::BTreeSet;
use std::str::FromStr;

use claviger_api::tokens as api;
use claviger_domain::id::MalformedId;
use claviger_domain::policy::Unused;
use claviger_domain::receipt::Receipt;
use claviger_domain::token::{Expiry, Holder, Restrictions, Token, TokenState, TokenType};
use claviger_domain::{FieldError, OwnerId, Scope, ScopeSet, ServiceId, TeamId, Timestamp, TokenId, UserId};
use claviger_service::tokens::{Changed, Issued, Recipient, Revoked};

use super::terms;
use crate::fields::{id, instant};
use crate::idempotency::render;
use crate::roles::wire::assignments;

/// A record as it stands at `now`.
pub(crate) fn token(token: &Token, unused: Option<Unused>, now: Timestamp) -> api::Token {
    let revocation = token.revocation.as_ref();
    let last_use = token.last_use.as_ref();
    api::Token {
        id: token.id.to_string(),
        token_type: token_type(token.token_type()),
        name: token.name.as_str().to_owned(),
        description: token.description.as_str().to_owned(),
        reason: token.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        scopes: scopes(token.scopes),
        hint: token.hint.as_str().to_owned(),
        state: match token.state(now) {
            TokenState::Live => api::TokenState::Live,
            TokenState::Expired => api::TokenState::Expired,
            TokenState::Revoked => api::TokenState::Revoked,
        },
        owner: owner(token.token_type(), token.owner),
        team: match token.holder {
            Holder::Team(team) | Holder::Service { team, .. } => Some(team.to_string()),
            Holder::Person(_) | Holder::Organization(_) => None,
        },
        service: match token.holder {
            Holder::Service { service, .. } => Some(service.to_string()),
            Holder::Person(_) | Holder::Organization(_) | Holder::Team(_) => None,
        },
        restrictions: (!token.restrictions.is_empty()).then(|| restrictions(&token.restrictions)),
        roles: assignments(&token.roles),
        networks: token.terms.networks.as_ref().map(terms::networks),
        rate_limit: token.terms.rate_limit.as_ref().map(terms::rate_limit),
        quota: token.terms.quota.as_ref().map(terms::quota),
        allow_query: token.terms.allow_query,
        created_at: token.created_at.to_string(),
        created_by: token.created_by.to_string(),
        updated_at: token.updated_at.to_string(),
        expires_at: shown(token.expires_at),
        regenerated_at: shown(token.regenerated_at),
        previous: previous(token, now),
        last_used_at: last_use.map(|used| used.at.to_string()),
        last_used_address: last_use.and_then(|used| used.address.clone()),
        last_used_in: last_use
            .and_then(|used| used.presented_in)
            .map(|way| way.as_str().to_owned()),
        unused: unused.map(|unused| api::Unused {
            since: unused.since.to_string(),
            flagged_after_days: unused.flagged_after_days,
            revoked_at: shown(unused.revoked_at),
        }),
        revoked_at: revocation.map(|revocation| revocation.at.to_string()),
        revoked_by: revocation.map(|revocation| revocation.by.clone()),
        revoke_reason: revocation.map(|revocation| revocation.reason.as_str().to_owned()),
        revoke_note: revocation
            .and_then(|revocation| revocation.note.as_ref())
            .map(|note| note.as_str().to_owned()),
    }
}

/// The old secret, while it is good at `now`.
fn previous(token: &Token, now: Timestamp) -> Option<api::PreviousSecret> {
    let (old, ends_at) = token.previous_at(now)?;
    let last_use = old.last_use.as_ref();
    Some(api::PreviousSecret {
        hint: old.hint.as_str().to_owned(),
        ends_at: ends_at.to_string(),
        until_first_use: old.until_first_use,
        last_used_at: last_use.map(|used| used.at.to_string()),
        last_used_address: last_use.and_then(|used| used.address.clone()),
    })
}

/// A token with its secret, as bytes: an idempotent answer is kept as such.
pub(crate) fn issued(issued: &Issued) -> Vec<u8> {
    render(&api::IssuedToken {
        secret: issued.secret.expose().to_owned(),
        // It got its secret just now, so this is how it stands, and it is not unused.
        token: token(&issued.token, None, issued.token.updated_at),
        receipt: receipt(&issued.receipt),
    })
}

/// A changed token.
pub(crate) fn changed(changed: &Changed, now: Timestamp) -> api::ChangedToken {
    api::ChangedToken {
        token: token(&changed.token, changed.unused, now),
        receipt: receipt(&changed.receipt),
    }
}

/// A token that its bearer ended.
pub(crate) fn revoked(revoked: &Revoked) -> api::Revoked {
    api::Revoked {
        id: revoked.id.to_string(),
        receipt: receipt(&revoked.receipt),
    }
}

/// The proof of a change.
pub(crate) fn receipt(receipt: &Receipt) -> api::Receipt {
    api::Receipt {
        epoch: receipt.epoch,
        verifiers: api::Verifiers {
            confirmed: receipt.confirmed,
            fenced: receipt.fenced,
        },
        slowest_ms: receipt.slowest_ms,
    }
}

/// The shown type.
pub(crate) fn token_type(token_type: TokenType) -> api::TokenType {
    match token_type {
        TokenType::Personal => api::TokenType::Personal,
        TokenType::Global => api::TokenType::Global,
        TokenType::Team => api::TokenType::Team,
        TokenType::Service => api::TokenType::Service,
    }
}

/// The named type.
pub(crate) fn parsed_type(token_type: api::TokenType) -> TokenType {
    match token_type {
        api::TokenType::Personal => TokenType::Personal,
        api::TokenType::Global => TokenType::Global,
        api::TokenType::Team => TokenType::Team,
        api::TokenType::Service => TokenType::Service,
    }
}

/// Whose a new token is to be, from its type and the thing that the type needs.
///
/// # Errors
/// `field_missing` without that thing, `field_not_applicable` with another, `id_malformed`.
pub(crate) fn recipient(
    token_type: api::TokenType,
    team: Option<&str>,
    service: Option<&str>,
) -> Result<Recipient, FieldError> {
    let unwanted = |field: &'static str| {
        let detail = format!("a token of this type belongs to no {field}");
        FieldError::new(field, "field_not_applicable", detail)
    };
    let missing = |field: &'static str| {
        let detail = format!("a token of this type needs its `{field}`");
        FieldError::new(field, "field_missing", detail)
    };
    match (token_type, team, service) {
        (api::TokenType::Personal, None, None) => Ok(Recipient::Caller),
        (api::TokenType::Global, None, None) => Ok(Recipient::Organization),
        (api::TokenType::Team, Some(team), None) => id("team", team).map(Recipient::Team),
        (api::TokenType::Service, None, Some(service)) => id("service", service).map(Recipient::Service),
        (api::TokenType::Team, _, Some(_)) => Err(unwanted("service")),
        (api::TokenType::Service, Some(_), _) => Err(unwanted("team")),
        (api::TokenType::Team, None, None) => Err(missing("team")),
        (api::TokenType::Service, None, None) => Err(missing("service")),
        (_, Some(_), _) => Err(unwanted("team")),
        (_, None, Some(_)) => Err(unwanted("service")),
    }
}

/// The shown restrictions.
pub(crate) fn restrictions(restrictions: &Restrictions) -> api::Restrictions {
    fn texts<T: std::fmt::Display>(listed: Option<&BTreeSet<T>>) -> Option<Vec<String>> {
        listed.map(|listed| listed.iter().map(ToString::to_string).collect())
    }

    api::Restrictions {
        teams: texts(restrictions.teams.as_ref()),
        services: texts(restrictions.services.as_ref()),
        environments: texts(restrictions.environments.as_ref()),
    }
}

/// The named restrictions.
///
/// # Errors
/// `id_malformed` for each text that is no id of its kind.
pub(crate) fn parsed_restrictions(body: &api::Restrictions) -> Result<Restrictions, Vec<FieldError>> {
    fn parsed<T: Ord + FromStr<Err = MalformedId>>(
        list: &str,
        texts: Option<&Vec<String>>,
        errors: &mut Vec<FieldError>,
    ) -> Option<BTreeSet<T>> {
        let ids = texts?.iter().enumerate().filter_map(|(place, text)| {
            let field = format!("restrictions.{list}[{place}]");
            id(&field, text).map_err(|error| errors.push(error)).ok()
        });
        Some(ids.collect())
    }

    let mut errors = Vec::new();
    let restrictions = Restrictions {
        teams: parsed("teams", body.teams.as_ref(), &mut errors),
        services: parsed("services", body.services.as_ref(), &mut errors),
        environments: parsed("environments", body.environments.as_ref(), &mut errors),
    };
    if errors.is_empty() {
        Ok(restrictions)
    } else {
        Err(errors)
    }
}

/// The number of the team or service that a filter names; at most one of them.
///
/// # Errors
/// `id_malformed`; `filter_ambiguous` for both.
pub(crate) fn holder(team: Option<&str>, service: Option<&str>) -> Result<Option<i64>, FieldError> {
    match (team, service) {
        (None, None) => Ok(None),
        (Some(team), None) => id("team", team).map(|team: TeamId| Some(team.get())),
        (None, Some(service)) => id("service", service).map(|service: ServiceId| Some(service.get())),
        (Some(_), Some(_)) => {
            let detail = "name a team or a service; no token is both's";
            Err(FieldError::new("service", "filter_ambiguous", detail))
        }
    }
}

/// The principal that a token of this type acts as.
pub(crate) fn owner(token_type: TokenType, owner: OwnerId) -> String {
    match token_type {
        TokenType::Personal => UserId::from_i64(owner.get()).to_string(),
        TokenType::Global | TokenType::Team | TokenType::Service => {
            TokenId::from_i64(owner.get()).to_string()
        }
    }
}

/// The texts of a set of scopes.
pub(crate) fn scopes(scopes: ScopeSet) -> Vec<String> {
    scopes
        .iter()
        .map(|scope: Scope| scope.as_str().to_owned())
        .collect()
}

fn shown(instant: Option<Timestamp>) -> Option<String> {
    instant.map(|instant| instant.to_string())
}

/// The three ways to name an end, of which at most one may be used.
///
/// # Errors
/// `expiry_ambiguous`, `instant_malformed`.
pub(crate) fn expiry(
    days: Option<u32>,
    at: Option<&str>,
    never: Option<bool>,
) -> Result<Option<Expiry>, FieldError> {
    match (days, at, never.unwrap_or(false)) {
        (None, None, false) => Ok(None),
        (Some(days), None, false) => Ok(Some(Expiry::Days(days))),
        (None, Some(at), false) => instant("expires_at", at).map(|at| Some(Expiry::At(at))),
        (None, None, true) => Ok(Some(Expiry::Never)),
        _ => Err(FieldError::new(
            "expires_at",
            "expiry_ambiguous",
            "give one of `expires_in_days`, `expires_at` and `never_expires`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_named_in_one_way_only() {
        assert_eq!(expiry(None, None, None), Ok(None));
        assert_eq!(expiry(None, None, Some(false)), Ok(None));
        assert_eq!(expiry(Some(30), None, None), Ok(Some(Expiry::Days(30))));
        assert_eq!(expiry(None, None, Some(true)), Ok(Some(Expiry::Never)));
        assert_eq!(
            expiry(Some(30), None, Some(true)).unwrap_err().code,
            "expiry_ambiguous"
        );
        assert_eq!(
            expiry(None, Some("tomorrow"), None).unwrap_err().code,
            "instant_malformed"
        );
    }
}
