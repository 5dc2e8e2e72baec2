//! Policies: what tokens were given, on which terms, and what owners may do; stored once for all that have the same.
//!
//! Invariant: a policy never changes and is never forgotten, so a record's reference to it is valid for ever. Number
//! [`NOTHING`] allows nothing and is always there: what is narrowed when the table is full falls back to it. Read on every check;
//! interned by the writer.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use claviger_domain::ScopeSet;
use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::terms::{Gcra, Terms};

use crate::Full;
use crate::chunked::Chunked;

/// The most different policies there can be.
pub const MAX_POLICIES: u32 = 1 << 20;
/// The policy that allows nothing.
pub(crate) const NOTHING: u32 = 0;

/// An authority and terms, with what most checks ask of them worked out.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) authority: Arc<Authority>,
    /// `None` when there are no terms: then a check does not look any further.
    pub(crate) conditions: Option<Box<Conditions>>,
    /// Every scope that it has somewhere.
    pub(crate) scopes: ScopeSet,
    /// It has all of them everywhere.
    everywhere: bool,
}

/// Terms, worked out.
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) terms: Arc<Terms>,
    pub(crate) rate: Option<Gcra>,
}

/// The part that readers share.
pub(crate) struct Policies {
    table: Chunked<OnceLock<Policy>, 8>,
}

/// The part that only the writer has.
#[derive(Default)]
pub(crate) struct PolicyNumbers {
    numbers: HashMap<Given, u32>,
    /// What was asked for last: a load brings the same again and again.
    latest: Option<(Given, u32)>,
}

/// What makes a policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Given {
    pub(crate) authority: Arc<Authority>,
    pub(crate) terms: Option<Arc<Terms>>,
}

impl Given {
    /// Just an authority, on no terms.
    pub(crate) fn plain(authority: Arc<Authority>) -> Self {
        Self {
            authority,
            terms: None,
        }
    }

    /// True when both are the very same, which saves comparing them.
    fn is(&self, other: &Self) -> bool {
        let same_terms = match (&self.terms, &other.terms) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same_terms && Arc::ptr_eq(&self.authority, &other.authority)
    }
}

impl Policy {
    fn new(Given { authority, terms }: &Given) -> Self {
        let scopes = authority.scopes();
        let everywhere = match authority.grants() {
            [grant] => grant.on == Selector::everywhere() && grant.scopes == scopes,
            _ => false,
        };
        Self {
            authority: authority.clone(),
            conditions: terms.clone().map(|terms| {
                let rate = terms.rate_limit.map(|limit| limit.gcra());
                Box::new(Conditions { terms, rate })
            }),
            scopes,
            everywhere,
        }
    }

    /// True when it allows all of `scopes`, which it has somewhere, at `place`. Cost: the grants, unless they hold everywhere.
    #[inline]
    pub(crate) fn reaches(&self, scopes: ScopeSet, place: &Place) -> bool {
        self.everywhere || self.authority.allows_all(scopes, place)
    }
}

impl Policies {
    /// Room for that many, and the numbers of those that are there from the start.
    pub(crate) fn new(limit: u32) -> (Self, PolicyNumbers) {
        let policies = Self {
            table: Chunked::new(limit),
        };
        let mut numbers = PolicyNumbers::default();
        let nothing = policies.intern(&mut numbers, &Given::plain(Arc::default()));
        debug_assert_eq!(nothing, Ok(NOTHING), "the first number is 0");
        (policies, numbers)
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Policy> {
        self.table.get(number)?.get()
    }

    /// The policy's number, a new one for a new policy.
    pub(crate) fn intern(&self, writer: &mut PolicyNumbers, given: &Given) -> Result<u32, Full> {
        if let Some((latest, number)) = &writer.latest
            && (latest.is(given) || latest == given)
        {
            return Ok(*number);
        }
        let number = match writer.numbers.get(given) {
            Some(&number) => number,
            None => {
                let number = u32::try_from(writer.numbers.len()).map_err(|_| Full::Policies)?;
                let place = self.table.get_or_grow(number).ok_or(Full::Policies)?;
                place.get_or_init(|| Policy::new(given));
                writer.numbers.insert(given.clone(), number);
                number
            }
        };
        writer.latest = Some((given.clone(), number));
        Ok(number)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

impl PolicyNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        map_bytes(&self.numbers)
    }
}

/// What a map occupies. The standard library's keeps one control byte per bucket beside the pair, fills at most seven eighths of
/// a power of two of them, and repeats one group of 16 control bytes.
pub(crate) fn map_bytes<K, V, S>(map: &HashMap<K, V, S>) -> usize {
    if map.capacity() == 0 {
        return 0;
    }
    let buckets = (map.capacity() * 8 / 7).next_power_of_two();
    buckets * (size_of::<(K, V)>() + 1) + 16
}

#[cfg(test)]
mod tests {
    use claviger_domain::terms::RateLimit;
    use claviger_domain::{Scope, TeamId};

    use super::*;

    fn authority(scope: Scope) -> Given {
        let authority = Authority::of_token(ScopeSet::only(scope), Selector::everywhere());
        Given::plain(Arc::new(authority))
    }

    #[test]
    fn the_same_authority_on_other_terms_is_another_policy() {
        let (policies, mut writer) = Policies::new(8);
        let plain = authority(Scope::TokensRead);
        let bound = |requests| Given {
            terms: Some(Arc::new(Terms {
                rate_limit: Some(RateLimit::new("rate_limit", requests, 60, None).unwrap()),
                ..Terms::default()
            })),
            ..plain.clone()
        };

        let numbers = [plain.clone(), bound(1), bound(2), bound(1)]
            .map(|given| policies.intern(&mut writer, &given).unwrap());

        assert_eq!(numbers[1], numbers[3]);
        assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2]);
        assert!(policies.get(numbers[0]).unwrap().conditions.is_none());
        assert!(policies.get(numbers[1]).unwrap().conditions.is_some());
    }

    #[test]
    fn equal_policies_share_a_number() {
        let (policies, mut writer) = Policies::new(8);
        let read = policies
            .intern(&mut writer, &authority(Scope::TokensRead))
            .unwrap();
        let write = policies
            .intern(&mut writer, &authority(Scope::TokensWrite))
            .unwrap();

        assert_ne!(read, write);
        assert_eq!(
            policies.intern(&mut writer, &authority(Scope::TokensRead)),
            Ok(read)
        );
        assert_eq!(
            policies.get(read).unwrap().scopes,
            ScopeSet::only(Scope::TokensRead)
        );
        assert!(policies.get(3).is_none());
    }

    #[test]
    fn the_limit_of_policies_is_reached_and_says_so() {
        let (policies, mut writer) = Policies::new(2);
        policies
            .intern(&mut writer, &authority(Scope::TokensRead))
            .unwrap();

        let refused = policies.intern(&mut writer, &authority(Scope::TokensWrite));

        assert_eq!(refused, Err(Full::Policies));
        assert_eq!(policies.intern(&mut writer, &authority(Scope::TokensRead)), Ok(1));
    }

    #[test]
    fn only_what_holds_everywhere_is_reached_without_looking() {
        let team = TeamId::from_i64(1);
        let scopes = ScopeSet::only(Scope::TokensRead);
        let narrow = Policy::new(&Given::plain(Arc::new(Authority::of_token(
            scopes,
            Selector::team(team),
        ))));
        let wide = Policy::new(&authority(Scope::TokensRead));

        assert!(!narrow.reaches(scopes, &Place::ORGANIZATION));
        assert!(narrow.reaches(scopes, &Place::team(team)));
        assert!(wide.reaches(scopes, &Place::ORGANIZATION));
    }
}
