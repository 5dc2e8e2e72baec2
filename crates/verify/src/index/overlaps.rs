//! Overlaps that end at the first use of the new secret: one word for each, which the old and the new secret's record both look at.
//!
//! The word lives in an index of its own, by the token's id, and never moves; so whoever is told "open" was told before the first
//! use, whatever the writer does to the two records meanwhile. A check of the new secret marks the word before it is answered; a
//! check of the old one reads it. Called by [`crate::Verifier`]; explored by `tests/loom_index.rs`, which is why it is public.
//!
//! # Why nobody goes by another overlap of the same token
//! A record may be looked up during one overlap and judged during the next. So the writer retires every record that looks at an
//! overlap *before* it begins another one, and a reader that found a word asks afterwards whether its record still is the token's:
//! whoever sees the word of the later overlap also sees that the record was retired, and looks again.

use super::{Fields, Full, Index, Key, WriteHalf};

/// See the module.
pub struct Overlaps {
    words: Index,
}

/// What a check learns of the overlap that its record is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The new secret was not used yet.
    Open,
    /// It was used, or there is no overlap any more.
    Over,
    /// The record changed hands meanwhile: look the token up again.
    Again,
}

// === impl Overlaps, for readers ===

impl Overlaps {
    /// None yet and at most `capacity` at once, and the half that changes them.
    pub fn new(capacity: u32) -> (Self, WriteHalf) {
        let (words, half) = Index::new(capacity);
        (Self { words }, half)
    }

    /// For a check of the old secret: whether it is still good. `is_current` says whether the record that was judged by still is the
    /// token's ([`Index::is_current`]).
    pub fn look(&self, token: i64, is_current: impl FnOnce() -> bool) -> Look {
        match self.words.find(key_of(token)) {
            None => Look::Over,
            Some(word) if word.snapshot.last_used != 0 => Look::Over,
            Some(_) if is_current() => Look::Open,
            Some(_) => Look::Again,
        }
    }

    /// For a check of the new secret that is about to be accepted at `second`, which must not be 0: ends the overlap. The old secret is
    /// refused by every check that starts after this returned [`Look::Over`].
    pub fn end_at_first_use(&self, token: i64, second: u32, is_current: impl FnOnce() -> bool) -> Look {
        let Some(word) = self.words.find(key_of(token)) else {
            return Look::Over;
        };
        if word.snapshot.last_used != 0 {
            return Look::Over;
        }
        if !is_current() {
            return Look::Again;
        }
        // A word that has moved was the writer's to end: the old secret's record was retired before it.
        self.words.mark(&word, second);
        Look::Over
    }

    /// True when the new secret was used in the token's present overlap.
    pub fn is_over(&self, token: i64) -> bool {
        let word = self.words.find(key_of(token));
        word.is_some_and(|word| word.snapshot.last_used != 0)
    }

    /// Tells the tokens whose overlaps ended so since the last call. Cost: the tokens told.
    pub fn drain_ended(&self, tell: &mut dyn FnMut(i64)) {
        self.words.drain_used(&mut |word| tell(word.fields.id));
    }

    /// The bytes of the words and what leads to them.
    pub fn memory_bytes(&self) -> usize {
        self.words.memory_bytes()
    }
}

// === impl Overlaps, for the writer ===

impl Overlaps {
    /// Begins an overlap of the token, unless it is in one. No live record that looks at an earlier one may be left.
    ///
    /// # Errors
    /// [`Full::Tokens`].
    pub fn begin(&self, half: &mut WriteHalf, token: i64) -> Result<(), Full> {
        let key = key_of(token);
        if self.words.find(key).is_some() {
            return Ok(());
        }
        let word = Fields {
            key,
            id: token,
            expires_at: 0,
            owner: 0,
            policy: 0,
            flags: 0,
            budget: 0,
        };
        self.words.upsert(half, &word, 0)
    }

    /// Forgets the token's overlap, after the old secret's record was removed.
    pub fn forget(&self, half: &mut WriteHalf, token: i64) {
        self.words.remove(half, key_of(token));
    }
}

/// Ids follow each other, keys are to be spread: one step of splitmix64, which gives no two ids the same.
#[expect(clippy::cast_sign_loss, reason = "the bits of an id, whatever their sign")]
fn key_of(token: i64) -> Key {
    let id = token as u64;
    if cfg!(loom) {
        return Key::from_bits(id, id);
    }
    let mut mixed = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Key::from_bits(mixed ^ (mixed >> 31), id)
}
