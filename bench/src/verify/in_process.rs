//! A verify inside the process against its floor: the digest, and one line of memory that no cache holds.
//!
//! P4, the half of P7 that is about malformed texts, and the half of P14 that is about memory. The floor and the verify take the same
//! texts in the same order, in turn; the clock moves as clocks do, so that last uses are marked as often as in a server. A second
//! verifier knows the same tokens with everything in force ([`bound`](crate::bound)).

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use claviger_domain::authority::{Authority, Selector};
use claviger_domain::terms::Terms;
use claviger_domain::{OrgId, OwnerId, Scope, ScopeSet, Timestamp, TokenId};
use claviger_token::{Pepper, Prefix, Presented, TokenType};
use claviger_verify::{Entry, Peppers, Presentation, Required, Verifier};

use crate::bound::{IN_FORCE, Policies, Questions};
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
pub(super) const SCOPE: Scope = Scope::DeploymentsWrite;
pub(super) const ORG: OrgId = OrgId::from_i64(1);
/// Far from the tokens' ids.
const FIRST_TEAM: i64 = 1 << 40;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two verifiers that know the first tokens of the lot, and the floor under both.
struct Bed {
    plain: Verifier,
    /// Knows the same tokens with everything in force.
    bound: Verifier,
    questions: Questions,
    pepper: Pepper,
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
    /// With everything in force, asked for scopes.
    by_scopes: f64,
    /// With everything in force, asked for an action on a resource.
    by_action: f64,
    malformed: f64,
}

/// Measures at the medium and the large size.
///
/// # Errors
/// When a verifier does not say what it should of a token: then nothing is worth measuring.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (tokens, rounds) in [(size.medium, size.rounds), (size.large, size.large_rounds)] {
        let measured = machine::on(Core::Server, || measure_at(tokens, rounds, size.round))?;
        figures.extend(measured);
    }
    Ok(figures)
}

fn measure_at(tokens: u32, rounds: u32, least: Duration) -> Result<Vec<Figure>> {
    let bed = Bed::new(tokens)?;
    let valid = seeded::sample(Lot::Known, tokens, ASKED.min(tokens))?;
    let malformed = broken(&valid);
    bed.accepts(&valid)?;

    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push(Round {
            floor: time(&valid, least, |text, _, _| bed.floor(text)),
            valid: time(&valid, least, |text, _, now| check(&bed.plain, text, now)),
            by_scopes: time(&valid, least, |text, _, now| check(&bed.bound, text, now)),
            by_action: time(&valid, least, |text, number, now| bed.ask(text, number, now)),
            malformed: time(&malformed, least, |text, _, now| check(&bed.plain, text, now)),
        });
        for verifier in [&bed.plain, &bed.bound] {
            verifier.drain_uses(&mut |used| {
                black_box(used);
            });
        }
    }
    report(tokens, &measured);
    figures(tokens, &measured, &bed)
}

fn figures(tokens: u32, rounds: &[Round], bed: &Bed) -> Result<Vec<Figure>> {
    let spoken = spoken(tokens);
    let ratios = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
    let floor = "against digest + one random line";
    let plain_bytes = per_token(bed.plain.memory_bytes(), tokens)?;
    let bound_bytes = per_token(bed.bound.memory_bytes(), tokens)?;
    let figures = [
        AGAINST_FLOOR.figure(
            format!("verify in process, {spoken} tokens, {floor}"),
            &ratios(|round| round.valid / round.floor),
        ),
        AGAINST_FLOOR.figure(
            format!("… {IN_FORCE}, asked for scopes"),
            &ratios(|round| round.by_scopes / round.floor),
        ),
        AGAINST_FLOOR.figure(
            format!("… {IN_FORCE}, asked for an action on a resource"),
            &ratios(|round| round.by_action / round.floor),
        ),
        MALFORMED.figure(
            format!("malformed text in process against a valid token, {spoken} tokens"),
            &ratios(|round| round.malformed / round.valid),
        ),
        MEMORY.figure(
            format!("memory of the index per token, {spoken} tokens"),
            &[plain_bytes],
        ),
        MEMORY.figure(format!("… {IN_FORCE}"), &[bound_bytes]),
    ];
    Ok(figures.into_iter().flatten().collect())
}

// === impl Bed ===

impl Bed {
    fn new(tokens: u32) -> Result<Self> {
        let pepper = seeded::pepper();
        let scopes = ScopeSet::only(SCOPE);
        let given = Arc::new(Authority::of_token(scopes, Selector::everywhere()));
        let policies = Policies::new(ORG, FIRST_TEAM, scopes)?;
        Ok(Self {
            plain: filled(tokens, |number| {
                let authority = given.clone();
                entry(&pepper, number, authority, None)
            })?,
            bound: filled(tokens, |number| {
                let (authority, terms) = policies.of(number);
                entry(&pepper, number, authority, Some(terms))
            })?,
            questions: Questions::new(FIRST_TEAM)?,
            pepper,
            lines: (0..u64::from(tokens)).map(Line).collect(),
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

    /// Asks whether the token with this number may do something to a resource of its team.
    fn ask(&self, text: &str, number: u32, now: Timestamp) -> bool {
        let required = Required {
            asked: Some(self.questions.about(number)),
            ..Required::default()
        };
        let at = Presentation::new(now, HERE);
        self.bound.check(text, &required, &at).verified().is_some()
    }

    fn accepts(&self, texts: &Texts) -> Result<()> {
        let now = present();
        for (place, text) in texts.iter().take(1_000).enumerate() {
            let (text, number) = (std::str::from_utf8(text)?, texts.number(place));
            ensure!(
                check(&self.plain, text, now)
                    && check(&self.bound, text, now)
                    && self.ask(text, number, now)
                    && !self.ask(text, number + 1, now),
                "a seeded token is not accepted as it should be"
            );
        }
        Ok(())
    }
}

/// A verifier that knows the first tokens of the lot.
pub(super) fn filled(tokens: u32, entry: impl Fn(u32) -> Result<Entry>) -> Result<Verifier> {
    let verifier = empty();
    verifier.reserve(tokens)?;
    let mut failed = None;
    let entries = (0..tokens).map_while(|number| entry(number).map_err(|error| failed = Some(error)).ok());
    verifier.load(entries)?;
    failed.map_or(Ok(verifier), Err)
}

/// A verifier that knows no token.
pub(super) fn empty() -> Verifier {
    let peppers = Peppers {
        current: seeded::pepper(),
        previous: None,
    };
    Verifier::new(Prefix::default(), peppers)
}

/// The token with this number, acting as itself.
pub(super) fn entry(
    pepper: &Pepper,
    number: u32,
    authority: Arc<Authority>,
    terms: Option<Arc<Terms>>,
) -> Result<Entry> {
    let secret = seeded::secret(Lot::Known, u64::from(number))?;
    let id = i64::from(number) + 1;
    Ok(Entry {
        digest: pepper.digest(&secret.hash()),
        id: TokenId::from_i64(id),
        org: ORG,
        owner: OwnerId::from_i64(id),
        owner_authority: Arc::default(),
        token_type: TokenType::Global,
        authority,
        terms,
        expires_at: Some(Timestamp::from_seconds(4_102_444_800)),
        revoked: false,
        last_used: None,
        awaits_first_use: false,
        previous: None,
    })
}

/// Asks whether a token has the scope, from this machine.
pub(super) fn check(verifier: &Verifier, text: &str, now: Timestamp) -> bool {
    let required = Required::scopes(ScopeSet::only(SCOPE));
    let at = Presentation::new(now, HERE);
    verifier.check(text, &required, &at).verified().is_some()
}

/// Nanoseconds that `work` takes for one text, over at least `least` and at most all texts again and again.
pub(super) fn time(texts: &Texts, least: Duration, work: impl Fn(&str, u32, Timestamp) -> bool) -> f64 {
    let begin = Instant::now();
    let epoch = present();
    let (mut done, mut place) = (0u32, 0);
    while begin.elapsed() < least {
        let now = epoch + begin.elapsed();
        for _ in 0..BATCH {
            // Tokens are ASCII, and so is what is made of them.
            let text = std::str::from_utf8(texts.around(place)).unwrap_or_default();
            black_box(work(black_box(text), texts.number(place), now));
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

pub(super) fn present() -> Timestamp {
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
        "  {} tokens: floor {:.0} ns, plain {:.0} ns, bound by scopes {:.0} ns, by action {:.0} ns, malformed {:.1} ns",
        spoken(tokens),
        middle(|round| round.floor),
        middle(|round| round.valid),
        middle(|round| round.by_scopes),
        middle(|round| round.by_action),
        middle(|round| round.malformed)
    );
}
