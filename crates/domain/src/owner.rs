//! Principals: who acts, once proven, and how far their power reaches.

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
