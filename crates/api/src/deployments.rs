//! Deployments: a version that was put into an environment.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How a deployment went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentResult {
    /// The version runs.
    Succeeded,
    /// It does not.
    Failed,
    /// It was taken back.
    RolledBack,
    /// It was stopped before it finished.
    Canceled,
}

/// A deployment to report.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportDeployment {
    /// The service, by name; 1–128 characters.
    #[schema(example = "search")]
    pub service: String,
    /// The version, as your team writes it.
    #[schema(example = "1.4.2")]
    pub version: String,
    /// The commit or tag.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v1.4.2")]
    pub reference: Option<String>,
    /// Where it runs; `production` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended; now unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How it went; `succeeded` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<DeploymentResult>,
}

/// A reported deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    /// The handle.
    #[schema(example = "dep_01k9zv5m3r000")]
    pub id: String,
    /// The service, by name.
    pub service: String,
    /// The version.
    pub version: String,
    /// The commit or tag.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Where it runs.
    pub environment: String,
    /// When it began; `null` when the report did not say.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: String,
    /// How it went.
    pub result: DeploymentResult,
    /// The token that reported it, `tok_…`, or the person who was signed in, `usr_…`.
    pub reported_by: String,
    /// When the report arrived.
    pub created_at: String,
}

/// Which deployments to list; the newest report first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeployments {
    /// Only this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only this environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Only this result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub result: Option<DeploymentResult>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
