//! Explanations: why a token may or may not do something somewhere.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an action is to happen. Absent = in the organization as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// A team, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// A service, by id; its team follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// An environment, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// May this token do that, there? Asked about a token by its id, without using it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// The token's id.
    #[schema(example = "tok_01k9zv5m3r000")]
    pub token: String,
    /// The scope that the action needs.
    #[schema(example = "deployments:write")]
    pub scope: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Coming from which address. Without one, the networks that the token is bound to do not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "192.0.2.7")]
    pub address: Option<String>,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Obstacle {
    /// Its stable name: `revoked`, `expired`, `owner_inactive`, `scope_not_given`, `outside_holder`, `outside_teams`,
    /// `outside_services`, `outside_environments`, `owner_lacks_scope`, `outside_owner` or `outside_networks`.
    pub code: String,
    /// What it is, and what would remove it.
    pub detail: String,
}

/// What would be decided now, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// True when the token may.
    pub allowed: bool,
    /// Everything that stands in the way; empty when it may.
    pub obstacles: Vec<Obstacle>,
}
