//! Owners: the principals that tokens act as, and how far their power reaches now.
//!
//! Invariant: an owner's place never changes, so narrowing it is one store that every later check of any of its tokens sees. A
//! token that acts as itself needs no owner of its own, which would double its memory: all of those of an organization share one
//! that stands for the organization. Read on every check; changed by the writer.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use claviger_domain::terms::Terms;
use claviger_domain::{OrgId, OwnerId};
use hashbrown::HashTable;

use crate::budget::Meter;
use crate::chunked::Chunked;
use crate::policies::{EVERYTHING, Given, NOTHING, Policies, PolicyNumbers, map_bytes};
use crate::{Full, Owner};

/// The most owners there can be; users are never forgotten while the process lives.
pub const MAX_OWNERS: u32 = 1 << 25;
/// The most organizations.
pub const MAX_ORGANIZATIONS: u32 = 1 << 20;

/// What a check needs to know of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: OwnerId,
    pub(crate) org: OrgId,
    /// The number of its policy.
    pub(crate) policy: u32,
    pub(crate) active: bool,
}

/// The part that readers share.
pub(crate) struct Owners {
    table: Chunked<Cell, 12>,
    orgs: Chunked<AtomicI64, 8>,
    /// By the owners' numbers, as far as there are owners with a rate limit.
    meters: Chunked<Meter, 12>,
}

/// The part that only the writer has. The owners' numbers are found by the ids in their cells, so that an owner costs five bytes
/// here and not forty.
#[derive(Default)]
pub(crate) struct OwnerNumbers {
    owners: HashTable<u32>,
    hasher: RandomState,
    /// The cells in use: those of `owners`, and one for each organization.
    cells: u32,
    orgs: HashMap<OrgId, Org>,
    /// The owner that was asked for last: a load brings an owner's tokens one after the other.
    latest: Option<(OwnerId, u32)>,
}

/// 16 bytes, four to a cache line. `id` and `org` are stored before any record refers to the cell, and never again.
#[derive(Default)]
struct Cell {
    id: AtomicI64,
    org: AtomicU32,
    /// Policy and activity in one word, so that a reader sees both of one moment.
    standing: AtomicU32,
}

/// An organization's numbers.
#[derive(Clone, Copy)]
struct Org {
    number: u32,
    /// The owner that stands for its tokens that act as themselves.
    owner: Option<u32>,
}

const ACTIVE: u32 = 1 << 31;

impl Owners {
    /// Room for that many.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            table: Chunked::new(limit),
            orgs: Chunked::new(MAX_ORGANIZATIONS),
            meters: Chunked::new(limit),
        }
    }

    /// The state of the rate limit that all tokens of the owner share.
    #[inline]
    pub(crate) fn meter(&self, number: u32) -> Option<&Meter> {
        self.meters.get(number)
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<Standing> {
        let cell = self.table.get(number)?;
        let standing = cell.standing.load(Ordering::Acquire);
        let org = self.orgs.get(cell.org.load(Ordering::Relaxed))?;
        Some(Standing {
            id: OwnerId::from_i64(cell.id.load(Ordering::Relaxed)),
            org: OrgId::from_i64(org.load(Ordering::Relaxed)),
            policy: standing & !ACTIVE,
            active: standing & ACTIVE != 0,
        })
    }

    /// The owner's number; a new owner enters as given, a known one stays as it is.
    pub(crate) fn intern(
        &self,
        writer: &mut OwnerNumbers,
        policies: &Policies,
        numbers: &mut PolicyNumbers,
        owner: &Owner,
    ) -> Result<u32, Full> {
        if let Some((id, number)) = writer.latest
            && id == owner.id
        {
            return Ok(number);
        }
        let number = match self.number(writer, owner.id) {
            Some(number) => number,
            None => {
                let policy = policies.intern(numbers, &given(owner))?;
                let number = self.admit(writer, owner.id, owner.org, standing(policy, owner.active))?;
                let rehash = |&other: &u32| writer.hasher.hash_one(self.id_of(other));
                let hash = writer.hasher.hash_one(owner.id);
                writer.owners.insert_unique(hash, number, rehash);
                number
            }
        };
        writer.latest = Some((owner.id, number));
        Ok(number)
    }

    /// The number of the one that stands for all tokens of `org` that act as themselves. Its power is not bounded here.
    pub(crate) fn intern_org(&self, writer: &mut OwnerNumbers, org: OrgId) -> Result<u32, Full> {
        if let Some(Org {
            owner: Some(owner), ..
        }) = writer.orgs.get(&org)
        {
            return Ok(*owner);
        }
        let number = self.admit(writer, OwnerId::from_i64(0), org, standing(EVERYTHING, true))?;
        if let Some(known) = writer.orgs.get_mut(&org) {
            known.owner = Some(number);
        }
        Ok(number)
    }

    /// Changes a known owner's power and activity, or admits a new one. An owner is never left with more than it should have:
    /// where its new power finds no room, it has none.
    pub(crate) fn set(
        &self,
        writer: &mut OwnerNumbers,
        policies: &Policies,
        numbers: &mut PolicyNumbers,
        owner: &Owner,
    ) -> Result<(), Full> {
        let interned = policies.intern(numbers, &given(owner));
        let number = self.intern(writer, policies, numbers, owner);
        if let Ok(number) = number
            && let Some(cell) = self.table.get(number)
        {
            let policy = interned.unwrap_or(NOTHING);
            if owner.rate_limit.is_some() {
                // There is a place for every cell, and it is made before anyone looks for it.
                let _ = self.meters.get_or_grow(number);
            }
            cell.standing
                .store(standing(policy, owner.active), Ordering::Release);
        }
        number.and(interned).map(|_| ())
    }

    /// Shows the policy of every owner.
    pub(crate) fn for_each_policy(&self, writer: &OwnerNumbers, mut each: impl FnMut(u32)) {
        for number in 0..writer.cells {
            if let Some(standing) = self.get(number) {
                each(standing.policy);
            }
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.orgs.memory_bytes() + self.meters.memory_bytes()
    }

    fn number(&self, writer: &OwnerNumbers, id: OwnerId) -> Option<u32> {
        let hash = writer.hasher.hash_one(id);
        let found = writer.owners.find(hash, |&number| self.id_of(number) == id);
        found.copied()
    }

    fn id_of(&self, number: u32) -> OwnerId {
        let cell = self.table.get(number);
        OwnerId::from_i64(cell.map_or(0, |cell| cell.id.load(Ordering::Relaxed)))
    }

    /// Fills the next cell. Nothing refers to it yet.
    fn admit(&self, writer: &mut OwnerNumbers, id: OwnerId, org: OrgId, standing: u32) -> Result<u32, Full> {
        let org = self.org_number(writer, org)?;
        let number = writer.cells;
        let cell = self.table.get_or_grow(number).ok_or(Full::Owners)?;
        cell.id.store(id.get(), Ordering::Relaxed);
        cell.org.store(org, Ordering::Relaxed);
        cell.standing.store(standing, Ordering::Release);
        writer.cells += 1;
        Ok(number)
    }

    fn org_number(&self, writer: &mut OwnerNumbers, org: OrgId) -> Result<u32, Full> {
        if let Some(known) = writer.orgs.get(&org) {
            return Ok(known.number);
        }
        let number = u32::try_from(writer.orgs.len()).map_err(|_| Full::Owners)?;
        let place = self.orgs.get_or_grow(number).ok_or(Full::Owners)?;
        place.store(org.get(), Ordering::Release);
        writer.orgs.insert(org, Org { number, owner: None });
        Ok(number)
    }
}

/// What makes the owner's policy.
fn given(owner: &Owner) -> Given {
    let terms = owner.rate_limit.map(|rate_limit| {
        Arc::new(Terms {
            rate_limit: Some(rate_limit),
            ..Terms::default()
        })
    });
    Given {
        authority: owner.authority.clone(),
        terms,
    }
}

const fn standing(policy: u32, active: bool) -> u32 {
    if active { policy | ACTIVE } else { policy }
}

impl OwnerNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.owners.allocation_size() + map_bytes(&self.orgs)
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::authority::{Authority, Selector};
    use claviger_domain::{Scope, ScopeSet};

    use super::*;
    use crate::MAX_POLICIES;

    struct Tables {
        owners: Owners,
        writer: OwnerNumbers,
        policies: Policies,
        numbers: PolicyNumbers,
    }

    impl Tables {
        fn new(owners: u32, policies: u32) -> Self {
            let (policies, numbers) = Policies::new(policies);
            Self {
                owners: Owners::new(owners),
                writer: OwnerNumbers::default(),
                policies,
                numbers,
            }
        }

        fn intern(&mut self, owner: &Owner) -> Result<u32, Full> {
            self.owners
                .intern(&mut self.writer, &self.policies, &mut self.numbers, owner)
        }

        fn set(&mut self, owner: &Owner) -> Result<(), Full> {
            self.owners
                .set(&mut self.writer, &self.policies, &mut self.numbers, owner)
        }

        fn scopes(&self, number: u32) -> ScopeSet {
            let standing = self.owners.get(number).unwrap();
            let there = self.policies.get(standing.policy).unwrap();
            there.policy().unwrap().scopes
        }
    }

    fn owner(id: i64, scopes: ScopeSet) -> Owner {
        Owner {
            id: OwnerId::from_i64(id),
            org: OrgId::from_i64(1),
            authority: Arc::new(Authority::of_token(scopes, Selector::everywhere())),
            active: true,
            rate_limit: None,
        }
    }

    #[test]
    fn a_known_owner_changes_only_when_set() {
        let mut tables = Tables::new(8, MAX_POLICIES);
        let number = tables.intern(&owner(5, ScopeSet::EMPTY)).unwrap();

        assert_eq!(tables.intern(&owner(5, ScopeSet::all())), Ok(number));
        assert_eq!(tables.scopes(number), ScopeSet::EMPTY);

        tables.set(&owner(5, ScopeSet::all())).unwrap();
        assert_eq!(tables.scopes(number), ScopeSet::all());
    }

    #[test]
    fn an_organization_and_an_owner_of_the_same_number_are_apart() {
        let mut tables = Tables::new(8, MAX_POLICIES);

        let org = tables
            .owners
            .intern_org(&mut tables.writer, OrgId::from_i64(5))
            .unwrap();
        let user = tables.intern(&owner(5, ScopeSet::EMPTY)).unwrap();

        assert_ne!(org, user);
        assert_eq!(tables.scopes(org), ScopeSet::all());
        assert_eq!(tables.scopes(user), ScopeSet::EMPTY);
        assert_eq!(tables.owners.get(org).unwrap().org, OrgId::from_i64(5));
        assert_eq!(tables.owners.get(user).unwrap().org, OrgId::from_i64(1));
    }

    #[test]
    fn many_owners_are_each_found_again() {
        let mut tables = Tables::new(5_000, MAX_POLICIES);
        let numbers: Vec<u32> = (1..=4_000)
            .map(|id| tables.intern(&owner(id, ScopeSet::EMPTY)).unwrap())
            .collect();

        for (id, number) in (1..).zip(numbers) {
            assert_eq!(tables.intern(&owner(id, ScopeSet::all())), Ok(number));
        }
    }

    #[test]
    fn the_limit_of_owners_is_reached_and_says_so() {
        let mut tables = Tables::new(1, MAX_POLICIES);
        tables.intern(&owner(1, ScopeSet::EMPTY)).unwrap();

        assert_eq!(tables.intern(&owner(2, ScopeSet::EMPTY)), Err(Full::Owners));
        assert_eq!(tables.intern(&owner(1, ScopeSet::EMPTY)), Ok(0));
    }

    #[test]
    fn an_owner_whose_new_power_finds_no_room_has_none() {
        let mut tables = Tables::new(8, 3);
        let number = tables.intern(&owner(1, ScopeSet::all())).unwrap();

        let narrowed = tables.set(&owner(1, ScopeSet::only(Scope::TokensRead)));

        assert_eq!(narrowed, Err(Full::Policies));
        assert_eq!(tables.scopes(number), ScopeSet::EMPTY);
    }
}
