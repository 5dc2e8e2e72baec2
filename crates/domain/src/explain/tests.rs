//! Explanations against what is compiled: nothing stands in the way exactly when both authorities allow it.

use std::collections::BTreeSet;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::owner::TeamRole;
use crate::role::Listed;
use crate::terms::Networks;
use crate::token::{Holder, Restrictions, Surroundings};
use crate::{EnvironmentId, OrgId, ServiceId, TeamId, UserId};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Service 1 and 2 belong to team 1, service 3 to team 2.
fn team_of(service: ServiceId) -> Option<TeamId> {
    let team = if service.get() < 3 { 1 } else { 2 };
    Some(TeamId::from_i64(team))
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        Just(Holder::Organization(OrgId::from_i64(1))),
        Just(Holder::Person(UserId::from_i64(1))),
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

fn some<T: Ord + std::fmt::Debug + Clone>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Listed<T>> {
    prop_oneof![
        2 => Just(Listed::All),
        3 => btree_set(one, 0..3).prop_map(Listed::These),
    ]
}

prop_compose! {
    fn assignment()(
        role in prop::sample::select(vec!["application.view", "application.trigger", "helm-app.edit", "super-admin", "gone"]),
        kinds in prop::option::weighted(0.2, btree_set(prop::sample::select(vec!["applications", "environment"]), 0..2)),
        teams in some((1..3_i64).prop_map(TeamId::from_i64)),
        environments in some((1..3_i64).prop_map(EnvironmentId::from_i64)),
        names in some(prop::sample::select(vec!["search".to_owned(), "*".to_owned(), "c1/*".to_owned()])),
    ) -> Assignment {
        let word = |text: &str| Word::parse("word", text).unwrap();
        Assignment {
            role: word(role),
            kinds: kinds.map(|kinds| kinds.into_iter().map(word).collect::<BTreeSet<_>>()),
            teams, environments, names,
        }
    }
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

prop_compose! {
    fn standing()(
        active in prop::bool::weighted(0.9),
        role in prop::sample::select(vec![None, Some(Role::SuperAdmin), Some(Role::Member), Some(Role::Member)]),
        teams in prop::collection::btree_map(1..3_i64, any::<bool>(), 0..3),
        roles in vec(assignment(), 0..3),
    ) -> Standing {
        let memberships = teams.into_iter().map(|(team, manages)| Membership {
            team: TeamId::from_i64(team),
            role: if manages { TeamRole::Manager } else { TeamRole::Member },
        });
        Standing { active, role, memberships: memberships.collect(), roles }
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
    let mut token = crate::token::sample(Holder::Organization(OrgId::from_i64(1)), Restrictions::default());
    token.terms.networks = Some(Networks::new(["10.0.0.0/8".parse().unwrap()]));
    let from = |address: Option<&str>| {
        let wanted = Wanted {
            scopes: ScopeSet::EMPTY,
            asked: None,
            address: address.map(|text| text.parse().unwrap()),
        };
        explain(&token, &Owner::Itself, &RoleBook::default(), &wanted, NOW).obstacles
    };

    assert_eq!(from(None), []);
    assert_eq!(from(Some("10.1.2.3")), []);
    assert_eq!(from(Some("192.0.2.1")), [Obstacle::OutsideNetworks]);
}

const ACTIONS: [(&str, &str); 7] = [
    ("get", "applications"),
    ("trigger", "applications"),
    ("update", "helm-app"),
    ("get", "team"),
    ("invented", "feature-flag"),
    ("write", "deployments"),
    ("trigger", "deployments"),
];

proptest! {
    #[test]
    fn nothing_stands_in_the_way_exactly_when_it_is_allowed(
        holder in holder(),
        restrictions in restrictions(),
        bits in any::<u64>(),
        roles in vec(assignment(), 0..3),
        person in standing(),
    ) {
        let book = RoleBook::default();
        let token = Token {
            scopes: ScopeSet::from_bits(bits),
            roles,
            ..crate::token::sample(holder, restrictions)
        };
        let owner = match holder {
            Holder::Person(_) => Owner::Person(person),
            _ => Owner::Itself,
        };
        let (active, bound) = match &owner {
            Owner::Itself => (true, Authority::everything()),
            Owner::Person(person) => (person.active, person.authority(&book)),
        };
        let given = token.authority(&Surroundings { team_of: &team_of, roles: &book });
        let agree = |wanted: Wanted<'_>, allowed: bool| {
            let told = explain(&token, &owner, &book, &wanted, NOW);
            prop_assert_eq!(told.obstacles.is_empty(), allowed, "{:?}: {:?}", wanted, told);
            let has_reason = wanted.asked.is_none() && wanted.scopes.is_empty() || !told.reasons.is_empty();
            prop_assert_eq!(has_reason && told.obstacles.is_empty(), allowed, "{:?}: {:?}", wanted, told);
            Ok(())
        };

        for &scope in Scope::ALL {
            let has = given.scopes().contains(scope) && bound.scopes().contains(scope);
            agree(Wanted { scopes: ScopeSet::only(scope), asked: None, address: None }, active && has)?;
        }
        let name = crate::resource::ResourceName::parse("name", "search").unwrap();
        let scopes = Scope::ALL.iter().map(|scope| {
            let (kind, action) = scope.as_str().split_once(':').unwrap();
            (action, kind)
        });
        for (action, kind) in ACTIONS.into_iter().chain(scopes) {
            for place in places() {
                for name in [None, Some(&name)] {
                    let asked = Asked::new(action, kind, place, name);
                    let allowed = active && given.permits(&asked) && bound.permits(&asked);
                    agree(Wanted { scopes: ScopeSet::EMPTY, asked: Some(asked), address: None }, allowed)?;
                }
            }
        }
    }
}
