//! A verify in the process of tokens whose owner has many, beside tokens whose owner has no other.
//!
//! P6. One verifier knows one owner's many tokens and as many owners with one token each, so that both sides look into tables of one
//! size. Asked about one token again and again, and about all in a scattered order; without a limit of the owners, and with one.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, ensure};
use claviger_domain::authority::{Authority, Selector};
use claviger_domain::{OwnerId, ScopeSet};
use claviger_token::TokenType;
use claviger_verify::{Change, Entry, Owner, Verifier};

use super::in_process::{ORG, SCOPE, check, empty, entry, present, time};
use crate::bound;
use crate::figures::{Figure, Goal, median};
use crate::machine::{self, Core};
use crate::seeded::{self, Lot, Texts};
use crate::size::{Size, spoken};

const GROWTH: Goal = Goal::at_most("P6", 1.05, "ratio");

/// Tokens of the one owner, and owners of one token each.
const TOKENS: u32 = 100_000;
/// Shares no factor with [`TOKENS`], so that its multiples meet every token once.
const STRIDE: u32 = 61_813;
/// Turns of a round: what is compared takes turns, so that a slow moment falls on both.
const TURNS: u32 = 10;
/// Of a round, for each of what is compared.
const SHARE: u32 = 3;

/// The texts of one side.
struct Side {
    one: Texts,
    all: Texts,
}

/// A verifier and both sides.
struct Bed {
    verifier: Verifier,
    many: Side,
    lone: Side,
}

/// What the tokens of the one owner cost, divided by the others.
struct Round {
    one: f64,
    all: f64,
}

/// Measures without a limit of the owners, then with one.
///
/// # Errors
/// When a verifier does not say what it should of a token.
pub(crate) fn measure(size: &Size) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (is_limited, what) in [(false, ""), (true, ", with a limit of the owner in force")] {
        let rounds = machine::on(Core::Server, || {
            let bed = Bed::new(is_limited)?;
            Ok((0..size.rounds).map(|_| bed.round(size)).collect::<Vec<_>>())
        })?;
        let ratios = |of: fn(&Round) -> f64| rounds.iter().map(of).collect::<Vec<_>>();
        let (one, all) = (ratios(|round| round.one), ratios(|round| round.all));
        println!(
            "  one token {:.3}, all {:.3}{what}",
            median(&one).unwrap_or_default(),
            median(&all).unwrap_or_default()
        );
        let tokens = spoken(TOKENS);
        figures.extend(GROWTH.figure(
            format!("verify in process of one of the {tokens} tokens of an owner, against an owner's only one{what}"),
            &one,
        ));
        figures.extend(GROWTH.figure(
            format!("… of {tokens} tokens of one owner, against those of {tokens} owners{what}"),
            &all,
        ));
    }
    Ok(figures)
}

// === impl Bed ===

impl Bed {
    fn new(is_limited: bool) -> Result<Self> {
        let verifier = empty();
        verifier.reserve(2 * TOKENS)?;
        let given = Arc::new(Authority::of_token(ScopeSet::only(SCOPE), Selector::everywhere()));
        let everything = Arc::new(Authority::everything());
        let rate_limit = is_limited.then(bound::generous).transpose()?;
        let pepper = seeded::pepper();
        for number in 0..2 * TOKENS {
            let id = OwnerId::from_i64(owner_of(number));
            verifier.apply(Change::Owner(Owner {
                id,
                org: ORG,
                authority: everything.clone(),
                active: true,
                rate_limit,
            }))?;
            verifier.apply(Change::Upsert(Entry {
                owner: id,
                token_type: TokenType::Personal,
                ..entry(&pepper, number, given.clone(), None)?
            }))?;
        }
        let bed = Self {
            verifier,
            many: Side::new(0)?,
            lone: Side::new(TOKENS)?,
        };
        bed.accepts()?;
        Ok(bed)
    }

    fn round(&self, size: &Size) -> Round {
        let slice = size.round / (SHARE * TURNS);
        let cost = |texts: &Texts| time(texts, slice, |text, _, now| check(&self.verifier, text, now));
        let [mut one, mut all] = [(0.0, 0.0); 2];
        for _ in 0..TURNS {
            one.0 += cost(&self.many.one);
            one.1 += cost(&self.lone.one);
            all.0 += cost(&self.many.all);
            all.1 += cost(&self.lone.all);
        }
        self.verifier.drain_uses(&mut |used| {
            black_box(used);
        });
        Round {
            one: one.0 / one.1,
            all: all.0 / all.1,
        }
    }

    fn accepts(&self) -> Result<()> {
        let now = present();
        for texts in [&self.many.one, &self.lone.one, &self.many.all, &self.lone.all] {
            for text in texts.iter().take(1_000) {
                ensure!(
                    check(&self.verifier, std::str::from_utf8(text)?, now),
                    "a seeded token is not accepted"
                );
            }
        }
        Ok(())
    }
}

impl Side {
    /// The tokens numbered from there on.
    fn new(first: u32) -> Result<Self> {
        // Wrapping the product would spoil the order: it is taken with more bits.
        let scattered = |place: u32| {
            let number = u64::from(place) * u64::from(STRIDE) % u64::from(TOKENS);
            first + u32::try_from(number).unwrap_or_default()
        };
        Ok(Self {
            one: seeded::texts(Lot::Known, std::iter::once(first))?,
            all: seeded::texts(Lot::Known, (0..TOKENS).map(scattered))?,
        })
    }
}

/// The first tokens are one owner's; of the others each has its own. The numbers are far from the tokens'.
fn owner_of(number: u32) -> i64 {
    (1 << 40) + i64::from(number.saturating_sub(TOKENS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_tokens_are_one_owners_and_the_others_have_one_each() {
        assert_eq!(owner_of(0), owner_of(TOKENS - 1));
        assert_ne!(owner_of(0), owner_of(TOKENS));
        assert_ne!(owner_of(TOKENS), owner_of(TOKENS + 1));
    }

    #[test]
    fn a_side_asks_about_each_of_its_tokens_once() {
        let side = Side::new(TOKENS).unwrap();
        let mut numbers: Vec<u32> = (0..usize::try_from(TOKENS).unwrap())
            .map(|place| side.all.number(place))
            .collect();
        numbers.sort_unstable();

        assert!(numbers.into_iter().eq(TOKENS..2 * TOKENS));
    }
}
