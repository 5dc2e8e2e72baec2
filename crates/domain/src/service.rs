//! Services: things that are deployed and break. Each belongs to one team.

use crate::name::{Description, Label};
use crate::{OrgId, ServiceId, TeamId, Timestamp};

/// The most services of an organization.
pub const MAX_SERVICES: u64 = 100_000;

/// A service to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    /// Unique in the organization.
    pub name: Label,
    /// The team that owns it.
    pub team: TeamId,
    /// For people.
    pub description: Description,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The handle.
    pub id: ServiceId,
    /// The tenant.
    pub org: OrgId,
    /// The team that owns it.
    pub team: TeamId,
    /// Unique in the organization.
    pub name: Label,
    /// For people.
    pub description: Description,
    /// When it was made.
    pub created_at: Timestamp,
    /// When name, description or team last changed.
    pub updated_at: Timestamp,
}
