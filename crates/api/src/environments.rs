//! Environments: where services run.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An environment to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateEnvironment {
    /// 1–128 characters, unique in the organization whatever the spelling.
    #[schema(example = "staging")]
    pub name: String,
    /// Whether what breaks there breaks for customers; `true` unless said when the name is `production` or `prod`, else `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production: Option<bool>,
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What to change of an environment. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEnvironment {
    /// A new name. It does not change whether the environment is production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is production.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production: Option<bool>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// The handle.
    #[schema(example = "env_01k9zv5m3r000")]
    pub id: String,
    /// Unique in the organization.
    #[schema(example = "staging")]
    pub name: String,
    /// Whether what breaks there breaks for customers.
    pub production: bool,
    /// For people; may be empty.
    pub description: String,
    /// When it was made.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

/// Which environments to list, in the order of their names.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEnvironments {
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
