//! Threads that race for one limit in the process, more of them than cores; and the same race through the `governor` crate.
//!
//! Not one check may be admitted above burst + rate × time, whatever the interleaving: the time is from the earliest to the latest
//! instant that any thread named. The crate computes the same algorithm in its own way; what one decision costs is measured beside it,
//! each with a clock that is given.

use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use claviger_domain::authority::{Authority, Selector};
use claviger_domain::terms::{RateLimit, Terms};
use claviger_domain::{OwnerId, ScopeSet, Timestamp};
use claviger_token::TokenType;
use claviger_verify::budget::{Budget, Meter};
use claviger_verify::{Change, Entry, Owner, Verifier};
use governor::clock::{FakeRelativeClock, MonotonicClock};
use governor::{Quota, RateLimiter};

use super::{DEVIATION, deviation, sizes};
use crate::bound;
use crate::figures::{Figure, Goal};
use crate::machine::{self, Core};
use crate::seeded::{self, Lot, Texts};
use crate::size::Size;
use crate::verify::in_process::{ORG, SCOPE, check, empty, entry, present};

/// Checks that are admitted though the limit does not allow them.
const EXCESS: Goal = Goal::at_most("P16", 0.0, "checks");
const AGAINST_GOVERNOR: Goal = Goal::at_most("P16", 2.0, "ratio");

const THREADS: u32 = 8;
const RATE: u32 = 10_000;
const BURST: u32 = 1_000;
/// Checks between two looks at the clock where one decision is timed.
const BATCH: u32 = 1_024;

/// What a race, or one thread of it, did.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    admitted: u32,
    refused: u32,
    /// The earliest and the latest instant of a check, in microseconds.
    from: i64,
    to: i64,
}

/// Measures all races and the cost of a decision.
///
/// # Errors
/// When a race does not reach its limit.
pub(super) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let limit = bound::rate_limit(RATE, BURST)?;
    let own = of_token(limit)?;
    let shared = of_owner(limit)?;
    let texts = seeded::texts(Lot::Known, 0..THREADS)?;

    let (mut own_rounds, mut shared_rounds, mut theirs, mut costs) = (vec![], vec![], vec![], vec![]);
    for _ in 0..size.rounds {
        own_rounds.push(race(size.round, |_, now| ask(&own, &texts, 0, now))?);
        shared_rounds.push(race(size.round, |thread, now| ask(&shared, &texts, thread, now))?);
        let governor = RateLimiter::direct_with_clock(quota()?, MonotonicClock);
        theirs.push(race(size.round, |_, _| governor.check().is_ok())?);
        costs.push(machine::on(Core::Server, || {
            cost_beside_governor(size.round / 4)
        })?);
    }
    let mut figures = Vec::new();
    let ours = [
        ("one token", &own_rounds),
        ("tokens of one limited owner", &shared_rounds),
    ];
    for (what, rounds) in ours {
        figures.extend(EXCESS.figure(
            format!("{THREADS} threads race for {what}: admitted above burst + rate × time"),
            &rounds.iter().map(Outcome::excess).collect::<Vec<_>>(),
        ));
        figures.extend(DEVIATION.figure(
            format!("{THREADS} threads race for {what}: deviation from burst + rate × time"),
            &deviations(rounds),
        ));
    }
    figures.extend(DEVIATION.figure(
        format!("… {THREADS} threads and the `governor` crate, for comparison"),
        &deviations(&theirs),
    ));
    figures.extend(AGAINST_GOVERNOR.figure(
        "taking from a limit that has enough, against the `governor` crate: time",
        &costs,
    ));
    Ok(figures)
}

/// Lets all threads ask as often as they can.
fn race(time: Duration, admits: impl Fn(usize, Timestamp) -> bool + Sync) -> Result<Outcome> {
    let (epoch, begin) = (present(), Instant::now());
    let run = |number: usize| {
        let mut outcome = Outcome::NOTHING;
        while begin.elapsed() < time {
            let now = epoch + begin.elapsed();
            outcome.note(now.micros(), admits(number, now));
        }
        outcome
    };
    let outcomes = thread::scope(|scope| {
        let numbers = 0..usize::try_from(THREADS).unwrap_or_default();
        let threads: Vec<_> = numbers.map(|number| scope.spawn(move || run(number))).collect();
        let joined = threads.into_iter().map(|thread| thread.join().ok());
        joined.collect::<Option<Vec<_>>>()
    });
    let outcomes = outcomes.context("a racing thread panicked")?;
    let whole = outcomes.iter().fold(Outcome::NOTHING, Outcome::with);
    ensure!(whole.refused > 0, "the race did not reach the limit");
    Ok(whole)
}

fn ask(verifier: &Verifier, texts: &Texts, place: usize, now: Timestamp) -> bool {
    // Tokens are ASCII.
    check(
        verifier,
        std::str::from_utf8(texts.around(place)).unwrap_or_default(),
        now,
    )
}

/// A verifier that knows one token, with the limit.
fn of_token(limit: RateLimit) -> Result<Verifier> {
    let terms = Terms {
        rate_limit: Some(limit),
        ..Terms::default()
    };
    let verifier = empty();
    let entry = entry(&seeded::pepper(), 0, scopes(), Some(Arc::new(terms)))?;
    verifier.apply(Change::Upsert(entry))?;
    Ok(verifier)
}

/// A verifier that knows a token for each thread, all of them of an owner with the limit.
fn of_owner(limit: RateLimit) -> Result<Verifier> {
    let owner = OwnerId::from_i64(1 << 40);
    let verifier = empty();
    verifier.apply(Change::Owner(Owner {
        id: owner,
        org: ORG,
        authority: Arc::new(Authority::everything()),
        active: true,
        rate_limit: Some(limit),
    }))?;
    for number in 0..THREADS {
        verifier.apply(Change::Upsert(Entry {
            owner,
            token_type: TokenType::Personal,
            ..entry(&seeded::pepper(), number, scopes(), None)?
        }))?;
    }
    Ok(verifier)
}

fn scopes() -> Arc<Authority> {
    Arc::new(Authority::of_token(ScopeSet::only(SCOPE), Selector::everywhere()))
}

/// The limit of the race, as the crate says it.
fn quota() -> Result<Quota> {
    let nonzero = |number| NonZeroU32::new(number).ok_or_else(|| anyhow!("a limit of nothing"));
    Ok(Quota::per_second(nonzero(RATE)?).allow_burst(nonzero(BURST)?))
}

/// What a decision costs here, divided by what it costs there. Both clocks go on so that there is always enough.
fn cost_beside_governor(least: Duration) -> Result<f64> {
    let gcra = bound::rate_limit(RATE, BURST)?.gcra();
    let pause = Duration::from_secs(1) * BURST / RATE;
    let batch = u32::min(BATCH, BURST);

    let meter = Meter::default();
    let budget = Budget {
        token: Some((&meter, &gcra)),
        ..Budget::default()
    };
    let now = Cell::new(present());
    let ours = timed(
        least,
        batch,
        || now.set(now.get() + pause),
        || budget.take(black_box(now.get()), 1, || true).is_ok(),
    )?;

    let clock = FakeRelativeClock::default();
    let governor = RateLimiter::direct_with_clock(quota()?, clock.clone());
    let theirs = timed(least, batch, || clock.advance(pause), || governor.check().is_ok())?;
    Ok(ours / theirs)
}

/// Nanoseconds of one decision; `go_on` before each batch.
fn timed(least: Duration, batch: u32, mut go_on: impl FnMut(), take: impl Fn() -> bool) -> Result<f64> {
    let begin = Instant::now();
    let mut batches = 0u32;
    while begin.elapsed() < least {
        go_on();
        let admitted = (0..batch).filter(|_| black_box(take())).count();
        ensure!(
            u32::try_from(admitted) == Ok(batch),
            "a limit that has enough refused"
        );
        batches += 1;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e9 / (f64::from(batches) * f64::from(batch)))
}

fn deviations(rounds: &[Outcome]) -> Vec<f64> {
    let signed: Vec<f64> = rounds
        .iter()
        .map(|round| deviation(round.admitted, f64::from(round.allowed())))
        .collect();
    println!("  {THREADS} threads: {signed:+.3?} %");
    sizes(&signed)
}

// === impl Outcome ===

impl Outcome {
    const NOTHING: Self = Self {
        admitted: 0,
        refused: 0,
        from: i64::MAX,
        to: i64::MIN,
    };

    fn note(&mut self, at: i64, admitted: bool) {
        if admitted {
            self.admitted += 1;
        } else {
            self.refused += 1;
        }
        self.from = self.from.min(at);
        self.to = self.to.max(at);
    }

    /// Both together.
    fn with(self, other: &Self) -> Self {
        Self {
            admitted: self.admitted + other.admitted,
            refused: self.refused + other.refused,
            from: self.from.min(other.from),
            to: self.to.max(other.to),
        }
    }

    /// What the limit allows between its instants: whole checks.
    fn allowed(&self) -> u32 {
        let back = self.to.saturating_sub(self.from).max(0) * i64::from(RATE) / 1_000_000;
        BURST + u32::try_from(back).unwrap_or(u32::MAX - BURST)
    }

    /// Checks above that.
    fn excess(&self) -> f64 {
        f64::from(self.admitted.saturating_sub(self.allowed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_race_is_allowed_the_burst_and_what_came_back_between_its_instants() {
        let mut outcome = Outcome::NOTHING;
        outcome.note(5_000_000, true);
        outcome.note(5_500_199, false);

        assert_eq!(outcome.allowed(), 1_000 + 5_001);
        outcome.admitted = 6_003;
        assert!((outcome.excess() - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_two_threads_did_is_one_race() {
        let (mut one, mut other) = (Outcome::NOTHING, Outcome::NOTHING);
        one.note(10, true);
        other.note(7, false);
        other.note(30, true);

        let both = one.with(&other);

        assert_eq!((both.admitted, both.refused, both.from, both.to), (2, 1, 7, 30));
    }
}
