//! Roles on resources: what an organization's own actions are done to, and who may do them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::tokens::Receipt;

/// `"*"` for all there is and all there will be, or a list; an empty list is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Selection {
    /// `"*"`.
    All(String),
    /// These.
    These(Vec<String>),
}

/// A role given, and on which resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignment {
    /// The role's name.
    #[schema(example = "application.trigger")]
    pub role: String,
    /// Which of the role's kinds; all of them unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Which teams, by id.
    pub teams: Selection,
    /// Which environments, by id.
    pub environments: Selection,
    /// Which names. `*` in place of a segment stands for any: `c1/*`.
    #[schema(example = json!(["search", "checkout"]))]
    pub names: Selection,
}

/// A direction in which an assignment bounds what a role gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The team that the resource belongs to.
    Team,
    /// The environment that it is in.
    Environment,
    /// Its name.
    Name,
}

/// What a role gives: actions on a kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// The kind, or `*` for every kind that scopes do not govern.
    #[schema(example = "applications")]
    pub kind: String,
    /// `"*"`, or the actions.
    pub actions: Selection,
    /// Which directions of an assignment bound it; all three unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<Direction>>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Role {
    /// Its name, which never changes.
    #[schema(example = "application.trigger")]
    pub name: String,
    /// For people.
    pub description: String,
    /// True for a role that every organization has.
    pub preset: bool,
    /// What it gives.
    pub grants: Vec<RoleGrant>,
    /// When it was last written; `null` for a preset.
    pub updated_at: Option<String>,
}

/// Every role there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Roles {
    /// The presets, then your own in the order of their names; at most 200 of those.
    pub data: Vec<Role>,
}

/// A role to write: what is there of its name is replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutRole {
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it gives; 1–20.
    pub grants: Vec<RoleGrant>,
}

/// A written role, and proof that no verifier goes by what it was before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WrittenRole {
    /// The role.
    pub role: Role,
    /// The proof.
    pub receipt: Receipt,
}

/// A kind of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kind {
    /// Its name, which never changes.
    #[schema(example = "applications")]
    pub name: String,
    /// For people.
    pub description: String,
    /// True for a kind that every organization has.
    pub preset: bool,
    /// What can be done to such a resource.
    pub actions: Vec<String>,
    /// When it was last written; `null` for a preset.
    pub updated_at: Option<String>,
}

/// Every kind of resource there is, but those that scopes govern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kinds {
    /// The presets, then your own in the order of their names; at most 200 of those.
    pub data: Vec<Kind>,
}

/// A kind of resource to write: what is there of its name is replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutKind {
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What can be done to such a resource; 1–50.
    pub actions: Vec<String>,
}
