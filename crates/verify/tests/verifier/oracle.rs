//! Rate limits against the `governor` crate, which computes the same algorithm in its own way: the same checks at the same instants
//! are admitted and refused, with the same wait.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::terms::{RateLimit, Terms};
use claviger_verify::{Decision, DenialCode, Entry, Presentation, Required};
use governor::clock::{Clock as _, FakeRelativeClock};
use governor::{Quota, RateLimiter};
use proptest::prelude::*;

use crate::support::{HOME, NOW, entry, text, verifier};

#[derive(Debug, PartialEq)]
enum Answer {
    Admitted,
    Wait(Duration),
    Never,
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_limited_token_is_accepted_exactly_when_governor_would(
        requests in 1..2_000_u32,
        per_seconds in 1..300_u32,
        burst in 1..40_u32,
        steps in prop::collection::vec((0..900_000_u64, 1..6_u32), 1..200),
    ) {
        let limit = RateLimit::new("rate_limit", requests, per_seconds, Some(burst)).unwrap();
        let terms = Terms { rate_limit: Some(limit), ..Terms::default() };
        let verifier = verifier([Entry { terms: Some(Arc::new(terms)), ..entry(1) }]);
        // The same interval: whole nanoseconds, rounded down.
        let interval = Duration::from_nanos(u64::from(per_seconds) * 1_000_000_000 / u64::from(requests));
        let quota = Quota::with_period(interval).unwrap().allow_burst(nonzero(burst));
        let clock = FakeRelativeClock::default();
        let governor = RateLimiter::direct_with_clock(quota, clock.clone());
        let token = text(1);

        let mut now = NOW;
        for (pause, cost) in steps {
            now = Timestamp::from_micros(now.micros() + i64::try_from(pause).unwrap());
            clock.advance(Duration::from_micros(pause));
            let at = Presentation { cost, ..Presentation::new(now, HOME) };
            let ours = match verifier.check(&token, &Required::default(), &at) {
                Decision::Allow(_) => Answer::Admitted,
                Decision::Deny(denial) => match denial.code {
                    DenialCode::RateLimited { wait } => wait.map_or(Answer::Never, Answer::Wait),
                    other => panic!("{other:?}"),
                },
            };
            let theirs = match governor.check_n(nonzero(cost)) {
                Ok(Ok(())) => Answer::Admitted,
                Ok(Err(until)) => Answer::Wait(until.wait_time_from(clock.now())),
                Err(_) => Answer::Never,
            };
            prop_assert_eq!(ours, theirs);
        }
    }
}
