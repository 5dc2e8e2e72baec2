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

/// An overlap of secrets 1 and 2.
fn rotation() -> (Arc<Rotation>, Halves) {
    let (index, index_half) = Index::new(8);
    let (overlaps, words) = Overlaps::new(4);
    let mut halves = Halves {
        index: index_half,
        words,
    };
    overlaps.begin(&mut halves.words, TOKEN).unwrap();
    for (number, flags) in [(1, OLD), (2, NEW)] {
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

    /// What the verifier does to make secret 2 the previous one. The new one, 3, is known to nobody yet.
    fn rotate(&self, halves: &mut Halves) {
        self.index.remove(&mut halves.index, key(1)).unwrap();
        self.overlaps.forget(&mut halves.words, TOKEN);
        self.index
            .upsert(&mut halves.index, &secret(2, PLAIN), 0)
            .unwrap();
        self.overlaps.begin(&mut halves.words, TOKEN).unwrap();
        self.index.upsert(&mut halves.index, &secret(2, OLD), 0).unwrap();
    }
}

fn explore(pre_emptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(pre_emptions);
    builder.max_branches = 10_000;
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
        let (rotation, _halves) = rotation();
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
        let (rotation, mut halves) = rotation();
        let answered = Arc::new(AtomicBool::new(false));
        let reader = spawn(&rotation, {
            let answered = answered.clone();
            move |rotation| {
                assert!(rotation.check_new(2, true));
                answered.store(true, Ordering::Release);
                assert!(!rotation.check_old(1, true));
            }
        });

        for (number, flags) in [(1, OLD), (2, NEW)] {
            rotation
                .index
                .upsert(&mut halves.index, &secret(number, flags), 0)
                .unwrap();
        }
        let late = answered.load(Ordering::Acquire);
        assert!(!(rotation.check_old(1, true) && late));

        reader.join().unwrap();
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

fn an_ended_secret_beside_the_next_overlap(asks_again: bool) {
    let (rotation, mut halves) = rotation();
    assert!(rotation.check_new(2, true));
    let old = spawn(&rotation, move |rotation| {
        assert!(!rotation.check_old(1, asks_again), "secret 1 is revived");
    });

    rotation.rotate(&mut halves);

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

fn a_use_beside_the_next_overlap(asks_again: bool) {
    let (rotation, mut halves) = rotation();
    let present = spawn(&rotation, move |rotation| {
        // Only a check that took it for the present secret marks it as such; afterwards it is judged as the old one.
        if let Some(hit) = rotation.index.find(key(2))
            && rotation.index.mark(&hit, 7) != Mark::Moved
            && hit.snapshot.fields.flags & NEW != 0
        {
            let is_current = || !asks_again || rotation.index.is_current(&hit);
            rotation.overlaps.end_at_first_use(TOKEN, 7, is_current);
        }
    });

    rotation.rotate(&mut halves);

    present.join().unwrap();
    assert!(
        rotation.check_old(2, true),
        "the next overlap was ended by secret 2"
    );
}
