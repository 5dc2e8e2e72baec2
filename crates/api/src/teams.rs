//! Teams: groups of people who own services, and who belongs to them.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::tokens::Receipt;

/// What a person is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Runs the team: its members, services and tokens.
    Manager,
    /// Works in it.
    #[default]
    Member,
}

/// A team to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTeam {
    /// 1–128 characters, unique in the organization whatever the spelling.
    #[schema(example = "payments")]
    pub name: String,
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What to change of a team. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTeam {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Team {
    /// The handle.
    #[schema(example = "team_01k9zv5m3r000")]
    pub id: String,
    /// Unique in the organization.
    #[schema(example = "payments")]
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// How many people belong to it.
    #[schema(example = 4)]
    pub members: u64,
    /// How many services it owns.
    #[schema(example = 2)]
    pub services: u64,
    /// When it was made.
    pub created_at: String,
    /// When name or description last changed.
    pub updated_at: String,
}

/// Proof that a team's members have lost what it gave them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeletedTeam {
    /// The proof.
    pub receipt: Receipt,
}

/// Which teams to list, in the order of their names.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTeams {
    /// Only names that begin so, whatever the spelling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Rows of a page, 1–200; 50 unless said. A page may be shorter; only `next_cursor` tells the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A person in a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The person.
    #[schema(example = "usr_01k9zv5m3r000")]
    pub user: String,
    /// Their address.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// What they are in the team.
    pub role: TeamRole,
    /// When they joined.
    pub since: String,
}

/// What a person is to be in a team.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMember {
    /// `manager` or `member`.
    pub role: TeamRole,
}

/// A member after a change, and proof that no verifier goes by the old state any more.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangedMember {
    /// The member.
    pub member: Member,
    /// The proof.
    pub receipt: Receipt,
}

/// Proof that a person has lost what the team gave them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RemovedMember {
    /// The proof.
    pub receipt: Receipt,
}

/// Which part of a team's members to list, in the order of their addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMembers {
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
