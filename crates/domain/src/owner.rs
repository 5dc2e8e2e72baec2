//! Principals: who acts, once proven, and how far their power reaches.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{OrgId, OwnerId, ScopeSet, Timestamp, TokenId, UserId};

/// What a person may do in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything in the organization.
    SuperAdmin,
}

impl Role {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
        }
    }

    /// Reads the stored text; `None` for a role of a later version, which then has no power.
    pub fn from_stored(text: &str) -> Option<Self> {
        (text == "super_admin").then_some(Self::SuperAdmin)
    }

    /// All that the role may do. A token of its holder never does more.
    pub const fn power(self) -> ScopeSet {
        match self {
            Self::SuperAdmin => ScopeSet::all(),
        }
    }
}

/// Who did something: a person, or a token that acts as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User(UserId),
    /// A token that acts as itself.
    Token(TokenId),
}

/// Who makes a request: the token they presented, the principal it acts as, and what it may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The presented token.
    pub token: TokenId,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// The user behind a personal token.
    pub user: Option<UserId>,
    /// The organization.
    pub org: OrgId,
    /// The token's scopes within its owner's present power.
    pub scopes: ScopeSet,
    /// When the presented token ends.
    pub expires_at: Option<Timestamp>,
}

// === impl Principal ===

impl Principal {
    /// The stored number: a person's id, or minus a token's. Ids are positive, so both kinds share one column.
    pub const fn to_stored(self) -> i64 {
        match self {
            Self::User(id) => id.get(),
            Self::Token(id) => -id.get(),
        }
    }

    /// Reads the stored number.
    pub const fn from_stored(number: i64) -> Self {
        if number < 0 {
            Self::Token(TokenId::from_i64(number.saturating_neg()))
        } else {
            Self::User(UserId::from_i64(number))
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => fmt::Display::fmt(id, f),
            Self::Token(id) => fmt::Display::fmt(id, f),
        }
    }
}

// === impl Caller ===

impl Caller {
    /// The person behind the token, or the token itself when there is none.
    pub const fn principal(&self) -> Principal {
        match self.user {
            Some(user) => Principal::User(user),
            None => Principal::Token(self.token),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_principal_is_read_as_what_it_was() {
        for number in [1, 1 << 40, i64::MAX] {
            for principal in [
                Principal::User(UserId::from_i64(number)),
                Principal::Token(TokenId::from_i64(number)),
            ] {
                assert_eq!(Principal::from_stored(principal.to_stored()), principal);
            }
        }
        assert!(
            Principal::Token(TokenId::from_i64(7))
                .to_string()
                .starts_with("tok_")
        );
    }
}
