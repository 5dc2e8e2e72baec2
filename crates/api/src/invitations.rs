//! Invitations: how people come.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::teams::TeamRole;
use crate::tokens::Token;
use crate::users::{Role, User};

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can be accepted.
    Open,
    /// It was.
    Accepted,
    /// It was taken back.
    Withdrawn,
    /// Its time is over.
    Expired,
}

/// A team that somebody is invited into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitedTeam {
    /// The team.
    #[schema(example = "team_01k9zv5m3r000")]
    pub team: String,
    /// What they are to be there.
    pub role: TeamRole,
}

/// Somebody to invite.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// Their address. Nothing is sent: hand the secret over yourself.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// What they are to be; `member` unless said, never more than you are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The teams they are to join, at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<Vec<InvitedTeam>>,
    /// 1 to 7; 7 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 7)]
    pub expires_in_days: Option<u32>,
}

/// An invitation. The secret is not in it: it was shown once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// The handle.
    #[schema(example = "inv_01k9zv5m3r000")]
    pub id: String,
    /// Whom it is for.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// What they are to be.
    pub role: Role,
    /// The teams they are to join.
    pub teams: Vec<InvitedTeam>,
    /// The principal that invited.
    pub created_by: String,
    /// When.
    pub created_at: String,
    /// When it ends.
    pub expires_at: String,
    /// Where it stands now.
    pub state: InvitationState,
}

/// An invitation with its secret, which is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedInvitation {
    /// Its record.
    pub invitation: Invitation,
    /// Hand it to the person: whoever brings it joins in their place. It belongs into the fragment of a link, never into its query.
    #[schema(example = "clvi_…")]
    pub secret: String,
}

/// Which invitations to list; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListInvitations {
    /// `true` for those only that can be accepted now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Joins the organization.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The invitation's secret.
    pub invitation: String,
    /// Your name, 1–128 characters.
    #[schema(example = "Ada Lovelace")]
    pub name: String,
    /// Your password: 12 to 128 characters of any kind, not one of those that are tried first.
    pub password: String,
}

/// You, and a token to begin with. Its secret is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct JoinedUser {
    /// You.
    pub user: User,
    /// A personal token for 30 days, which may do what you may.
    pub token: Token,
    /// The string to present. Store it now: it is shown once.
    #[schema(example = "clvp_…")]
    pub secret: String,
}

impl std::fmt::Debug for CreatedInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedInvitation")
            .field("invitation", &self.invitation)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AcceptInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptInvitation")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for JoinedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinedUser")
            .field("user", &self.user)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
