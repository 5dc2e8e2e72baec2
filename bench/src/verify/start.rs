//! From the start of the process to the first answer that it is ready, and the size of the database it starts from.
//!
//! P13 and the half of P14 that is about disk. The server may use every core, the system has the file in its cache after the first,
//! uncounted start, and everything is loaded before `/readyz` says so.

use anyhow::Result;

use crate::figures::{Figure, Goal};
use crate::machine::Core;
use crate::seed::{self, Kind};
use crate::servers::{Process, Setup};
use crate::size::{Size, spoken};

const START_MEDIUM: Goal = Goal::at_most("P13", 1.5, "s");
const START_LARGE: Goal = Goal::at_most("P13", 12.0, "s");
const DISK: Goal = Goal::at_most("P14", 400.0, "bytes");

/// Measures at the medium and the large size.
///
/// # Errors
/// When a server does not start or does not end.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (tokens, goal, rounds) in [
        (size.medium, START_MEDIUM, size.rounds),
        (size.large, START_LARGE, size.large_rounds),
    ] {
        let seeded = seed::directory(tokens, Kind::Plain)?;
        let setup = Setup {
            core: Core::Any,
            ..Setup::sqlite(&seeded.path)
        };
        let mut starts = Vec::new();
        for round in 0..=rounds {
            let server = Process::claviger(&setup)?;
            if round > 0 {
                starts.push(server.start.as_secs_f64());
            }
            server.end()?;
        }
        println!("  {} tokens: {starts:.2?} s", spoken(tokens));
        let bytes = f64::from(u32::try_from(seeded.bytes * 10 / u64::from(tokens))?) / 10.0;
        figures.extend(goal.figure(format!("start with {} tokens on SQLite", spoken(tokens)), &starts));
        figures.extend(DISK.figure(
            format!("disk per token with indexes, {} tokens on SQLite", spoken(tokens)),
            &[bytes],
        ));
    }
    Ok(figures)
}
