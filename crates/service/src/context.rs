//! Who asks, through which request, and when: the first argument of every operation.

use std::net::IpAddr;

use claviger_domain::audit::Actor;
use claviger_domain::authority::Place;
use claviger_domain::owner::{Caller, Means, Principal};
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, Scope, Timestamp, session};

use crate::error::{Error, Result, Unproven};

/// The circumstances of one operation.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who asks.
    pub caller: Caller,
    /// The circumstances that hold for callers without a token too.
    pub origin: Origin,
}

/// Where a request comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Names the request in log and audit trail.
    pub request_id: String,
    /// Whence it came; unknown on a Unix socket.
    pub address: Option<IpAddr>,
    /// Where the request bore the token, if it bore one.
    pub presented_in: PresentedIn,
    /// When it was taken up. One instant for all that the operation decides.
    pub now: Timestamp,
}

impl Origin {
    /// That of what Claviger does by itself, for no request.
    pub(crate) const fn own(now: Timestamp) -> Self {
        Self {
            request_id: String::new(),
            address: None,
            presented_in: PresentedIn::Header,
            now,
        }
    }
}

impl Context {
    /// The caller as the audit trail names it.
    pub fn actor(&self) -> Actor {
        match (self.caller.by, self.caller.principal()) {
            (Means::Token(token), Principal::User(user)) => Actor::User(user, token),
            (Means::Session { id, .. }, Principal::User(user)) => Actor::SignedIn(user, id),
            (_, Principal::Token(token)) => Actor::Token(token),
        }
    }

    /// The caller's organization.
    pub const fn org(&self) -> OrgId {
        self.caller.org
    }

    /// True when the caller may do `scope` at `place`.
    pub fn may(&self, scope: Scope, place: &Place) -> bool {
        self.caller.may(scope, place)
    }

    /// Shows that the caller may do `scope` at `place`, which it may see.
    ///
    /// # Errors
    /// `out_of_reach`.
    pub fn require(&self, scope: Scope, place: &Place) -> Result<()> {
        if self.may(scope, place) {
            return Ok(());
        }
        Err(Error::Refused {
            code: "out_of_reach",
            detail: format!("{} does not have `{scope}` {place}", self.caller.by.noun()),
        })
    }

    /// Shows that a signed-in caller showed the password lately. A token cannot; what it may do without is decided by its power, and
    /// the audit trail names it (`docs/decisions/0010-sessions.md`).
    ///
    /// # Errors
    /// [`Unproven::Recently`].
    pub(crate) fn require_recent_sign_in(&self) -> Result<()> {
        match self.caller.by {
            Means::Session { signed_in_at, .. } if !session::is_recent(signed_in_at, self.now()) => {
                Err(Unproven::Recently.into())
            }
            Means::Session { .. } | Means::Token(_) => Ok(()),
        }
    }

    /// When the request was taken up.
    pub const fn now(&self) -> Timestamp {
        self.origin.now
    }
}
