//! Overlaps that end at the first use of the new secret, explored by `loom` as `loom_index.rs` explores the index: checks of the old
//! and the new secret beside a writer that changes the token or begins the next overlap. The checks are the verifier's, step by
//! step; the tests named `without_…` leave one out and must fail. Run by `cargo xtask test`.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use claviger_verify::index::{Fields, Index, Key, Look, Mark, Overlaps, WriteHalf};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const TOKEN: i64 = 1;
/// The record looks at no overlap.
const PLAIN: u32 = 0;
/// The record is the old secret's of an overlap, or the new one's.
const OLD: u32 = 4;
const NEW: u32 = 8;

/// A token with its overlaps. Secrets are keys 1, 2, 3.
struct Rotation {
    index: Index,
    overlaps: Overlaps,
}

struct Halves {
    index: WriteHalf,
    words: WriteHalf,
}

fn secret(number: u64, flags: u32) -> Fields {
    Fields {
        key: key(number),
        id: TOKEN,
        expires_at: 0,
        owner: 0,
        policy: 0,
        flags,
        budget: 0,
    }
}

fn key(number: u64) -> Key {
    Key::from_bits(number, number)
}

/// An overlap of secrets 1 and 2 with the records of those that the model is about: every record more is states more.
fn rotation<const N: usize>(records: [(u64, u32); N]) -> (Arc<Rotation>, Halves) {
    let (index, index_half) = Index::new(8);
    let (overlaps, words) = Overlaps::new(4);
    let mut halves = Halves {
        index: index_half,
        words,
    };
    overlaps.begin(&mut halves.words, TOKEN).unwrap();
    for (number, flags) in records {
        index
            .upsert(&mut halves.index, &secret(number, flags), 0)
            .unwrap();
    }
    (Arc::new(Rotation { index, overlaps }), halves)
}

impl Rotation {
    /// A check of a previous secret: true when it is accepted.
    fn check_old(&self, number: u64, asks_again: bool) -> bool {
        loop {
            let Some(hit) = self.index.find(key(number)) else {
                return false;
            };
            if hit.snapshot.fields.flags & OLD == 0 {
                return true;
            }
            let is_current = || !asks_again || self.index.is_current(&hit);
            match self.overlaps.look(TOKEN, is_current) {
                Look::Open => return true,
                Look::Over => return false,
                Look::Again => {}
            }
        }
    }

    /// A check of a present secret: true when it is accepted.
    fn check_new(&self, number: u64, asks_again: bool) -> bool {
        loop {
            let Some(hit) = self.index.find(key(number)) else {
                return false;
            };
            if self.index.mark(&hit, 7) == Mark::Moved {
                continue;
            }
            if hit.snapshot.fields.flags & NEW == 0 {
                return true;
            }
            let is_current = || !asks_again || self.index.is_current(&hit);
            if self.overlaps.end_at_first_use(TOKEN, 7, is_current) == Look::Over {
                return true;
            }
        }
    }
}

/// Executions that are explored of a model at most. Those of the next overlap have more than anybody waits for, since a record that is used
/// again is read beside its writing; without the second question they fail among the first hundred.
const EXECUTIONS: usize = 200_000;

fn explore(pre_emptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(pre_emptions);
    builder.max_branches = 10_000;
    builder.max_permutations = Some(EXECUTIONS);
    builder.check(model);
}

fn spawn<T: 'static>(
    rotation: &Arc<Rotation>,
    reader: impl FnOnce(&Rotation) -> T + 'static,
) -> thread::JoinHandle<T> {
    let rotation = rotation.clone();
    thread::spawn(move || reader(&rotation))
}

#[test]
fn after_the_first_use_was_answered_the_old_secret_is_refused() {
    explore(3, || {
        let (rotation, _halves) = rotation([(1, OLD), (2, NEW)]);
        let answered = Arc::new(AtomicBool::new(false));
        let old = spawn(&rotation, {
            let answered = answered.clone();
            move |rotation| {
                let late = answered.load(Ordering::Acquire);
                assert!(!(rotation.check_old(1, true) && late));
            }
        });

        assert!(rotation.check_new(2, true));
        answered.store(true, Ordering::Release);

        old.join().unwrap();
        assert!(!rotation.check_old(1, true));
    });
}

#[test]
fn an_update_meanwhile_opens_nothing_that_was_over() {
    explore(2, || {
        let (rotation, mut halves) = rotation([(1, OLD)]);
        let reader = spawn(&rotation, |rotation| {
            assert_eq!(rotation.overlaps.end_at_first_use(TOKEN, 7, || true), Look::Over);
            assert!(!rotation.check_old(1, true));
        });

        let updated = secret(1, OLD);
        rotation.index.upsert(&mut halves.index, &updated, 0).unwrap();

        reader.join().unwrap();
        assert!(!rotation.check_old(1, true));
    });
}

#[test]
fn an_old_secret_that_ended_is_not_revived_by_the_next_overlap() {
    explore(1, || an_ended_secret_beside_the_next_overlap(true));
}

#[test]
#[should_panic(expected = "revived")]
fn without_asking_again_an_old_secret_goes_by_the_next_overlap() {
    explore(1, || an_ended_secret_beside_the_next_overlap(false));
}

/// The writer's steps of a regeneration during an overlap, as far as secret 1 sees them: its record is removed before the next overlap
/// begins.
fn an_ended_secret_beside_the_next_overlap(asks_again: bool) {
    let (rotation, mut halves) = rotation([(1, OLD)]);
    rotation.overlaps.end_at_first_use(TOKEN, 7, || true);
    let old = spawn(&rotation, move |rotation| {
        assert!(!rotation.check_old(1, asks_again), "secret 1 is revived");
    });

    rotation.index.remove(&mut halves.index, key(1)).unwrap();
    rotation.overlaps.forget(&mut halves.words, TOKEN);
    rotation.overlaps.begin(&mut halves.words, TOKEN).unwrap();

    old.join().unwrap();
}

#[test]
fn a_use_of_the_secret_that_becomes_the_old_one_does_not_end_the_next_overlap() {
    explore(1, || a_use_beside_the_next_overlap(true));
}

#[test]
#[should_panic(expected = "ended by secret 2")]
fn without_asking_again_a_use_ends_the_next_overlap() {
    explore(1, || a_use_beside_the_next_overlap(false));
}

/// The same as secret 2 sees it, which becomes the old one: its record looks at no overlap before the next one begins.
fn a_use_beside_the_next_overlap(asks_again: bool) {
    let (rotation, mut halves) = rotation([(2, NEW)]);
    let present = spawn(&rotation, move |rotation| {
        // A check that took it for the present secret.
        if let Some(hit) = rotation.index.find(key(2))
            && hit.snapshot.fields.flags & NEW != 0
        {
            let is_current = || !asks_again || rotation.index.is_current(&hit);
            rotation.overlaps.end_at_first_use(TOKEN, 7, is_current);
        }
    });

    rotation.overlaps.forget(&mut halves.words, TOKEN);
    let plain = secret(2, PLAIN);
    rotation.index.upsert(&mut halves.index, &plain, 0).unwrap();
    rotation.overlaps.begin(&mut halves.words, TOKEN).unwrap();

    present.join().unwrap();
    assert!(
        !rotation.overlaps.is_over(TOKEN),
        "the next overlap was ended by secret 2"
    );
}
