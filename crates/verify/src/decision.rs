//! What is asked of a presented token, and the answer.
//!
//! Invariant: the reasons come in one order, so that the same token at the same instant always gets the same answer: malformed,
//! unknown, revoked, expired, revoked again (an owner who may not act), insufficient scope. Outside, every denial looks the same;
//! [`Denial::subject`] is for the log of the token's owner.

use std::net::IpAddr;

use claviger_domain::{OrgId, OwnerId, ScopeSet, Timestamp, TokenId};
use claviger_token::TokenType;

/// What the bearer wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Required {
    /// The scopes that are needed, all of them. Empty = any live token will do.
    pub scopes: ScopeSet,
}

/// When and whence the token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presentation {
    /// The present: this room reads no clock.
    pub now: Timestamp,
    /// The client's address, for the record of the last use.
    pub address: IpAddr,
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
    /// What it may do now: what it was given, within its owner's present power.
    pub scopes: ScopeSet,
    /// When it ends; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// True when this very check was the first use of the token. Always false in a denial and from
    /// [`inspect`](crate::Verifier::inspect).
    pub first_use: bool,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// The reason.
    pub code: DenialCode,
    /// The token, when it is known: for its owner's log, never for the bearer.
    pub subject: Option<Verified>,
}

/// The reason of a denial. More will come (restrictions, rate limits), hence non-exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DenialCode {
    /// The text is no token of this installation.
    Malformed,
    /// No such token.
    Unknown,
    /// Ended by time: `now >= expires_at`.
    Expired,
    /// Ended by someone, or its owner may no longer act.
    Revoked,
    /// Live, but it does not reach so far.
    InsufficientScope {
        /// What is required and not within its reach now.
        missing: ScopeSet,
    },
}

/// The public names of all decisions that can occur, in the order of [`crate::Verifier::decisions`].
pub(crate) const CODES: [&str; 6] = [
    "valid",
    "malformed",
    "unknown",
    "expired",
    "revoked",
    "insufficient_scope",
];

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
    /// The public name: `malformed`, `unknown`, `expired`, `revoked` or `insufficient_scope`.
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
        }
    }
}
