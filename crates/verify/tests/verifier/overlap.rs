//! Overlaps: two secrets of one token, and every way in which the old one stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use claviger_domain::terms::{RateLimit, Terms};
use claviger_domain::token::PresentedIn;
use claviger_domain::{Scope, ScopeSet, Timestamp, TokenId};
use claviger_verify::{Change, Entry, Peppers, PreviousSecret, SecretRole, Use, Verifier};

use crate::support::{
    HOME, NOW, apply, code, digest, digest_under, entry, pepper, plain, present, text, verifier,
};

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn previous(number: u64, until_first_use: bool) -> PreviousSecret {
    PreviousSecret {
        digest: digest(number),
        ends_at: later(60),
        until_first_use,
        last_used: None,
    }
}

/// Token 1 with the secret of that number, after it had the one before.
fn rotated(secret: u64, until_first_use: bool) -> Entry {
    Entry {
        digest: digest(secret),
        previous: Some(previous(secret - 1, until_first_use)),
        ..entry(1)
    }
}

fn replace(secret: u64, older: Option<u64>, until_first_use: bool) -> Change {
    Change::Replace {
        old: digest(secret - 1),
        older: older.map(digest),
        new: rotated(secret, until_first_use),
    }
}

/// Token 1 in an overlap of its secrets 1 and 2.
fn in_overlap(until_first_use: bool) -> Verifier {
    let verifier = verifier([entry(1)]);
    apply(&verifier, replace(2, None, until_first_use));
    verifier
}

fn end(current: u64, previous: u64) -> Change {
    Change::EndOverlap {
        id: entry(1).id,
        current: digest(current),
        previous: digest(previous),
    }
}

fn codes<const N: usize>(verifier: &Verifier, secrets: [u64; N]) -> [&'static str; N] {
    secrets.map(|secret| code(verifier, secret))
}

fn uses(verifier: &Verifier) -> Vec<Use> {
    let mut all = Vec::new();
    verifier.drain_uses(&mut |told| all.push(told));
    all
}

fn first_uses(verifier: &Verifier) -> Vec<TokenId> {
    let mut all = Vec::new();
    verifier.drain_first_uses(&mut |id| all.push(id));
    all
}

#[test]
fn both_secrets_are_good_until_the_time_is_over() {
    let verifier = in_overlap(false);

    assert_eq!(codes(&verifier, [2, 1, 2, 1]), ["valid"; 4]);
    assert_eq!(present(&verifier, 1, later(59)).code(), "valid");
    assert_eq!(
        present(&verifier, 1, later(60)).code(),
        "unknown",
        "as after a regeneration without an overlap"
    );
    assert_eq!(present(&verifier, 2, later(60)).code(), "valid");
    assert_eq!(verifier.len(), 2);
}

#[test]
fn the_old_secret_does_not_outlive_the_token() {
    let verifier = verifier([entry(1)]);
    let short = Entry {
        expires_at: Some(later(30)),
        ..rotated(2, false)
    };
    let replace = Change::Replace {
        old: digest(1),
        older: None,
        new: short,
    };
    apply(&verifier, replace);

    assert_eq!(present(&verifier, 1, later(29)).code(), "valid");
    assert_eq!(present(&verifier, 1, later(30)).code(), "unknown");
    assert_eq!(present(&verifier, 2, later(30)).code(), "expired");
}

#[test]
fn the_first_use_of_the_new_secret_ends_the_old_one_at_once() {
    let verifier = in_overlap(true);
    assert_eq!(codes(&verifier, [1, 1]), ["valid"; 2]);
    assert!(!verifier.overlap_ended(entry(1).id));
    assert_eq!(first_uses(&verifier), []);

    assert_eq!(code(&verifier, 2), "valid");

    assert_eq!(codes(&verifier, [1, 2]), ["unknown", "valid"]);
    assert!(verifier.overlap_ended(entry(1).id));
    assert_eq!(first_uses(&verifier), [entry(1).id], "for the store");
    assert_eq!(first_uses(&verifier), []);
}

#[test]
fn a_look_at_the_new_secret_and_a_denied_use_end_nothing() {
    let verifier = in_overlap(true);
    verifier.inspect(&text(2), NOW);
    let narrow = Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        ..rotated(2, true)
    };
    apply(&verifier, Change::Upsert(narrow));
    let required = claviger_verify::Required::scopes(ScopeSet::only(Scope::TokensWrite));
    let at = claviger_verify::Presentation::new(NOW, HOME);

    let denied = verifier.check(&text(2), &required, &at);

    assert_eq!(denied.code(), "insufficient_scope");
    assert_eq!(code(&verifier, 1), "valid");
}

/// Token 1 with one secret, and then in an overlap of its secrets 1 and 2, accepted so often in a minute.
fn limited_overlap(requests: u32) -> Verifier {
    let limit = RateLimit::new("rate_limit", requests, 60, None).unwrap();
    let terms = Some(Arc::new(Terms {
        rate_limit: Some(limit),
        ..Terms::default()
    }));
    let verifier = verifier([Entry {
        terms: terms.clone(),
        ..entry(1)
    }]);
    assert_eq!(code(&verifier, 1), "valid");
    apply(
        &verifier,
        Change::Replace {
            old: digest(1),
            older: None,
            new: Entry {
                terms,
                ..rotated(2, true)
            },
        },
    );
    verifier
}

#[test]
fn both_secrets_take_from_one_limit() {
    let verifier = limited_overlap(3);

    assert_eq!(
        codes(&verifier, [1, 2, 2]),
        ["valid", "valid", "rate_limited"],
        "the use before the overlap counts too"
    );
    apply(&verifier, end(2, 1));
    assert_eq!(
        code(&verifier, 2),
        "rate_limited",
        "the end of the overlap refills nothing"
    );

    apply(&verifier, Change::Remove(digest(2)));
    apply(&verifier, Change::Upsert(entry(3)));
    assert_eq!(code(&verifier, 3), "valid");
}

#[test]
fn a_use_of_the_new_secret_above_the_limit_ends_no_overlap() {
    let verifier = limited_overlap(2);

    assert_eq!(codes(&verifier, [1, 2]), ["valid", "rate_limited"]);

    assert_eq!(code(&verifier, 1), "rate_limited", "known still");
    assert_eq!(first_uses(&verifier), []);
}

#[test]
fn a_token_whose_limits_were_lifted_wins_nothing_by_an_overlap() {
    let verifier = limited_overlap(1);
    apply(&verifier, Change::Upsert(rotated(2, true)));
    assert_eq!(codes(&verifier, [1, 2]), ["valid"; 2]);

    apply(&verifier, replace(3, Some(1), true));
    let limited = Entry {
        terms: Some(Arc::new(Terms {
            rate_limit: Some(RateLimit::new("rate_limit", 1, 60, None).unwrap()),
            ..Terms::default()
        })),
        ..rotated(3, true)
    };
    apply(&verifier, Change::Upsert(limited));

    assert_eq!(codes(&verifier, [3, 2]), ["rate_limited"; 2]);
}

#[test]
fn what_ended_at_the_first_use_stays_ended_through_updates_and_the_pepper() {
    let verifier = in_overlap(true);
    assert_eq!(codes(&verifier, [2, 1]), ["valid", "unknown"]);

    apply(&verifier, Change::Upsert(rotated(2, true)));
    assert_eq!(code(&verifier, 1), "unknown", "the store does not know yet");
    apply(
        &verifier,
        Change::Peppers(Peppers {
            current: pepper(2),
            previous: Some(pepper(1)),
        }),
    );
    for secret in [1, 2] {
        let to = digest_under(secret, &pepper(2));
        apply(
            &verifier,
            Change::Rekey {
                from: digest(secret),
                to,
            },
        );
    }

    assert_eq!(codes(&verifier, [1, 2]), ["unknown", "valid"]);
}

#[test]
fn both_secrets_move_to_a_new_pepper_and_the_overlap_goes_on() {
    let verifier = in_overlap(true);
    apply(
        &verifier,
        Change::Peppers(Peppers {
            current: pepper(2),
            previous: Some(pepper(1)),
        }),
    );
    assert_eq!(code(&verifier, 1), "valid");
    let mut redigests = Vec::new();
    verifier.drain_redigests(&mut |redigest| redigests.push(redigest));
    for redigest in redigests {
        let (from, to) = (redigest.from, redigest.to);
        apply(&verifier, Change::Rekey { from, to });
    }
    apply(
        &verifier,
        Change::Rekey {
            from: digest(2),
            to: digest_under(2, &pepper(2)),
        },
    );

    assert_eq!(codes(&verifier, [1, 2, 1]), ["valid", "valid", "unknown"]);
}

#[test]
fn an_update_and_the_owner_hold_for_both_secrets() {
    let verifier = in_overlap(false);
    let narrow = Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        expires_at: Some(later(10)),
        ..rotated(2, false)
    };

    apply(&verifier, Change::Upsert(narrow));
    for secret in [1, 2] {
        let seen = *present(&verifier, secret, NOW).verified().unwrap();
        assert_eq!(seen.scopes, ScopeSet::only(Scope::TokensRead));
        assert_eq!(seen.expires_at, Some(later(10)));
    }
    apply(
        &verifier,
        Change::Owner(claviger_verify::Owner {
            id: entry(1).owner,
            org: entry(1).org,
            authority: plain(ScopeSet::all()),
            active: false,
            rate_limit: None,
        }),
    );

    assert_eq!(codes(&verifier, [1, 2]), ["revoked"; 2]);
}

#[test]
fn an_overlap_that_is_ended_leaves_one_secret_and_nothing_else() {
    let verifier = in_overlap(true);
    present(&verifier, 1, NOW);

    apply(&verifier, end(2, 1));

    assert_eq!(codes(&verifier, [1, 2]), ["unknown", "valid"]);
    assert_eq!(verifier.len(), 1);
    assert_eq!(
        first_uses(&verifier),
        [],
        "it was not the first use that ended it"
    );
    assert!(!verifier.overlap_ended(entry(1).id));
}

#[test]
fn a_regeneration_during_an_overlap_ends_the_older_secret() {
    for until_first_use in [false, true] {
        let verifier = in_overlap(until_first_use);

        apply(&verifier, replace(3, Some(1), until_first_use));

        assert_eq!(codes(&verifier, [1, 2]), ["unknown", "valid"]);
        assert_eq!(code(&verifier, 3), "valid");
        let old = if until_first_use { "unknown" } else { "valid" };
        assert_eq!(codes(&verifier, [1, 2, 3]), ["unknown", old, "valid"]);
    }
}

#[test]
fn the_use_that_ended_an_overlap_does_not_end_the_next_one() {
    let verifier = in_overlap(true);
    assert_eq!(code(&verifier, 2), "valid");

    apply(&verifier, replace(3, Some(1), true));

    assert_eq!(codes(&verifier, [1, 2, 2]), ["unknown", "valid", "valid"]);
    assert_eq!(codes(&verifier, [3, 2]), ["valid", "unknown"]);
}

#[test]
fn a_regeneration_without_an_overlap_leaves_the_new_secret_alone() {
    let verifier = in_overlap(true);
    let new = Entry {
        digest: digest(3),
        ..entry(1)
    };

    apply(
        &verifier,
        Change::Replace {
            old: digest(2),
            older: Some(digest(1)),
            new,
        },
    );

    assert_eq!(codes(&verifier, [1, 2, 3]), ["unknown", "unknown", "valid"]);
    assert_eq!(verifier.len(), 1);
}

#[test]
fn a_revocation_ends_both_secrets() {
    let verifier = in_overlap(true);

    apply(&verifier, Change::Revoke(digest(2)));
    apply(&verifier, Change::Revoke(digest(1)));

    assert_eq!(codes(&verifier, [1, 2, 1]), ["revoked"; 3]);
    apply(&verifier, end(2, 1));
    assert_eq!(codes(&verifier, [1, 2]), ["unknown", "revoked"]);
}

#[test]
fn the_uses_of_the_two_secrets_are_told_apart() {
    let verifier = verifier([entry(1)]);
    present(&verifier, 1, NOW);
    apply(&verifier, replace(2, None, false));
    assert_eq!(verifier.last_used(&digest(2)), None, "its own uses");
    assert_eq!(verifier.last_used(&digest(1)), Some(NOW));

    present(&verifier, 1, later(1));
    present(&verifier, 2, later(2));

    let told = |seconds, secret| Use {
        id: entry(1).id,
        at: later(seconds),
        address: Some(HOME),
        presented_in: PresentedIn::Header,
        secret,
    };
    let mut uses = uses(&verifier);
    uses.sort_by_key(|told| told.at);
    assert_eq!(
        uses,
        [told(1, SecretRole::Previous), told(2, SecretRole::Successor)]
    );
}

#[test]
fn the_first_use_after_the_end_of_an_overlap_is_still_the_new_secrets() {
    for until_first_use in [false, true] {
        let verifier = in_overlap(until_first_use);
        apply(&verifier, end(2, 1));

        present(&verifier, 2, NOW);

        let told = uses(&verifier);
        assert_eq!(
            told.iter().map(|told| told.secret).collect::<Vec<_>>(),
            [SecretRole::Successor]
        );
    }
}

#[test]
fn a_start_knows_both_secrets() {
    let verifier = verifier([Entry {
        last_used: None,
        previous: Some(PreviousSecret {
            last_used: Some(NOW),
            ..previous(1, true)
        }),
        ..rotated(2, true)
    }]);

    assert_eq!(verifier.last_used(&digest(1)), Some(NOW));
    assert_eq!(codes(&verifier, [1, 2, 1]), ["valid", "valid", "unknown"]);
}

/// Readers present the old secret while another thread uses the new one and a writer changes the token without end.
#[test]
fn no_check_that_starts_after_the_first_use_was_answered_accepts_the_old_secret() {
    for round in 0..200 {
        let verifier = in_overlap(true);
        let (answered, over) = (AtomicBool::new(false), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        while !over.load(Ordering::Acquire) {
                            let late = answered.load(Ordering::Acquire);
                            let said = code(&verifier, 1);
                            assert!(!late || said == "unknown", "round {round}: {said}");
                        }
                        assert_eq!(code(&verifier, 1), "unknown");
                    })
                })
                .collect();
            scope.spawn(|| {
                while !over.load(Ordering::Acquire) {
                    apply(&verifier, Change::Upsert(rotated(2, true)));
                }
            });
            for _ in 0..round {
                std::hint::spin_loop();
            }
            assert_eq!(code(&verifier, 2), "valid");
            answered.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_micros(200));
            over.store(true, Ordering::Release);
            for reader in readers {
                reader.join().unwrap();
            }
        });
    }
}
