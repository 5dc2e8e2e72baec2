//! People: list, show, change, deactivate; their passwords.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::limits::{RateLimit, stated};
use crate::roles::RoleAssignment;
use crate::teams::TeamRole;
use crate::tokens::Receipt;

/// What a person is in the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything in the organization.
    SuperAdmin,
    /// May look around, manage tokens of their own, and do what their teams let them.
    Member,
}

/// Whether a person may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// May act.
    Active,
    /// May not: no token of theirs is accepted.
    Deactivated,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The handle.
    #[schema(example = "usr_01k9zv5m3r000")]
    pub id: String,
    /// The address, unique in the organization.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The name; `null` until somebody says it.
    #[schema(example = "Ada Lovelace")]
    pub name: Option<String>,
    /// What the person is in the organization.
    pub role: Role,
    /// Whether the person may act.
    pub state: UserState,
    /// The teams that the person belongs to, by their names.
    pub teams: Vec<UserTeam>,
    /// The roles that the person has on resources of the organization's own kinds, besides what teams bring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleAssignment>,
    /// When the account was made.
    pub created_at: String,
    /// When it was deactivated; `null` = it is active.
    pub deactivated_at: Option<String>,
    /// How often all of the person's tokens together are accepted; `null` = as often as they like.
    pub rate_limit: Option<RateLimit>,
    /// True when there is a password.
    pub has_password: bool,
}

/// A team that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserTeam {
    /// The team.
    #[schema(example = "team_01k9zv5m3r000")]
    pub team: String,
    /// Its name.
    #[schema(example = "payments")]
    pub name: String,
    /// What the person is there.
    pub role: TeamRole,
}

/// What to change of a person. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// 1–128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the person is to be; never more than you are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The roles on resources, all of them; `[]` for none. Never more than you have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleAssignment>>,
    /// How often all of the person's tokens together are accepted; `null` for as often as they like.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RateLimit>)]
    pub rate_limit: Option<Option<RateLimit>>,
}

/// A changed person, and proof that no verifier goes by what they could do before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangedUser {
    /// The person after the change.
    pub user: User,
    /// The proof.
    pub receipt: Receipt,
}

/// Which people to list; the oldest account first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Only this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub role: Option<Role>,
    /// Only people in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<UserState>,
    /// Only addresses or names that begin so, whatever the spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Your new password: 12 to 128 characters of any kind, not one of those that are tried first.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// Your present password, when you have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The new one.
    pub new: String,
}

/// The means to choose a new password, to be handed to the person. Shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedReset {
    /// Good once, until `expires_at`; a later one voids it.
    #[schema(example = "clvw_…")]
    pub secret: String,
    /// When it ends: a quarter of an hour after it was issued.
    pub expires_at: String,
}

/// A new password for whoever brings a reset.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The reset.
    pub reset: String,
    /// The new password: 12 to 128 characters of any kind, not one of those that are tried first.
    pub new: String,
}

impl std::fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for IssuedReset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedReset")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ResetPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResetPassword").finish_non_exhaustive()
    }
}
