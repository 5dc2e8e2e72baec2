//! Which tokens were presented after their end, until the service notices it.
//!
//! Invariant: noting a refusal neither allocates nor waits, and a token that is presented again and again fills no queue: a filter of
//! fixed size remembers what was noted of late. Two tokens that share a place in it may each be told more than once; the service's
//! key makes that one. Filled by [`crate::Verifier::check`], emptied by [`crate::Verifier::drain_refusals`].

use std::sync::atomic::{AtomicU64, Ordering};

use claviger_domain::{Timestamp, TokenId};
use crossbeam_queue::ArrayQueue;

/// How many refusals can wait. What does not fit comes again when the token is presented again.
pub const MAX_REFUSALS: usize = 4_096;
/// Places of the filter; a power of two.
const PLACES: usize = 1_024;

/// The waiting refusals.
pub(crate) struct Refusals {
    queue: ArrayQueue<TokenId>,
    noted: Box<[AtomicU64]>,
}

impl Refusals {
    pub(crate) fn new() -> Self {
        Self {
            queue: ArrayQueue::new(MAX_REFUSALS),
            noted: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Notes that the token was presented after this end of its.
    pub(crate) fn note(&self, id: TokenId, end: Timestamp) {
        let mark = mixed(id.get().cast_unsigned() ^ mixed(end.micros().cast_unsigned())) | 1;
        // PLACES is a power of two: the mask leaves an index that exists.
        let Some(place) = self.noted.get(mark.rotate_left(16) as usize & (PLACES - 1)) else {
            return;
        };
        // Nothing is published by it, and who loses a race notes the same thing twice.
        if place.load(Ordering::Relaxed) != mark && self.queue.push(id).is_ok() {
            place.store(mark, Ordering::Relaxed);
        }
    }

    /// Hands over what waits, at most as many as fit at once.
    pub(crate) fn drain(&self, tell: &mut impl FnMut(TokenId)) {
        for _ in 0..MAX_REFUSALS {
            let Some(id) = self.queue.pop() else { return };
            tell(id);
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        // The queue keeps one word of its own beside each element.
        MAX_REFUSALS * (size_of::<TokenId>() + size_of::<usize>()) + PLACES * size_of::<AtomicU64>()
    }
}

/// The finalizer of SplitMix64: every bit of the number has a say in every bit of the result.
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn drained(refusals: &Refusals) -> Vec<i64> {
        let mut told = Vec::new();
        refusals.drain(&mut |id| told.push(id.get()));
        told
    }

    #[test]
    fn a_token_is_told_once_for_each_of_its_ends() {
        let refusals = Refusals::new();
        let token = TokenId::from_i64(7);
        for _ in 0..10_000 {
            refusals.note(token, END);
        }
        assert_eq!(drained(&refusals), [7]);

        refusals.note(token, END);
        assert_eq!(drained(&refusals), [0; 0], "told before");

        refusals.note(token, END.plus_days(1));
        assert_eq!(drained(&refusals), [7], "it got another end");
    }

    #[test]
    fn what_does_not_fit_comes_again() {
        let refusals = Refusals::new();
        let most = i64::try_from(MAX_REFUSALS).unwrap();
        let late = TokenId::from_i64(most + 1);
        for id in 1..=most {
            refusals.note(TokenId::from_i64(id), END);
        }

        refusals.note(late, END);
        assert_eq!(drained(&refusals).len(), MAX_REFUSALS);
        refusals.note(late, END);

        assert_eq!(drained(&refusals), [most + 1]);
    }
}
