//! Whose a token is, and where it may act within what is its holder's.

use std::collections::{BTreeMap, BTreeSet};

use claviger_token::TokenType;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, Grant, Only, Place, Selector};
use crate::role::{self, Assignment, RoleBook};
use crate::{EnvironmentId, OrgId, ScopeSet, ServiceId, TeamId, UserId};

/// Whose a token is. Its name is unique there, it reaches no further, and who manages the holder's tokens manages it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A person's: it acts as them.
    Person(UserId),
    /// The organization's: it acts as itself, everywhere.
    Organization(OrgId),
    /// A team's: it acts as itself, on all that is the team's.
    Team(TeamId),
    /// A service's: it acts as itself, on that service.
    Service {
        /// The service.
        service: ServiceId,
        /// The team it belongs to now.
        team: TeamId,
    },
}

/// Where a token may act, within what its holder reaches. Absent is everywhere there; an empty list is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restrictions {
    /// Only these teams and what is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teams: Option<BTreeSet<TeamId>>,
    /// Only these services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeSet<ServiceId>>,
    /// Only these environments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<BTreeSet<EnvironmentId>>,
}

/// What is looked up elsewhere to know how far a token reaches.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The team that a service belongs to now.
    pub team_of: &'a dyn Fn(ServiceId) -> Option<TeamId>,
    /// The roles of the organization.
    pub roles: &'a RoleBook,
}

impl Surroundings<'_> {
    /// For a token that is restricted to no services and has preset roles only.
    pub fn plain() -> Self {
        Self {
            team_of: &|_| None,
            roles: &role::PRESETS,
        }
    }
}

/// What a token was given: scopes and roles, on what its holder reaches and its restrictions leave. The one place where that is
/// worked out.
pub fn given(
    holder: Holder,
    restrictions: &Restrictions,
    scopes: ScopeSet,
    roles: &[Assignment],
    around: &Surroundings<'_>,
) -> Authority {
    let reach = holder.reach();
    let left = restrictions.selectors(around.team_of);
    let boxes: Vec<Selector> = left.iter().map(|left| reach.intersection(left)).collect();
    let by_role: Vec<_> = boxes
        .iter()
        .flat_map(|on| around.roles.grants(roles, on))
        .collect();
    let by_scope = boxes.into_iter().map(|on| Grant { on, scopes });
    Authority::new(by_scope, scopes).with_roles(by_role)
}

// === impl Holder ===

impl Holder {
    /// The holder's number: ids of all nouns come from one sequence, so no two holders share one.
    pub const fn number(self) -> i64 {
        match self {
            Self::Person(user) => user.get(),
            Self::Organization(org) => org.get(),
            Self::Team(team) => team.get(),
            Self::Service { service, .. } => service.get(),
        }
    }

    /// What kind of principal its tokens act as.
    pub const fn token_type(self) -> TokenType {
        match self {
            Self::Person(_) => TokenType::Personal,
            Self::Organization(_) => TokenType::Global,
            Self::Team(_) => TokenType::Team,
            Self::Service { .. } => TokenType::Service,
        }
    }

    /// Where its tokens are managed. A person's are their own affair, and besides that the organization's.
    pub const fn place(self) -> Place {
        match self {
            Self::Person(_) | Self::Organization(_) => Place::ORGANIZATION,
            Self::Team(team) => Place::team(team),
            Self::Service { service, team } => Place::service(team, service),
        }
    }

    /// How far its tokens reach at most. A person's reach as far as the person does, which is known elsewhere.
    pub fn reach(self) -> Selector {
        match self {
            Self::Person(_) | Self::Organization(_) => Selector::everywhere(),
            Self::Team(team) => Selector::team(team),
            Self::Service { service, team } => Selector::service(team, service),
        }
    }
}

// === impl Restrictions ===

impl Restrictions {
    /// True when nothing is restricted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The boxes of places that are left. A listed service is taken with the team that it belongs to now (`team_of`), so that
    /// whoever has the team has the service; one that is gone is nowhere.
    pub fn selectors(&self, team_of: impl Fn(ServiceId) -> Option<TeamId>) -> Vec<Selector> {
        let environments = Only::from(self.environments.clone());
        let teams = Only::from(self.teams.clone());
        let Some(services) = &self.services else {
            return vec![Selector {
                teams,
                services: Only::All,
                environments,
            }];
        };
        let mut by_team: BTreeMap<TeamId, BTreeSet<ServiceId>> = BTreeMap::new();
        for &service in services {
            if let Some(team) = team_of(service).filter(|team| teams.matches(Some(*team))) {
                by_team.entry(team).or_default().insert(service);
            }
        }
        let of_team = |(team, services): (_, BTreeSet<_>)| Selector {
            teams: Only::one(team),
            services: Only::Listed(services.into()),
            environments: environments.clone(),
        };
        by_team.into_iter().map(of_team).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;
    use crate::token::{Token, sample};

    const TEAM: TeamId = TeamId::from_i64(11);
    const OTHER_TEAM: TeamId = TeamId::from_i64(12);
    const SEARCH: ServiceId = ServiceId::from_i64(21);
    const CHECKOUT: ServiceId = ServiceId::from_i64(22);

    /// Search is the team's, checkout another's.
    fn team_of(service: ServiceId) -> Option<TeamId> {
        match service {
            SEARCH => Some(TEAM),
            CHECKOUT => Some(OTHER_TEAM),
            _ => None,
        }
    }

    fn authority(token: &Token) -> Authority {
        token.authority(&Surroundings {
            team_of: &team_of,
            roles: &RoleBook::default(),
        })
    }

    fn writes(token: &Token, place: Place) -> bool {
        authority(token).allows(Scope::DeploymentsWrite, &place)
    }

    #[test]
    fn a_token_reaches_what_its_holder_does() {
        let (own, other) = (Place::service(TEAM, SEARCH), Place::service(OTHER_TEAM, CHECKOUT));
        let reaches = |holder| {
            let token = sample(holder, Restrictions::default());
            [own, other, Place::team(TEAM), Place::ORGANIZATION].map(|place| writes(&token, place))
        };
        let service = Holder::Service {
            service: SEARCH,
            team: TEAM,
        };

        assert_eq!(reaches(Holder::Organization(OrgId::from_i64(1))), [true; 4]);
        assert_eq!(reaches(Holder::Team(TEAM)), [true, false, true, false]);
        assert_eq!(reaches(service), [true, false, false, false]);
    }

    #[test]
    fn a_restriction_leaves_what_it_lists_and_an_empty_one_nothing() {
        let org = Holder::Organization(OrgId::from_i64(1));
        let restricted = |services: &[ServiceId]| Restrictions {
            services: Some(services.iter().copied().collect()),
            ..Restrictions::default()
        };
        let (search, checkout) = (Place::service(TEAM, SEARCH), Place::service(OTHER_TEAM, CHECKOUT));

        let one = sample(org, restricted(&[SEARCH]));
        assert!(writes(&one, search) && !writes(&one, checkout) && !writes(&one, Place::team(TEAM)));

        let gone = sample(org, restricted(&[ServiceId::from_i64(99)]));
        let none = sample(org, restricted(&[]));
        assert_eq!(authority(&gone).grants(), []);
        assert_eq!(authority(&none).grants(), []);
    }
}
