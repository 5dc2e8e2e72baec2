//! What is asked of a presented token, and the answer.
//!
//! Invariant: the reasons come in one order, so that the same token at the same instant always gets the same answer: malformed,
//! unknown, revoked, expired, revoked again (an owner who may not act), insufficient scope, restricted, not permitted, and last, because
//! only they take from a budget, quota exhausted and rate limited. Outside, every denial but these two looks the same; [`Denial::subject`]
//! is for the log of the token's owner.

use std::net::IpAddr;
use std::time::Duration;

use claviger_domain::authority::Place;
use claviger_domain::resource::Asked;
use claviger_domain::terms::{Level, Quota, RateLimit};
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, OwnerId, ScopeSet, Timestamp, TokenId};
use claviger_token::TokenType;

use crate::budget::Levels;

/// What the bearer wants to do.
#[derive(Debug, Clone, Copy, Default)]
pub struct Required<'a> {
    /// The scopes that are needed, all of them. Empty = any live token will do.
    pub scopes: ScopeSet,
    /// Where they are needed; `None` = somewhere will do, because whoever asks looks at the place later.
    pub at: Option<Place>,
    /// An action on a resource, whether a scope or a role allows it.
    pub asked: Option<Asked<'a>>,
}

/// When and whence the token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presentation {
    /// The present: this room reads no clock.
    pub now: Timestamp,
    /// The client's address, for the record of the last use and for tokens that are bound to networks. An unspecified one is not known.
    pub address: IpAddr,
    /// What an allowance takes from the token's limits.
    pub cost: u32,
    /// Where the request bore it.
    pub presented_in: PresentedIn,
    /// The organization that asks, when it is not the token's bearer: to it another organization's token is unknown, and its asking
    /// leaves nothing behind.
    pub asking: Option<OrgId>,
}

/// Whether the bearer may do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The token is live and reaches far enough.
    Allow(Verified),
    /// It is not, or does not.
    Deny(Denial),
}

/// A known token, as far as a decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The handle.
    pub id: TokenId,
    /// The tenant.
    pub org: OrgId,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// What kind of principal that is.
    pub token_type: TokenType,
    /// What it may do somewhere now: what it was given, within its owner's present power. Where, [`crate::Verifier::power`] tells.
    pub scopes: ScopeSet,
    /// When it ends; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// True when this very check was the first use of the secret. Always false in a denial and from
    /// [`inspect`](crate::Verifier::inspect).
    pub first_use: bool,
    /// The policies that were decided by.
    pub policies: PolicyPair,
    /// What was left of its limits after the decision; `None` when nothing limits it, and from
    /// [`inspect`](crate::Verifier::inspect).
    pub levels: Option<Levels>,
}

/// What limits a token, and how much of each was left at a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// The token's own rate limit.
    pub token: Option<(RateLimit, Level)>,
    /// The one that it shares with the other tokens of its owner.
    pub owner: Option<(RateLimit, Level)>,
    /// The token's quota.
    pub quota: Option<(Quota, Level)>,
}

/// The numbers of a token's policy and of its owner's at the instant of the decision. The default allows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyPair {
    pub(crate) token: u32,
    pub(crate) owner: u32,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The reason.
    pub code: DenialCode,
    /// The token, when it is known: for its owner's log, never for the bearer.
    pub subject: Option<Verified>,
}

/// The reason of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialCode {
    /// The text is no token of this installation.
    Malformed,
    /// No such token.
    Unknown,
    /// Ended by time: `now >= expires_at`.
    Expired,
    /// Ended by someone, or its owner may no longer act.
    Revoked,
    /// Live, but it does not have the scope.
    InsufficientScope {
        /// What is required and what it does not have anywhere now.
        missing: ScopeSet,
    },
    /// Live, and it has the scopes, but not at this place, not from this address, or not in a query string.
    Restricted,
    /// Live, but neither a scope nor a role lets it do the action to the resource.
    NotPermitted,
    /// A rate limit, its own or its owner's, has not enough left.
    RateLimited {
        /// After what time the same is admitted; `None` = never, because it costs more than the burst.
        wait: Option<Duration>,
    },
    /// Its quota has not enough left.
    QuotaExhausted {
        /// After what time the same is admitted; `None` = never, because it costs more than a period has.
        wait: Option<Duration>,
    },
}

/// The public names of all decisions that can occur, in the order of [`crate::Verifier::decisions`].
pub(crate) const CODES: [&str; 10] = [
    "valid",
    "malformed",
    "unknown",
    "expired",
    "revoked",
    "insufficient_scope",
    "restricted",
    "not_permitted",
    "rate_limited",
    "quota_exhausted",
];

// === impl Required ===

impl Required<'_> {
    /// These scopes, somewhere.
    pub const fn scopes(scopes: ScopeSet) -> Self {
        Self {
            scopes,
            at: None,
            asked: None,
        }
    }

    /// These scopes, at this place.
    pub const fn at(scopes: ScopeSet, place: Place) -> Self {
        Self {
            scopes,
            at: Some(place),
            asked: None,
        }
    }
}

// === impl Presentation ===

impl Presentation {
    /// Presented in a header at `now` from `address`, at a cost of 1.
    pub const fn new(now: Timestamp, address: IpAddr) -> Self {
        Self {
            now,
            address,
            cost: 1,
            presented_in: PresentedIn::Header,
            asking: None,
        }
    }
}

// === impl Allowance ===

impl Allowance {
    /// True when nothing limits the token.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

// === impl Decision ===

impl Decision {
    /// The public name: `valid` for an allowance, else the denial's.
    pub fn code(&self) -> &'static str {
        CODES[self.place()]
    }

    /// The token, when it is allowed.
    pub fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Allow(verified) => Some(verified),
            Self::Deny(_) => None,
        }
    }

    /// Its place in [`CODES`].
    #[inline]
    pub(crate) fn place(&self) -> usize {
        match self {
            Self::Allow(_) => 0,
            Self::Deny(denial) => denial.code.place(),
        }
    }

    /// A denial of a token that is not known.
    #[inline]
    pub(crate) const fn deny(code: DenialCode) -> Self {
        Self::Deny(Denial { code, subject: None })
    }
}

// === impl DenialCode ===

impl DenialCode {
    /// The public name: `malformed`, `unknown`, `expired`, `revoked`, `insufficient_scope`, `restricted`, `not_permitted`, `rate_limited` or
    /// `quota_exhausted`.
    pub fn as_str(self) -> &'static str {
        CODES[self.place()]
    }

    #[inline]
    fn place(self) -> usize {
        match self {
            Self::Malformed => 1,
            Self::Unknown => 2,
            Self::Expired => 3,
            Self::Revoked => 4,
            Self::InsufficientScope { .. } => 5,
            Self::Restricted => 6,
            Self::NotPermitted => 7,
            Self::RateLimited { .. } => 8,
            Self::QuotaExhausted { .. } => 9,
        }
    }
}
