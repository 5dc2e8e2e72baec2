//! Who asks, through which request, and when: the first argument of every operation.

use std::net::IpAddr;

use claviger_domain::audit::Actor;
use claviger_domain::authority::Place;
use claviger_domain::owner::Caller;
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, Scope, Timestamp};

use crate::error::{Error, Result};

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

impl Context {
    /// The caller as the audit trail names it.
    pub fn actor(&self) -> Actor {
        match self.caller.user {
            Some(user) => Actor::User(user, self.caller.token),
            None => Actor::Token(self.caller.token),
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
            detail: format!("the calling token does not have `{scope}` {place}"),
        })
    }

    /// When the request was taken up.
    pub const fn now(&self) -> Timestamp {
        self.origin.now
    }
}
