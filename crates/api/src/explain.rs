//! Explanations: why a token may or may not do something.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::roles::RoleAssignment;
use crate::teams::TeamRole;
use crate::verify::{AskedResource, Decision};

/// May this token do that? The question of `POST /v1/verify` about a token by its id, without using it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// The token's id.
    #[schema(example = "tok_01k9zv5m3r000")]
    pub token: String,
    /// The scopes that are needed, all of them, somewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["deployments:write"]))]
    pub scopes: Vec<String>,
    /// An action that is to be done to `resource`; the two go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "trigger")]
    pub action: Option<String>,
    /// What it is to be done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<AskedResource>,
    /// Coming from which address. Without one, the networks that the token is bound to do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "192.0.2.7")]
    pub address: Option<String>,
    /// What it would take from the token's limits, 1–10,000; 1 unless said. Nothing is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub cost: Option<u32>,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Obstacle {
    /// Its stable name: `revoked`, `expired`, `owner_inactive`, `scope_not_given`, `owner_lacks_scope`, `outside_networks`,
    /// `no_such_action`, `role_not_given`, `outside_roles`, `outside_holder`, `outside_teams`, `outside_services`,
    /// `outside_environments`, `owner_lacks_role`, `outside_owner`, `rate_limited` or `quota_exhausted`.
    pub code: String,
    /// What it is, and what would remove it.
    pub detail: String,
    /// The scope that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "deployments:write")]
    pub scope: Option<String>,
    /// The roles that are about the action: those any of which would do, or for `outside_roles` those that the token has elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["application.trigger"]))]
    pub roles: Vec<String>,
}

/// Whose power it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What the token was given.
    Token,
    /// What whoever it acts as may do now.
    Owner,
}

/// One thing that lets the token do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reason {
    /// Whose power it is. A personal token needs both its own and its owner's.
    pub of: Side,
    /// What it is: `scope`, `role`, `super_admin`, `every_person` or `membership`.
    pub code: String,
    /// The scope that the token was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The role on resources, as it was assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<RoleAssignment>,
    /// The team that the owner is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What the owner is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_role: Option<TeamRole>,
}

/// What would be decided now, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// True when the token may.
    pub allowed: bool,
    /// What `POST /v1/verify` would answer now.
    pub decision: Decision,
    /// Everything that stands in the way, in the order in which it is looked at; empty when the token may.
    pub obstacles: Vec<Obstacle>,
    /// What lets it: the scope, or the role assignments; empty when it may not.
    pub allowed_by: Vec<Reason>,
    /// The request that asked, for the logs.
    pub request_id: String,
}
