//! The rotation of the pepper: tokens are good under either, move at their use, and end with the previous pepper if they did not.

use std::collections::HashSet;

use claviger_token::Digest;
use claviger_verify::{Change, MAX_REDIGESTS, Peppers, Redigest, Verifier};

use crate::support::{NOW, apply, code, digest, digest_under, entry, pepper, present, verifier};

fn begin_rotation(verifier: &Verifier) {
    let peppers = Peppers {
        current: pepper(2),
        previous: Some(pepper(1)),
    };
    apply(verifier, Change::Peppers(peppers));
}

fn end_rotation(verifier: &Verifier) {
    let peppers = Peppers {
        current: pepper(2),
        previous: None,
    };
    apply(verifier, Change::Peppers(peppers));
}

fn new_digest(number: u64) -> Digest {
    digest_under(number, &pepper(2))
}

fn redigests(verifier: &Verifier) -> Vec<Redigest> {
    let mut all = Vec::new();
    verifier.drain_redigests(&mut |redigest| all.push(redigest));
    all
}

#[test]
fn a_use_under_the_previous_pepper_is_accepted_and_asks_for_a_new_digest() {
    let verifier = verifier([entry(1), entry(2)]);
    begin_rotation(&verifier);

    assert_eq!(code(&verifier, 1), "valid");

    let expected = Redigest {
        id: entry(1).id,
        from: digest(1),
        to: new_digest(1),
    };
    assert_eq!(
        redigests(&verifier),
        [expected],
        "once a second, and only what was used"
    );
    assert_eq!(redigests(&verifier), []);
}

#[test]
fn a_use_in_the_second_of_one_before_the_rotation_asks_too() {
    let verifier = verifier([entry(1)]);
    present(&verifier, 1, NOW);
    begin_rotation(&verifier);

    present(&verifier, 1, NOW);

    assert_eq!(redigests(&verifier).len(), 1);
}

#[test]
fn a_busy_token_leaves_half_of_the_queue_to_others() {
    let others = u64::try_from(MAX_REDIGESTS / 2).unwrap();
    let verifier = verifier((0..=others).map(entry));
    begin_rotation(&verifier);
    for _ in 0..MAX_REDIGESTS {
        present(&verifier, 0, NOW);
    }

    for number in 1..=others {
        present(&verifier, number, NOW);
    }

    let asked: HashSet<_> = redigests(&verifier)
        .into_iter()
        .map(|redigest| redigest.id)
        .collect();
    assert_eq!(asked.len(), MAX_REDIGESTS / 2 + 1);
}

#[test]
fn a_moved_token_outlives_the_previous_pepper_and_an_unmoved_one_does_not() {
    let verifier = verifier([entry(1), entry(2)]);
    begin_rotation(&verifier);
    present(&verifier, 1, NOW);

    for Redigest { from, to, .. } in redigests(&verifier) {
        apply(&verifier, Change::Rekey { from, to });
    }
    end_rotation(&verifier);

    assert_eq!([code(&verifier, 1), code(&verifier, 2)], ["valid", "unknown"]);
    assert_eq!(verifier.last_used(&new_digest(1)), Some(NOW));
    assert_eq!(redigests(&verifier), []);
}

#[test]
fn to_move_a_token_twice_is_to_move_it_once() {
    let verifier = verifier([entry(1)]);
    begin_rotation(&verifier);
    present(&verifier, 1, NOW);
    let mut moved = entry(1);
    moved.digest = new_digest(1);
    apply(&verifier, Change::Upsert(moved));
    assert_eq!(verifier.len(), 2);

    let rekey = Change::Rekey {
        from: digest(1),
        to: new_digest(1),
    };
    apply(&verifier, rekey);

    assert_eq!(verifier.len(), 1);
    assert_eq!(verifier.last_used(&new_digest(1)), Some(NOW), "the use moves too");
}

#[test]
fn an_inspection_moves_nothing() {
    let verifier = verifier([entry(1)]);
    begin_rotation(&verifier);

    verifier.inspect(&crate::support::text(1), NOW);

    assert_eq!(redigests(&verifier), []);
}

#[test]
fn what_does_not_fit_into_the_queue_comes_again_at_the_next_use() {
    let tokens = u64::try_from(MAX_REDIGESTS).unwrap() + 1;
    let verifier = verifier((0..tokens).map(entry));
    begin_rotation(&verifier);
    for number in 0..tokens {
        assert_eq!(code(&verifier, number), "valid");
    }
    assert_eq!(redigests(&verifier).len(), MAX_REDIGESTS);

    present(&verifier, tokens - 1, NOW + std::time::Duration::from_secs(1));

    assert_eq!(redigests(&verifier).len(), 1);
}
