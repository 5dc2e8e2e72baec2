//! Owners: the principals that tokens act as, and how far their power reaches now.
//!
//! Invariant: an owner's place never changes, so narrowing it is one store that every later check of any of its tokens sees. A
//! token that acts as itself needs no owner of its own, which would double its memory: all of those of an organization share one
//! that stands for the organization. Read on every check; changed by the writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use claviger_domain::{OrgId, OwnerId, ScopeSet};

use crate::chunked::Chunked;
use crate::policies::map_bytes;
use crate::{Full, Owner};

/// The most owners there can be; users are never forgotten while the process lives.
pub const MAX_OWNERS: u32 = 1 << 25;

/// What a check needs to know of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: OwnerId,
    pub(crate) org: OrgId,
    pub(crate) power: ScopeSet,
    pub(crate) active: bool,
}

/// The part that readers share.
pub(crate) struct Owners {
    table: Chunked<Cell, 12>,
}

/// The part that only the writer has.
#[derive(Default)]
pub(crate) struct OwnerNumbers {
    owners: HashMap<OwnerId, u32>,
    orgs: HashMap<OrgId, u32>,
    /// The owner that was asked for last: a load brings an owner's tokens one after the other.
    latest: Option<(OwnerId, u32)>,
}

/// `id` and `org` are stored before any record refers to the cell, and never again.
#[derive(Default)]
struct Cell {
    id: AtomicI64,
    org: AtomicI64,
    power: AtomicU64,
    active: AtomicBool,
}

impl Owners {
    /// Room for that many.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            table: Chunked::new(limit),
        }
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<Standing> {
        let cell = self.table.get(number)?;
        Some(Standing {
            id: OwnerId::from_i64(cell.id.load(Ordering::Relaxed)),
            org: OrgId::from_i64(cell.org.load(Ordering::Relaxed)),
            power: ScopeSet::from_bits(cell.power.load(Ordering::Acquire)),
            active: cell.active.load(Ordering::Acquire),
        })
    }

    /// The owner's number; a new owner enters as given, a known one stays as it is.
    pub(crate) fn intern(&self, writer: &mut OwnerNumbers, owner: &Owner) -> Result<u32, Full> {
        if let Some((id, number)) = writer.latest
            && id == owner.id
        {
            return Ok(number);
        }
        let number = match writer.owners.get(&owner.id) {
            Some(&number) => number,
            None => {
                let number = self.admit(writer, owner)?;
                writer.owners.insert(owner.id, number);
                number
            }
        };
        writer.latest = Some((owner.id, number));
        Ok(number)
    }

    /// The number of the one that stands for all tokens of `org` that act as themselves. Its power is not bounded here.
    pub(crate) fn intern_org(&self, writer: &mut OwnerNumbers, org: OrgId) -> Result<u32, Full> {
        if let Some(&number) = writer.orgs.get(&org) {
            return Ok(number);
        }
        let everything = Owner {
            id: OwnerId::from_i64(0),
            org,
            power: ScopeSet::all(),
            active: true,
        };
        let number = self.admit(writer, &everything)?;
        writer.orgs.insert(org, number);
        Ok(number)
    }

    /// Changes a known owner's power and activity, or admits a new one.
    pub(crate) fn set(&self, writer: &mut OwnerNumbers, owner: &Owner) -> Result<(), Full> {
        let number = self.intern(writer, owner)?;
        if let Some(cell) = self.table.get(number) {
            cell.power.store(owner.power.bits(), Ordering::Release);
            cell.active.store(owner.active, Ordering::Release);
        }
        Ok(())
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }

    /// Fills the next cell. Nothing refers to it yet.
    fn admit(&self, writer: &OwnerNumbers, owner: &Owner) -> Result<u32, Full> {
        let number = u32::try_from(writer.owners.len() + writer.orgs.len()).map_err(|_| Full::Owners)?;
        let cell = self.table.get_or_grow(number).ok_or(Full::Owners)?;
        cell.id.store(owner.id.get(), Ordering::Relaxed);
        cell.org.store(owner.org.get(), Ordering::Relaxed);
        cell.power.store(owner.power.bits(), Ordering::Release);
        cell.active.store(owner.active, Ordering::Release);
        Ok(number)
    }
}

impl OwnerNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        map_bytes(&self.owners) + map_bytes(&self.orgs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: i64, power: ScopeSet) -> Owner {
        Owner {
            id: OwnerId::from_i64(id),
            org: OrgId::from_i64(1),
            power,
            active: true,
        }
    }

    #[test]
    fn a_known_owner_changes_only_when_set() {
        let (owners, mut writer) = (Owners::new(8), OwnerNumbers::default());
        let number = owners.intern(&mut writer, &owner(5, ScopeSet::EMPTY)).unwrap();

        assert_eq!(owners.intern(&mut writer, &owner(5, ScopeSet::all())), Ok(number));
        assert_eq!(owners.get(number).unwrap().power, ScopeSet::EMPTY);

        owners.set(&mut writer, &owner(5, ScopeSet::all())).unwrap();
        assert_eq!(owners.get(number).unwrap().power, ScopeSet::all());
    }

    #[test]
    fn an_organization_and_an_owner_of_the_same_number_are_apart() {
        let (owners, mut writer) = (Owners::new(8), OwnerNumbers::default());

        let org = owners.intern_org(&mut writer, OrgId::from_i64(5)).unwrap();
        let user = owners.intern(&mut writer, &owner(5, ScopeSet::EMPTY)).unwrap();

        assert_ne!(org, user);
        assert_eq!(owners.get(org).unwrap().power, ScopeSet::all());
        assert_eq!(owners.get(user).unwrap().power, ScopeSet::EMPTY);
    }

    #[test]
    fn the_limit_of_owners_is_reached_and_says_so() {
        let (owners, mut writer) = (Owners::new(1), OwnerNumbers::default());
        owners.intern(&mut writer, &owner(1, ScopeSet::EMPTY)).unwrap();

        assert_eq!(
            owners.intern(&mut writer, &owner(2, ScopeSet::EMPTY)),
            Err(Full::Owners)
        );
        assert_eq!(owners.intern(&mut writer, &owner(1, ScopeSet::EMPTY)), Ok(0));
    }
}
