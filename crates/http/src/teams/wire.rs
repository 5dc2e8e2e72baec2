//! Between the wire types of teams and the domain's.

use claviger_api::teams as api;
use claviger_domain::owner::TeamRole;
use claviger_domain::team::{Member, Team};

use crate::idempotency::render;

/// A team.
pub(crate) fn team(team: &Team) -> api::Team {
    api::Team {
        id: team.id.to_string(),
        name: team.name.as_str().to_owned(),
        description: team.description.as_str().to_owned(),
        members: team.members,
        services: team.services,
        created_at: team.created_at.to_string(),
        updated_at: team.updated_at.to_string(),
    }
}

/// The same as bytes: an idempotent answer is kept as such.
pub(crate) fn rendered(made: &Team) -> Vec<u8> {
    render(&team(made))
}

/// A person in a team.
pub(crate) fn member(member: &Member) -> api::Member {
    api::Member {
        user: member.user.to_string(),
        email: member.email.clone(),
        role: role(member.role),
        since: member.since.to_string(),
    }
}

/// The shown role.
pub(crate) fn role(role: TeamRole) -> api::TeamRole {
    match role {
        TeamRole::Manager => api::TeamRole::Manager,
        TeamRole::Member => api::TeamRole::Member,
    }
}

/// The named role.
pub(crate) fn parsed_role(role: api::TeamRole) -> TeamRole {
    match role {
        api::TeamRole::Manager => TeamRole::Manager,
        api::TeamRole::Member => TeamRole::Member,
    }
}
