//! Every order in which the index's atomic operations can happen, within a bound on pre-emptions, explored by `loom` under the
//! C11 memory model. Run by `cargo xtask test`:
//!
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p claviger-verify --release --test loom_index`
//!
//! Under `loom` the index is the same code with one shard, tables of 4 slots and chunks of 2 records. The tests named
//! `without_…` leave out one step and must fail: they show that the models can. The bounds are what a minute allows:
//! some 800,000 executions in all.
#![cfg(loom)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use claviger_verify::index::{Fields, FoundBy, Index, Key, Mark, Record, WriteHalf};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

/// Fields that all follow from one number, so that a mix of two tokens shows.
fn token(key: u64, number: u32) -> Fields {
    Fields {
        key: Key::from_bits(key, key),
        id: number.into(),
        expires_at: number.into(),
        owner: number,
        policy: number,
        flags: number << 8,
        budget: number,
    }
}

fn key(number: u64) -> Key {
    Key::from_bits(number, number)
}

fn index_of(tokens: &[Fields]) -> (Arc<Index>, WriteHalf) {
    let (index, mut half) = Index::new(8);
    for fields in tokens {
        index.upsert(&mut half, fields, 0).unwrap();
    }
    (Arc::new(index), half)
}

fn explore(pre_emptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(pre_emptions);
    builder.max_branches = 10_000;
    builder.check(model);
}

#[test]
fn after_revoke_returned_no_reader_sees_a_live_token() {
    explore(3, || {
        let (index, _half) = index_of(&[token(1, 1)]);
        let answered = Arc::new(AtomicBool::new(false));
        let reader = spawn(&index, {
            let answered = answered.clone();
            move |index| {
                let late = answered.load(Ordering::Acquire);
                let seen = index.find(key(1)).unwrap().snapshot;
                assert!(
                    seen.ended() || !late,
                    "accepted after the answer to the revocation"
                );
            }
        });

        assert!(index.revoke(key(1)));
        answered.store(true, Ordering::Release);

        reader.join().unwrap();
    });
}

#[test]
fn after_remove_returned_no_reader_finds_the_token() {
    explore(3, || {
        let (index, mut half) = index_of(&[token(1, 1), token(5, 5)]);
        let answered = Arc::new(AtomicBool::new(false));
        let reader = spawn(&index, {
            let answered = answered.clone();
            move |index| {
                let late = answered.load(Ordering::Acquire);
                assert!(index.find(key(1)).is_none() || !late);
                assert!(index.find(key(5)).is_some(), "it lies behind the removed one");
            }
        });

        assert!(index.remove(&mut half, key(1)).is_some());
        answered.store(true, Ordering::Release);

        reader.join().unwrap();
    });
}

#[test]
fn a_record_that_is_reused_never_shows_a_mix_of_two_tokens() {
    explore(1, || {
        let (index, mut half) = index_of(&[token(1, 1)]);
        let reader = spawn(&index, |index| {
            if let Some(hit) = index.find(key(1)) {
                assert_eq!(hit.snapshot.fields, token(1, 1));
            }
        });

        index.remove(&mut half, key(1)).unwrap();
        index.upsert(&mut half, &token(2, 2), 0).unwrap();

        reader.join().unwrap();
        assert!(index.find(key(1)).is_none());
        assert_eq!(index.find(key(2)).unwrap().snapshot.fields, token(2, 2));
    });
}

#[test]
fn an_update_shows_all_of_the_old_or_all_of_the_new() {
    explore(3, || {
        let (index, mut half) = index_of(&[token(1, 1)]);
        let reader = spawn(&index, |index| {
            let seen = index.find(key(1)).unwrap().snapshot.fields;
            assert!(seen == token(1, 1) || seen == token(1, 2));
        });

        index.upsert(&mut half, &token(1, 2), 0).unwrap();

        reader.join().unwrap();
        assert_eq!(index.find(key(1)).unwrap().snapshot.fields, token(1, 2));
    });
}

#[test]
fn a_token_is_found_at_every_moment_of_a_rekey() {
    explore(2, || {
        let (index, mut half) = index_of(&[token(1, 1)]);
        let reader = spawn(&index, |index| {
            let (hit, _) = index.find_either(key(2), || key(1)).unwrap();
            assert_eq!(hit.snapshot.fields.id, 1);
        });

        assert!(index.rekey(&mut half, key(1), key(2)).unwrap());

        reader.join().unwrap();
        let (_, by) = index.find_either(key(2), || key(1)).unwrap();
        assert_eq!(by, FoundBy::Current);
        assert!(index.find(key(1)).is_none());
    });
}

#[test]
#[should_panic(expected = "a token vanished while it was moved")]
fn without_the_third_look_a_token_can_vanish_while_it_is_moved() {
    explore(2, || {
        let (index, mut half) = index_of(&[token(1, 1)]);
        let reader = spawn(&index, |index| {
            let found = index.find(key(2)).or_else(|| index.find(key(1)));
            assert!(found.is_some(), "a token vanished while it was moved");
        });

        index.rekey(&mut half, key(1), key(2)).unwrap();

        reader.join().unwrap();
    });
}

#[test]
fn a_token_is_found_while_its_table_is_replaced() {
    // Three of four slots are taken, so the fourth token needs a larger table.
    explore(3, || {
        let (index, mut half) = index_of(&[token(1, 1), token(2, 2), token(3, 3)]);
        let reader = spawn(&index, |index| {
            assert_eq!(index.find(key(3)).unwrap().snapshot.fields, token(3, 3));
        });

        index.upsert(&mut half, &token(4, 4), 0).unwrap();

        reader.join().unwrap();
        assert_eq!(index.find(key(4)).unwrap().snapshot.fields, token(4, 4));
    });
}

#[test]
fn a_reader_left_in_a_table_that_is_used_again_finds_its_token() {
    // Key 9 is at home in slot 1; all others want slot 3, and the second of them wraps to slot 0. Removed in this order both leave
    // tombstones, so that the next insertion needs a clean table: the writer goes from the first table to the second and back to the
    // first, which it wipes, while the reader may still be in it.
    explore(3, || {
        let (index, mut half) = index_of(&[token(9, 9), token(3, 3), token(7, 7)]);
        index.remove(&mut half, key(3)).unwrap();
        index.remove(&mut half, key(7)).unwrap();
        let reader = spawn(&index, |index| {
            assert_eq!(index.find(key(9)).unwrap().snapshot.fields, token(9, 9));
        });

        index.upsert(&mut half, &token(11, 11), 0).unwrap();
        index.upsert(&mut half, &token(15, 15), 0).unwrap();
        index.remove(&mut half, key(11)).unwrap();
        index.remove(&mut half, key(15)).unwrap();
        index.upsert(&mut half, &token(19, 19), 0).unwrap();

        reader.join().unwrap();
    });
}

#[test]
fn a_use_survives_an_update_and_is_told() {
    explore(3, || {
        let (index, mut half) = index_of(&[token(1, 1)]);
        let user = spawn(&index, |index| {
            let mark = loop {
                match index.mark(&index.find(key(1)).unwrap(), 7) {
                    Mark::Moved => {}
                    done => break done,
                }
            };
            assert_eq!(mark, Mark::Marked { first: true });
        });

        index.upsert(&mut half, &token(1, 2), 0).unwrap();
        let mut all = told(&index);

        user.join().unwrap();
        all.extend(told(&index));
        assert_eq!(index.find(key(1)).unwrap().snapshot.last_used, 7);
        assert!(all.contains(&7), "the use was never told: {all:?}");
    });
}

#[test]
fn one_second_is_marked_by_one_of_two_readers_and_told_once() {
    explore(3, || {
        let (index, _half) = index_of(&[token(1, 1)]);
        let other = spawn(&index, |index| index.mark(&index.find(key(1)).unwrap(), 7));

        let marks = [index.mark(&index.find(key(1)).unwrap(), 7), other.join().unwrap()];

        assert!(marks.contains(&Mark::Already) && marks.contains(&Mark::Marked { first: true }));
        assert_eq!(told(&index), [7]);
        assert!(told(&index).is_empty());
    });
}

#[test]
fn a_record_alone_never_shows_a_mix() {
    explore(3, || {
        reuse_a_record(|record| record.snapshot().map(|seen| seen.fields))
    });
}

#[test]
#[should_panic(expected = "a mix of two tokens")]
fn without_the_version_a_record_shows_a_mix() {
    explore(3, || reuse_a_record(|record| Some(record.fields())));
}

/// One record goes from token 1 to token 2 while it is read.
fn reuse_a_record(read: fn(&Record) -> Option<Fields>) {
    let record = Arc::new(Record::default());
    record.publish(&token(1, 1), 0);
    let reader = {
        let record = record.clone();
        thread::spawn(move || {
            if let Some(seen) = read(&record) {
                assert!(
                    seen == token(1, 1) || seen == token(2, 2),
                    "a mix of two tokens: {seen:?}"
                );
            }
        })
    };

    record.retire();
    record.publish(&token(2, 2), 0);

    reader.join().unwrap();
}

/// Runs a reader. The writer stays on the main thread, which `loom` lets go first: it finds the orders in which a load comes before
/// an earlier store, and misses some of those in which a store comes before an earlier load.
fn spawn<T: 'static>(
    index: &Arc<Index>,
    reader: impl FnOnce(&Index) -> T + 'static,
) -> thread::JoinHandle<T> {
    let index = index.clone();
    thread::spawn(move || reader(&index))
}

fn told(index: &Index) -> Vec<u32> {
    let mut seconds = Vec::new();
    index.drain_used(&mut |used| seconds.push(used.last_used));
    seconds
}
