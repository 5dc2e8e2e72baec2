//! `cargo xtask torture R1 R2 R17 R27 [--quick] [--seed N]`: runs programmes, prints what they found, keeps the results.
//!
//! Invariant: it ends with `N passed, N failed[, N skipped]`, and with a failure when a check failed. A full run is kept in
//! `bench/results`, a quick one is not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to its person")]

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use claviger_server::OsRandom;
use claviger_testkit::torture::{Programme, Size, write_result};
use claviger_token::RandomSource as _;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// True when nothing failed.
fn run(mut arguments: impl Iterator<Item = String>) -> Result<bool> {
    let mut size = Size::Full;
    let mut seed = None;
    let mut programmes = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => size = Size::Quick,
            "--seed" => seed = Some(arguments.next().context("--seed takes a number")?.parse()?),
            "--all" => programmes.extend(Programme::ALL),
            name => programmes.push(Programme::parse(name)?),
        }
    }
    if programmes.is_empty() {
        bail!("name the programmes, R1, R2, R17, R27, or --all");
    }
    let seed = match seed {
        Some(seed) => seed,
        None => any_seed()?,
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut totals = (0, 0, 0);
    for programme in programmes {
        let outcome = programme
            .run(size, seed)
            .with_context(|| format!("{programme} with --seed {seed}"))?;
        print!("{outcome}");
        if size == Size::Full {
            println!("  kept in {}", write_result(&root, &outcome)?.display());
        }
        let (passed, failed, skipped) = outcome.counts();
        totals = (totals.0 + passed, totals.1 + failed, totals.2 + skipped);
    }
    let (passed, failed, skipped) = totals;
    match skipped {
        0 => println!("{passed} passed, {failed} failed"),
        _ => println!("{passed} passed, {failed} failed, {skipped} skipped"),
    }
    Ok(failed == 0)
}

/// A new seed for every run that names none; it is printed, so that a run can be repeated.
fn any_seed() -> Result<u64> {
    let mut bytes = [0; 4];
    OsRandom.fill(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes).into())
}
