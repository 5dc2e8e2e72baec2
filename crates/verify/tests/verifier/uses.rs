//! What is remembered of a token's use, and when it is told.

use std::net::{IpAddr, Ipv6Addr};

use claviger_domain::token::PresentedIn;
use claviger_domain::{Timestamp, TokenId};
use claviger_verify::{Change, Entry, MAX_ADDRESSES, Presentation, Required, SecretRole, Use, Verifier};

use crate::support::{HOME, NOW, apply, digest, entry, present, text, verifier};

fn drained(verifier: &Verifier) -> Vec<Use> {
    let mut uses = Vec::new();
    verifier.drain_uses(&mut |told| uses.push(told));
    uses.sort_by_key(|told| told.id);
    uses
}

fn told(number: i64, seconds: i64, address: Option<IpAddr>) -> Use {
    Use {
        id: TokenId::from_i64(1_000 + number),
        at: Timestamp::from_seconds(NOW.seconds() + seconds),
        address,
        presented_in: PresentedIn::Header,
        secret: SecretRole::Sole,
    }
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

#[test]
fn uses_of_one_token_are_told_once_with_the_last_second_and_address() {
    let verifier = verifier([entry(1), entry(2), entry(3)]);
    present(&verifier, 1, NOW);
    present(&verifier, 1, NOW);
    present(&verifier, 2, NOW);
    let away = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let at = Presentation::new(later(4), away);
    verifier.check(&text(1), &Required::default(), &at);

    let uses = drained(&verifier);

    assert_eq!(uses, [told(1, 4, Some(away)), told(2, 0, Some(HOME))]);
    assert_eq!(drained(&verifier), [], "what was told is not told again");
}

#[test]
fn only_the_first_use_is_the_first() {
    let verifier = verifier([entry(1)]);
    let first = |now| present(&verifier, 1, now).verified().unwrap().first_use;

    assert_eq!([first(NOW), first(NOW), first(later(1))], [true, false, false]);
}

#[test]
fn a_use_known_from_the_store_counts() {
    let verifier = verifier([Entry {
        last_used: Some(NOW),
        ..entry(1)
    }]);
    assert_eq!(verifier.last_used(&digest(1)), Some(NOW));

    assert!(!present(&verifier, 1, later(1)).verified().unwrap().first_use);
    assert_eq!(drained(&verifier), [told(1, 1, Some(HOME))]);
}

#[test]
fn a_clock_that_goes_back_does_not_take_a_use_back() {
    let verifier = verifier([entry(1)]);
    present(&verifier, 1, later(10));
    drained(&verifier);

    present(&verifier, 1, NOW);

    assert_eq!(verifier.last_used(&digest(1)), Some(later(10)));
    assert_eq!(drained(&verifier), []);
}

#[test]
fn a_clock_before_1970_or_after_2106_neither_fails_nor_counts_as_never() {
    let verifier = verifier([entry(1), entry(2)]);

    assert_eq!(
        present(&verifier, 1, Timestamp::from_micros(i64::MIN)).code(),
        "valid"
    );
    assert_eq!(
        present(&verifier, 2, Timestamp::from_micros(i64::MAX - 1)).code(),
        "valid"
    );

    assert_eq!(verifier.last_used(&digest(1)), Some(Timestamp::from_seconds(1)));
    assert_eq!(
        verifier.last_used(&digest(2)),
        Some(Timestamp::from_seconds(u32::MAX.into()))
    );
}

#[test]
fn a_use_survives_an_update_and_a_revocation() {
    let verifier = verifier([entry(1), entry(2)]);
    present(&verifier, 1, NOW);
    present(&verifier, 2, NOW);

    apply(&verifier, Change::Upsert(entry(1)));
    apply(&verifier, Change::Revoke(digest(2)));

    assert_eq!(
        drained(&verifier),
        [told(1, 0, Some(HOME)), told(2, 0, Some(HOME))]
    );
    assert_eq!(verifier.last_used(&digest(1)), Some(NOW));
}

#[test]
fn what_a_replaced_secret_was_used_is_told_apart_from_the_new_ones_uses() {
    let verifier = verifier([entry(1)]);
    present(&verifier, 1, NOW);
    let new = Entry {
        digest: digest(2),
        awaits_first_use: true,
        ..entry(1)
    };
    let replace = Change::Replace {
        old: digest(1),
        older: None,
        new,
    };
    apply(&verifier, replace);

    assert_eq!(drained(&verifier), [told(1, 0, Some(HOME))]);
    present(&verifier, 2, NOW);

    let by_new = Use {
        secret: SecretRole::Successor,
        ..told(1, 0, Some(HOME))
    };
    assert_eq!(drained(&verifier), [by_new]);
    assert_eq!(drained(&verifier), []);
}

#[test]
fn the_last_use_of_a_secret_that_is_forgotten_is_told_also_without_its_address() {
    let fillers = u64::try_from(MAX_ADDRESSES).unwrap();
    let verifier = verifier((1..fillers + 2).map(entry));
    for number in 2..fillers + 2 {
        present(&verifier, number, NOW);
    }
    present(&verifier, 1, later(1));
    let replace = Change::Replace {
        old: digest(1),
        older: None,
        new: Entry {
            digest: digest(fillers + 2),
            ..entry(1)
        },
    };

    apply(&verifier, replace);

    let uses = drained(&verifier);
    assert_eq!(uses[0], told(1, 1, None));
    assert_eq!(uses.len(), MAX_ADDRESSES + 1);
}

#[test]
fn a_denied_token_was_not_used() {
    let verifier = verifier([Entry {
        revoked: true,
        ..entry(1)
    }]);

    present(&verifier, 1, NOW);

    assert_eq!(verifier.last_used(&digest(1)), None);
    assert_eq!(drained(&verifier), []);
}

#[test]
fn above_the_limit_of_addresses_every_time_is_told_and_the_address_is_not() {
    let tokens = u64::try_from(MAX_ADDRESSES).unwrap() + 10;
    let verifier = verifier((0..tokens).map(entry));
    for number in 0..tokens {
        present(&verifier, number, NOW);
    }

    let uses = drained(&verifier);

    assert_eq!(uses.len(), MAX_ADDRESSES + 10);
    assert!(uses.iter().all(|told| told.at == NOW));
    let without = uses.iter().filter(|told| told.address.is_none()).count();
    assert_eq!(without, 10);
}
