//! First start: the first administrator.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sets the installation up. Only from the machine itself, only once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The code that the server printed when it started.
    pub code: String,
    /// The administrator's e-mail address.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// The name of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Example")]
    pub organization: Option<String>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}
