//! Explanations: why a token may or may not do something somewhere. Pure; for people who may know, never for the bearer.
//!
//! The verifier says the first reason and says it fast; here every obstacle is named. Invariant: there is none exactly when the
//! verifier would allow it.

use core::net::IpAddr;

use crate::authority::{Authority, Only, Place};
use crate::token::{Token, TokenState};
use crate::{Scope, Timestamp};

/// One thing that stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody ended the token.
    Revoked,
    /// Time ended the token.
    Expired,
    /// Whom it acts as was deactivated.
    OwnerInactive,
    /// The token was not given the scope.
    ScopeNotGiven,
    /// A token of this type, and of this team or service, does not reach the place.
    OutsideHolder,
    /// The token is restricted to other teams.
    OutsideTeams,
    /// The token is restricted to other services.
    OutsideServices,
    /// The token is restricted to other environments.
    OutsideEnvironments,
    /// Whom it acts as does not have the scope anywhere.
    OwnerLacksScope,
    /// Whom it acts as has the scope, and not there.
    OutsideOwner,
    /// The token is bound to other networks.
    OutsideNetworks,
}

/// What a token's owner may do now.
#[derive(Debug, Clone)]
pub struct OwnerStanding {
    /// All that it may do.
    pub authority: Authority,
    /// It was not deactivated.
    pub active: bool,
}

/// Everything that keeps `token` from doing `scope` at `place`, whose service belongs to its team, when it comes from `address`;
/// without one, whence it comes is not asked.
pub fn obstacles(
    token: &Token,
    owner: &OwnerStanding,
    scope: Scope,
    place: &Place,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Vec<Obstacle> {
    let state = token.state(now);
    let is_given = token.scopes.contains(scope);
    let restrictions = &token.restrictions;
    let is_outside = |matches: bool| is_given && !matches;
    let owner_has = owner
        .authority
        .grants()
        .iter()
        .any(|grant| grant.scopes.contains(scope));
    [
        (state == TokenState::Revoked, Obstacle::Revoked),
        (state == TokenState::Expired, Obstacle::Expired),
        (!owner.active, Obstacle::OwnerInactive),
        (!is_given, Obstacle::ScopeNotGiven),
        (
            is_outside(token.holder.reach().matches(place)),
            Obstacle::OutsideHolder,
        ),
        (
            is_outside(listed(&restrictions.teams).matches(place.team)),
            Obstacle::OutsideTeams,
        ),
        (
            is_outside(listed(&restrictions.services).matches(place.service)),
            Obstacle::OutsideServices,
        ),
        (
            is_outside(listed(&restrictions.environments).matches(place.environment)),
            Obstacle::OutsideEnvironments,
        ),
        (!owner_has, Obstacle::OwnerLacksScope),
        (
            owner_has && !owner.authority.allows(scope, place),
            Obstacle::OutsideOwner,
        ),
        (
            address.is_some_and(|address| is_elsewhere(token, address)),
            Obstacle::OutsideNetworks,
        ),
    ]
    .into_iter()
    .filter_map(|(stands, obstacle)| stands.then_some(obstacle))
    .collect()
}

fn is_elsewhere(token: &Token, address: IpAddr) -> bool {
    let networks = token.terms.networks.as_ref();
    networks.is_some_and(|networks| !networks.contain(address))
}

fn listed<T: Ord + Copy>(list: &Option<std::collections::BTreeSet<T>>) -> Only<T> {
    list.clone().map_or(Only::All, Only::Listed)
}

// === impl Obstacle ===

impl Obstacle {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OwnerInactive => "owner_inactive",
            Self::ScopeNotGiven => "scope_not_given",
            Self::OutsideHolder => "outside_holder",
            Self::OutsideTeams => "outside_teams",
            Self::OutsideServices => "outside_services",
            Self::OutsideEnvironments => "outside_environments",
            Self::OwnerLacksScope => "owner_lacks_scope",
            Self::OutsideOwner => "outside_owner",
            Self::OutsideNetworks => "outside_networks",
        }
    }

    /// The sentence for a person: what stands in the way, and what would remove it.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Revoked => "the token was revoked, which is final; issue a new one",
            Self::Expired => "the token's time is over; regenerate nothing, issue a new one",
            Self::OwnerInactive => {
                "whom the token acts as was deactivated; reactivate them or issue a token to someone else"
            }
            Self::ScopeNotGiven => "the token was not given the scope; update its scopes",
            Self::OutsideHolder => "the token belongs to another team or service; issue one for this",
            Self::OutsideTeams => "the token is restricted to other teams; update its restrictions",
            Self::OutsideServices => "the token is restricted to other services; update its restrictions",
            Self::OutsideEnvironments => {
                "the token is restricted to other environments; update its restrictions"
            }
            Self::OwnerLacksScope => {
                "whom the token acts as does not have the scope now; change their role or membership"
            }
            Self::OutsideOwner => {
                "whom the token acts as has the scope, and not there; change their membership"
            }
            Self::OutsideNetworks => {
                "the token is bound to other networks; update its networks, or ask from one of them"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;
    use crate::authority::Selector;
    use crate::role::RoleBook;
    use crate::terms::Networks;
    use crate::token::{Holder, Restrictions, Surroundings};
    use crate::{EnvironmentId, OrgId, ScopeSet, ServiceId, TeamId};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    /// Service 1 and 2 belong to team 1, service 3 to team 2.
    fn team_of(service: ServiceId) -> Option<TeamId> {
        let team = if service.get() < 3 { 1 } else { 2 };
        Some(TeamId::from_i64(team))
    }

    fn holder() -> impl Strategy<Value = Holder> {
        prop_oneof![
            Just(Holder::Organization(OrgId::from_i64(1))),
            (1..3_i64).prop_map(|team| Holder::Team(TeamId::from_i64(team))),
            (1..4_i64).prop_map(|service| {
                let service = ServiceId::from_i64(service);
                Holder::Service {
                    service,
                    team: team_of(service).unwrap(),
                }
            }),
        ]
    }

    prop_compose! {
        fn restrictions()(
            teams in prop::option::of(btree_set((1..3_i64).prop_map(TeamId::from_i64), 0..3)),
            services in prop::option::of(btree_set((1..4_i64).prop_map(ServiceId::from_i64), 0..3)),
            environments in prop::option::of(btree_set((1..3_i64).prop_map(EnvironmentId::from_i64), 0..2)),
        ) -> Restrictions {
            Restrictions { teams, services, environments }
        }
    }

    fn places() -> Vec<Place> {
        let services = (1..4).map(|number| {
            let service = ServiceId::from_i64(number);
            Place::service(team_of(service).unwrap(), service)
        });
        let teams = (1..3).map(|number| Place::team(TeamId::from_i64(number)));
        let bare: Vec<Place> = services.chain(teams).chain([Place::ORGANIZATION]).collect();
        let within = |place: &Place| [*place, place.within(EnvironmentId::from_i64(1))];
        bare.iter().flat_map(within).collect()
    }

    #[test]
    fn the_networks_count_when_an_address_is_asked_about() {
        let mut token =
            crate::token::sample(Holder::Organization(OrgId::from_i64(1)), Restrictions::default());
        token.terms.networks = Some(Networks::new(["10.0.0.0/8".parse().unwrap()]));
        let owner = OwnerStanding {
            authority: Authority::everything(),
            active: true,
        };
        let from = |address: Option<&str>| {
            let address = address.map(|text| text.parse().unwrap());
            obstacles(
                &token,
                &owner,
                Scope::DeploymentsWrite,
                &Place::ORGANIZATION,
                address,
                NOW,
            )
        };

        assert_eq!(from(None), []);
        assert_eq!(from(Some("10.1.2.3")), []);
        assert_eq!(from(Some("192.0.2.1")), [Obstacle::OutsideNetworks]);
    }

    proptest! {
        #[test]
        fn nothing_stands_in_the_way_exactly_when_it_is_allowed(
            holder in holder(),
            restrictions in restrictions(),
            bits in any::<u64>(),
            owner_team in prop::option::of(1..3_i64),
            active in any::<bool>(),
        ) {
            let token = Token {
                scopes: ScopeSet::from_bits(bits),
                ..crate::token::sample(holder, restrictions)
            };
            let on = owner_team.map_or(Selector::everywhere(), |team| Selector::team(TeamId::from_i64(team)));
            let owner = OwnerStanding {
                authority: Authority::of_token(ScopeSet::all(), on),
                active,
            };
            let given = token.authority(&Surroundings {
                team_of: &team_of,
                roles: &RoleBook::default(),
            });
            for place in places() {
                for &scope in Scope::ALL {
                    let allowed = active && given.allows(scope, &place) && owner.authority.allows(scope, &place);
                    let found = obstacles(&token, &owner, scope, &place, None, NOW);
                    prop_assert_eq!(found.is_empty(), allowed, "{} {}: {:?}", scope, place, found);
                }
            }
        }
    }
}
