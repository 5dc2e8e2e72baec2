//! Authorities against a plain model: the set of all (scope, place) pairs of a small world.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::EnvironmentId;
use crate::resource::{Names, Pattern, ResourceName, Word};

const SCOPES: [Scope; 3] = [Scope::TokensRead, Scope::TokensWrite, Scope::DeploymentsWrite];
/// Two things that selectors name, one that none does: what comes later.
const THINGS: i64 = 3;

fn team(number: i64) -> TeamId {
    TeamId::from_i64(number)
}

fn service(number: i64) -> ServiceId {
    ServiceId::from_i64(number)
}

fn environment(number: i64) -> EnvironmentId {
    EnvironmentId::from_i64(number)
}

/// Every place of the small world. Services here belong to any team: the law must not depend on which.
fn places() -> impl Iterator<Item = Place> {
    let one_or_none = || (0..=THINGS).map(|number| (number > 0).then_some(number));
    one_or_none().flat_map(move |t| {
        one_or_none().flat_map(move |s| {
            one_or_none().map(move |e| Place {
                team: t.map(team),
                service: s.map(service),
                environment: e.map(environment),
            })
        })
    })
}

fn only<T: Ord + Clone + fmt::Debug>(named: fn(i64) -> T) -> impl Strategy<Value = Only<T>> {
    prop_oneof![
        2 => Just(Only::All),
        3 => btree_set(1..THINGS, 0..3).prop_map(move |numbers| Only::these(numbers.into_iter().map(named))),
    ]
}

prop_compose! {
    fn selector()(teams in only(team), services in only(service), environments in only(environment)) -> Selector {
        Selector { teams, services, environments }
    }
}

fn scopes() -> impl Strategy<Value = ScopeSet> {
    vec(prop::sample::select(&SCOPES[..]), 0..3).prop_map(|scopes| scopes.into_iter().collect())
}

prop_compose! {
    fn authority()(grants in vec((selector(), scopes()), 0..4), own in scopes()) -> Authority {
        Authority::new(grants.into_iter().map(|(on, scopes)| Grant { on, scopes }), own)
    }
}

/// What the union of the grants allows, written out.
fn pairs(authority: &Authority) -> Vec<(Scope, Place)> {
    SCOPES
        .into_iter()
        .flat_map(|scope| places().map(move |place| (scope, place)))
        .filter(|(scope, place)| authority.allows(*scope, place))
        .collect()
}

/// Two words that grants name, one that none does.
const WORDS: [&str; 3] = ["first", "second", "later"];

fn words() -> impl Strategy<Value = Only<Word>> {
    only(|number| Word::known(WORDS[usize::try_from(number - 1).unwrap()]))
}

fn names() -> impl Strategy<Value = Names> {
    let pattern = prop::sample::select(vec!["a", "b", "*", "a/b", "a/*", "*/b", "*/*"]);
    let listed = btree_set(
        pattern.prop_map(|text| Pattern::parse("names", text).unwrap()),
        0..3,
    );
    prop_oneof![1 => Just(Names::All), 3 => listed.prop_map(|listed| Names::Listed(listed.into()))]
}

prop_compose! {
    fn role_grant()(
        kinds in words(),
        teams in only(team),
        environments in only(environment),
        names in names(),
        actions in words(),
    ) -> RoleGrant {
        let on = Selector { teams, services: Only::All, environments };
        RoleGrant { kinds, on, names, actions }
    }
}

prop_compose! {
    fn by_roles()(grants in vec(role_grant(), 0..4)) -> Authority {
        Authority::nothing().with_roles(grants)
    }
}

/// What can be asked of roles in the small world, and whether the authority allows it. Names: two that patterns list, one that none
/// does, in one and in two segments, and none at all.
fn answers(authority: &Authority) -> Vec<bool> {
    let names: Vec<Option<ResourceName>> = std::iter::once(None)
        .chain(
            ["a", "b", "z", "a/b", "a/z", "z/b", "z/z"]
                .map(|text| Some(ResourceName::parse("name", text).unwrap())),
        )
        .collect();
    let places = places().filter(|place| place.service.is_none());
    let mut answers = Vec::new();
    for place in places {
        for kind in WORDS {
            for action in WORDS {
                for name in &names {
                    answers.push(authority.permits(&Asked::new(action, kind, place, name.as_ref())));
                }
            }
        }
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_covers_another_exactly_when_it_allows_all_that_the_other_does(left in authority(), right in authority()) {
        let (has, wants) = (pairs(&left), pairs(&right));
        let is_within = wants.iter().all(|pair| has.contains(pair));

        match left.covers(&right) {
            Ok(()) => prop_assert!(is_within, "{right:?} exceeds {left:?}"),
            Err(excess) => {
                prop_assert!(!is_within, "{right:?} is within {left:?}");
                if let Excess::Scope { scope, .. } = excess {
                    prop_assert!(right.scopes().contains(scope));
                }
            }
        }
    }

    #[test]
    fn a_new_principal_never_gets_more_than_token_and_owner_both_have(
        token in authority(),
        owner in authority(),
        child in authority(),
    ) {
        let power = Power::new(Arc::new(token), Arc::new(owner));

        if power.covers(&child).is_ok() {
            for (scope, place) in pairs(&child) {
                prop_assert!(power.allows(scope, &place), "{scope} at {place:?}");
            }
            for scope in [Scope::TokensRead, Scope::TokensWrite] {
                prop_assert!(power.own().contains(scope) || !child.own().contains(scope), "{scope} on its own tokens");
            }
        }
    }

    #[test]
    fn a_sibling_never_does_more_under_any_owner(
        token in authority(),
        owner in authority(),
        later in authority(),
        sibling in authority(),
    ) {
        let given = Arc::new(token);
        if Power::new(given.clone(), Arc::new(owner)).covers_sibling(&sibling).is_ok() {
            let before = Power::new(given, Arc::new(later.clone()));
            let after = Power::new(Arc::new(sibling.clone()), Arc::new(later));
            for (scope, place) in pairs(&sibling) {
                prop_assert!(!after.allows(scope, &place) || before.allows(scope, &place));
            }
            prop_assert!(before.own().contains_all(after.own()));
        }
    }

    #[test]
    fn what_is_beyond_is_what_the_one_allows_and_the_other_does_not(now in authority(), before in authority()) {
        let beyond = now.beyond(&before);

        for (scope, place) in pairs(&beyond) {
            prop_assert!(now.allows(scope, &place), "nothing is made up");
        }
        for (scope, place) in pairs(&now) {
            prop_assert!(before.allows(scope, &place) || beyond.allows(scope, &place), "nothing is lost");
        }
        prop_assert_eq!(before.covers(&now).is_ok(), beyond.grants().is_empty());
    }

    #[test]
    fn several_scopes_are_allowed_when_each_is(authority in authority(), wanted in scopes()) {
        for place in places() {
            let each = wanted.iter().all(|scope| authority.allows(scope, &place));
            prop_assert_eq!(authority.allows_all(wanted, &place), each);
        }
    }

    #[test]
    fn an_intersection_is_what_both_match(left in selector(), right in selector()) {
        let both = left.intersection(&right);
        for place in places() {
            prop_assert_eq!(both.matches(&place), left.matches(&place) && right.matches(&place));
        }
    }

    #[test]
    fn the_order_of_grants_does_not_matter(mut grants in vec((selector(), scopes()), 0..4)) {
        let made = |grants: &[(Selector, ScopeSet)]| {
            let grant = |(on, scopes): &(Selector, ScopeSet)| Grant { on: on.clone(), scopes: *scopes };
            Authority::new(grants.iter().map(grant), ScopeSet::EMPTY)
        };
        let forwards = made(&grants);
        grants.reverse();

        prop_assert_eq!(made(&grants), forwards);
    }

    #[test]
    fn a_reach_is_where_the_scope_is_allowed_in_some_environment(authority in authority()) {
        let reach = authority.reach(Scope::TokensRead);
        for number in 1..=THINGS {
            let somewhere = |place: Place| {
                (0..=THINGS).any(|e| {
                    let place = if e == 0 { place } else { place.within(environment(e)) };
                    authority.allows(Scope::TokensRead, &place)
                })
            };
            prop_assert_eq!(reach.has_team(team(number)), somewhere(Place::team(team(number))));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn roles_cover_others_exactly_when_they_allow_all_that_those_do(left in by_roles(), right in by_roles()) {
        let is_within = answers(&left).iter().zip(answers(&right)).all(|(has, wants)| *has || !wants);

        prop_assert_eq!(left.covers(&right).is_ok(), is_within, "{:?} and {:?}", left, right);
    }

    #[test]
    fn what_roles_allow_beyond_others_is_neither_made_up_nor_lost(now in by_roles(), before in by_roles()) {
        let beyond = now.beyond(&before);
        let all = answers(&now).into_iter().zip(answers(&before)).zip(answers(&beyond));
        for ((now, before), beyond) in all {
            prop_assert!(now || !beyond, "nothing is made up");
            prop_assert!(before || beyond || !now, "nothing is lost");
        }
        prop_assert_eq!(before.covers(&now).is_ok(), beyond.roles().is_empty());
    }
}

#[test]
fn a_kind_of_our_own_is_never_meant_by_a_role() {
    let all = Authority::nothing().with_roles([RoleGrant::everything()]);
    let asked = |kind, action| all.permits(&Asked::new(action, kind, Place::ORGANIZATION, None));

    assert!(asked("applications", "trigger"));
    assert!(!asked("tokens", "write"));
    assert!(!asked("tokens", "trigger"));
    assert!(
        Authority::everything().permits(&Asked::new("write", "tokens", Place::ORGANIZATION, None)),
        "by its scope"
    );
}

#[test]
fn everything_includes_what_comes_later_and_a_list_does_not() {
    let later = Place::service(team(9), service(9));
    let all = Authority::of_token(ScopeSet::all(), Selector::everywhere());
    let listed = Authority::of_token(
        ScopeSet::all(),
        Selector {
            services: Only::these([service(1), service(2)]),
            ..Selector::everywhere()
        },
    );
    let none = Authority::of_token(
        ScopeSet::all(),
        Selector {
            services: Only::these([]),
            ..Selector::everywhere()
        },
    );

    assert!(all.allows(Scope::TokensRead, &later));
    assert!(!listed.allows(Scope::TokensRead, &later));
    assert!(listed.allows(Scope::TokensRead, &Place::service(team(1), service(2))));
    assert!(!none.allows(Scope::TokensRead, &Place::service(team(1), service(1))));
    assert_eq!(none.grants(), []);
}

#[test]
fn what_belongs_to_no_team_is_within_nobodys_team() {
    let manager = Authority::of_token(ScopeSet::all(), Selector::team(team(1)));

    assert!(manager.allows(Scope::TokensWrite, &Place::team(team(1))));
    assert!(!manager.allows(Scope::TokensWrite, &Place::ORGANIZATION));
    assert!(!manager.allows(Scope::TokensWrite, &Place::team(team(2))));
}

#[test]
fn an_excess_names_the_scope_and_a_place_where_it_is_lacking() {
    let manager = Authority::of_token(ScopeSet::only(Scope::TokensWrite), Selector::team(team(1)));

    let beyond = Authority::of_token(ScopeSet::only(Scope::TokensWrite), Selector::team(team(2)));
    let other = Authority::of_token(ScopeSet::only(Scope::AuditRead), Selector::team(team(1)));

    assert_eq!(
        manager.covers(&beyond),
        Err(Excess::Scope {
            scope: Scope::TokensWrite,
            at: Some(Place::team(team(2))),
        })
    );
    assert_eq!(
        manager.covers(&other),
        Err(Excess::Scope {
            scope: Scope::AuditRead,
            at: None,
        })
    );
}

#[test]
fn two_lists_together_cover_what_neither_does_alone() {
    let both = Authority::new(
        [1, 2].map(|number| Grant {
            on: Selector::team(team(number)),
            scopes: ScopeSet::only(Scope::TokensRead),
        }),
        ScopeSet::EMPTY,
    );
    let child = Authority::of_token(
        ScopeSet::only(Scope::TokensRead),
        Selector {
            teams: Only::these([team(1), team(2)]),
            ..Selector::everywhere()
        },
    );

    assert_eq!(both.covers(&child), Ok(()));
}
