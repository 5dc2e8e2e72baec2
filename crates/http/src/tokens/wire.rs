//! Between the wire types of tokens and the domain's.

use claviger_api::tokens as api;
use claviger_domain::receipt::Receipt;
use claviger_domain::token::{Expiry, Token, TokenState, TokenType};
use claviger_domain::{FieldError, OwnerId, Scope, ScopeSet, Timestamp, TokenId, UserId};
use claviger_service::tokens::{Changed, Issued, Revoked};

use crate::fields::instant;
use crate::idempotency::render;

/// A record as it stands at `now`.
pub(crate) fn token(token: &Token, now: Timestamp) -> api::Token {
    let revocation = token.revocation.as_ref();
    let last_use = token.last_use.as_ref();
    api::Token {
        id: token.id.to_string(),
        token_type: token_type(token.token_type),
        name: token.name.as_str().to_owned(),
        description: token.description.as_str().to_owned(),
        scopes: scopes(token.scopes),
        hint: token.hint.as_str().to_owned(),
        state: match token.state(now) {
            TokenState::Live => api::TokenState::Live,
            TokenState::Expired => api::TokenState::Expired,
            TokenState::Revoked => api::TokenState::Revoked,
        },
        owner: owner(token.token_type, token.owner),
        created_at: token.created_at.to_string(),
        created_by: token.created_by.to_string(),
        updated_at: token.updated_at.to_string(),
        expires_at: shown(token.expires_at),
        regenerated_at: shown(token.regenerated_at),
        last_used_at: last_use.map(|used| used.at.to_string()),
        last_used_address: last_use.and_then(|used| used.address.clone()),
        revoked_at: revocation.map(|revocation| revocation.at.to_string()),
        revoked_by: revocation.map(|revocation| revocation.by.clone()),
        revoke_reason: revocation.map(|revocation| revocation.reason.as_str().to_owned()),
        revoke_note: revocation
            .and_then(|revocation| revocation.note.as_ref())
            .map(|note| note.as_str().to_owned()),
    }
}

/// A token with its secret, as bytes: an idempotent answer is kept as such.
pub(crate) fn issued(issued: &Issued) -> Vec<u8> {
    render(&api::IssuedToken {
        secret: issued.secret.expose().to_owned(),
        // It was changed just now, so this is how it stands.
        token: token(&issued.token, issued.token.updated_at),
        receipt: receipt(&issued.receipt),
    })
}

/// A changed token.
pub(crate) fn changed(changed: &Changed, now: Timestamp) -> api::ChangedToken {
    api::ChangedToken {
        token: token(&changed.token, now),
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

/// The shown type. Team and service tokens have no wire form yet and are not issued; they would act as themselves.
pub(crate) fn token_type(token_type: TokenType) -> api::TokenType {
    match token_type {
        TokenType::Personal => api::TokenType::Personal,
        TokenType::Global | TokenType::Team | TokenType::Service => api::TokenType::Global,
    }
}

/// The named type.
pub(crate) fn parsed_type(token_type: api::TokenType) -> TokenType {
    match token_type {
        api::TokenType::Personal => TokenType::Personal,
        api::TokenType::Global => TokenType::Global,
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
