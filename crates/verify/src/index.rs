//! The concurrent index: from a digest's key to the record of its token, for many readers and one writer at a time.
//!
//! Invariants: a reader never waits, never allocates, and does work that does not grow with the number of tokens; a key that is
//! present before, during and after a look-up is found by it; once a change has returned, no later look-up sees what was before.
//! [`crate::Verifier`] puts meaning into the records and holds the [`WriteHalf`] under a lock; `tests/loom_index.rs` explores
//! this module by itself, which is why it is public.
//!
//! Why this layout, with what was measured: `docs/decisions/0002-token-index.md`.

mod overlaps;
mod record;
mod shard;

use crossbeam_utils::CachePadded;
pub use overlaps::{Look, Overlaps};
pub use record::{Fields, Key, Mark, REVOKED, Reading, Record, Snapshot};
use shard::{Census, Place, Shard};

use crate::chunked::Chunked;
use crate::sync::{AtomicU32, AtomicU64, LoadToChange as _, Ordering};

/// The most tokens an index can hold, dead ones that are still listed included: 67 million.
pub const MAX_TOKENS: u32 = shard::MAX_RECORDS - SPARE;
/// Records beyond those of the tokens: to change a token a free one is filled first, and what narrows must not fail for want of it.
const SPARE: u32 = 1;

/// A table of the verifier has reached its written limit; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// [`MAX_TOKENS`], or the limit the index was made with.
    #[error("the token index is full")]
    Tokens,
    /// [`crate::MAX_OWNERS`].
    #[error("the table of owners is full")]
    Owners,
    /// [`crate::MAX_POLICIES`].
    #[error("the table of policies is full")]
    Policies,
}

/// The part that readers share. All reading methods may be called from any thread at any time.
pub struct Index {
    shards: Box<[Shard]>,
    records: Records,
    capacity: u32,
    /// Heads of the lists of records that were used since the last drain: record number + 1, 0 = none.
    used: Box<[CachePadded<AtomicU32>]>,
    len: AtomicU64,
}

/// The part that only the writer has: free records and how full each shard is. One per [`Index`].
pub struct WriteHalf {
    free: Vec<u32>,
    fresh: u32,
    census: Box<[Census]>,
}

/// A record that was found, as it was at an instant during the look-up.
#[derive(Clone, Copy)]
pub struct Hit<'a> {
    /// What was read.
    pub snapshot: Snapshot,
    number: u32,
    record: &'a Record,
}

/// Which of two keys a token was found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    /// The first.
    Current,
    /// The second, which a rotation is about to retire.
    Previous,
}

type Records = Chunked<Record, { if cfg!(loom) { 1 } else { 14 } }>;

const SHARDS: usize = if cfg!(loom) { 1 } else { 256 };
const USED_LISTS: usize = if cfg!(loom) { 1 } else { 64 };

// === impl Index, for readers ===

impl Index {
    /// An empty index for at most `capacity` tokens ([`MAX_TOKENS`] at most), and the half that changes it.
    pub fn new(capacity: u32) -> (Self, WriteHalf) {
        let capacity = capacity.min(MAX_TOKENS);
        let index = Self {
            shards: (0..SHARDS).map(|_| Shard::new()).collect(),
            records: Chunked::new(capacity + SPARE),
            capacity,
            used: (0..USED_LISTS).map(|_| CachePadded::default()).collect(),
            len: AtomicU64::new(0),
        };
        let writer = WriteHalf {
            free: Vec::new(),
            fresh: 0,
            census: vec![Census::default(); SHARDS].into(),
        };
        (index, writer)
    }

    /// The token of `key`. Two cache misses: the slot and the record.
    #[inline]
    pub fn find(&self, key: Key) -> Option<Hit<'_>> {
        let (number, record, snapshot) = self.shard(key).find(key, &self.records)?;
        Some(Hit {
            snapshot,
            number,
            record,
        })
    }

    /// The token of `current`, or else of `previous`, also while [`WriteHalf`] moves it from the one to the other: whoever finds
    /// the previous key gone because it was moved finds the current one at the second attempt.
    #[inline]
    pub fn find_either(&self, current: Key, previous: impl FnOnce() -> Key) -> Option<(Hit<'_>, FoundBy)> {
        if let Some(hit) = self.find(current) {
            return Some((hit, FoundBy::Current));
        }
        if let Some(hit) = self.find(previous()) {
            return Some((hit, FoundBy::Previous));
        }
        self.find(current).map(|hit| (hit, FoundBy::Current))
    }

    /// Marks a use at `second` since 1970, which must not be 0, unless one as late is marked.
    #[inline]
    pub fn mark(&self, hit: &Hit<'_>, second: u32) -> Mark {
        let (mark, list) = hit.record.mark(&hit.snapshot, second);
        if list {
            self.list_as_used(hit.number, hit.record);
        }
        mark
    }

    /// True while the token that was found still owns the record: nothing was changed about it but its end and its uses.
    #[inline]
    pub fn is_current(&self, hit: &Hit<'_>) -> bool {
        hit.record.is_current(&hit.snapshot)
    }

    /// Tells every token that was used since the last call, with the second of its last use, once per token. A token whose record
    /// was replaced meanwhile may be told again. Cost: the tokens told.
    pub fn drain_used(&self, tell: &mut dyn FnMut(&Snapshot)) {
        for head in &self.used {
            let mut next = head.swap(0, Ordering::AcqRel);
            while let Some(number) = next.checked_sub(1)
                && let Some(record) = self.records.get(number)
            {
                // The link is read first: once it is off the list, the record may be listed again at any moment.
                next = record.next.load(Ordering::Relaxed);
                if let Some(used) = record.unqueue() {
                    tell(&used);
                }
            }
        }
    }

    /// How many tokens there are.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of records, slots, their directories and the lists.
    pub fn memory_bytes(&self) -> usize {
        let shards: usize = self.shards.iter().map(Shard::memory_bytes).sum();
        shards + self.records.memory_bytes() + size_of_val(&*self.used)
    }

    /// Prepends the record to a list. The list is only ever taken whole, so a head that returns to an earlier value is no harm.
    fn list_as_used(&self, number: u32, record: &Record) {
        let head = &self.used[number as usize % USED_LISTS];
        let mut first = head.load_to_change();
        loop {
            record.next.store(first, Ordering::Relaxed);
            match head.compare_exchange_weak(first, number + 1, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    #[inline]
    fn shard(&self, key: Key) -> &Shard {
        &self.shards[shard_of(key)]
    }
}

#[inline]
fn shard_of(key: Key) -> usize {
    key.shard_bits() % SHARDS
}

// === impl Index, for the writer ===

impl Index {
    /// Sizes every shard for `tokens` tokens in all, so that loading them rebuilds nothing.
    ///
    /// # Errors
    /// [`Full::Tokens`] when no table is that large.
    pub fn reserve(&self, half: &mut WriteHalf, tokens: u32) -> Result<(), Full> {
        for (shard, census) in self.shards.iter().zip(&mut half.census) {
            shard.reserve(tokens as usize / SHARDS, census, &self.records)?;
        }
        Ok(())
    }

    /// Adds a token or replaces all that is known of it; a reader sees all of the old or all of the new. What ended stays ended, and
    /// a use is never forgotten: [`REVOKED`], the later of both last uses and the number of the budget are kept.
    ///
    /// # Errors
    /// [`Full::Tokens`] for one that was not known; one that was is always changed.
    pub fn upsert(&self, half: &mut WriteHalf, fields: &Fields, last_used: u32) -> Result<(), Full> {
        let shard = self.shard(fields.key);
        if let Some(place) = shard.locate(fields.key, &self.records) {
            return self.replace(half, place, fields, last_used);
        }
        if self.len() >= self.capacity.into() {
            return Err(Full::Tokens);
        }
        shard.make_room(half.census(fields.key), &self.records)?;
        let number = self.publish(half, fields, last_used)?;
        shard.insert(fields.key, number, half.census(fields.key));
        self.len.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends a token: no look-up that starts after this returned shows it otherwise. False when there is no such token.
    pub fn revoke(&self, key: Key) -> bool {
        let place = self.shard(key).locate(key, &self.records);
        let record = place.and_then(|place| self.records.get(place.record));
        record.inspect(|record| record.revoke()).is_some()
    }

    /// Forgets a token: no look-up that starts after this returned finds it. Returns the last that was known of it.
    pub fn remove(&self, half: &mut WriteHalf, key: Key) -> Option<Snapshot> {
        let place = self.shard(key).locate(key, &self.records)?;
        let last = self.records.get(place.record)?.own();
        self.shard(key).remove(place, half.census(key));
        self.len.fetch_sub(1, Ordering::Relaxed);
        Some(last.used_until(self.free(half, place.record)))
    }

    /// Moves a token to another key: the new one leads to it before the old one ceases to. False when `from` is absent.
    ///
    /// # Errors
    /// [`Full::Tokens`] when no table is that large; the token then keeps its key.
    pub fn rekey(&self, half: &mut WriteHalf, from: Key, to: Key) -> Result<bool, Full> {
        let target = self.shard(to);
        target.make_room(half.census(to), &self.records)?;
        let Some(place) = self.shard(from).locate(from, &self.records) else {
            return Ok(false);
        };
        let Some(old) = self.records.get(place.record).map(Record::own) else {
            return Ok(false);
        };
        let number = match target.locate(to, &self.records) {
            Some(there) => {
                self.len.fetch_sub(1, Ordering::Relaxed);
                there.record
            }
            None => {
                let fields = Fields {
                    key: to,
                    ..old.fields
                };
                let number = self.publish(half, &fields, old.last_used)?;
                target.insert(to, number, half.census(to));
                number
            }
        };
        self.shard(from).remove(place, half.census(from));
        let last_used = self.free(half, place.record);
        self.adopt(number, last_used);
        Ok(true)
    }

    /// Shows the policy of every token, and some that those had before. Cost: the tokens, and the most that there ever were.
    pub fn for_each_policy(&self, half: &WriteHalf, mut each: impl FnMut(u32)) {
        for number in 0..half.fresh {
            if let Some(record) = self.records.get(number) {
                each(record.own().fields.policy);
            }
        }
    }

    /// Swaps the record of a key that is present.
    fn replace(
        &self,
        half: &mut WriteHalf,
        place: Place,
        fields: &Fields,
        last_used: u32,
    ) -> Result<(), Full> {
        let old = self.records.get(place.record).map(Record::own);
        let (ended, used) = old.map_or((0, 0), |old| (old.fields.flags & REVOKED, old.last_used));
        let budget = match fields.budget {
            0 => old.map_or(0, |old| old.fields.budget),
            given => given,
        };
        let fields = Fields {
            flags: fields.flags | ended,
            budget,
            ..*fields
        };
        let number = self.publish(half, &fields, last_used.max(used))?;
        self.shard(fields.key).redirect(fields.key, place, number);
        let last_used = self.free(half, place.record);
        self.adopt(number, last_used);
        Ok(())
    }

    /// Fills a free record; nothing leads to it yet.
    fn publish(&self, half: &mut WriteHalf, fields: &Fields, last_used: u32) -> Result<u32, Full> {
        let number = half.free.last().copied().unwrap_or(half.fresh);
        let record = self.records.get_or_grow(number).ok_or(Full::Tokens)?;
        if half.free.pop().is_none() {
            half.fresh += 1;
        }
        record.publish(fields, last_used);
        Ok(number)
    }

    /// Frees a record that nothing leads to any more. Returns the second of its last use.
    fn free(&self, half: &mut WriteHalf, number: u32) -> u32 {
        half.free.push(number);
        self.records.get(number).map_or(0, Record::retire)
    }

    /// Carries a use over to the record that replaced the used one, and lists it: it may have been waiting in a list.
    fn adopt(&self, number: u32, last_used: u32) {
        if last_used != 0
            && let Some(record) = self.records.get(number)
            && record.adopt_use(last_used)
        {
            self.list_as_used(number, record);
        }
    }
}

// === impl WriteHalf ===

impl WriteHalf {
    /// The bytes of the list of free records and of the census.
    pub fn memory_bytes(&self) -> usize {
        self.free.capacity() * size_of::<u32>() + size_of_val(&*self.census)
    }

    fn census(&mut self, key: Key) -> &mut Census {
        &mut self.census[shard_of(key)]
    }
}
