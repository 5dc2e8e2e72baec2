//! A verify over HTTP against a bare hyper server, on one core each, in turn.
//!
//! P1, P2, P5, P15 and the half of P7 that is about unknown tokens. Each lane is one server and one kind of request; a round runs every
//! lane once, and ratios are taken within a round. The bare server answers the very bytes that the server under test answered. Each
//! request presents two tokens: the caller's, and one drawn at random among all.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::figures::{Figure, Goal, median};
use crate::load::{self, Answer, Connections, Run, Target, Traffic};
use crate::machine::{self, Core};
use crate::seed;
use crate::seeded::{self, Lot, Texts};
use crate::servers::{Process, Setup, Spent};
use crate::size::{Size, spoken};

const CPU: Goal = Goal::at_most("P1", 1.15, "ratio");
const REQUESTS: Goal = Goal::at_least("P1", 0.88, "ratio");
const UNIX_REQUESTS: Goal = Goal::at_least("P2", 1.5, "ratio");
const UNIX_CPU: Goal = Goal::at_most("P2", 0.70, "ratio");
const GROWTH: Goal = Goal::at_most("P5", 1.15, "ratio");
const UNKNOWN: Goal = Goal::at_most("P7", 1.10, "ratio");
const BOOKKEEPING: Goal = Goal::at_most("P15", 5.0, "percent");

/// Keep-alive connections of the load generator.
const CONNECTIONS: u32 = 32;
/// Different tokens that are asked about; more than one round asks for.
const ASKED: u32 = 1_000_000;

/// One server and one kind of request.
struct Lane<'a> {
    name: &'static str,
    server: &'a Process,
    target: Target,
    traffic: RefCell<Verifies>,
    rounds: Vec<Measured>,
}

/// One lane's part of one round.
#[derive(Debug, Clone, Copy)]
struct Measured {
    run: Run,
    spent: Spent,
}

/// The places of the lanes in a round.
#[derive(Clone, Copy)]
enum Of {
    Bare,
    Medium,
    Unix,
    Unknown,
    Small,
    Large,
}

/// Requests `POST /v1/verify`, one token after the other.
struct Verifies {
    before: Vec<u8>,
    texts: Texts,
    after: &'static [u8],
    place: usize,
    /// What every answer begins with.
    expected: &'static [u8],
}

const VALID: &[u8] = b"{\"valid\":true";
const INVALID: &[u8] = b"{\"valid\":false";

/// Measures all lanes.
///
/// # Errors
/// When a server does not start, hangs up, or answers something else than it should.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let [small, medium, large] = [size.small, size.medium, size.large].map(seed::directory);
    let (small, medium, large) = (small?, medium?, large?);
    let with_socket = |path: &Path, unix_socket| {
        let setup = Setup {
            unix_socket,
            ..Setup::sqlite(path)
        };
        Process::claviger(&setup).map(|server| (server, setup))
    };
    let (of_small, _) = with_socket(&small.path, false)?;
    let (of_large, _) = with_socket(&large.path, false)?;
    let (of_medium, setup) = with_socket(&medium.path, true)?;

    let mut first = Vec::new();
    Verifies::new(Lot::Known, size.medium, VALID)?.next(&mut first);
    let answer = load::block_on(load::ask_once(&of_medium.target, &first))?;
    let bare = Process::bare(&answer)?;

    let mut lanes = [
        Lane::new(
            "bare hyper",
            &bare,
            Verifies::new(Lot::Known, size.medium, VALID)?,
        ),
        Lane::new(
            "verify",
            &of_medium,
            Verifies::new(Lot::Known, size.medium, VALID)?,
        ),
        Lane::new(
            "… Unix socket",
            &of_medium,
            Verifies::new(Lot::Known, size.medium, VALID)?,
        ),
        Lane::new(
            "… unknown",
            &of_medium,
            Verifies::new(Lot::Unknown, size.medium, INVALID)?,
        ),
        Lane::new(
            "… small",
            &of_small,
            Verifies::new(Lot::Known, size.small, VALID)?,
        ),
        Lane::new(
            "… large",
            &of_large,
            Verifies::new(Lot::Known, size.large, VALID)?,
        ),
    ];
    lanes[Of::Unix as usize].target = Target::Unix(setup.socket());
    machine::on(Core::Load, || run(&mut lanes, size))?;
    report(&lanes);
    let figures = figures(&lanes, size);
    drop(lanes);
    for server in [of_small, of_large, of_medium] {
        server.end()?;
    }
    Ok(figures)
}

/// One round that is not counted, then those that are.
fn run(lanes: &mut [Lane<'_>], size: &Size) -> Result<()> {
    for lane in &mut *lanes {
        lane.server.pause()?;
    }
    for round in 0..=size.rounds {
        for lane in &mut *lanes {
            let measured = lane.measure(size.round)?;
            if round > 0 {
                lane.rounds.push(measured);
            }
        }
    }
    lanes.iter().try_for_each(|lane| lane.server.resume())
}

fn figures(lanes: &[Lane<'_>], size: &Size) -> Vec<Figure> {
    let cpu = |of: Of, against: Of| ratios(&lanes[of as usize], &lanes[against as usize], Measured::cpu);
    let rate = |of: Of, against: Of| {
        ratios(&lanes[of as usize], &lanes[against as usize], |measured| {
            measured.run.rate()
        })
    };
    let medium = spoken(size.medium);
    let (small, large) = (spoken(size.small), spoken(size.large));
    let aside: Vec<f64> = lanes[Of::Medium as usize]
        .rounds
        .iter()
        .map(Measured::aside_percent)
        .collect();
    let figures = [
        CPU.figure(
            format!("HTTP verify, {medium} tokens, against bare hyper: CPU per request"),
            &cpu(Of::Medium, Of::Bare),
        ),
        REQUESTS.figure(
            format!("HTTP verify, {medium} tokens, against bare hyper: requests"),
            &rate(Of::Medium, Of::Bare),
        ),
        UNIX_REQUESTS.figure(
            "verify over a Unix socket against bare hyper over TCP: requests",
            &rate(Of::Unix, Of::Bare),
        ),
        UNIX_CPU.figure(
            "verify over a Unix socket against bare hyper over TCP: CPU per request",
            &cpu(Of::Unix, Of::Bare),
        ),
        GROWTH.figure(
            format!("HTTP verify, CPU per request at {large} tokens against {small}"),
            &cpu(Of::Large, Of::Small),
        ),
        UNKNOWN.figure(
            "HTTP verify of an unknown token against a valid one: CPU per request",
            &cpu(Of::Unknown, Of::Medium),
        ),
        BOOKKEEPING.figure(
            "writing last uses: share of the CPU while every request uses another token",
            &aside,
        ),
    ];
    figures.into_iter().flatten().collect()
}

/// What `of` gives for one lane over what it gives for the other, round by round.
fn ratios(lane: &Lane<'_>, against: &Lane<'_>, of: impl Fn(&Measured) -> f64) -> Vec<f64> {
    let pairs = lane.rounds.iter().zip(&against.rounds);
    pairs.map(|(one, other)| of(one) / of(other)).collect()
}

fn report(lanes: &[Lane<'_>]) {
    println!(
        "  {:<16} {:>12} {:>14} {:>14}",
        "lane", "requests/s", "CPU a request", "core in use"
    );
    for lane in lanes {
        let middle = |of: fn(&Measured) -> f64| {
            let values: Vec<f64> = lane.rounds.iter().map(of).collect();
            median(&values).unwrap_or_default()
        };
        println!(
            "  {:<16} {:>12.0} {:>11.2} µs {:>12.0} %",
            lane.name,
            middle(|measured| measured.run.rate()),
            middle(Measured::cpu),
            middle(|measured| 100.0 * measured.spent.total.as_secs_f64() / measured.run.took.as_secs_f64())
        );
    }
}

// === impl Lane ===

impl<'a> Lane<'a> {
    fn new(name: &'static str, server: &'a Process, traffic: Verifies) -> Self {
        Self {
            name,
            server,
            target: server.target.clone(),
            traffic: RefCell::new(traffic),
            rounds: Vec::new(),
        }
    }

    /// Lets the server run, and it alone. What it left undone when it was paused is done now and charged to it.
    fn measure(&mut self, time: Duration) -> Result<Measured> {
        self.server.resume()?;
        let before = self.server.spent()?;
        let run = load::block_on(async {
            let mut connections = Connections::open(&self.target, CONNECTIONS).await?;
            connections.drive(&self.traffic, time).await
        })?;
        let spent = self.server.spent()?.since(&before);
        self.server.pause()?;
        Ok(Measured { run, spent })
    }
}

// === impl Measured ===

impl Measured {
    /// Microseconds of processor time for each request.
    fn cpu(&self) -> f64 {
        let answered = f64::from(u32::try_from(self.run.answered).unwrap_or(u32::MAX));
        self.spent.total.as_secs_f64() * 1e6 / answered
    }

    fn aside_percent(&self) -> f64 {
        100.0 * self.spent.aside.as_secs_f64() / self.spent.total.as_secs_f64()
    }
}

// === impl Verifies ===

impl Verifies {
    fn new(lot: Lot, among: u32, expected: &'static [u8]) -> Result<Self> {
        let texts = seeded::sample(lot, among, ASKED.min(among.saturating_mul(8)))?;
        let caller = seeded::secret(Lot::Caller, 0)?;
        let (opening, after) = ("{\"token\":\"", "\",\"scopes\":[\"deployments:write\"]}");
        let length = opening.len() + texts.around(0).len() + after.len();
        let before = format!(
            "POST /v1/verify HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{opening}",
            caller.expose()
        );
        Ok(Self {
            before: before.into_bytes(),
            texts,
            after: after.as_bytes(),
            place: 0,
            expected,
        })
    }
}

impl Traffic for Verifies {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        request.extend_from_slice(&self.before);
        request.extend_from_slice(self.texts.around(self.place));
        request.extend_from_slice(self.after);
        self.place += 1;
        true
    }

    fn answered(&mut self, answer: Answer<'_>, _: Duration) -> Result<()> {
        ensure!(
            answer.status == 200 && answer.body.starts_with(self.expected),
            "the server answered {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        Ok(())
    }
}
