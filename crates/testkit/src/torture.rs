//! The torture programme: what is promised in docs/operate/reliability.md, tried on the built program by breaking things.
//!
//! R1 kills the server at random instants, R2 cuts the power under it, R17 races revocations against verifications, R27
//! races regenerations under SIGKILL. Each keeps a ledger of what was acknowledged, compares it with what the server says afterwards,
//! and proves with a negative control that it would have noticed. A run is repeatable up to timing by its seed.
//! `cargo xtask torture R1 R2 R17 R27` runs them in full; `spec/tests/reliability.rs` runs all but R17 in full on every change.

mod api;
mod audit;
mod caching_proxy;
mod campaign;
mod checker;
mod history;
mod ledger;
mod outcome;
mod power;
mod race;
mod record;
mod rotation;
mod state;
mod workload;

use std::fmt;

use anyhow::{Context as _, Result, bail};

pub use outcome::{Check, Figure, Goal, Outcome, Verdict};
pub use record::write_result;

/// How long a programme runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// What a release is held to: minutes.
    Full,
    /// What every change is held to: half a minute each, with minimums in proportion.
    Quick,
}

/// A programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programme {
    /// SIGKILL at random instants under a mixed load.
    R1,
    /// Power cuts at random instants under a mixed load.
    R2,
    /// Revocations raced against verifications.
    R17,
    /// Regenerations raced against each other and SIGKILL.
    R27,
}

impl Programme {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::R1, Self::R2, Self::R17, Self::R27];

    /// Reads `R1`.
    ///
    /// # Errors
    /// When there is no such programme.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL
            .into_iter()
            .find(|programme| programme.to_string() == name);
        match found {
            Some(programme) => Ok(programme),
            None => bail!("there is no programme `{name}`; there are R1, R2, R17 and R27"),
        }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it could not be carried out at all; what it found is in the outcome.
    pub fn run(self, size: Size, seed: u64) -> Result<Outcome> {
        match self {
            Self::R1 => r1(size, seed),
            Self::R2 => r2(size, seed),
            Self::R17 => r17(size, seed),
            Self::R27 => r27(size, seed),
        }
    }
}

impl fmt::Display for Programme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// R1: no acknowledged operation is lost, revived or doubled by SIGKILL.
///
/// # Errors
/// When the server cannot be started or reached at all.
pub fn r1(size: Size, seed: u64) -> Result<Outcome> {
    block_on(campaign::kills(size, seed))
}

/// R2: no acknowledged operation is lost by a power cut. Skipped by name where loop devices are forbidden.
///
/// # Errors
/// When the server cannot be started or reached at all.
pub fn r2(size: Size, seed: u64) -> Result<Outcome> {
    block_on(campaign::power_cuts(size, seed))
}

/// R17: no verification that starts after a revocation was acknowledged accepts the token, at any door.
///
/// # Errors
/// When the server cannot be started or reached at all.
pub fn r17(size: Size, seed: u64) -> Result<Outcome> {
    block_on(race::run(size, seed))
}

/// R27: after each acknowledged race of regenerations exactly the acknowledged secrets are valid, whatever SIGKILL interrupts.
///
/// # Errors
/// When the server cannot be started or reached at all.
pub fn r27(size: Size, seed: u64) -> Result<Outcome> {
    block_on(rotation::run(size, seed))
}

fn block_on<T>(programme: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?
        .block_on(programme)
}

/// `CLOCK_MONOTONIC` in nanoseconds: one clock for all processes of a machine.
fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Both parts are never negative; 2^64 ns are 584 years.
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// The value below which `share` (0–1) of the sorted values lie.
fn quantile(sorted: &[u64], share: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list of at most a few million"
    )]
    let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(0)
}

/// Nanoseconds as milliseconds, for figures.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn millis(ns: u64) -> f64 {
    ns as f64 / 1e6
}
