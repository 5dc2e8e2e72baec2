//! A random source that gives the same bytes for the same seed: ids and secrets in a test are the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use claviger_token::{RandomSource, RandomUnavailable};

/// SplitMix64 (Steele, Lea, Flood 2014): a counter through a bijection, so one seed never gives the same eight bytes twice in 2^64
/// draws, and threads that draw at once get different ones. Not fit for real secrets.
#[derive(Debug)]
pub struct TestRandom {
    state: AtomicU64,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

// === impl TestRandom ===

impl TestRandom {
    /// The source of this seed. Neighbouring seeds give unrelated bytes.
    pub const fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(mixed(seed ^ 0x5bf0_3635_dcf9_80a1)),
        }
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        mixed(self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// The next number below `end`, which is not 0. The bias is below 2^-32 for the small numbers that tests want.
    pub fn below(&self, end: u64) -> u64 {
        self.next() % end
    }
}

impl RandomSource for TestRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes()[..part.len()]);
        }
        Ok(())
    }
}

const fn mixed(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64) -> [u8; 40] {
        let mut bytes = [0; 40];
        TestRandom::new(seed).fill(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_ne!(drawn(1)[..8], drawn(1)[8..16]);
    }
}
