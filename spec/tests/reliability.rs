//! The torture programme at the size of every change: SIGKILL, power cuts, revocations raced against verifications. `cargo xtask
//! torture` runs it in full; here each programme's own minimum counts, so an idle run fails.

use claviger_testkit::torture::{self, Outcome, Size, Verdict};

/// Any number; a failing run prints its own, and can be repeated with it.
const SEED: u64 = 20_261_122;

#[expect(
    clippy::print_stdout,
    reason = "the figures of a run are worth reading, also when it passes"
)]
fn judge(outcome: &Outcome) {
    println!("{outcome}");
    let (passed, failed, _) = outcome.counts();
    let failures: Vec<_> = outcome
        .checks
        .iter()
        .filter(|check| matches!(check.verdict, Verdict::Failed(_)))
        .collect();
    assert!(failed == 0, "{failures:#?}");
    assert!(passed > 0, "nothing was checked");
}

#[test]
fn an_acknowledged_write_survives_sigkill() {
    judge(&torture::r1(Size::Full, SEED).unwrap());
}

#[test]
fn an_acknowledged_write_survives_a_power_cut() {
    judge(&torture::r2(Size::Quick, SEED).unwrap());
}

#[test]
fn no_verify_that_starts_after_the_acknowledgement_accepts_a_revoked_token() {
    judge(&torture::r17(Size::Quick, SEED).unwrap());
}
