//! A verify inside the process against its floor: the digest, and one line of memory that no cache holds.
//!
//! P4, the half of P7 that is about malformed texts, and the half of P14 that is about memory. The floor and the verify take the same
//! texts in the same order, in turn; the clock moves as clocks do, so that last uses are marked as often as in a server.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use claviger_domain::authority::{Authority, Selector};
use claviger_domain::{OrgId, OwnerId, Scope, ScopeSet, Timestamp, TokenId};
use claviger_token::{Pepper, Prefix, Presented, TokenType};
use claviger_verify::{Entry, Peppers, Presentation, Required, Verifier};

use crate::figures::{Figure, Goal, median};
use crate::machine::{self, Core};
use crate::seeded::{self, Lot, Texts};
use crate::size::{Size, spoken};

const AGAINST_FLOOR: Goal = Goal::at_most("P4", 2.2, "ratio");
const MALFORMED: Goal = Goal::at_most("P7", 0.1, "ratio");
const MEMORY: Goal = Goal::at_most("P14", 96.0, "bytes");

/// Texts that are asked about, one after the other. More than any cache holds records of.
const ASKED: u32 = 1_000_000;
/// Checks between two looks at the clock.
const BATCH: usize = 1_024;
/// What tokens may do here.
const SCOPE: Scope = Scope::DeploymentsWrite;

/// A verifier that knows the first tokens of the lot, and the floor under it.
struct Bed {
    verifier: Verifier,
    pepper: Pepper,
    /// What every token was given.
    given: Arc<Authority>,
    /// One line for each token.
    lines: Vec<Line>,
}

/// A line of memory.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(u64);

/// Nanoseconds of one check, by what was checked.
struct Round {
    floor: f64,
    valid: f64,
    malformed: f64,
}

/// Measures at the medium and the large size.
///
/// # Errors
/// When a verifier does not say what it should of a token: then nothing is worth measuring.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for tokens in [size.medium, size.large] {
        let measured = machine::on(Core::Server, || measure_at(tokens, size))?;
        figures.extend(measured);
    }
    Ok(figures)
}

fn measure_at(tokens: u32, size: &Size) -> Result<Vec<Figure>> {
    let bed = Bed::new(tokens)?;
    let valid = seeded::sample(Lot::Known, tokens, ASKED.min(tokens))?;
    let malformed = broken(&valid);
    bed.accepts(&valid)?;

    let mut rounds = Vec::new();
    for _ in 0..size.rounds {
        rounds.push(Round {
            floor: time(&valid, size.round, |text, _| bed.floor(text)),
            valid: time(&valid, size.round, |text, now| bed.check(text, now)),
            malformed: time(&malformed, size.round, |text, now| bed.check(text, now)),
        });
        bed.verifier.drain_uses(&mut |used| {
            black_box(used);
        });
    }
    report(tokens, &rounds);

    let spoken = spoken(tokens);
    let ratios = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let bytes = per_token(bed.verifier.memory_bytes(), tokens)?;
    let figures = [
        AGAINST_FLOOR.figure(
            format!("verify in process, {spoken} tokens, against digest + one random line"),
            &ratios(|round| round.valid / round.floor),
        ),
        MALFORMED.figure(
            format!("malformed text in process against a valid token, {spoken} tokens"),
            &ratios(|round| round.malformed / round.valid),
        ),
        MEMORY.figure(
            format!("memory of the index per token, {spoken} tokens"),
            &[bytes],
        ),
    ];
    Ok(figures.into_iter().flatten().collect())
}

// === impl Bed ===

impl Bed {
    fn new(tokens: u32) -> Result<Self> {
        let peppers = Peppers {
            current: seeded::pepper(),
            previous: None,
        };
        let bed = Self {
            verifier: Verifier::new(Prefix::default(), peppers),
            pepper: seeded::pepper(),
            given: Arc::new(Authority::of_token(ScopeSet::only(SCOPE), Selector::everywhere())),
            lines: (0..u64::from(tokens)).map(Line).collect(),
        };
        bed.verifier.reserve(tokens)?;
        let mut failed = None;
        let entries = (0..u64::from(tokens))
            .map_while(|number| bed.entry(number).map_err(|error| failed = Some(error)).ok());
        bed.verifier.load(entries)?;
        failed.map_or(Ok(bed), Err)
    }

    fn entry(&self, number: u64) -> Result<Entry> {
        let secret = seeded::secret(Lot::Known, number)?;
        let id = i64::try_from(number)? + 1;
        Ok(Entry {
            digest: self.pepper.digest(&secret.hash()),
            id: TokenId::from_i64(id),
            org: OrgId::from_i64(1),
            owner: OwnerId::from_i64(id),
            owner_authority: Arc::default(),
            token_type: TokenType::Global,
            authority: self.given.clone(),
            terms: None,
            expires_at: Some(Timestamp::from_seconds(4_102_444_800)),
            revoked: false,
            last_used: None,
            previous: None,
        })
    }

    /// The least that finding a token by its digest costs: the digest itself, and one line that depends on it.
    fn floor(&self, text: &str) -> bool {
        let Ok(token) = Presented::parse(&Prefix::default(), text) else {
            return false;
        };
        let key = self.pepper.digest(&token.hash()).index_key();
        let word = u64::from_le_bytes(key.first_chunk().copied().unwrap_or_default());
        let among = u128::try_from(self.lines.len()).unwrap_or_default();
        let place = usize::try_from((u128::from(word) * among) >> 64).unwrap_or_default();
        self.lines
            .get(place)
            .is_some_and(|line| black_box(line.0) != u64::MAX)
    }

    fn check(&self, text: &str, now: Timestamp) -> bool {
        let required = Required::scopes(ScopeSet::only(SCOPE));
        let at = Presentation::new(now, IpAddr::V4(Ipv4Addr::LOCALHOST));
        self.verifier.check(text, &required, &at).verified().is_some()
    }

    fn accepts(&self, texts: &Texts) -> Result<()> {
        let now = present();
        for text in texts.iter().take(1_000) {
            ensure!(
                self.check(std::str::from_utf8(text)?, now),
                "a seeded token is not accepted"
            );
        }
        Ok(())
    }
}

/// Nanoseconds that `work` takes for one text, over at least `least` and at most all texts again and again.
fn time(texts: &Texts, least: Duration, mut work: impl FnMut(&str, Timestamp) -> bool) -> f64 {
    let begin = Instant::now();
    let epoch = present();
    let (mut done, mut place) = (0u32, 0);
    while begin.elapsed() < least {
        let now = epoch + begin.elapsed();
        for _ in 0..BATCH {
            // Tokens are ASCII, and so is what is made of them.
            let text = std::str::from_utf8(texts.around(place)).unwrap_or_default();
            black_box(work(black_box(text), now));
            place += 1;
        }
        done += 1;
    }
    begin.elapsed().as_secs_f64() * 1e9 / (f64::from(done) * 1_024.0)
}

/// The same texts with a wrong checksum: what a typing error or a guess looks like, refused by the last test of the grammar.
fn broken(texts: &Texts) -> Texts {
    texts.map(|text| {
        if let Some(last) = text.last_mut() {
            *last = if *last == b'0' { b'1' } else { b'0' };
        }
    })
}

fn present() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

fn per_token(bytes: usize, tokens: u32) -> Result<f64> {
    let hundredths = u32::try_from(bytes * 100 / usize::try_from(tokens)?)?;
    Ok(f64::from(hundredths) / 100.0)
}

fn report(tokens: u32, rounds: &[Round]) {
    let middle =
        |of: fn(&Round) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>()).unwrap_or_default();
    println!(
        "  {} tokens: floor {:.0} ns, valid {:.0} ns, malformed {:.1} ns",
        spoken(tokens),
        middle(|round| round.floor),
        middle(|round| round.valid),
        middle(|round| round.malformed)
    );
}
