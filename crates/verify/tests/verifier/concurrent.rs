//! Threads that verify without pause while another changes things under them. Each test ends when its writer has done its fixed
//! work; what is claimed holds for every check, so a single wrong one fails.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use claviger_domain::{Scope, ScopeSet, Timestamp};
use claviger_verify::{Change, Entry, Peppers, Presentation, Required, Verifier};

use crate::support::{HOME, NOW, apply, digest, digest_under, entry, pepper, plain, text, verifier};

const READERS: u64 = 2;

/// Runs `write` once, and `read` over and over in some threads until it is done; each reader gets its turn's number.
fn during(write: impl FnOnce(), read: impl Fn(u64) + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                for turn in 0.. {
                    read(turn);
                    if done.load(Ordering::Acquire) {
                        break;
                    }
                }
            });
        }
        write();
        done.store(true, Ordering::Release);
    });
}

fn texts(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(text).collect()
}

fn check(verifier: &Verifier, text: &str) -> &'static str {
    let at = Presentation::new(NOW, HOME);
    verifier.check(text, &Required::default(), &at).code()
}

fn pick(texts: &[String], turn: u64) -> &str {
    &texts[usize::try_from(turn).unwrap() % texts.len()]
}

#[test]
fn a_live_token_is_accepted_at_every_moment_while_200_000_others_come_and_go() {
    let verifier = verifier((0..64).map(entry));
    let live = texts(0..64);
    // Made beforehand, so that the writer does nothing but change.
    let others: Vec<Entry> = (64..20_064).map(entry).collect();

    during(
        || {
            for _ in 0..10 {
                for other in &others {
                    apply(&verifier, Change::Upsert(other.clone()));
                }
                for other in &others {
                    apply(&verifier, Change::Remove(other.digest));
                }
            }
        },
        |turn| assert_eq!(check(&verifier, pick(&live, turn)), "valid"),
    );

    assert_eq!(verifier.len(), 64);
}

#[test]
fn no_check_that_starts_after_the_answer_accepts_a_revoked_or_removed_token() {
    const TOKENS: u64 = 20_000;
    let verifier = verifier((0..TOKENS).map(entry));
    let (all, digests) = (texts(0..TOKENS), (0..TOKENS).map(digest).collect::<Vec<_>>());
    let ended = AtomicU64::new(0);

    during(
        || {
            for (number, digest) in (0..).zip(&digests) {
                let change = if number % 2 == 0 {
                    Change::Revoke(*digest)
                } else {
                    Change::Remove(*digest)
                };
                apply(&verifier, change);
                // This is the answer: whoever reads it knows that the token is dead.
                ended.store(number + 1, Ordering::Release);
            }
        },
        |turn| {
            let Some(latest) = ended.load(Ordering::Acquire).checked_sub(1) else {
                return;
            };
            // The latest one, which is the hardest, and any earlier one.
            for number in [latest, turn.wrapping_mul(7_919) % (latest + 1)] {
                let expected = if number % 2 == 0 { "revoked" } else { "unknown" };
                assert_eq!(check(&verifier, pick(&all, number)), expected);
            }
        },
    );
}

#[test]
fn an_update_is_seen_whole() {
    let verifier = verifier([entry(1)]);
    let text = text(1);
    // Scopes and end belong together, and each update makes a new record out of one freed before.
    let versions = [
        (Scope::TokensRead, 1_000),
        (Scope::AuditRead, 2_000),
        (Scope::TokensWrite, 3_000),
    ];
    let versions = versions.map(|(scope, seconds)| Entry {
        authority: plain(ScopeSet::only(scope)),
        expires_at: Some(Timestamp::from_seconds(NOW.seconds() + seconds)),
        ..entry(1)
    });
    apply(&verifier, Change::Upsert(versions[0].clone()));

    during(
        || {
            for version in versions.iter().cycle().take(300_000) {
                apply(&verifier, Change::Upsert(version.clone()));
            }
        },
        |_| {
            let seen = verifier.inspect(&text, NOW);
            let seen = seen.verified().expect("the token is always live");
            let whole = |version: &Entry| {
                version.authority.scopes() == seen.scopes && version.expires_at == seen.expires_at
            };
            assert!(versions.iter().any(whole), "{seen:?}");
        },
    );
}

#[test]
fn a_token_is_accepted_at_every_moment_of_rotation_after_rotation() {
    const TOKENS: u64 = 300;
    let verifier = verifier((0..TOKENS).map(entry));
    let all = texts(0..TOKENS);
    let digests: Vec<Vec<_>> = (1..=2)
        .map(|number| {
            (0..TOKENS)
                .map(|token| digest_under(token, &pepper(number)))
                .collect()
        })
        .collect();

    during(
        || {
            for turn in 0..100_u8 {
                let (old, new) = (turn % 2, (turn + 1) % 2);
                let [old_pepper, new_pepper] = [old, new].map(|number| pepper(number + 1));
                apply(
                    &verifier,
                    Change::Peppers(Peppers {
                        current: new_pepper,
                        previous: Some(old_pepper),
                    }),
                );
                for (from, to) in digests[usize::from(old)].iter().zip(&digests[usize::from(new)]) {
                    apply(&verifier, Change::Rekey { from: *from, to: *to });
                }
                apply(
                    &verifier,
                    Change::Peppers(Peppers {
                        current: pepper(new + 1),
                        previous: None,
                    }),
                );
            }
        },
        |turn| assert_eq!(check(&verifier, pick(&all, turn)), "valid"),
    );
}

#[test]
fn a_use_is_told_whatever_happens_to_the_record_meanwhile() {
    const SECONDS: u64 = 20_000;
    /// How often a reader looks again before a use counts as lost.
    const TURNS: u32 = 1_000_000;
    let verifier = verifier([entry(1)]);
    let text = text(1);
    let clock = AtomicU64::new(0);
    let greatest_told = AtomicU64::new(0);
    let drain = || {
        verifier.drain_uses(&mut |told| {
            let second = told.at.seconds() - NOW.seconds();
            greatest_told.fetch_max(second.try_into().unwrap(), Ordering::Relaxed);
        });
    };

    during(
        || {
            for second in 1..=SECONDS {
                clock.store(second, Ordering::Release);
                apply(&verifier, Change::Upsert(entry(1)));
                if second % 16 == 0 {
                    drain();
                }
            }
        },
        |_| {
            let second = i64::try_from(clock.load(Ordering::Acquire)).unwrap();
            let now = Timestamp::from_seconds(NOW.seconds() + second);
            let at = Presentation::new(now, HOME);
            let decision = verifier.check(&text, &Required::default(), &at);
            assert!(decision.verified().is_some());
            // A use that was marked on the record that is just being replaced is in the new one when the writer has taken it over.
            let known = || verifier.last_used(&digest(1)).map(|last| last.seconds());
            let told = (0..TURNS).any(|_| {
                thread::yield_now();
                known().is_some_and(|known| known >= now.seconds())
            });
            assert!(told, "a use went lost");
        },
    );
    drain();

    let known = verifier.last_used(&digest(1)).unwrap().seconds() - NOW.seconds();
    assert_eq!(i64::try_from(greatest_told.into_inner()), Ok(known));
}
