//! Sign-in sessions: how a person acts without a token. Sign in, check, confirm, list, end. One file per step.
//!
//! A session is the person: it may do what the person may do now, and it is looked up in the store at every request, so one that was
//! ended, on whatever node, is refused by the very next. Invariants: the secret is known to the browser alone; whoever signs in or
//! confirms gets a new one; nobody learns whether an account exists from how a sign-in fails. Why, and what a recent sign-in is
//! needed for: `docs/decisions/0010-sessions.md`.

mod check;
mod confirm;
mod end;
mod failures;
mod list;
mod sign_in;

use claviger_domain::Timestamp;
use claviger_domain::session::{IDLE, Session};
use claviger_store::sessions::LiveAt;
use claviger_token::{Digest, Ticket, TicketKind, generate_ticket};

use crate::Service;
use crate::error::Result;

pub(crate) use failures::FailedSignIns;

/// A session with its secret, which goes into the browser's cookie and nowhere else.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// For the cookie.
    pub secret: Ticket,
}

impl Service {
    /// A new secret, and what is kept of it.
    fn session_secret(&self) -> Result<(Ticket, Digest)> {
        let secret = generate_ticket(&self.0.prefix, TicketKind::Session, &*self.0.random)?;
        let digest = self.0.keys.peppers().current.pepper().digest(&secret.hash());
        Ok((secret, digest))
    }
}

/// What the store takes for live at `now`.
fn live_at(now: Timestamp) -> LiveAt {
    LiveAt {
        now,
        idle_since: now - IDLE,
    }
}
