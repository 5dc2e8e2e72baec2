//! One token's record: 64 bytes, one cache line, all atomics, at one address for ever.
//!
//! Invariant: a record is *live* while a token owns it (odd version) and its fields are then constant, except that it can be
//! revoked and marked as used. To change a token, the writer fills a free record and swaps the slot that leads to it; so a
//! reader never waits for a writer, whatever the scheduler does to that writer. Freed records are reused at once.
//!
//! # Why a reader never sees a mix of two tokens
//! The version counts lives: even = free, odd = live. Writers (one at a time) do: [`Record::retire`] stores the next even
//! number; [`Record::publish`] stores every field, then the next odd number. All these stores are Release, all the reader's loads
//! are Acquire. The reader loads the version (v1, must be odd), the fields, the version again (v2, must equal v1):
//! * A field stored *after* life v1 was stored after `retire` had stored v1 + 1. Loading it synchronizes with that store, so v1 + 1
//!   happened before the load of v2, and v2 ≠ v1 by coherence.
//! * A field stored *before* life v1 is hidden by the stores of life v1, all of which happened before v1 was stored, hence before
//!   the reader loaded it.
//!
//! So with v1 = v2 every field is of life v1. No fence is needed, and on x86 each of these is a plain move. (2^31 lives within
//! one read would wrap; the reader takes nanoseconds.) `tests/loom_index.rs` explores it, and fails without the second load.

use claviger_token::Digest;

use crate::sync::{AtomicI64, AtomicU32, AtomicU64, LoadToChange as _, Ordering};

/// What is looked up: the first 16 bytes of a digest. Uniformly random, and nobody without the pepper can choose one, so its
/// bits serve as the hash and comparing it needs no constant time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key(u64, u64);

/// What a record says of its token. The meaning of `owner`, `policy` and `flags` is the verifier's; the index only carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// What the record is found by.
    pub key: Key,
    /// The token's id.
    pub id: i64,
    /// Microseconds since 1970.
    pub expires_at: i64,
    /// Place in the table of owners.
    pub owner: u32,
    /// Place in the table of policies.
    pub policy: u32,
    /// [`REVOKED`] and bits of the verifier.
    pub flags: u32,
    /// Number of the words that its limits are counted in, 0 = none. Kept when a record replaces another that had one.
    pub budget: u32,
}

/// Set once a token was ended by someone; never cleared within a life.
pub const REVOKED: u32 = 1;

/// All of a live record at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// What it says of its token.
    pub fields: Fields,
    /// Second of the last use, 0 = never.
    pub last_used: u32,
    life: u32,
}

/// What a reader finds in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The token that was looked for.
    Of(Snapshot),
    /// Another token.
    OfAnother,
    /// No token, or it changed hands while it was read.
    Changed,
}

/// What became of an attempt to mark a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// That second, or a later one, was marked before.
    Already,
    /// This call marked it. `first`: the secret was never used before.
    Marked {
        /// The secret was never used before.
        first: bool,
    },
    /// The record no longer holds the token that was looked up: look it up again.
    Moved,
}

/// See the module. Shared by readers and the writer; padded to a line of its own.
#[derive(Default)]
#[repr(align(64))]
pub struct Record {
    key: [AtomicU64; 2],
    id: AtomicI64,
    expires_at: AtomicI64,
    /// Life (31 bits), [`QUEUED`], second (32 bits): one word, so that a use is never marked on the record's next token.
    last_use: AtomicU64,
    owner: AtomicU32,
    policy: AtomicU32,
    version: AtomicU32,
    flags: AtomicU32,
    budget: AtomicU32,
    /// Next record in the list of used ones, while `QUEUED`.
    pub(super) next: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 64 && align_of::<Record>() == 64);

/// The record is in a list of used ones. It stays set when the record is freed, since it is still linked there.
const QUEUED: u64 = 1 << 32;

// === impl Key ===

impl Key {
    /// A key of these bits, for models and tests; a real one comes from a [`Digest`].
    pub const fn from_bits(high: u64, low: u64) -> Self {
        Self(high, low)
    }

    /// The eight bits that choose the shard.
    #[inline]
    pub(super) fn shard_bits(self) -> usize {
        (self.0 >> 56) as usize
    }

    /// The bits that choose where in a shard's table the search begins.
    #[inline]
    pub(super) fn home_bits(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    /// The bits kept in the slot, to pass over other tokens without touching their records.
    #[inline]
    pub(super) fn tag_bits(self) -> u64 {
        self.1
    }
}

impl From<&Digest> for Key {
    #[inline]
    fn from(digest: &Digest) -> Self {
        let whole = u128::from_le_bytes(digest.index_key());
        Self((whole & u128::from(u64::MAX)) as u64, (whole >> 64) as u64)
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// True when the token was ended by someone.
    pub fn ended(&self) -> bool {
        self.fields.flags & REVOKED != 0
    }

    /// The same with the use that was the last.
    pub(super) fn used_until(self, last_used: u32) -> Self {
        Self { last_used, ..self }
    }
}

// === impl Record, for readers ===

impl Record {
    /// The record at one instant of one life, if it is `key`'s then.
    #[inline]
    pub fn read(&self, key: Key) -> Reading {
        let version = self.version.load(Ordering::Acquire);
        if version & 1 == 0 {
            return Reading::Changed;
        }
        let other = self.key() != key;
        let snapshot = if other {
            None
        } else {
            Some(self.rest(key, version))
        };
        // Every load above is Acquire, so this one cannot come before any of them.
        if self.version.load(Ordering::Relaxed) != version {
            return Reading::Changed;
        }
        snapshot.map_or(Reading::OfAnother, Reading::Of)
    }

    /// The record at one instant of one life, whosever it is; `None` when it is free or changed hands meanwhile.
    pub fn snapshot(&self) -> Option<Snapshot> {
        match self.read(self.key()) {
            Reading::Of(snapshot) => Some(snapshot),
            Reading::OfAnother | Reading::Changed => None,
        }
    }

    /// The fields without asking whether they belong together: only for the model that shows that this may not be left out.
    pub fn fields(&self) -> Fields {
        self.rest(self.key(), 0).fields
    }

    /// The key, for the writer; a reader asks for the version before and after.
    #[inline]
    pub(super) fn key(&self) -> Key {
        Key(
            self.key[0].load(Ordering::Acquire),
            self.key[1].load(Ordering::Acquire),
        )
    }

    #[inline]
    fn rest(&self, key: Key, version: u32) -> Snapshot {
        let fields = Fields {
            key,
            id: self.id.load(Ordering::Acquire),
            expires_at: self.expires_at.load(Ordering::Acquire),
            owner: self.owner.load(Ordering::Acquire),
            policy: self.policy.load(Ordering::Acquire),
            flags: self.flags.load(Ordering::Acquire),
            budget: self.budget.load(Ordering::Acquire),
        };
        Snapshot {
            fields,
            last_used: second_of(self.last_use.load(Ordering::Acquire)),
            life: version >> 1,
        }
    }

    /// True while the token that `snapshot` shows still owns the record.
    #[inline]
    pub(super) fn is_current(&self, snapshot: &Snapshot) -> bool {
        self.version.load(Ordering::Acquire) == (snapshot.life << 1) | 1
    }

    /// Marks a use at `second` (never 0) of the token that `snapshot` shows, unless one at least as late is marked. The second
    /// value is true when the caller must now put the record on a list of used ones.
    #[inline]
    pub(super) fn mark(&self, snapshot: &Snapshot, second: u32) -> (Mark, bool) {
        if snapshot.last_used >= second {
            return (Mark::Already, false);
        }
        let mut seen = self.last_use.load_to_change();
        loop {
            if life_of(seen) != snapshot.life {
                return (Mark::Moved, false);
            }
            if second_of(seen) >= second {
                return (Mark::Already, false);
            }
            let marked = last_use(snapshot.life, QUEUED, second);
            match self
                .last_use
                .compare_exchange_weak(seen, marked, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => {
                    let first = second_of(seen) == 0;
                    return (Mark::Marked { first }, seen & QUEUED == 0);
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Takes the record off its list: its token, with its last use. `None` when there is nothing to tell: the token is gone, or
    /// lives on in another record, where the writer has listed it again.
    pub(super) fn unqueue(&self) -> Option<Snapshot> {
        let seen = self.last_use.fetch_and(!QUEUED, Ordering::AcqRel);
        let snapshot = self.snapshot()?;
        let told = snapshot.life == life_of(seen) && second_of(seen) != 0;
        told.then(|| snapshot.used_until(second_of(seen)))
    }
}

// === impl Record, for the writer ===

impl Record {
    /// The live record as the writer left it; only readers' marks change meanwhile.
    pub(super) fn own(&self) -> Snapshot {
        self.rest(self.key(), self.version.load(Ordering::Relaxed))
    }

    /// Begins a life: stores the fields, then makes them readable. The record must be free. No slot leads to it yet.
    pub fn publish(&self, fields: &Fields, last_used: u32) {
        let version = self.version.load_to_change();
        self.key[0].store(fields.key.0, Ordering::Release);
        self.key[1].store(fields.key.1, Ordering::Release);
        self.id.store(fields.id, Ordering::Release);
        self.expires_at.store(fields.expires_at, Ordering::Release);
        self.owner.store(fields.owner, Ordering::Release);
        self.policy.store(fields.policy, Ordering::Release);
        self.flags.store(fields.flags, Ordering::Release);
        self.budget.store(fields.budget, Ordering::Release);
        self.replace_last_use(|queued| last_use(version >> 1, queued, last_used));
        self.version.store(version.wrapping_add(1), Ordering::Release);
    }

    /// Ends a life, after the slot that led here was changed. Returns the second of the last use, 0 = never: from now on no
    /// reader can mark one here.
    pub fn retire(&self) -> u32 {
        let version = self.version.load_to_change().wrapping_add(1);
        self.version.store(version, Ordering::Release);
        second_of(self.replace_last_use(|queued| last_use(version >> 1, queued, 0)))
    }

    /// Takes over a use from the record this one replaces. True when the caller must now list the record.
    pub(super) fn adopt_use(&self, second: u32) -> bool {
        let seen =
            self.replace_last_use_with(|seen| last_use(life_of(seen), QUEUED, second_of(seen).max(second)));
        seen & QUEUED == 0
    }

    /// Ends the token. A reader that starts after this returned sees it.
    pub fn revoke(&self) {
        self.flags.fetch_or(REVOKED, Ordering::AcqRel);
    }

    /// Replaces life and second; readers may be marking or unlisting meanwhile. Returns the word before.
    fn replace_last_use(&self, word: impl Fn(u64) -> u64) -> u64 {
        self.replace_last_use_with(|seen| word(seen & QUEUED))
    }

    fn replace_last_use_with(&self, word: impl Fn(u64) -> u64) -> u64 {
        let mut seen = self.last_use.load_to_change();
        loop {
            match self
                .last_use
                .compare_exchange(seen, word(seen), Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return seen,
                Err(now) => seen = now,
            }
        }
    }
}

/// The word of [`Record::last_use`]. A life has 31 bits, so nothing is shifted out.
#[inline]
fn last_use(life: u32, queued: u64, second: u32) -> u64 {
    (u64::from(life) << 33) | queued | u64::from(second)
}

#[inline]
fn life_of(word: u64) -> u32 {
    (word >> 33) as u32
}

#[inline]
fn second_of(word: u64) -> u32 {
    (word & 0xffff_ffff) as u32
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn fields(number: u32) -> Fields {
        Fields {
            key: Key(number.into(), u64::MAX),
            id: number.into(),
            expires_at: i64::MAX,
            owner: number,
            policy: number,
            flags: 0,
            budget: 0,
        }
    }

    #[test]
    fn a_free_record_has_no_snapshot() {
        let record = Record::default();
        assert_eq!(record.snapshot(), None);

        record.publish(&fields(1), 5);
        assert_eq!(
            record.snapshot().map(|seen| (seen.fields, seen.last_used)),
            Some((fields(1), 5))
        );

        assert_eq!(record.retire(), 5);
        assert_eq!(record.snapshot(), None);
    }

    #[test]
    fn a_use_is_marked_once_a_second_and_never_goes_back() {
        let record = Record::default();
        record.publish(&fields(1), 0);
        let before = record.snapshot().unwrap();

        assert_eq!(record.mark(&before, 9), (Mark::Marked { first: true }, true));
        assert_eq!(record.mark(&before, 9), (Mark::Already, false));
        assert_eq!(record.mark(&before, 8), (Mark::Already, false));
        assert_eq!(
            record.mark(&before, 10),
            (Mark::Marked { first: false }, false),
            "listed already"
        );
        assert_eq!(
            record.unqueue().map(|told| (told.fields.id, told.last_used)),
            Some((1, 10))
        );
        assert_eq!(record.mark(&before, 11), (Mark::Marked { first: false }, true));
    }

    #[test]
    fn a_late_use_is_never_marked_on_the_next_token_of_a_record() {
        let record = Record::default();
        record.publish(&fields(1), 0);
        let old = record.snapshot().unwrap();
        record.retire();
        assert_eq!(record.mark(&old, 7), (Mark::Moved, false), "while it is free");

        record.publish(&fields(2), 0);

        assert_eq!(record.mark(&old, 8), (Mark::Moved, false));
        assert_eq!(record.snapshot().unwrap().last_used, 0);
    }

    #[test]
    fn a_record_that_is_listed_stays_listed_through_reuse() {
        let record = Record::default();
        record.publish(&fields(1), 0);
        record.mark(&record.snapshot().unwrap(), 3);
        record.retire();
        record.publish(&fields(2), 0);

        let (mark, list) = record.mark(&record.snapshot().unwrap(), 4);

        assert_eq!(mark, Mark::Marked { first: true });
        assert!(!list, "a record in a list twice would make the list a ring");
    }
}
