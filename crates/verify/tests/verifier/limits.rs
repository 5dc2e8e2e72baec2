//! How often, how much and whence a token is accepted.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use claviger_domain::terms::{Level, Networks, Period, Quota, RateLimit, Spent, Terms};
use claviger_domain::token::PresentedIn;
use claviger_domain::{OrgId, Scope, ScopeSet, Timestamp};
use claviger_verify::{Change, Decision, Denial, DenialCode, Entry, Owner, Presentation, Required, Verifier};

use crate::support::{HOME, NOW, ORG, OWNER, apply, code, digest, entry, plain, present, text, verifier};

fn rate(requests: u32, per_seconds: u32) -> RateLimit {
    RateLimit::new("rate_limit", requests, per_seconds, None).unwrap()
}

fn limited(number: u64, limit: RateLimit) -> Entry {
    on(
        number,
        Terms {
            rate_limit: Some(limit),
            ..Terms::default()
        },
    )
}

fn with_quota(number: u64, credits: u32) -> Entry {
    let quota = Some(Quota::new("quota", credits, Period::Day).unwrap());
    on(
        number,
        Terms {
            quota,
            ..Terms::default()
        },
    )
}

fn on(number: u64, terms: Terms) -> Entry {
    Entry {
        terms: Some(Arc::new(terms)),
        ..entry(number)
    }
}

fn owner(limit: RateLimit) -> Owner {
    Owner {
        id: OWNER,
        org: ORG,
        authority: plain(ScopeSet::all()),
        active: true,
        rate_limit: Some(limit),
    }
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.seconds() + seconds)
}

fn spending(verifier: &Verifier, number: u64, cost: u32, now: Timestamp) -> Decision {
    let at = Presentation {
        cost,
        ..Presentation::new(now, HOME)
    };
    verifier.check(&text(number), &Required::default(), &at)
}

fn denial(decision: Decision) -> DenialCode {
    match decision {
        Decision::Deny(denial) => denial.code,
        Decision::Allow(_) => panic!("accepted"),
    }
}

#[test]
fn a_token_is_accepted_as_often_as_its_limit_says_and_again_after_the_wait() {
    let verifier = verifier([limited(1, rate(3, 60))]);
    for remaining in [2, 1, 0] {
        let decision = present(&verifier, 1, NOW);
        let left = verifier.allowance(decision.verified().unwrap()).token.unwrap().1;
        assert_eq!(left.remaining, remaining);
    }

    let wait = Some(Duration::from_secs(20));
    assert_eq!(
        denial(present(&verifier, 1, NOW)),
        DenialCode::RateLimited { wait }
    );
    assert_eq!(present(&verifier, 1, after(19)).code(), "rate_limited");
    assert_eq!(present(&verifier, 1, after(20)).code(), "valid");
}

#[test]
fn a_denial_takes_nothing_and_marks_no_use() {
    let verifier = verifier([limited(1, rate(1, 60)), limited(2, rate(1, 60))]);
    present(&verifier, 1, NOW);
    let at = Presentation::new(after(5), HOME);
    let scopes = Required::scopes(ScopeSet::only(Scope::TokensRead));
    apply(
        &verifier,
        Change::Upsert(Entry {
            authority: plain(ScopeSet::EMPTY),
            ..limited(2, rate(1, 60))
        }),
    );

    assert_eq!(present(&verifier, 1, after(5)).code(), "rate_limited");
    assert_eq!(
        verifier.check(&text(2), &scopes, &at).code(),
        "insufficient_scope"
    );

    assert_eq!(verifier.last_used(&digest(1)), Some(NOW));
    assert_eq!(verifier.last_used(&digest(2)), None);
    assert_eq!(
        present(&verifier, 2, after(5)).code(),
        "valid",
        "the other denial took nothing"
    );
    assert_eq!(present(&verifier, 1, after(60)).code(), "valid");
}

#[test]
fn a_check_costs_what_it_says_and_never_more_than_there_is() {
    let verifier = verifier([limited(1, rate(10, 10))]);

    assert_eq!(spending(&verifier, 1, 8, NOW).code(), "valid");
    let wait = Some(Duration::from_secs(1));
    assert_eq!(
        denial(spending(&verifier, 1, 3, NOW)),
        DenialCode::RateLimited { wait }
    );
    assert_eq!(
        denial(spending(&verifier, 1, 11, NOW)),
        DenialCode::RateLimited { wait: None }
    );
    assert_eq!(spending(&verifier, 1, 2, NOW).code(), "valid");
}

#[test]
fn all_tokens_of_an_owner_share_the_owners_limit() {
    let verifier = verifier([entry(1), limited(2, rate(2, 60))]);
    apply(&verifier, Change::Owner(owner(rate(3, 60))));

    assert_eq!([1, 2, 1].map(|number| code(&verifier, number)), ["valid"; 3]);
    assert_eq!(code(&verifier, 1), "rate_limited");
    assert_eq!(code(&verifier, 2), "rate_limited");

    let decision = present(&verifier, 2, after(20));
    let left = verifier.allowance(decision.verified().unwrap());
    assert_eq!(
        left.owner.unwrap().1,
        Level {
            remaining: 0,
            reset_seconds: 60
        }
    );
    assert_eq!(
        left.token.unwrap().1.remaining,
        0,
        "twenty seconds bring two thirds of one back"
    );
}

#[test]
fn what_one_limit_refuses_the_other_does_not_lose() {
    let verifier = verifier([limited(1, rate(1, 60)), entry(2)]);
    apply(&verifier, Change::Owner(owner(rate(3, 60))));
    assert_eq!(code(&verifier, 1), "valid");

    for _ in 0..10 {
        assert_eq!(code(&verifier, 1), "rate_limited");
    }

    assert_eq!([2, 2].map(|number| code(&verifier, number)), ["valid"; 2]);
    assert_eq!(code(&verifier, 2), "rate_limited");
}

#[test]
fn a_new_limit_holds_at_the_next_check_and_wins_nothing_back() {
    let verifier = verifier([limited(1, rate(2, 60))]);
    assert_eq!(
        [1, 1, 1].map(|number| code(&verifier, number)),
        ["valid", "valid", "rate_limited"]
    );

    apply(&verifier, Change::Upsert(limited(1, rate(2, 60))));
    assert_eq!(code(&verifier, 1), "rate_limited");
    let new = limited(1, rate(2, 60));
    apply(
        &verifier,
        Change::Replace {
            older: None,
            old: digest(1),
            new: Entry {
                digest: digest(2),
                ..new
            },
        },
    );
    assert_eq!(
        code(&verifier, 2),
        "rate_limited",
        "a new secret is the same token"
    );

    let faster = Entry {
        digest: digest(2),
        ..limited(1, rate(100, 1))
    };
    apply(&verifier, Change::Upsert(faster));
    assert_eq!(code(&verifier, 2), "rate_limited");
    assert_eq!(
        present(&verifier, 2, after(1)).code(),
        "valid",
        "the old debt counts no more than a burst"
    );

    apply(
        &verifier,
        Change::Upsert(Entry {
            digest: digest(2),
            ..entry(1)
        }),
    );
    assert_eq!([2; 9].map(|number| code(&verifier, number)), ["valid"; 9]);
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out() {
    let verifier = verifier([limited(1, rate(1, 60))]);
    assert_eq!(present(&verifier, 1, after(3_600)).code(), "valid");

    let wait = Some(Duration::from_secs(60));
    assert_eq!(
        denial(present(&verifier, 1, NOW)),
        DenialCode::RateLimited { wait }
    );
    assert_eq!(present(&verifier, 1, after(60)).code(), "valid");
}

#[test]
fn a_check_that_comes_late_gives_back_nothing_that_others_took() {
    let verifier = verifier([limited(1, rate(2, 1))]);
    assert_eq!(
        [NOW, NOW].map(|now| present(&verifier, 1, now).code()),
        ["valid", "valid"]
    );

    // A thread looked at the clock, and was put to sleep before it asked.
    let earlier = Timestamp::from_micros(NOW.micros() - 900_000);
    assert_eq!(present(&verifier, 1, earlier).code(), "rate_limited");

    assert_eq!(present(&verifier, 1, NOW).code(), "rate_limited");
}

#[test]
fn a_quota_is_spent_by_cost_and_back_at_midnight() {
    let verifier = verifier([with_quota(1, 10)]);
    let midnight = Timestamp::from_seconds((NOW.seconds() / 86_400 + 1) * 86_400);

    assert_eq!(spending(&verifier, 1, 9, NOW).code(), "valid");
    let refused = DenialCode::QuotaExhausted {
        wait: Some(midnight.since(NOW)),
    };
    assert_eq!(denial(spending(&verifier, 1, 2, NOW)), refused);
    assert_eq!(
        denial(spending(&verifier, 1, 11, NOW)),
        DenialCode::QuotaExhausted { wait: None }
    );
    assert_eq!(code(&verifier, 1), "valid");
    assert_eq!(code(&verifier, 1), "quota_exhausted");

    assert_eq!(present(&verifier, 1, midnight).code(), "valid");
}

#[test]
fn what_was_spent_is_told_and_goes_on_after_a_restart() {
    let before = verifier([with_quota(1, 10), with_quota(2, 10)]);
    spending(&before, 1, 7, NOW);
    let mut told = Vec::new();
    before.drain_spent(&mut |id, spent| told.push((id, spent)));
    let [(id, spent)] = told[..] else {
        panic!("told {told:?}");
    };
    assert_eq!((id, spent.credits), (entry(1).id, 7));

    let again = verifier([with_quota(1, 10)]);
    again.restore_spent(&digest(1), spent);

    assert_eq!(spending(&again, 1, 4, NOW).code(), "quota_exhausted");
    assert_eq!(spending(&again, 1, 3, NOW).code(), "valid");
    let yesterday = Spent {
        period: spent.period - 2,
        credits: 10,
    };
    again.restore_spent(&digest(1), yesterday);
    assert_eq!(spending(&again, 1, 10, NOW).code(), "valid", "yesterday is over");
}

#[test]
fn a_wait_is_until_every_limit_has_as_much() {
    let terms = Terms {
        rate_limit: Some(rate(1, 3_600)),
        quota: Some(Quota::new("quota", 1, Period::Day).unwrap()),
        ..Terms::default()
    };
    let verifier = verifier([on(1, terms)]);
    let midnight = Timestamp::from_seconds((NOW.seconds() / 86_400 + 1) * 86_400);
    let shortly_before = Timestamp::from_seconds(midnight.seconds() - 60);
    assert_eq!(present(&verifier, 1, shortly_before).code(), "valid");

    let refused = denial(present(&verifier, 1, shortly_before));

    assert_eq!(
        refused,
        DenialCode::QuotaExhausted {
            wait: Some(Duration::from_secs(3_600))
        }
    );
}

#[test]
fn a_token_is_accepted_from_its_networks_only() {
    let networks = |texts: &[&str]| Terms {
        networks: Some(Networks::new(texts.iter().map(|text| text.parse().unwrap()))),
        ..Terms::default()
    };
    let verifier = verifier([
        on(1, networks(&["10.0.0.0/8", "2001:db8::/32"])),
        on(2, networks(&[])),
    ]);
    let from = |number, address: &str| {
        let at = Presentation::new(NOW, address.parse().unwrap());
        verifier.check(&text(number), &Required::default(), &at).code()
    };

    assert_eq!(from(1, "10.1.2.3"), "valid");
    assert_eq!(from(1, "::ffff:10.1.2.3"), "valid");
    assert_eq!(from(1, "2001:db8::1"), "valid");
    assert_eq!(from(1, "192.0.2.1"), "restricted");
    assert_eq!(from(1, "::"), "restricted", "an address that is not known");
    assert_eq!(from(2, "10.1.2.3"), "restricted", "no network is nowhere");
    assert_eq!(
        verifier.inspect(&text(2), NOW).code(),
        "valid",
        "a finder is anywhere"
    );
}

#[test]
fn a_token_is_accepted_in_a_query_only_when_it_and_its_organization_may() {
    let verifier = verifier([
        entry(1),
        on(
            2,
            Terms {
                allow_query: true,
                ..Terms::default()
            },
        ),
    ]);
    let at = Presentation {
        presented_in: PresentedIn::Query,
        ..Presentation::new(NOW, HOME)
    };
    let in_query = |number| verifier.check(&text(number), &Required::default(), &at).code();

    let policy = |org, allowed| apply(&verifier, Change::QueryTokens { org, allowed });

    assert_eq!(in_query(2), "restricted", "nobody said that it may");
    policy(OrgId::from_i64(99), true);
    assert_eq!(in_query(2), "restricted", "another organization's policy");
    policy(ORG, true);
    assert_eq!(in_query(1), "restricted");
    assert_eq!(in_query(2), "valid");
    policy(ORG, false);
    assert_eq!(in_query(2), "restricted");
    assert_eq!(
        code(&verifier, 2),
        "valid",
        "in a header it is accepted all the time"
    );
}

#[test]
fn a_check_that_comes_late_with_an_older_instant_forgives_nothing() {
    let verifier = verifier([limited(1, rate(1, 60))]);
    let at = |millis| present(&verifier, 1, NOW + Duration::from_millis(millis)).code();

    assert_eq!(at(30_000), "valid");
    assert_eq!(
        at(29_100),
        "rate_limited",
        "from before the one that was admitted"
    );
    assert_eq!(
        at(89_200),
        "rate_limited",
        "a minute after the one that was too late"
    );
    assert_eq!(at(89_999), "rate_limited");
    assert_eq!(at(90_000), "valid", "a minute after the one that was admitted");
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    let verifier = verifier([limited(1, rate(1, 60))]);
    let at = |seconds| present(&verifier, 1, Timestamp::from_seconds(NOW.seconds() + seconds)).code();

    assert_eq!(at(86_400), "valid");
    assert_eq!(at(0), "rate_limited");
    assert_eq!(at(61), "valid", "and not a day later");
}

#[test]
fn what_another_organization_asks_about_is_unknown_and_costs_nothing() {
    let verifier = verifier([with_quota(1, 2), limited(2, rate(1, 60))]);
    let asked_by = |org, number| {
        let at = Presentation {
            asking: Some(org),
            ..Presentation::new(NOW, HOME)
        };
        verifier.check(&text(number), &Required::default(), &at)
    };
    let stranger = OrgId::from_i64(99);

    for number in [1, 2, 1, 2, 1] {
        let decision = asked_by(stranger, number);
        assert_eq!(
            decision,
            Decision::Deny(Denial {
                code: DenialCode::Unknown,
                subject: None
            })
        );
    }

    assert_eq!(verifier.last_used(&digest(1)), None, "no use of it either");
    assert_eq!(asked_by(ORG, 1).code(), "valid");
    assert_eq!(asked_by(ORG, 1).code(), "valid");
    assert_eq!(asked_by(ORG, 1).code(), "quota_exhausted");
    assert_eq!(asked_by(ORG, 2).code(), "valid");
    assert_eq!(asked_by(stranger, 1).code(), "unknown", "whatever its state");
}

#[test]
fn under_threads_every_limit_is_used_to_the_last_and_none_beyond() {
    const THREADS: u64 = 4;
    const TOKENS: u64 = 4;
    let verifier = verifier((0..TOKENS).map(|number| limited(number, rate(700, 86_400))));
    apply(&verifier, Change::Owner(owner(rate(2_000, 86_400))));
    let texts: Vec<String> = (0..TOKENS).map(text).collect();
    let admitted: Vec<AtomicU32> = (0..TOKENS).map(|_| AtomicU32::new(0)).collect();
    let away: IpAddr = HOME;

    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (verifier, texts, admitted) = (&verifier, &texts, &admitted);
            scope.spawn(move || {
                for turn in 0..4_000 {
                    let place = usize::try_from((turn * 7 + thread) % TOKENS).unwrap();
                    let at = Presentation::new(NOW, away);
                    if verifier.check(&texts[place], &Required::default(), &at).code() == "valid" {
                        admitted[place].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });

    // Nobody is at it any more, so whatever was held for a moment is back: what is left is given out one by one.
    for place in 0..TOKENS {
        while code(&verifier, place) == "valid" {
            admitted[usize::try_from(place).unwrap()].fetch_add(1, Ordering::Relaxed);
        }
    }
    let counts: Vec<u32> = admitted
        .iter()
        .map(|count| count.load(Ordering::Relaxed))
        .collect();
    assert_eq!(counts.iter().sum::<u32>(), 2_000, "{counts:?}");
    assert!(counts.iter().all(|count| *count <= 700), "{counts:?}");
}
