//! Teams: groups of people who own services.
//!
//! A team's name is unique in its organization by its normal form. What its members may do is in [`crate::owner::TeamRole`].

use crate::name::{Description, Label};
use crate::owner::TeamRole;
use crate::{OrgId, TeamId, Timestamp, UserId};

/// The most teams of an organization.
pub const MAX_TEAMS: u64 = 10_000;
/// The most members of a team.
pub const MAX_MEMBERS: u64 = 1_000;

/// A team to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTeam {
    /// Unique in the organization.
    pub name: Label,
    /// For people.
    pub description: Description,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The handle.
    pub id: TeamId,
    /// The tenant.
    pub org: OrgId,
    /// Unique in the organization.
    pub name: Label,
    /// For people.
    pub description: Description,
    /// How many people belong to it.
    pub members: u64,
    /// How many services it owns.
    pub services: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When name or description last changed.
    pub updated_at: Timestamp,
}

/// A person in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// The person's address, as it was given.
    pub email: String,
    /// What the person is in the team.
    pub role: TeamRole,
    /// When the person joined.
    pub since: Timestamp,
}
