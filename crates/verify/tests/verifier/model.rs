//! Random sequences of changes against a plain map: the index with keys that crowd into one shard, so that tables are replaced
//! many times over, and the verifier with every kind of change.

use std::collections::HashMap;
use std::sync::Arc;

use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::{OwnerId, Scope, ScopeSet, TeamId, Timestamp};
use claviger_verify::index::{Fields, Index, Key, REVOKED};
use claviger_verify::{Change, Entry, Owner, Presentation, Required, Verifier};
use proptest::prelude::*;

use crate::support::{HOME, NOW, ORG, digest, entry, text, verifier};

#[derive(Debug, Clone, Copy)]
enum Step {
    Upsert(u16, u32),
    Revoke(u16),
    Remove(u16),
    Rekey(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..400_u16;
    prop_oneof![
        5 => (key.clone(), 0..1_000_u32).prop_map(|(key, value)| Step::Upsert(key, value)),
        1 => key.clone().prop_map(Step::Revoke),
        3 => key.clone().prop_map(Step::Remove),
        1 => (key.clone(), key).prop_map(|(from, to)| Step::Rekey(from, to)),
    ]
}

/// All in one shard; neighbours share their way, and one in 64 its tag.
fn key(number: u16) -> Key {
    Key::from_bits(u64::from(number) / 3, number.into())
}

fn fields(number: u16, value: u32) -> Fields {
    Fields {
        key: key(number),
        id: value.into(),
        expires_at: value.into(),
        owner: value,
        policy: value,
        flags: 0,
        budget: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_index_does_what_a_map_does(steps in prop::collection::vec(step(), 1..3_000)) {
        let (index, mut half) = Index::new(500);
        // Key → value, revoked.
        let mut map: HashMap<u16, (u32, bool)> = HashMap::new();

        for step in steps {
            match step {
                Step::Upsert(number, value) => {
                    index.upsert(&mut half, &fields(number, value), 0).unwrap();
                    map.entry(number).or_insert((value, false)).0 = value;
                }
                Step::Revoke(number) => {
                    let known = map.get_mut(&number);
                    prop_assert_eq!(index.revoke(key(number)), known.is_some());
                    if let Some(token) = known {
                        token.1 = true;
                    }
                }
                Step::Remove(number) => {
                    let removed = index.remove(&mut half, key(number)).map(|last| last.ended());
                    prop_assert_eq!(removed, map.remove(&number).map(|token| token.1));
                }
                Step::Rekey(from, to) if from != to => {
                    let known = map.remove(&from);
                    prop_assert_eq!(index.rekey(&mut half, key(from), key(to)).unwrap(), known.is_some());
                    if let Some(token) = known {
                        map.entry(to).or_insert(token);
                    }
                }
                Step::Rekey(..) => {}
            }
        }

        prop_assert_eq!(index.len(), u64::try_from(map.len()).unwrap());
        for number in 0..400 {
            let seen = index.find(key(number)).map(|hit| hit.snapshot.fields);
            let expected = map.get(&number).map(|&(value, revoked)| Fields {
                flags: if revoked { REVOKED } else { 0 },
                ..fields(number, value)
            });
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn the_verifier_decides_as_the_rules_say(changes in prop::collection::vec(change(), 1..200)) {
        let verifier = verifier([]);
        let mut rules = Rules::default();
        for change in changes {
            rules.apply(&verifier, change);
        }

        for number in 0..TOKENS {
            for scopes in [ScopeSet::EMPTY, ScopeSet::only(Scope::TokensRead), ScopeSet::all()] {
                for place in [None, Some(Place::ORGANIZATION), Some(Place::team(TEAM))] {
                    let at = Presentation::new(NOW, HOME);
                    let decision = verifier.check(&text(number), &Required { scopes, at: place, asked: None }, &at);
                    prop_assert_eq!(decision.code(), rules.code(number, scopes, place));
                }
            }
        }
    }
}

const TOKENS: u64 = 12;
const TEAM: TeamId = TeamId::from_i64(1);

/// Scopes, and whether they hold in the team only.
type Given = (ScopeSet, bool);

fn authority((scopes, in_team): Given) -> Arc<Authority> {
    let on = if in_team {
        Selector::team(TEAM)
    } else {
        Selector::everywhere()
    };
    Arc::new(Authority::of_token(scopes, on))
}

#[derive(Debug, Clone, Copy)]
enum RandomChange {
    Upsert {
        number: u64,
        owner: i64,
        given: Given,
        seconds: Option<i64>,
    },
    Replace {
        old: u64,
        new: u64,
    },
    Revoke(u64),
    Remove(u64),
    Owner {
        owner: i64,
        given: Given,
        active: bool,
    },
}

fn given() -> impl Strategy<Value = Given> {
    (any::<u64>().prop_map(ScopeSet::from_bits), any::<bool>())
}

fn change() -> impl Strategy<Value = RandomChange> {
    let number = 0..TOKENS;
    prop_oneof![
        4 => (number.clone(), 0..3_i64, given(), prop::option::of(-1..2_i64)).prop_map(
            |(number, owner, given, seconds)| RandomChange::Upsert { number, owner, given, seconds }
        ),
        1 => (number.clone(), number.clone()).prop_map(|(old, new)| RandomChange::Replace { old, new }),
        1 => number.clone().prop_map(RandomChange::Revoke),
        1 => number.prop_map(RandomChange::Remove),
        2 => (0..3_i64, given(), any::<bool>()).prop_map(|(owner, given, active)| RandomChange::Owner {
            owner,
            given,
            active
        }),
    ]
}

/// The same rules over plain maps.
#[derive(Default)]
struct Rules {
    tokens: HashMap<u64, (Entry, Given)>,
    owners: HashMap<OwnerId, (Given, bool)>,
}

impl Rules {
    fn apply(&mut self, verifier: &Verifier, change: RandomChange) {
        let change = match change {
            RandomChange::Upsert {
                number,
                owner,
                given,
                seconds,
            } => {
                let entry = Entry {
                    owner: OwnerId::from_i64(owner),
                    authority: authority(given),
                    expires_at: seconds.map(|seconds| Timestamp::from_seconds(NOW.seconds() + seconds)),
                    ..entry(number)
                };
                self.put(number, entry.clone(), given);
                Change::Upsert(entry)
            }
            RandomChange::Replace { old, new } => {
                let Some((known, given)) = self.tokens.remove(&old) else {
                    return;
                };
                let entry = Entry {
                    digest: digest(new),
                    ..known
                };
                self.put(new, entry.clone(), given);
                Change::Replace {
                    old: digest(old),
                    older: None,
                    new: entry,
                }
            }
            RandomChange::Revoke(number) => {
                if let Some(token) = self.tokens.get_mut(&number) {
                    token.0.revoked = true;
                }
                Change::Revoke(digest(number))
            }
            RandomChange::Remove(number) => {
                self.tokens.remove(&number);
                Change::Remove(digest(number))
            }
            RandomChange::Owner { owner, given, active } => {
                let id = OwnerId::from_i64(owner);
                self.owners.insert(id, (given, active));
                Change::Owner(Owner {
                    id,
                    org: ORG,
                    authority: authority(given),
                    active,
                    rate_limit: None,
                })
            }
        };
        verifier.apply(change).unwrap();
    }

    fn put(&mut self, number: u64, entry: Entry, given: Given) {
        let known = self.tokens.get(&number);
        let revoked = known.is_some_and(|(known, _)| known.revoked) || entry.revoked;
        self.tokens.insert(number, (Entry { revoked, ..entry }, given));
    }

    fn code(&self, number: u64, required: ScopeSet, place: Option<Place>) -> &'static str {
        let Some((token, given)) = self.tokens.get(&number) else {
            return "unknown";
        };
        let everything = ((ScopeSet::all(), false), true);
        let (power, active) = self.owners.get(&token.owner).copied().unwrap_or(everything);
        let is_elsewhere = |(_, in_team): Given| in_team && place == Some(Place::ORGANIZATION);
        if token.revoked {
            "revoked"
        } else if token.expires_at.is_some_and(|end| NOW >= end) {
            "expired"
        } else if !active {
            "revoked"
        } else if !given.0.intersection(power.0).contains_all(required) {
            "insufficient_scope"
        } else if !required.is_empty() && (is_elsewhere(*given) || is_elsewhere(power)) {
            "restricted"
        } else {
            "valid"
        }
    }
}
