//! Every order in which two checks can take from limits that they share, within a bound on pre-emptions, explored by `loom` under the
//! C11 memory model. Run by `cargo xtask test`:
//!
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p claviger-verify --release --test loom_budget`
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use claviger_domain::Timestamp;
use claviger_domain::terms::{Gcra, Period, Quota, RateLimit};
use claviger_verify::budget::{Budget, Meter, Purse, Refusal};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// The words of an owner and of two of its tokens, and a quota of the first.
#[derive(Default)]
struct Words {
    owner: Meter,
    tokens: [Meter; 2],
    purse: Purse,
}

/// So many at once, and hardly anything comes back.
fn limit(burst: u32) -> Gcra {
    RateLimit::new("rate_limit", 1, 3_600, Some(burst))
        .unwrap()
        .gcra()
}

/// One hour for each that was admitted.
fn admitted(meter: &Meter) -> u64 {
    meter.paid_off().saturating_sub(NOW.nanos()) / 3_600_000_000_000
}

fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Two checks at once, each of one of the tokens. Gives how many were admitted.
fn race(words: &Arc<Words>, tokens: [usize; 2], owner: u32, token: u32) -> u64 {
    let [mine, others] = tokens.map(|number| {
        let words = words.clone();
        move || {
            let (owner, token) = (limit(owner), limit(token));
            let budget = Budget {
                owner: Some((&words.owner, &owner)),
                token: Some((&words.tokens[number], &token)),
                ..Budget::default()
            };
            budget.take(NOW, 1, || true).is_ok()
        }
    });
    let other = thread::spawn(others);
    u64::from(mine()) + u64::from(other.join().unwrap())
}

#[test]
fn two_checks_of_one_token_never_take_what_is_there_once() {
    explore(|| {
        let words = Arc::new(Words::default());

        let passed = race(&words, [0, 0], 2, 1);

        assert_eq!(passed, 1);
        assert_eq!(admitted(&words.tokens[0]), 1);
        assert_eq!(
            admitted(&words.owner),
            1,
            "the refused one gave back what it held of the owner's"
        );
    });
}

#[test]
fn two_tokens_never_take_what_their_owner_has_once() {
    explore(|| {
        let words = Arc::new(Words::default());

        let passed = race(&words, [0, 1], 1, 1);

        assert_eq!(passed, 1);
        assert_eq!(admitted(&words.owner), 1);
        let taken = admitted(&words.tokens[0]) + admitted(&words.tokens[1]);
        assert_eq!(taken, 1, "the refused one took nothing of its own");
    });
}

#[test]
fn what_is_there_twice_is_given_twice() {
    explore(|| {
        let words = Arc::new(Words::default());

        assert_eq!(race(&words, [0, 0], 2, 2), 2);
        assert_eq!((admitted(&words.owner), admitted(&words.tokens[0])), (2, 2));
    });
}

#[test]
fn a_quota_that_runs_short_gives_both_rates_back() {
    explore(|| {
        let words = Arc::new(Words::default());
        let check = |words: Arc<Words>| {
            let (limit, quota) = (limit(2), Quota::new("quota", 1, Period::Day).unwrap());
            let budget = Budget {
                owner: Some((&words.owner, &limit)),
                token: Some((&words.tokens[0], &limit)),
                quota: Some((&words.purse, &quota)),
                ..Budget::default()
            };
            budget.take(NOW, 1, || true).is_ok()
        };
        let other = {
            let words = words.clone();
            thread::spawn(move || check(words))
        };

        let passed = u64::from(check(words.clone())) + u64::from(other.join().unwrap());

        assert_eq!(passed, 1);
        assert_eq!(words.purse.spent().credits, 1);
        assert_eq!((admitted(&words.owner), admitted(&words.tokens[0])), (1, 1));
    });
}

#[test]
fn whoever_comes_late_takes_nothing_from_the_next_token_of_a_number() {
    come_late(false);
}

#[test]
fn whoever_read_the_word_early_takes_nothing_from_the_next_token_of_a_number() {
    come_late(true);
}

fn come_late(early: bool) {
    explore(move || {
        let words = Arc::new(Words::default());
        words.tokens[0].begin(1);
        let retired = Arc::new(AtomicBool::new(false));
        let late = {
            let (words, retired) = (words.clone(), retired.clone());
            thread::spawn(move || {
                let limit = limit(1);
                let budget = Budget {
                    token: Some((&words.tokens[0], &limit)),
                    seen: early.then(|| words.tokens[0].paid_off()),
                    ..Budget::default()
                };
                budget.take(NOW, 1, || !retired.load(Ordering::Acquire))
            })
        };

        // As the writer does: the record is retired, then its number is handed on.
        retired.store(true, Ordering::Release);
        words.tokens[0].begin(2);

        let taken = late.join().unwrap();
        assert!(taken.is_ok() || taken == Err(Refusal::Moved));
        assert_eq!(
            words.tokens[0].paid_off(),
            2,
            "the next token has all that it began with"
        );
    });
}
