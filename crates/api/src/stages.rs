//! Stages: the steps of a release, in order, each in an environment.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A stage to put into the order.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateStage {
    /// 1–128 characters, unique in the organization whatever the spelling.
    #[schema(example = "canary")]
    pub name: String,
    /// Where the release runs at this step, by id.
    #[schema(example = "env_01k9zv5m3r000")]
    pub environment: String,
    /// Its place, counted from 1; the stages from there on move one place on. Last unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 2)]
    pub position: Option<u32>,
}

/// What to change of a stage. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateStage {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another environment, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Another place, counted from 1; the stages between the old and the new one make way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    /// The handle.
    #[schema(example = "stg_01k9zv5m3r000")]
    pub id: String,
    /// Unique in the organization.
    #[schema(example = "canary")]
    pub name: String,
    /// Where the release runs at this step.
    #[schema(example = "env_01k9zv5m3r000")]
    pub environment: String,
    /// Its place, counted from 1 without a gap.
    #[schema(example = 2)]
    pub position: u32,
    /// When it was made.
    pub created_at: String,
    /// When name, environment or its own place was last changed; making way for another stage does not count.
    pub updated_at: String,
}

/// Which part of the stages to list, in their order. There are at most 100: `limit=100` has them all at once.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListStages {
    /// Rows of a page, 1–200; 50 unless said. A page may be shorter; only `next_cursor` tells the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
