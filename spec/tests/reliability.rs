//! The torture programme at the size of every change: SIGKILL, power cuts, revocations raced against verifications, racing regenerations. `cargo xtask
//! torture` runs it in full; here each programme's own minimum counts, so an idle run fails. One after the other: each loads the
//! whole machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::print_stdout,
    reason = "the figures of a run are worth reading, also when it passes"
)]

use std::sync::{Mutex, PoisonError};

use claviger_testkit::torture::{self, Outcome, Size, Verdict};

/// Any number; a failing run prints its own, and can be repeated with it.
const SEED: u64 = 20_261_122;

static MACHINE: Mutex<()> = Mutex::new(());

fn judge<E: std::fmt::Debug>(programme: impl FnOnce() -> Result<Outcome, E>) {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let outcome = programme().unwrap();
    println!("{outcome}");
    let failed = outcome
        .checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Failed(_)));
    let failed: Vec<_> = failed.collect();
    let (passed, _, skipped) = outcome.counts();
    assert!(failed.is_empty(), "seed {SEED}: {failed:#?}");
    assert!(passed + skipped > 0, "nothing was checked");
}

#[test]
fn an_acknowledged_write_survives_sigkill_a_hundred_times() {
    judge(|| torture::r1(Size::Full, SEED));
}

#[test]
fn an_acknowledged_write_survives_a_power_cut() {
    judge(|| torture::r2(Size::Full, SEED));
}

#[test]
fn after_racing_regenerations_and_sigkill_exactly_the_acknowledged_secrets_are_valid() {
    judge(|| torture::r27(Size::Full, SEED));
}

#[test]
fn no_verify_that_starts_after_the_acknowledgement_accepts_a_revoked_token() {
    judge(|| torture::r17(Size::Quick, SEED));
}
