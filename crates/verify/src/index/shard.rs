//! One shard of the index: an open-addressing table of 32-bit slots, each a tag and the number of a record.
//!
//! Readers probe without waiting; one writer at a time changes slots. A table that fills up is replaced by a bigger one, or by
//! a clean one of its size, without any reclamation: a replaced table is kept for its next turn, which costs less than its
//! successor, and a reader that is still in it notices by the shard's state. Called from [`super::Index`] only.
//!
//! # Why a reader in a replaced table never answers wrongly
//! A hit is checked against the record itself, whatever table led there. A miss counts only if the state is the same before
//! and after the probe. Every store to a slot is Release and every probe load is Acquire; a store that belongs to a later turn of
//! the same table comes after the store of the state that ended the reader's turn, so whoever saw the slot sees the new state.

use std::sync::OnceLock;

use super::record::{Key, Reading, Record, Snapshot};
use super::{Full, Records};
use crate::sync::{AtomicU32, AtomicU64, LoadToChange as _, Ordering};

/// Smallest and largest table, as powers of two. 256 shards of 2^20 slots hold more than [`super::MAX_TOKENS`].
const MIN_BITS: u32 = if cfg!(loom) { 2 } else { 6 };
const MAX_BITS: u32 = if cfg!(loom) { 4 } else { 20 };
/// Two tables of each size, to move between when tombstones have to go.
const TABLES: usize = 2 * (MAX_BITS - MIN_BITS + 1) as usize;

/// See the module.
pub(super) struct Shard {
    /// Turn (56 bits), number of the table in use (8 bits).
    state: AtomicU64,
    tables: [OnceLock<Box<[AtomicU32]>>; TABLES],
}

/// How full a shard's table is; kept by the writer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Census {
    /// Slots with a record.
    live: usize,
    /// Slots that are not empty: live ones and tombstones.
    used: usize,
}

/// A key's place in the table, found by the writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    at: usize,
    /// The record that the slot leads to.
    pub(super) record: u32,
}

/// Where a search ended.
enum Probe<'a> {
    Found(u32, &'a Record, Snapshot),
    Missing,
    /// A record on the way changed hands: the table has changed too.
    Changed,
}

/// What a slot holds: nothing yet (0), a tombstone (1), or tag (6 bits) and record number + 2 (26 bits).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Slot(u32);

const NUMBER_BITS: u32 = 26;
const NUMBER_MASK: u32 = (1 << NUMBER_BITS) - 1;

/// The greatest number of records that a slot can tell apart.
pub(super) const MAX_RECORDS: u32 = NUMBER_MASK - 1;

// === impl Shard, for readers ===

impl Shard {
    pub(super) fn new() -> Self {
        let shard = Self {
            state: AtomicU64::new(0),
            tables: [const { OnceLock::new() }; TABLES],
        };
        shard.table_or_new(0);
        shard
    }

    /// The record of `key`, as it was at some instant during the call. Never waits; starts over only when a writer finished a
    /// change that touched this very search.
    #[inline]
    pub(super) fn find<'a>(&self, key: Key, records: &'a Records) -> Option<(u32, &'a Record, Snapshot)> {
        loop {
            let state = self.state.load(Ordering::Acquire);
            match probe(self.table(state), key, records) {
                Probe::Found(number, record, snapshot) => return Some((number, record, snapshot)),
                Probe::Missing if self.state.load(Ordering::Acquire) == state => return None,
                Probe::Missing | Probe::Changed => {}
            }
        }
    }

    #[inline]
    fn table(&self, state: u64) -> &[AtomicU32] {
        self.tables
            .get((state & 0xff) as usize)
            .and_then(OnceLock::get)
            .map_or(&[], |table| table)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let slots: usize = self
            .tables
            .iter()
            .filter_map(OnceLock::get)
            .map(|table| table.len())
            .sum();
        size_of::<Self>() + slots * size_of::<AtomicU32>()
    }
}

#[inline]
fn probe<'a>(table: &[AtomicU32], key: Key, records: &'a Records) -> Probe<'a> {
    let mask = table.len().wrapping_sub(1);
    let tag = Slot::tag(key);
    let mut at = key.home_bits() & mask;
    for _ in 0..table.len() {
        let Some(slot) = table.get(at) else { break };
        let slot = Slot(slot.load(Ordering::Acquire));
        if slot == Slot::EMPTY {
            break;
        }
        if let Some(number) = slot.number_if(tag)
            && let Some(record) = records.get(number)
        {
            match record.read(key) {
                Reading::Of(snapshot) => return Probe::Found(number, record, snapshot),
                Reading::OfAnother => {}
                Reading::Changed => return Probe::Changed,
            }
        }
        at = (at + 1) & mask;
    }
    Probe::Missing
}

// === impl Shard, for the writer ===

impl Shard {
    /// Makes sure that one more key fits: at most three quarters of the slots are used.
    ///
    /// # Errors
    /// [`Full::Tokens`] when the largest table is full, which uniform keys never reach before [`super::MAX_TOKENS`].
    pub(super) fn make_room(&self, census: &mut Census, records: &Records) -> Result<(), Full> {
        let slots = self.current().len();
        if (census.used + 1) * 4 <= slots * 3 {
            return Ok(());
        }
        let grown = if (census.live + 1) * 2 > slots {
            slots * 2
        } else {
            slots
        };
        self.rebuild(grown, census, records)
    }

    /// Prepares the table for `keys` keys in all, if it is smaller than that.
    ///
    /// # Errors
    /// [`Full::Tokens`] when there is no table of that size.
    pub(super) fn reserve(&self, keys: usize, census: &mut Census, records: &Records) -> Result<(), Full> {
        let slots = (keys * 10).div_ceil(7).next_power_of_two();
        if slots <= self.current().len() {
            return Ok(());
        }
        self.rebuild(slots, census, records)
    }

    /// Finds `key`; nothing changes meanwhile, the caller being the only writer.
    pub(super) fn locate(&self, key: Key, records: &Records) -> Option<Place> {
        let table = self.current();
        let mask = table.len() - 1;
        let tag = Slot::tag(key);
        let mut at = key.home_bits() & mask;
        loop {
            match Slot(table.get(at)?.load_to_change()) {
                Slot::EMPTY => return None,
                slot => {
                    if let Some(number) = slot.number_if(tag)
                        && records.get(number).is_some_and(|record| record.key() == key)
                    {
                        return Some(Place { at, record: number });
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Leads `key`, which must be absent, to `record`. Room was made before.
    pub(super) fn insert(&self, key: Key, record: u32, census: &mut Census) {
        census.live += 1;
        if put(self.current(), key, record) == Slot::EMPTY {
            census.used += 1;
        }
    }

    /// Leads the key at `place` to another record, in one store.
    pub(super) fn redirect(&self, key: Key, place: Place, record: u32) {
        if let Some(slot) = self.current().get(place.at) {
            slot.store(Slot::holding(key, record).0, Ordering::Release);
        }
    }

    /// Forgets the key at `place`. No tombstone is needed where an empty slot follows: no other key's way leads through.
    pub(super) fn remove(&self, place: Place, census: &mut Census) {
        let table = self.current();
        let next = table.get((place.at + 1) & (table.len() - 1));
        let last = next.is_some_and(|slot| Slot(slot.load_to_change()) == Slot::EMPTY);
        if let Some(slot) = table.get(place.at) {
            let left = if last { Slot::EMPTY } else { Slot::TOMBSTONE };
            slot.store(left.0, Ordering::Release);
        }
        census.live -= 1;
        census.used -= usize::from(last);
    }

    /// Moves every key to a table of `slots` slots that is not the one in use. Cost: the shard's keys, one cache miss each:
    /// about a millisecond at 10 million tokens.
    fn rebuild(&self, slots: usize, census: &mut Census, records: &Records) -> Result<(), Full> {
        let state = self.state.load_to_change();
        let first_of_size = 2 * u64::from(slots.ilog2().saturating_sub(MIN_BITS));
        let number = first_of_size + u64::from(state & 0xff == first_of_size);
        let target = self.table_or_new(number).ok_or(Full::Tokens)?;
        for slot in target {
            slot.store(Slot::EMPTY.0, Ordering::Release);
        }
        let mut live = 0;
        for slot in self.current() {
            if let Some(moved) = Slot(slot.load_to_change()).number()
                && let Some(record) = records.get(moved)
            {
                put(target, record.key(), moved);
                live += 1;
            }
        }
        *census = Census { live, used: live };
        let turn = (state >> 8) + 1;
        self.state.store((turn << 8) | number, Ordering::Release);
        Ok(())
    }

    fn current(&self) -> &[AtomicU32] {
        self.table(self.state.load_to_change())
    }

    /// The table with that number; its memory is allocated at its first turn.
    fn table_or_new(&self, number: u64) -> Option<&[AtomicU32]> {
        let bits = MIN_BITS + u32::try_from(number / 2).ok()?;
        let table = self.tables.get(usize::try_from(number).ok()?)?;
        Some(table.get_or_init(|| (0..1usize << bits).map(|_| AtomicU32::new(0)).collect()))
    }
}

/// Takes the first free slot on the key's way, and tells what was in it.
fn put(table: &[AtomicU32], key: Key, record: u32) -> Slot {
    let mask = table.len() - 1;
    let mut at = key.home_bits() & mask;
    loop {
        let slot = &table[at];
        let before = Slot(slot.load_to_change());
        if before.number().is_none() {
            slot.store(Slot::holding(key, record).0, Ordering::Release);
            return before;
        }
        at = (at + 1) & mask;
    }
}

// === impl Slot ===

impl Slot {
    const EMPTY: Self = Self(0);
    const TOMBSTONE: Self = Self(1);

    #[inline]
    fn holding(key: Key, record: u32) -> Self {
        Self(Self::tag(key) | (record + 2))
    }

    /// The key's tag, in its place.
    #[inline]
    fn tag(key: Key) -> u32 {
        (key.tag_bits() as u32) << NUMBER_BITS
    }

    #[inline]
    fn number(self) -> Option<u32> {
        (self.0 & NUMBER_MASK).checked_sub(2)
    }

    #[inline]
    fn number_if(self, tag: u32) -> Option<u32> {
        if self.0 & !NUMBER_MASK == tag {
            self.number()
        } else {
            None
        }
    }
}
