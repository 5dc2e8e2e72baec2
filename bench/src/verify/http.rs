//! A verify over HTTP against a bare hyper server, on one core each, in turn.
//!
//! P1, P2, P5, P15 and the half of P7 that is about unknown tokens. Each lane is one server and one kind of request; a round runs every
//! lane once, and ratios are taken within a round. The bare server answers the very bytes that the server under test answered. Each
//! request presents two tokens: the caller's, and one drawn at random among all, which makes for the most bookkeeping there can be. Its
//! share is a figure of its own; the others count the threads that answer, and P1 is given both ways.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::figures::{Figure, Goal, median};
use crate::load::{self, Answer, Connections, Run, Target, Traffic};
use crate::machine::{self, Core};
use crate::seed::{self, SeededDirectory};
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
struct Lane {
    name: &'static str,
    server: Process,
    traffic: RefCell<Verifies>,
    rounds: Vec<Measured>,
}

/// One lane's part of one round.
#[derive(Debug, Clone, Copy)]
struct Measured {
    run: Run,
    spent: Spent,
}

/// All lanes, in the order of a round.
struct Lanes {
    bare: Lane,
    medium: Lane,
    unix: Lane,
    unknown: Lane,
    small: Lane,
    large: Lane,
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
    let mut lanes = Lanes::open(size)?;
    machine::on(Core::Load, || lanes.run(size))?;
    report(&lanes.all());
    let figures = lanes.figures(size);
    lanes.end()?;
    Ok(figures)
}

// === impl Lanes ===

impl Lanes {
    /// Each lane has a server and a database of its own, so that what a server does later is charged to the lane that caused it.
    fn open(size: &Size) -> Result<Self> {
        let medium = seed::directory(size.medium)?;
        let known = |name, directory: &SeededDirectory, tokens| {
            let traffic = Verifies::new(Lot::Known, tokens, VALID)?;
            Lane::new(name, Process::claviger(&Setup::sqlite(&directory.path))?, traffic)
        };
        let socket = Setup {
            unix_socket: true,
            ..Setup::sqlite(&seed::copy(&medium, "unix")?.path)
        };
        let mut over_socket = Process::claviger(&socket)?;
        over_socket.target = Target::Unix(socket.socket());
        let of_unknown = Process::claviger(&Setup::sqlite(&seed::copy(&medium, "unknown")?.path))?;

        let of_medium = known("verify", &medium, size.medium)?;
        let bare = Process::bare(&of_medium.answer()?)?;
        Ok(Self {
            bare: Lane::new("bare hyper", bare, Verifies::new(Lot::Known, size.medium, VALID)?)?,
            medium: of_medium,
            unix: Lane::new(
                "… Unix socket",
                over_socket,
                Verifies::new(Lot::Known, size.medium, VALID)?,
            )?,
            unknown: Lane::new(
                "… unknown",
                of_unknown,
                Verifies::new(Lot::Unknown, size.medium, INVALID)?,
            )?,
            small: known("… small", &seed::directory(size.small)?, size.small)?,
            large: known("… large", &seed::directory(size.large)?, size.large)?,
        })
    }

    fn all(&self) -> [&Lane; 6] {
        [
            &self.bare,
            &self.medium,
            &self.unix,
            &self.unknown,
            &self.small,
            &self.large,
        ]
    }

    /// One short round that is not counted, then those that are.
    fn run(&mut self, size: &Size) -> Result<()> {
        let mut lanes = [
            &mut self.bare,
            &mut self.medium,
            &mut self.unix,
            &mut self.unknown,
            &mut self.small,
            &mut self.large,
        ];
        for lane in &mut lanes {
            lane.measure(size.round)?;
        }
        for _ in 0..size.rounds {
            for lane in &mut lanes {
                let measured = lane.measure(size.lane)?;
                lane.rounds.push(measured);
            }
        }
        Ok(())
    }

    fn figures(&self, size: &Size) -> Vec<Figure> {
        let [small, medium, large] = [size.small, size.medium, size.large].map(spoken);
        let bare = &self.bare;
        let rate = |measured: &Measured| measured.run.rate();
        let aside: Vec<f64> = self.medium.rounds.iter().map(Measured::aside_percent).collect();
        let figures = [
            CPU.figure(
                format!("HTTP verify, {medium} tokens, against bare hyper: CPU per request"),
                &ratios(&self.medium, bare, Measured::answering),
            ),
            CPU.figure(
                format!("… with the bookkeeping when every request uses another of {medium} tokens"),
                &ratios(&self.medium, bare, Measured::all),
            ),
            REQUESTS.figure(
                format!("HTTP verify, {medium} tokens, against bare hyper: requests"),
                &ratios(&self.medium, bare, rate),
            ),
            UNIX_REQUESTS.figure(
                "verify over a Unix socket against bare hyper over TCP: requests",
                &ratios(&self.unix, bare, rate),
            ),
            UNIX_CPU.figure(
                "verify over a Unix socket against bare hyper over TCP: CPU per request",
                &ratios(&self.unix, bare, Measured::answering),
            ),
            GROWTH.figure(
                format!("HTTP verify, CPU per request at {large} tokens against {small}"),
                &ratios(&self.large, &self.small, Measured::answering),
            ),
            UNKNOWN.figure(
                "HTTP verify of an unknown token against a valid one: CPU per request",
                &ratios(&self.unknown, &self.medium, Measured::answering),
            ),
            BOOKKEEPING.figure(
                format!(
                    "writing last uses when every request uses another of {medium} tokens: share of the CPU"
                ),
                &aside,
            ),
        ];
        figures.into_iter().flatten().collect()
    }

    fn end(self) -> Result<()> {
        // The bare server has nothing to lose.
        for lane in [self.medium, self.unix, self.unknown, self.small, self.large] {
            lane.server.end()?;
        }
        Ok(())
    }
}

/// What `of` gives for one lane over what it gives for the other, round by round.
fn ratios(lane: &Lane, against: &Lane, of: impl Fn(&Measured) -> f64) -> Vec<f64> {
    let pairs = lane.rounds.iter().zip(&against.rounds);
    pairs.map(|(one, other)| of(one) / of(other)).collect()
}

fn report(lanes: &[&Lane]) {
    println!(
        "  {:<16} {:>12} {:>14} {:>18} {:>14}",
        "lane", "requests/s", "CPU a request", "with bookkeeping", "core in use"
    );
    for lane in lanes {
        let middle = |of: fn(&Measured) -> f64| {
            let values: Vec<f64> = lane.rounds.iter().map(of).collect();
            median(&values).unwrap_or_default()
        };
        println!(
            "  {:<16} {:>12.0} {:>11.2} µs {:>15.2} µs {:>12.0} %",
            lane.name,
            middle(|measured| measured.run.rate()),
            middle(Measured::answering),
            middle(Measured::all),
            middle(|measured| 100.0 * measured.spent.total.as_secs_f64() / measured.run.took.as_secs_f64())
        );
    }
}

// === impl Lane ===

impl Lane {
    /// A lane whose server waits for its turn.
    fn new(name: &'static str, server: Process, traffic: Verifies) -> Result<Self> {
        server.pause()?;
        Ok(Self {
            name,
            server,
            traffic: RefCell::new(traffic),
            rounds: Vec::new(),
        })
    }

    /// The whole answer to one request.
    fn answer(&self) -> Result<Vec<u8>> {
        let mut request = Vec::new();
        self.traffic.borrow_mut().next(&mut request);
        self.server.resume()?;
        let answer = load::block_on(load::ask_once(&self.server.target, &request));
        self.server.pause()?;
        answer
    }

    /// Lets the server run, and it alone. What it left undone when it was paused is done now and charged to it.
    fn measure(&mut self, time: Duration) -> Result<Measured> {
        self.server.resume()?;
        let before = self.server.spent()?;
        let run = load::block_on(async {
            let mut connections = Connections::open(&self.server.target, CONNECTIONS).await?;
            connections.drive(&self.traffic, time).await
        })?;
        let spent = self.server.spent()?.since(&before);
        self.server.pause()?;
        Ok(Measured { run, spent })
    }
}

// === impl Measured ===

impl Measured {
    /// Microseconds of processor time for each request, without the threads that write to the store.
    fn answering(&self) -> f64 {
        self.per_request(self.spent.total.saturating_sub(self.spent.aside))
    }

    /// Microseconds of processor time for each request, of all threads.
    fn all(&self) -> f64 {
        self.per_request(self.spent.total)
    }

    fn per_request(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / f64::from(u32::try_from(self.run.answered).unwrap_or(u32::MAX))
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
