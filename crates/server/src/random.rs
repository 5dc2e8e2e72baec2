//! The operating system's random source: the only place that asks it.

use claviger_token::{RandomSource, RandomUnavailable};

/// `getrandom(2)`: blocks until the kernel's generator is seeded, then never fails in practice.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl RandomSource for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        getrandom::fill(bytes).map_err(|_| RandomUnavailable)
    }
}
