//! Policies: what tokens were given, on which terms, and what owners may do; stored once for all that have the same.
//!
//! Invariant: a policy never changes, and a number means one policy or none: the writer frees the places of those that no record and no
//! owner refers to any more, and a place is given out again under another number. So whoever still has the number of a freed policy finds
//! none, and looks again at what it had the number from. Two are always there, so that reading them holds nothing up: [`NOTHING`], to which
//! what is narrowed falls back when the table is full, and [`EVERYTHING`], which bounds the tokens that act as themselves. Read on every
//! check; interned and freed by the writer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use claviger_domain::ScopeSet;
use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::terms::{Gcra, Terms};

use crate::Full;
use crate::chunked::Chunked;

/// The most different policies there can be.
pub const MAX_POLICIES: u32 = 1 << PLACE_BITS;
/// The bits of a number that are its place. Those above count how often the place was given out, up to the last bit, which is the owners'.
const PLACE_BITS: u32 = 20;
const PLACE: u32 = (1 << PLACE_BITS) - 1;
const NUMBERS: u32 = (1 << 31) - 1;
/// The policy that allows nothing.
pub(crate) const NOTHING: u32 = 0;
/// The policy that allows everything, on no terms.
pub(crate) const EVERYTHING: u32 = 1;

/// An authority and terms, with what most checks ask of them worked out.
#[derive(Debug)]
pub(crate) struct Policy {
    number: u32,
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
    /// Those that are always there, by their numbers; their places in the table stay empty.
    always: [Policy; 2],
    table: Chunked<ArcSwapOption<Policy>, 8>,
    limit: u32,
}

/// What is at a policy's place, kept for as long as this lives.
pub(crate) enum Reading<'a> {
    /// One that is always there.
    Always(&'a Policy),
    /// Whichever is there now.
    Now {
        /// The number that it was looked for by.
        number: u32,
        /// What was found.
        there: Guard<Option<Arc<Policy>>>,
    },
}

/// The part that only the writer has.
pub(crate) struct PolicyNumbers {
    numbers: HashMap<Given, u32>,
    /// What was asked for last: a load brings the same again and again.
    latest: Option<(Given, u32)>,
    /// Under which numbers the freed places are given out next.
    free: Vec<u32>,
    /// Places that were ever given out.
    places: u32,
    /// New policies until those are looked for that nobody refers to any more.
    until_sweep: u32,
}

impl Reading<'_> {
    /// The policy; `None` when it was freed.
    #[inline]
    pub(crate) fn policy(&self) -> Option<&Policy> {
        match self {
            Self::Always(policy) => Some(policy),
            Self::Now { number, there } => there.as_deref().filter(|policy| policy.number == *number),
        }
    }
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
    fn new(number: u32, Given { authority, terms }: &Given) -> Self {
        let scopes = authority.scopes();
        let everywhere = match authority.grants() {
            [grant] => grant.on == Selector::everywhere() && grant.scopes == scopes,
            _ => false,
        };
        Self {
            number,
            authority: authority.clone(),
            conditions: terms.clone().map(|terms| {
                let rate = terms.rate_limit.map(|limit| limit.gcra());
                Box::new(Conditions { terms, rate })
            }),
            scopes,
            everywhere,
        }
    }

    /// The terms; none when there are no conditions.
    pub(crate) fn terms(&self) -> Arc<Terms> {
        let conditions = self.conditions.as_ref();
        conditions.map_or_else(Arc::default, |conditions| conditions.terms.clone())
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
        let always = [
            (NOTHING, Given::plain(Arc::default())),
            (EVERYTHING, Given::plain(Arc::new(Authority::everything()))),
        ];
        let policies = Self {
            always: always
                .each_ref()
                .map(|(number, given)| Policy::new(*number, given)),
            table: Chunked::new(limit),
            limit,
        };
        let mut numbers = PolicyNumbers {
            numbers: always.map(|(number, given)| (given, number)).into(),
            latest: None,
            free: Vec::new(),
            places: EVERYTHING + 1,
            until_sweep: 0,
        };
        numbers.until_sweep = policies.room(&numbers);
        (policies, numbers)
    }

    /// What is at the place of this number; `None` when nothing ever was.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<Reading<'_>> {
        if number <= EVERYTHING {
            return self.always.get(number as usize).map(Reading::Always);
        }
        let there = self.table.get(number & PLACE)?.load();
        Some(Reading::Now { number, there })
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
                writer.until_sweep = writer.until_sweep.saturating_sub(1);
                let number = writer.free.last().copied().unwrap_or(writer.places);
                let place = self.table.get_or_grow(number & PLACE).ok_or(Full::Policies)?;
                place.store(Some(Arc::new(Policy::new(number, given))));
                if writer.free.pop().is_none() {
                    writer.places += 1;
                }
                writer.numbers.insert(given.clone(), number);
                number
            }
        };
        writer.latest = Some((given.clone(), number));
        Ok(number)
    }

    /// True when so many were interned since the last sweep that another is worth its cost.
    pub(crate) fn wants_sweep(writer: &PolicyNumbers) -> bool {
        writer.until_sweep == 0
    }

    /// Frees all that are not `in_use`. Cost: the policies.
    pub(crate) fn sweep(&self, writer: &mut PolicyNumbers, in_use: &HashSet<u32>) {
        writer.latest = None;
        let free = &mut writer.free;
        writer.numbers.retain(|_, number| {
            let stays = *number <= EVERYTHING || in_use.contains(number);
            if !stays && let Some(place) = self.table.get(*number & PLACE) {
                place.store(None);
                free.push(number.wrapping_add(1 << PLACE_BITS) & NUMBERS);
            }
            stays
        });
        writer.until_sweep = self.room(writer);
    }

    /// New policies until the next sweep: as many as there are, so that its cost is shared by them, and a sixteenth of the table at least;
    /// but not more than find room, unless that is next to none.
    fn room(&self, writer: &PolicyNumbers) -> u32 {
        let there_are = u32::try_from(writer.numbers.len()).unwrap_or(u32::MAX);
        let sixteenth = (self.limit / 16).max(1);
        let left = self.limit.saturating_sub(there_are);
        there_are.max(sixteenth).min(left).max(sixteenth / 64).max(1)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

impl PolicyNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        let policies = self.numbers.len() * (size_of::<Policy>() + 2 * size_of::<usize>());
        map_bytes(&self.numbers) + policies + self.free.capacity() * size_of::<u32>()
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
        let is_bound = |number| {
            let there = policies.get(number).unwrap();
            there.policy().unwrap().conditions.is_some()
        };
        assert!(!is_bound(numbers[0]) && is_bound(numbers[1]));
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
            policies.get(read).unwrap().policy().unwrap().scopes,
            ScopeSet::only(Scope::TokensRead)
        );
        assert!(policies.get(4).unwrap().policy().is_none());
    }

    #[test]
    fn what_allows_everything_or_nothing_has_the_number_that_it_always_has() {
        let (policies, mut writer) = Policies::new(8);
        let everything = Given::plain(Arc::new(Authority::everything()));

        assert_eq!(policies.intern(&mut writer, &everything), Ok(EVERYTHING));
        assert_eq!(
            policies.intern(&mut writer, &Given::plain(Arc::default())),
            Ok(NOTHING)
        );
    }

    #[test]
    fn the_limit_of_policies_is_reached_and_says_so() {
        let (policies, mut writer) = Policies::new(3);
        policies
            .intern(&mut writer, &authority(Scope::TokensRead))
            .unwrap();

        let refused = policies.intern(&mut writer, &authority(Scope::TokensWrite));

        assert_eq!(refused, Err(Full::Policies));
        assert_eq!(policies.intern(&mut writer, &authority(Scope::TokensRead)), Ok(2));
    }

    #[test]
    fn what_nobody_refers_to_makes_room_and_its_number_means_nothing_any_more() {
        let (policies, mut writer) = Policies::new(4);
        let read = policies
            .intern(&mut writer, &authority(Scope::TokensRead))
            .unwrap();
        let write = policies
            .intern(&mut writer, &authority(Scope::TokensWrite))
            .unwrap();
        let kept = policies.get(read).unwrap();
        assert_eq!(
            policies.intern(&mut writer, &authority(Scope::AuditRead)),
            Err(Full::Policies)
        );
        assert!(Policies::wants_sweep(&writer));

        policies.sweep(&mut writer, &HashSet::from([write]));

        assert_eq!(
            kept.policy().unwrap().scopes,
            ScopeSet::only(Scope::TokensRead),
            "while it is held"
        );
        assert!(policies.get(read).unwrap().policy().is_none());
        let audit = policies
            .intern(&mut writer, &authority(Scope::AuditRead))
            .unwrap();
        assert_eq!(audit & PLACE, read & PLACE, "at the same place");
        assert!(
            policies.get(read).unwrap().policy().is_none(),
            "under another number"
        );
        let scopes = |number| policies.get(number).unwrap().policy().unwrap().scopes;
        assert_eq!(scopes(audit), ScopeSet::only(Scope::AuditRead));
        assert_eq!(scopes(write), ScopeSet::only(Scope::TokensWrite));
        assert_eq!(scopes(NOTHING), ScopeSet::EMPTY);
        assert_eq!(scopes(EVERYTHING), ScopeSet::all());
        assert_eq!(
            policies.intern(&mut writer, &authority(Scope::TokensWrite)),
            Ok(write)
        );
    }

    #[test]
    fn only_what_holds_everywhere_is_reached_without_looking() {
        let team = TeamId::from_i64(1);
        let scopes = ScopeSet::only(Scope::TokensRead);
        let narrow = Policy::new(
            1,
            &Given::plain(Arc::new(Authority::of_token(scopes, Selector::team(team)))),
        );
        let wide = Policy::new(2, &authority(Scope::TokensRead));

        assert!(!narrow.reaches(scopes, &Place::ORGANIZATION));
        assert!(narrow.reaches(scopes, &Place::team(team)));
        assert!(wide.reaches(scopes, &Place::ORGANIZATION));
    }
}
