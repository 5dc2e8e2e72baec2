//! Tokens whose secrets follow from their place: made when they are needed, kept on no disk.
//!
//! Invariant: token `n` is the same in every run, so a database made once can be measured again. The pepper follows from a constant
//! too: databases made here are worth nothing outside a bench.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use claviger_token::{Pepper, Prefix, RandomSource, RandomUnavailable, Secret, TokenType, generate};

/// Which of the infinitely many tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lot {
    /// Those that the database holds.
    Known,
    /// Well-formed ones that it does not.
    Unknown,
    /// The one that calls; token 0 is an administrator's.
    Caller,
    /// Those of people who own more than one.
    Owned,
}

/// The token with this number, acting as itself unless it is the caller's or owned.
///
/// # Errors
/// Never in practice: the source does not fail.
pub(crate) fn secret(lot: Lot, number: u64) -> Result<Secret> {
    let (stream, token_type) = match lot {
        Lot::Known => (1, TokenType::Global),
        Lot::Unknown => (2, TokenType::Global),
        Lot::Caller => (3, TokenType::Personal),
        Lot::Owned => (7, TokenType::Personal),
    };
    let source = SplitMix::of(stream, number);
    Ok(generate(&Prefix::default(), token_type, &source)?)
}

/// The texts of `count` tokens of a lot, chosen at random among the first `among` of it, one after the other without gaps.
///
/// The order has nothing to do with the order in which they were stored, so that whoever looks them up gets no help from it.
///
/// # Errors
/// Never in practice.
pub(crate) fn sample(lot: Lot, among: u32, count: u32) -> Result<Texts> {
    let choice = SplitMix::of(4, u64::from(among));
    texts(lot, (0..count).map(|_| below(&choice, among)))
}

/// The texts of these tokens of a lot.
///
/// # Errors
/// Never in practice.
pub(crate) fn texts(lot: Lot, chosen: impl Iterator<Item = u32>) -> Result<Texts> {
    let (mut bytes, mut numbers, mut width) = (Vec::new(), Vec::new(), 0);
    for number in chosen {
        let secret = secret(lot, u64::from(number))?;
        width = secret.expose().len();
        bytes.extend_from_slice(secret.expose().as_bytes());
        numbers.push(number);
    }
    Ok(Texts {
        bytes,
        width,
        numbers,
    })
}

/// The key under which every seeded database's digests are made.
pub(crate) fn pepper_key() -> [u8; 32] {
    key(5)
}

/// The key that seals the seeded databases' audit trails.
pub(crate) fn audit_key() -> [u8; 32] {
    key(6)
}

/// The pepper made of [`pepper_key`].
pub(crate) fn pepper() -> Pepper {
    Pepper::new(pepper_key())
}

/// Many texts of one length, side by side.
pub(crate) struct Texts {
    bytes: Vec<u8>,
    width: usize,
    /// Which token's each is.
    numbers: Vec<u32>,
}

impl Texts {
    /// The texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.bytes.chunks_exact(self.width.max(1))
    }

    /// A copy in which each text was changed.
    pub(crate) fn map(&self, mut change: impl FnMut(&mut [u8])) -> Self {
        let mut bytes = self.bytes.clone();
        bytes.chunks_exact_mut(self.width.max(1)).for_each(&mut change);
        Self {
            bytes,
            width: self.width,
            numbers: self.numbers.clone(),
        }
    }

    /// Which token's the text at this place is.
    pub(crate) fn number(&self, place: usize) -> u32 {
        self.numbers[place % self.numbers.len()]
    }

    /// The text at this place; after the last comes the first again.
    pub(crate) fn around(&self, place: usize) -> &[u8] {
        let start = place % (self.bytes.len() / self.width) * self.width;
        &self.bytes[start..start + self.width]
    }
}

/// `splitmix64` (Steele, Lea, Flood, OOPSLA 2014), a source for tests.
struct SplitMix(AtomicU64);

impl SplitMix {
    fn of(stream: u64, number: u64) -> Self {
        let state = mix(mix(stream).wrapping_add(number));
        Self(AtomicU64::new(state))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        mix(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }
}

impl RandomSource for SplitMix {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Uniform enough below a 32-bit bound: the high half of a product (Lemire 2019), its bias below 2^-32.
fn below(source: &SplitMix, bound: u32) -> u32 {
    // Below the bound, which has 32 bits.
    u32::try_from(((source.next() >> 32) * u64::from(bound)) >> 32).unwrap_or_default()
}

fn key(stream: u64) -> [u8; 32] {
    let source = SplitMix::of(stream, 0);
    let mut key = [0; 32];
    for chunk in key.chunks_exact_mut(8) {
        chunk.copy_from_slice(&source.next().to_le_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use claviger_token::Presented;

    use super::*;

    #[test]
    fn a_token_is_the_same_every_time_and_no_other() {
        let text = |lot, number| secret(lot, number).unwrap().expose().to_owned();

        assert_eq!(text(Lot::Known, 7), text(Lot::Known, 7));
        assert_ne!(text(Lot::Known, 7), text(Lot::Known, 8));
        assert_ne!(text(Lot::Known, 7), text(Lot::Unknown, 7));
        assert!(Presented::parse(&Prefix::default(), &text(Lot::Unknown, 7)).is_ok());
    }

    #[test]
    fn a_sample_is_of_the_lot_and_goes_round() {
        let sample = sample(Lot::Known, 3, 50).unwrap();
        let known: Vec<String> = (0..3)
            .map(|n| secret(Lot::Known, n).unwrap().expose().to_owned())
            .collect();

        assert_eq!(sample.iter().count(), 50);
        assert!(
            sample
                .iter()
                .all(|text| known.iter().any(|known| known.as_bytes() == text))
        );
        assert_eq!(sample.around(0), sample.around(50));
        let first = usize::try_from(sample.number(50)).unwrap();
        assert_eq!(sample.around(0), known[first].as_bytes());
    }
}
