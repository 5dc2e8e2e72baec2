//! Services: things that are deployed and break. Each belongs to one team.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::tokens::Receipt;

/// A service to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateService {
    /// 1–128 characters, unique in the organization whatever the spelling.
    #[schema(example = "search")]
    pub name: String,
    /// The team that owns it, by id.
    #[schema(example = "team_01k9zv5m3r000")]
    pub team: String,
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What to change of a service. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateService {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another team to own it, by id. `services:write` is needed in both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// The handle.
    #[schema(example = "svc_01k9zv5m3r000")]
    pub id: String,
    /// Unique in the organization.
    #[schema(example = "search")]
    pub name: String,
    /// The team that owns it.
    #[schema(example = "team_01k9zv5m3r000")]
    pub team: String,
    /// For people; may be empty.
    pub description: String,
    /// When it was made.
    pub created_at: String,
    /// When name, description or team last changed.
    pub updated_at: String,
}

/// Which services to list, in the order of their names. All conditions must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListServices {
    /// Only services of this team, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
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

/// A changed service, and proof that no verifier goes by its old team any more.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangedService {
    /// The service after the change.
    pub service: Service,
    /// The proof.
    pub receipt: Receipt,
}
