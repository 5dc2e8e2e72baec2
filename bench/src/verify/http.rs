//! A verify over HTTP against a bare hyper server, on one core each, in turn.
//!
//! P1, P2, P5, P15 and the half of P7 that is about unknown tokens; all but P2 for plain tokens and for tokens with everything in force
//! ([`bound`](crate::bound)). Each [`lane`](mod@lane) is one server and one kind of request; a round runs every lane once, and ratios are taken
//! within a round. The bare servers answer the very bytes that the servers under test answered. Each request presents two tokens: the
//! caller's, and one drawn at random among all, which makes for the most bookkeeping there can be. Its share is a figure of its own; the
//! others count the threads that answer, and P1 is given both ways.

mod lane;

use anyhow::Result;

use crate::bound::IN_FORCE;
use crate::figures::{Figure, Goal};
use crate::load::Target;
use crate::machine::{self, Core};
use crate::seed::{self, Kind, SeededDirectory};
use crate::seeded::Lot;
use crate::servers::{Process, Setup};
use crate::size::{Size, spoken};
use lane::{Lane, Measured, Question, Verifies, ratios, report};

const CPU: Goal = Goal::at_most("P1", 1.15, "ratio");
const REQUESTS: Goal = Goal::at_least("P1", 0.88, "ratio");
const AGAINST_PLAIN: Goal = Goal::at_most("P1", 1.15, "ratio");
const UNIX_REQUESTS: Goal = Goal::at_least("P2", 1.5, "ratio");
const UNIX_CPU: Goal = Goal::at_most("P2", 0.70, "ratio");
const GROWTH: Goal = Goal::at_most("P5", 1.15, "ratio");
const UNKNOWN: Goal = Goal::at_most("P7", 1.10, "ratio");
const BOOKKEEPING: Goal = Goal::at_most("P15", 5.0, "percent");

/// The lanes of one kind of tokens.
struct Lanes {
    bare: Lane,
    medium: Lane,
    unknown: Lane,
    small: Lane,
    large: Lane,
}

/// All lanes.
struct Field {
    /// Asked for a scope.
    plain: Lanes,
    unix: Lane,
    /// Asked for an action on a resource.
    bound: Lanes,
    /// Asked for a scope.
    by_scopes: Lane,
}

/// Measures all lanes.
///
/// # Errors
/// When a server does not start, hangs up, or answers something else than it should.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut field = Field::open(size)?;
    machine::on(Core::Load, || field.run(size))?;
    report(&field.all());
    let figures = field.figures(size);
    field.end()?;
    Ok(figures)
}

// === impl Lanes ===

impl Lanes {
    /// Each lane has a server and a database of its own, so that what a server does later is charged to the lane that caused it. The
    /// second is the database of the medium lane.
    fn open(size: &Size, kind: Kind, question: Question) -> Result<(Self, SeededDirectory)> {
        let directory = seed::directory(size.medium, kind)?;
        let known = |tokens| Verifies::new(Lot::Known, tokens, question);
        let medium = lane(&directory, known(size.medium)?)?;
        let unknown = seed::copy(&directory, "unknown")?;
        let lanes = Self {
            bare: Lane::new(Process::bare(&medium.answer()?)?, known(size.medium)?)?,
            medium,
            unknown: lane(&unknown, Verifies::new(Lot::Unknown, size.medium, question)?)?,
            small: lane(&seed::directory(size.small, kind)?, known(size.small)?)?,
            large: lane(&seed::directory(size.large, kind)?, known(size.large)?)?,
        };
        Ok((lanes, directory))
    }

    /// P1, P5 and P7; what they are of stands behind `what`.
    fn figures(&self, size: &Size, what: &str) -> [Option<Figure>; 5] {
        let [small, medium, large] = [size.small, size.medium, size.large].map(spoken);
        [
            CPU.figure(
                format!("HTTP verify, {medium} tokens{what}, against bare hyper: CPU per request"),
                &ratios(&self.medium, &self.bare, Measured::answering),
            ),
            CPU.figure(
                format!("… with the bookkeeping when every request uses another of {medium} tokens"),
                &ratios(&self.medium, &self.bare, Measured::all),
            ),
            REQUESTS.figure(
                format!("HTTP verify, {medium} tokens{what}, against bare hyper: requests"),
                &ratios(&self.medium, &self.bare, Measured::rate),
            ),
            GROWTH.figure(
                format!("HTTP verify, CPU per request at {large} tokens against {small}{what}"),
                &ratios(&self.large, &self.small, Measured::answering),
            ),
            UNKNOWN.figure(
                format!("HTTP verify of an unknown token against a valid one{what}: CPU per request"),
                &ratios(&self.unknown, &self.medium, Measured::answering),
            ),
        ]
    }

    fn end(self) -> Result<()> {
        // The bare server has nothing to lose.
        for lane in [self.medium, self.unknown, self.small, self.large] {
            lane.end()?;
        }
        Ok(())
    }
}

// === impl Field ===

impl Field {
    fn open(size: &Size) -> Result<Self> {
        let (plain, of_plain) = Lanes::open(size, Kind::Plain, Question::Scopes)?;
        let (bound, of_bound) = Lanes::open(size, Kind::Bound, Question::Action)?;
        let asked_for_scopes = || Verifies::new(Lot::Known, size.medium, Question::Scopes);

        let socket = Setup {
            unix_socket: true,
            ..Setup::sqlite(&seed::copy(&of_plain, "unix")?.path)
        };
        let mut over_socket = Process::claviger(&socket)?;
        over_socket.target = Target::Unix(socket.socket());
        Ok(Self {
            plain,
            unix: Lane::new(over_socket, asked_for_scopes()?)?,
            bound,
            by_scopes: lane(&seed::copy(&of_bound, "scopes")?, asked_for_scopes()?)?,
        })
    }

    fn all(&self) -> [(&'static str, &Lane); 12] {
        let (plain, bound) = (&self.plain, &self.bound);
        [
            ("bare hyper", &plain.bare),
            ("plain", &plain.medium),
            ("… Unix socket", &self.unix),
            ("… unknown", &plain.unknown),
            ("… small", &plain.small),
            ("… large", &plain.large),
            ("bare hyper", &bound.bare),
            ("bound", &bound.medium),
            ("… by scopes", &self.by_scopes),
            ("… unknown", &bound.unknown),
            ("… small", &bound.small),
            ("… large", &bound.large),
        ]
    }

    /// One short round that is not counted, then those that are. What is compared runs close together.
    fn run(&mut self, size: &Size) -> Result<()> {
        for (_, lane) in self.all() {
            lane.drive(size.short_lane / 4)?;
        }
        let (plain, bound) = (&mut self.plain, &mut self.bound);
        for round in 0..size.rounds {
            plain.bare.measure(size.short_lane)?;
            plain.medium.measure(size.lane)?;
            bound.medium.measure(size.lane)?;
            bound.bare.measure(size.short_lane)?;
            self.by_scopes.measure(size.short_lane)?;
            self.unix.measure(size.lane)?;
            for lanes in [&mut *plain, &mut *bound] {
                lanes.unknown.measure(size.short_lane)?;
                lanes.small.measure(size.short_lane)?;
                if round < size.large_rounds {
                    lanes.large.measure(size.short_lane)?;
                }
            }
        }
        Ok(())
    }

    fn figures(&self, size: &Size) -> Vec<Figure> {
        let (plain, bound) = (&self.plain, &self.bound);
        let medium = spoken(size.medium);
        let aside = |lanes: &Lanes| lanes.medium.each(Measured::aside_percent);
        let bookkeeping = |what, lanes| {
            let what = format!(
                "writing last uses when every request uses another of {medium} tokens{what}: share of the CPU"
            );
            BOOKKEEPING.figure(what, &aside(lanes))
        };
        let in_force = format!(" {IN_FORCE}");
        let others = [
            AGAINST_PLAIN.figure(
                format!("tokens {IN_FORCE}, asked for an action on a resource, against plain ones: CPU per request"),
                &ratios(&bound.medium, &plain.medium, Measured::answering),
            ),
            AGAINST_PLAIN.figure(
                "… asked for the same scope as the plain ones",
                &ratios(&self.by_scopes, &plain.medium, Measured::answering),
            ),
            UNIX_REQUESTS.figure(
                "verify over a Unix socket against bare hyper over TCP: requests",
                &ratios(&self.unix, &plain.bare, Measured::rate),
            ),
            UNIX_CPU.figure(
                "verify over a Unix socket against bare hyper over TCP: CPU per request",
                &ratios(&self.unix, &plain.bare, Measured::answering),
            ),
            bookkeeping("", plain),
            bookkeeping(in_force.as_str(), bound),
        ];
        let of_plain = plain.figures(size, "");
        let of_bound = bound.figures(size, &in_force);
        of_plain
            .into_iter()
            .chain(of_bound)
            .chain(others)
            .flatten()
            .collect()
    }

    fn end(self) -> Result<()> {
        self.plain.end()?;
        self.bound.end()?;
        self.unix.end()?;
        self.by_scopes.end()
    }
}

/// A lane with a server on that database.
fn lane(directory: &SeededDirectory, traffic: Verifies) -> Result<Lane> {
    Lane::new(Process::claviger(&Setup::sqlite(&directory.path))?, traffic)
}
