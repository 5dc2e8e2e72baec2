//! Sign-in sessions: how long they last, and what a recent sign-in is needed for.
//!
//! A session ends by itself when it was not used for [`IDLE`] or is [`LIFETIME`] old, and before that when somebody ends it. What a
//! signed-in person may do is in [`crate::owner`]; the secret is in the browser's cookie alone.

use std::time::Duration;

use crate::authority::{Authority, RoleGrant, Selector};
use crate::token::{Holder, Token};
use crate::{OrgId, ScopeSet, SessionId, Timestamp, UserId};

/// How long a session lasts without a request.
pub const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a session lasts at most.
pub const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// How often a session's last use is written, so that a request seldom waits for the disk. An idle session may end so much early.
pub const SEEN_EVERY: Duration = Duration::from_secs(60);
/// How long ago the password was last shown, at most, for what is most sensitive (ASVS 5.0 §7.5.3).
pub const RECENT: Duration = Duration::from_secs(5 * 60);
/// The most live sessions of one person; the oldest ends.
pub const MAX_LIVE: usize = 50;
/// How long the record of a session is kept after the session's last possible moment.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Why a session was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its person signed out.
    SignedOut,
    /// Its person, or somebody who may change people, ended it from elsewhere.
    Requested,
    /// Somebody signed in with the same browser.
    Replaced,
    /// Its person began more than [`MAX_LIVE`].
    TooMany,
    /// Its person has a new password.
    PasswordChanged,
    /// Its person may no longer act.
    Deactivated,
}

/// A sign-in session. The secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The handle.
    pub id: SessionId,
    /// The tenant.
    pub org: OrgId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When the person last showed the password.
    pub signed_in_at: Timestamp,
    /// When it was last used, to [`SEEN_EVERY`].
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// Whence it was begun; unknown on a Unix socket.
    pub address: Option<String>,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

// === impl EndReason ===

impl EndReason {
    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Requested => "requested",
            Self::Replaced => "replaced",
            Self::TooMany => "too_many",
            Self::PasswordChanged => "password_changed",
            Self::Deactivated => "deactivated",
        }
    }
}

// === impl Session ===

impl Session {
    /// When it ends if nobody uses it from now on.
    pub fn idle_ends_at(&self) -> Timestamp {
        self.ends_at.min(self.last_seen_at + IDLE)
    }

    /// True when it is accepted at `now`. Over means `now >= ` its end, as everywhere.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.idle_ends_at()
    }

    /// True when a use at `now` is to be written.
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.since(self.last_seen_at) >= SEEN_EVERY
    }
}

/// True when the password was shown at most [`RECENT`] ago. A sign-in of the future is none: the clock was set back.
pub fn is_recent(signed_in_at: Timestamp, now: Timestamp) -> bool {
    signed_in_at <= now && now.since(signed_in_at) <= RECENT
}

/// True for an authority that a signed-in person hands out only after a recent sign-in: that of a super administrator.
pub fn is_all(authority: &Authority) -> bool {
    let by_scopes = Authority::of_token(ScopeSet::all(), Selector::everywhere());
    let by_roles = Authority::nothing().with_roles([RoleGrant::everything()]);
    [by_scopes, by_roles]
        .iter()
        .any(|all| authority.covers(all).is_ok())
}

/// True for a token that a signed-in person gets only after a recent sign-in: one that acts as itself for the whole organization, and
/// one with a super administrator's authority.
pub fn is_sensitive(token: &Token, authority: &Authority) -> bool {
    matches!(token.holder, Holder::Organization(_)) || is_all(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const TICK: Duration = Duration::from_micros(1);

    fn session() -> Session {
        Session {
            id: SessionId::from_i64(1),
            org: OrgId::from_i64(1),
            user: UserId::from_i64(1),
            created_at: NOW,
            signed_in_at: NOW,
            last_seen_at: NOW,
            ends_at: NOW + LIFETIME,
            address: None,
            ended_at: None,
        }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_or_old_or_ended() {
        let session = session();
        let busy = Session {
            last_seen_at: NOW + LIFETIME - TICK,
            ..session.clone()
        };
        let ended = Session {
            ended_at: Some(NOW),
            ..session.clone()
        };

        assert!(session.is_live(NOW + IDLE - TICK));
        assert!(!session.is_live(NOW + IDLE));
        assert!(busy.is_live(NOW + LIFETIME - TICK));
        assert!(!busy.is_live(NOW + LIFETIME));
        assert!(!ended.is_live(NOW));
    }

    #[test]
    fn a_use_is_written_once_a_minute() {
        assert!(!session().is_due(NOW + SEEN_EVERY - TICK));
        assert!(session().is_due(NOW + SEEN_EVERY));
    }

    #[test]
    fn a_sign_in_is_recent_for_five_minutes_and_never_in_the_future() {
        assert!(is_recent(NOW, NOW + RECENT));
        assert!(!is_recent(NOW, NOW + RECENT + TICK));
        assert!(!is_recent(NOW + TICK, NOW));
    }
}
