//! Between the wire types of people and the domain's.

use claviger_api::users as api;
use claviger_domain::owner::Role;
use claviger_domain::person::{Person, PersonState, PersonTeam};
use claviger_service::people::ChangedPerson;

use crate::roles::wire::assignments;
use crate::teams;
use crate::tokens::terms;
use crate::tokens::wire::receipt;

/// A person.
pub(crate) fn user(person: &Person) -> api::User {
    api::User {
        id: person.id.to_string(),
        email: person.email.clone(),
        name: person.name.clone(),
        role: role(person.role),
        state: match person.state() {
            PersonState::Active => api::UserState::Active,
            PersonState::Deactivated => api::UserState::Deactivated,
        },
        teams: person.teams.iter().map(team).collect(),
        roles: assignments(&person.roles),
        created_at: person.created_at.to_string(),
        deactivated_at: person.deactivated_at.map(|at| at.to_string()),
        rate_limit: person.rate_limit.as_ref().map(terms::rate_limit),
        has_password: person.has_password,
    }
}

fn team(team: &PersonTeam) -> api::UserTeam {
    api::UserTeam {
        team: team.team.to_string(),
        name: team.name.clone(),
        role: teams::wire::role(team.role),
    }
}

/// A changed person.
pub(crate) fn changed(changed: &ChangedPerson) -> api::ChangedUser {
    api::ChangedUser {
        user: user(&changed.person),
        receipt: receipt(&changed.receipt),
    }
}

/// The shown role.
pub(crate) fn role(role: Role) -> api::Role {
    match role {
        Role::SuperAdmin => api::Role::SuperAdmin,
        Role::Member => api::Role::Member,
    }
}

/// The named role.
pub(crate) fn parsed_role(role: api::Role) -> Role {
    match role {
        api::Role::SuperAdmin => Role::SuperAdmin,
        api::Role::Member => Role::Member,
    }
}

/// The named state.
pub(crate) fn parsed_state(state: api::UserState) -> PersonState {
    match state {
        api::UserState::Active => PersonState::Active,
        api::UserState::Deactivated => PersonState::Deactivated,
    }
}
