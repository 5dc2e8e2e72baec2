//! Issuing and revoking over HTTP, durably and with audit, on both stores: beside the store alone with one commit for each change.
//!
//! P10, P11 and P12. A round asks the store alone, then issues over 32 connections, revokes over one and over 32, then issues and revokes
//! over 64; the bulk revocations come last. Every acknowledged change is on disk: SQLite as the server opens it, PostgreSQL with `fsync` on.

mod alone;
mod traffic;

use std::cell::RefCell;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use claviger_store::Location;
use claviger_testkit::postgres::{Durability, Postgres};
use tempfile::TempDir;

use crate::bound::IN_FORCE;
use crate::figures::{Figure, Goal, median, percentile};
use crate::load::{self, Connections, Target};
use crate::machine::{self, Core};
use crate::seed::{self, Kind};
use crate::servers::{Process, Setup};
use crate::size::{Size, spoken};
use alone::Alone;
use traffic::{Issues, Revokes, request};

const THROUGHPUT: Goal = Goal::at_least("P10", 5.0, "ratio");
const MEDIAN_RECEIPT: Goal = Goal::at_most("P11", 5.0, "ms");
const SLOW_RECEIPT: Goal = Goal::at_most("P11", 20.0, "ms");
const VISIBILITY: Goal = Goal::at_most("P11", 10.0, "ms");
const BULK: Goal = Goal::at_most("P12", 2.0, "s");

/// Connections that issue and revoke at once.
const CROWDS: [u32; 2] = [32, 64];
/// Bulk revocations of each kind of tokens, each of tokens of its own.
const BULKS: u32 = 3;

/// A database server, or none.
enum Database {
    Sqlite,
    Postgres(Box<Postgres>),
}

/// What one store's rounds gave.
#[derive(Default)]
struct Measured {
    alone: Vec<f64>,
    /// Requests a second, for each of [`CROWDS`].
    issues: [Vec<f64>; 2],
    revokes: [Vec<f64>; 2],
    /// Milliseconds until the receipt, by how many asked at once: one, and each of [`CROWDS`].
    receipts: [Vec<Vec<f64>>; 3],
    /// Seconds of each bulk revocation: of plain tokens, and of such with everything in force.
    bulks: [Vec<f64>; 2],
    /// Milliseconds, from the server's own histogram.
    visibility: Vec<f64>,
}

/// Measures on SQLite, then on PostgreSQL.
///
/// # Errors
/// When a server does not start, or refuses what it should do.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for database in [
        Database::Sqlite,
        Database::Postgres(Box::new(Postgres::start(Durability::On))),
    ] {
        let folder = machine::target_folder().join("bench");
        fs::create_dir_all(&folder)?;
        let directory = tempfile::Builder::new().prefix("changes-").tempdir_in(folder)?;
        let measured = measure_on(&database, &directory, size)?;
        measured.report(database.name());
        figures.extend(measured.figures(database.name(), size));
    }
    Ok(figures)
}

fn measure_on(database: &Database, directory: &TempDir, size: &Size) -> Result<Measured> {
    let bulks = 2 * BULKS.min(size.rounds);
    let served = directory.path().join("served");
    seed::write_keys(&served)?;
    let (location, name) = database.make(&served);
    seed::fill(location, bulks * size.bulk, size.bulk, Kind::ByTurns)?;
    let (beside, _) = database.make(&directory.path().join("alone"));
    let mut alone = Alone::new(beside);
    let setup = Setup {
        database: name,
        ..Setup::sqlite(&served)
    };
    let server = Process::claviger(&setup)?;
    let mut measured = Measured::default();
    let (mut issues, mut revokes) = (Issues::new()?, Revokes::new()?);
    for _ in 0..size.rounds {
        server.pause()?;
        measured.alone.push(alone.rate(size.round)?);
        server.resume()?;
        machine::on(Core::Load, || {
            measured.round(&server.target, &mut issues, &mut revokes, size.round)
        })?;
    }
    for lot in 0..bulks {
        let took = bulk(&server.target, lot, size.bulk)?;
        let [plain, bound] = &mut measured.bulks;
        let kind = if lot.is_multiple_of(2) { plain } else { bound };
        kind.push(took);
    }
    measured.visibility.push(visibility(&server.target)?);
    server.end()?;
    Ok(measured)
}

/// Revokes one lot and gives the seconds it took.
fn bulk(target: &Target, lot: u32, tokens: u32) -> Result<f64> {
    let body = format!("{{\"filter\":{{\"name_prefix\":\"{}\"}}}}", seed::lot_name(lot));
    let wanted = request("POST", "/v1/tokens/revoke", &body)?;
    let begin = Instant::now();
    let answer = load::block_on(load::ask_once(target, &wanted))?;
    let took = begin.elapsed().as_secs_f64();
    let answer = String::from_utf8_lossy(&answer);
    ensure!(
        answer.contains(&format!("\"revoked\":{tokens},")),
        "a bulk revocation answered {answer}"
    );
    Ok(took)
}

/// The bound below which 99 of 100 revocations were visible to the verifier, in milliseconds.
fn visibility(target: &Target) -> Result<f64> {
    let wanted = request("GET", "/metrics", "")?;
    let answer = load::block_on(load::ask_once(target, &wanted))?;
    let text = String::from_utf8_lossy(&answer);
    bound_of_percentile(&text, "claviger_revocation_visibility_seconds", 0.99)
        .map(|seconds| seconds * 1e3)
        .context("the metrics do not tell how long revocations took to be visible")
}

/// The least bucket bound of a histogram in Prometheus text below which `share` of its observations lie.
fn bound_of_percentile(text: &str, histogram: &str, share: f64) -> Option<f64> {
    let prefix = format!("{histogram}_bucket{{le=\"");
    let buckets = text.lines().filter_map(|line| {
        let (bound, count) = line.strip_prefix(&prefix)?.split_once("\"} ")?;
        let bound = if bound == "+Inf" {
            f64::INFINITY
        } else {
            bound.parse().ok()?
        };
        // An exemplar may follow the count.
        Some((bound, count.split(' ').next()?.parse::<f64>().ok()?))
    });
    let buckets: Vec<(f64, f64)> = buckets.collect();
    let all = buckets.last()?.1;
    let found = buckets.into_iter().find(|(_, count)| *count >= all * share)?;
    (all > 0.0).then_some(found.0)
}

// === impl Database ===

impl Database {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// A new database, for the store and as the server's configuration names it.
    fn make(&self, directory: &std::path::Path) -> (Location, String) {
        match self {
            Self::Sqlite => {
                let directory = directory.to_owned();
                (Location::Sqlite { directory }, "sqlite".to_owned())
            }
            Self::Postgres(cluster) => {
                let url = cluster.database().to_string();
                (Location::Postgres { url: url.clone() }, url)
            }
        }
    }
}

// === impl Measured ===

impl Measured {
    fn round(
        &mut self,
        target: &Target,
        issues: &mut Issues,
        revokes: &mut Revokes,
        time: Duration,
    ) -> Result<()> {
        for (place, crowd) in CROWDS.into_iter().enumerate() {
            self.issues[place].push(drive(target, crowd, issues, time)?);
            revokes.take_from(issues);
            if place == 0 {
                // One at a time takes half of them at most, so that the crowd has something to do.
                revokes.spare_half();
                drive(target, 1, revokes, time)?;
                self.receipts[0].push(revokes.take_receipts());
                revokes.spare_none();
            }
            self.revokes[place].push(drive(target, crowd, revokes, time)?);
            self.receipts[place + 1].push(revokes.take_receipts());
        }
        Ok(())
    }

    fn figures(&self, store: &str, size: &Size) -> Vec<Figure> {
        let mut figures = Vec::new();
        for (place, crowd) in CROWDS.into_iter().enumerate() {
            let against = |rates: &[f64]| ratios(rates, &self.alone);
            figures.extend(THROUGHPUT.figure(
                format!("durable issue over HTTP, {crowd} at once on {store}, against one commit each in the store alone"),
                &against(&self.issues[place]),
            ));
            figures.extend(THROUGHPUT.figure(
                format!("durable revoke over HTTP, {crowd} at once on {store}, against one commit each in the store alone"),
                &against(&self.revokes[place]),
            ));
        }
        let crowds = ["one at a time".to_owned(), format!("{} at once", CROWDS[0])];
        for (crowd, rounds) in crowds.iter().zip(&self.receipts) {
            for (goal, what, per_mille) in [(MEDIAN_RECEIPT, "p50", 500), (SLOW_RECEIPT, "p99", 990)] {
                let values: Vec<f64> = rounds
                    .iter()
                    .filter_map(|round| percentile(round, per_mille))
                    .collect();
                figures.extend(goal.figure(
                    format!("revoke until the receipt, {crowd} on {store}: {what}"),
                    &values,
                ));
            }
        }
        figures.extend(VISIBILITY.figure(
            format!("from the commit of a revocation until the verifier refuses, on {store}: bound of p99"),
            &self.visibility,
        ));
        for (seconds, what) in self.bulks.iter().zip(["", IN_FORCE]) {
            let tokens = spoken(size.bulk);
            let tokens = [tokens.as_str(), "tokens", what].join(" ");
            figures.extend(BULK.figure(
                format!(
                    "bulk revocation of {} on {store}, one audit event each",
                    tokens.trim_end()
                ),
                seconds,
            ));
        }
        figures
    }

    fn report(&self, store: &str) {
        let middle = |values: &[f64]| median(values).unwrap_or_default();
        println!(
            "  {store}: the store alone {:.0} changes/s, one commit each",
            middle(&self.alone)
        );
        for (place, crowd) in CROWDS.into_iter().enumerate() {
            println!(
                "  {store}: {crowd} at once {:.0} issued/s, {:.0} revoked/s",
                middle(&self.issues[place]),
                middle(&self.revokes[place])
            );
        }
    }
}

/// Requests a second.
fn drive<T>(target: &Target, crowd: u32, traffic: &mut T, time: Duration) -> Result<f64>
where
    T: load::Traffic + Default,
{
    let shared = RefCell::new(std::mem::take(traffic));
    let run = load::block_on(async {
        let mut connections = Connections::open(target, crowd).await?;
        connections.drive(&shared, time).await
    })?;
    *traffic = shared.into_inner();
    ensure!(run.answered > 0, "nothing was answered");
    Ok(run.rate())
}

fn ratios(rates: &[f64], against: &[f64]) -> Vec<f64> {
    rates
        .iter()
        .zip(against)
        .map(|(rate, alone)| rate / alone)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_bounded_by_a_bucket() {
        let text = "# TYPE x histogram\nx_sum 1\nx_bucket{le=\"0.001\"} 90\nx_bucket{le=\"0.002\"} 99\nx_bucket{le=\"+Inf\"} 100\n";

        assert_eq!(bound_of_percentile(text, "x", 0.9), Some(0.001));
        assert_eq!(bound_of_percentile(text, "x", 0.99), Some(0.002));
        assert_eq!(bound_of_percentile(text, "x", 1.0), Some(f64::INFINITY));
        assert_eq!(bound_of_percentile("x_bucket{le=\"+Inf\"} 0\n", "x", 0.99), None);
        assert_eq!(bound_of_percentile(text, "y", 0.99), None);
    }
}
