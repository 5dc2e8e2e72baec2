//! What a rate limit lets through, against what it says: its burst, and its rate times the time.
//!
//! P16. Over HTTP, 32 connections ask about limited tokens for as long as a round lasts, far more often than the limit allows, and count
//! what is admitted. The time is the load generator's, from its first request to its last answer, which lies around the server's. In the
//! process: [`race`].

mod race;

use std::cell::RefCell;
use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use claviger_domain::terms::{RateLimit, Terms};
use claviger_store::Location;

use super::head;
use crate::bound;
use crate::figures::{Figure, Goal};
use crate::load::{self, Answer, Connections, Target, Traffic};
use crate::machine::{self, Core};
use crate::seed::{self, Kind, Person};
use crate::seeded::{self, Lot, Texts};
use crate::servers::{Process, Setup};
use crate::size::{Size, spoken};

/// How far what is admitted may lie from what the limit says, either way.
const DEVIATION: Goal = Goal::at_most("P16", 1.0, "percent");

const CONNECTIONS: u32 = 32;
/// Tokens that share an owner's limit.
const SHARING: u32 = 100;

/// A limit under pressure.
struct Case {
    what: String,
    limit: RateLimit,
    person: Person,
}

/// Asks about the tokens by turns and counts those that are admitted.
struct Pressing {
    texts: Texts,
    place: usize,
    head: Vec<u8>,
    admitted: u32,
    refused: u32,
}

const OPENING: &str = "{\"token\":\"";
const END: &str = "\"}";

/// Measures over HTTP, then in the process.
///
/// # Errors
/// When a server does not start or answers something else than it should.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = over_http(size)?;
    figures.extend(race::measure(size)?);
    Ok(figures)
}

fn over_http(size: &Size) -> Result<Vec<Figure>> {
    let cases = [
        Case::of_token(1_000, 100)?,
        Case::of_token(10_000, 1_000)?,
        Case::of_owner(1_000, 100)?,
    ];
    let folder = machine::target_folder().join("bench");
    fs::create_dir_all(&folder)?;
    let directory = tempfile::Builder::new().prefix("limits-").tempdir_in(folder)?;
    seed::fill_directory(directory.path(), 0, 1, Kind::Plain)?;
    let location = Location::Sqlite {
        directory: directory.path().to_owned(),
    };
    let people: Vec<Person> = cases.iter().map(|case| case.person.clone()).collect();
    seed::add_people(location, &people)?;

    let server = Process::claviger(&Setup::sqlite(directory.path()))?;
    let mut deviations = vec![Vec::new(); cases.len()];
    for _ in 0..size.rounds {
        let mut first = 0;
        for (case, deviations) in cases.iter().zip(&mut deviations) {
            let to = first + case.person.tokens;
            let round = || press(&server.target, first..to, &case.limit, size.round);
            deviations.push(machine::on(Core::Load, round)?);
            first = to;
        }
    }
    server.end()?;
    let figures = cases.iter().zip(&deviations).filter_map(|(case, deviations)| {
        println!("  {}: {deviations:+.3?} %", case.what);
        let what = format!(
            "{}: admitted over HTTP beside burst + rate × time, deviation",
            case.what
        );
        DEVIATION.figure(what, &sizes(deviations))
    });
    Ok(figures.collect())
}

/// How far what was admitted lies above what the limit says, in percent of that.
fn press(target: &Target, tokens: std::ops::Range<u32>, limit: &RateLimit, time: Duration) -> Result<f64> {
    let pressing = RefCell::new(Pressing::new(tokens)?);
    let run = load::block_on(async {
        let mut connections = Connections::open(target, CONNECTIONS).await?;
        connections.drive(&pressing, time).await
    })?;
    let pressing = pressing.into_inner();
    ensure!(pressing.refused > 0, "the load did not reach the limit");
    Ok(deviation(pressing.admitted, allowed(limit, run.took)))
}

/// What the limit says that is admitted in this time.
fn allowed(limit: &RateLimit, time: Duration) -> f64 {
    let rate = f64::from(limit.requests()) / f64::from(limit.per_seconds());
    f64::from(limit.burst()) + rate * time.as_secs_f64()
}

fn deviation(admitted: u32, allowed: f64) -> f64 {
    100.0 * (f64::from(admitted) / allowed - 1.0)
}

fn sizes(deviations: &[f64]) -> Vec<f64> {
    deviations.iter().map(|deviation| deviation.abs()).collect()
}

// === impl Case ===

impl Case {
    /// A token with a limit of its own.
    fn of_token(requests: u32, burst: u32) -> Result<Self> {
        let limit = bound::rate_limit(requests, burst)?;
        let terms = Terms {
            rate_limit: Some(limit),
            ..Terms::default()
        };
        Ok(Self {
            what: format!(
                "a token's limit of {} a second, burst {}",
                spoken(requests),
                spoken(burst)
            ),
            limit,
            person: Person {
                rate_limit: None,
                tokens: 1,
                terms,
            },
        })
    }

    /// Tokens that share the limit of their owner.
    fn of_owner(requests: u32, burst: u32) -> Result<Self> {
        let limit = bound::rate_limit(requests, burst)?;
        Ok(Self {
            what: format!(
                "an owner's limit of {} a second, burst {}, on {SHARING} tokens",
                spoken(requests),
                spoken(burst)
            ),
            limit,
            person: Person {
                rate_limit: Some(limit),
                tokens: SHARING,
                terms: Terms::default(),
            },
        })
    }
}

// === impl Pressing ===

impl Pressing {
    fn new(tokens: std::ops::Range<u32>) -> Result<Self> {
        let texts = seeded::texts(Lot::Owned, tokens)?;
        let length = OPENING.len() + texts.around(0).len() + END.len();
        let mut head = head(length)?;
        head.extend_from_slice(OPENING.as_bytes());
        Ok(Self {
            texts,
            place: 0,
            head,
            admitted: 0,
            refused: 0,
        })
    }
}

impl Traffic for Pressing {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        request.extend_from_slice(&self.head);
        request.extend_from_slice(self.texts.around(self.place));
        request.extend_from_slice(END.as_bytes());
        self.place += 1;
        true
    }

    fn answered(&mut self, answer: Answer<'_>, _: Duration) -> Result<()> {
        if answer.body.starts_with(b"{\"valid\":true") {
            self.admitted += 1;
        } else {
            ensure!(
                answer
                    .body
                    .starts_with(b"{\"valid\":false,\"code\":\"rate_limited\""),
                "the server answered {}: {}",
                answer.status,
                String::from_utf8_lossy(answer.body)
            );
            self.refused += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_allows_its_burst_and_what_comes_back_meanwhile() {
        let limit = bound::rate_limit(1_000, 100).unwrap();

        let allowed = allowed(&limit, Duration::from_millis(2_500));

        assert!((allowed - 2_600.0).abs() < 1e-6, "{allowed}");
        assert!((deviation(2_626, allowed) - 1.0).abs() < 1e-6);
        assert!(deviation(2_574, allowed) < 0.0);
    }
}
