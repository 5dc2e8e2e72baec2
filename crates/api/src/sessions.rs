//! Sign-in sessions: sign in, see where you are signed in, confirm, end. The session itself is a cookie, which scripts cannot read.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Who signs in.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The address of the account.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The password.
    pub password: String,
}

/// The password, once more.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSession {
    /// The password.
    pub password: String,
}

/// A session that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The handle.
    #[schema(example = "ses_01k9zv5m3r000")]
    pub id: String,
    /// Whose it is.
    #[schema(example = "usr_01k9zv5m3r000")]
    pub user: String,
    /// True for the one that this call was made with.
    pub current: bool,
    /// When it began.
    pub created_at: String,
    /// When the password was last shown. What is most sensitive needs it to be at most 5 minutes ago.
    pub signed_in_at: String,
    /// When it was last used, to the minute.
    pub last_seen_at: String,
    /// When it ends if it is not used from now on.
    pub idle_ends_at: String,
    /// When it ends at the latest.
    pub ends_at: String,
    /// Whence it was begun; `null` over a Unix socket.
    pub address: Option<String>,
}

/// Whose sessions to list; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSessions {
    /// Whose, `usr_…`; yours unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedSessions {
    /// Sessions that were live.
    pub ended: u64,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ConfirmSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfirmSession").finish_non_exhaustive()
    }
}
