//! What each change does to the tokens it is about, and to no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_domain::terms::{Period, Quota, RateLimit, Terms};
use claviger_domain::{Scope, ScopeSet, Timestamp};
use claviger_verify::index::{Fields, Full, Index, Key};
use claviger_verify::{Applied, Change, Decision, Entry, MAX_POLICIES};

use crate::support::{NOW, apply, code, digest, entry, plain, present, verifier};

/// Token 1 gets a new secret without an overlap.
fn replace(new: Entry) -> Change {
    Change::Replace {
        old: digest(1),
        older: None,
        new,
    }
}

#[test]
fn an_update_is_in_force_whole() {
    let verifier = verifier([entry(1)]);
    let updated = Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        expires_at: Some(Timestamp::from_seconds(1_790_000_001)),
        ..entry(1)
    };

    apply(&verifier, Change::Upsert(updated.clone()));

    let seen = *present(&verifier, 1, NOW).verified().unwrap();
    assert_eq!(
        (seen.scopes, seen.expires_at),
        (ScopeSet::only(Scope::TokensRead), updated.expires_at)
    );
    assert_eq!(verifier.len(), 1);
}

#[test]
fn no_later_entry_revives_a_revoked_token() {
    let verifier = verifier([entry(1)]);
    apply(&verifier, Change::Revoke(digest(1)));

    apply(&verifier, Change::Upsert(entry(1)));
    assert_eq!(code(&verifier, 1), "revoked");

    let new = Entry {
        digest: digest(2),
        ..entry(1)
    };
    apply(&verifier, replace(new));
    assert_eq!(code(&verifier, 2), "revoked", "nor under a new secret");
}

#[test]
fn a_new_secret_replaces_the_old_one_and_was_not_used() {
    let verifier = verifier([entry(1)]);
    present(&verifier, 1, NOW);
    let new = Entry {
        digest: digest(2),
        awaits_first_use: true,
        ..entry(1)
    };

    apply(&verifier, replace(new));

    assert_eq!(code(&verifier, 1), "unknown");
    assert_eq!(verifier.last_used(&digest(2)), None);
    assert!(present(&verifier, 2, NOW).verified().unwrap().first_use);
    assert_eq!(verifier.len(), 1);
}

#[test]
fn a_removed_token_is_unknown_and_can_come_back_as_another() {
    let verifier = verifier([entry(1), entry(2)]);

    apply(&verifier, Change::Remove(digest(1)));
    assert_eq!([code(&verifier, 1), code(&verifier, 2)], ["unknown", "valid"]);

    apply(&verifier, Change::Upsert(entry(1)));
    assert!(
        present(&verifier, 1, NOW).verified().unwrap().first_use,
        "nothing is left of the old one"
    );
}

#[test]
fn a_change_about_a_token_that_is_not_there_says_so() {
    let verifier = verifier([]);

    assert_eq!(verifier.apply(Change::Revoke(digest(1))), Ok(Applied::Absent));
    assert_eq!(verifier.apply(Change::Remove(digest(1))), Ok(Applied::Absent));
    let rekey = Change::Rekey {
        from: digest(1),
        to: digest(2),
    };
    assert_eq!(verifier.apply(rekey), Ok(Applied::Absent));
    assert!(verifier.is_empty());
}

fn fields(number: u64) -> Fields {
    Fields {
        key: Key::from_bits(number, number),
        id: 0,
        expires_at: 0,
        owner: 0,
        policy: 0,
        flags: 0,
        budget: 0,
    }
}

#[test]
fn the_limit_of_tokens_is_reached_says_so_and_leaves_the_rest_alone() {
    let (index, mut half) = Index::new(2);
    index.upsert(&mut half, &fields(1), 0).unwrap();
    index.upsert(&mut half, &fields(2), 0).unwrap();

    assert_eq!(index.upsert(&mut half, &fields(3), 0), Err(Full::Tokens));

    assert_eq!(index.len(), 2);
    assert!(index.find(fields(1).key).is_some() && index.find(fields(3).key).is_none());
    index.remove(&mut half, fields(1).key).unwrap();
    index.upsert(&mut half, &fields(3), 0).unwrap();
    assert!(
        index.find(fields(3).key).is_some(),
        "a freed record is used again"
    );
}

#[test]
fn a_token_of_a_full_index_is_changed_and_moved_all_the_same() {
    let (index, mut half) = Index::new(2);
    index.upsert(&mut half, &fields(1), 0).unwrap();
    index.upsert(&mut half, &fields(2), 0).unwrap();

    let narrowed = Fields {
        expires_at: -1,
        ..fields(1)
    };
    index.upsert(&mut half, &narrowed, 0).unwrap();
    let moved = index.rekey(&mut half, fields(2).key, fields(3).key);

    assert_eq!(moved, Ok(true));
    assert_eq!(index.find(fields(1).key).unwrap().snapshot.fields, narrowed);
    assert!(index.find(fields(2).key).is_none() && index.find(fields(3).key).is_some());
    assert_eq!(index.upsert(&mut half, &fields(4), 0), Err(Full::Tokens));
}

#[test]
fn a_token_costs_at_most_96_bytes_whether_loaded_at_once_or_grown() {
    const TOKENS: u32 = 60_000;
    for reserved in [true, false] {
        let verifier = verifier([]);
        let empty = verifier.memory_bytes();
        if reserved {
            verifier.reserve(TOKENS).unwrap();
        }

        let loaded = verifier
            .load((0..TOKENS).map(|number| entry(number.into())))
            .unwrap();

        assert_eq!(loaded, TOKENS.into());
        assert_eq!(verifier.len(), TOKENS.into());
        // One chunk of records may be begun and not yet filled.
        let bytes = verifier.memory_bytes() - empty - (1 << 20);
        assert!(
            bytes <= 96 * TOKENS as usize,
            "{} a token",
            bytes / TOKENS as usize
        );
    }
}

/// Terms that no other number gives.
fn terms(number: u32) -> Option<Arc<Terms>> {
    let rate_limit = RateLimit::new(
        "rate_limit",
        1 + number % 700_000,
        1 + number / 700_000,
        Some(1_000),
    )
    .unwrap();
    Some(Arc::new(Terms {
        rate_limit: Some(rate_limit),
        ..Terms::default()
    }))
}

#[test]
fn a_token_that_is_changed_a_million_times_leaves_room_for_all_others() {
    let verifier = verifier([entry(1), entry(2)]);

    for number in 0..MAX_POLICIES + 1_000 {
        apply(
            &verifier,
            Change::Upsert(Entry {
                terms: terms(number),
                ..entry(1)
            }),
        );
    }

    let narrowed = Entry {
        authority: plain(ScopeSet::only(Scope::TokensRead)),
        ..entry(2)
    };
    apply(&verifier, Change::Upsert(narrowed));
    let Decision::Allow(verified) = present(&verifier, 2, NOW) else {
        panic!("it is live")
    };
    assert_eq!(verified.scopes, ScopeSet::only(Scope::TokensRead));
    assert_eq!(
        *verifier.terms(present(&verifier, 1, NOW).verified().unwrap()),
        *terms(MAX_POLICIES + 999).unwrap()
    );
}

#[test]
fn whoever_checks_while_policies_are_freed_is_never_misled() {
    let numbered = |number: u32| {
        let quota = Quota::new("quota", 500_000_000 + number, Period::Day).unwrap();
        let terms = Terms {
            quota: Some(quota),
            allow_query: true,
            ..Terms::default()
        };
        Entry {
            terms: Some(Arc::new(terms)),
            ..entry(1)
        }
    };
    let verifier = verifier([numbered(0)]);
    let done = AtomicBool::new(false);

    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let decision = present(&verifier, 1, NOW);
                    let verified = decision.verified().expect("it is live all the time");
                    assert_eq!(verified.scopes, ScopeSet::all());
                    let terms = verifier.terms(verified);
                    assert!(
                        terms.allow_query || terms.networks.is_some(),
                        "never looser: {terms:?}"
                    );
                }
            });
        }
        for number in 1..200_000 {
            apply(&verifier, Change::Upsert(numbered(number)));
        }
        done.store(true, Ordering::Relaxed);
    });
}
