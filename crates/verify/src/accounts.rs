//! Accounts: the words that the limits of tokens are counted in, by numbers that the records bear.
//!
//! Invariant: a token keeps its number through updates, new secrets and rotations, so nothing is won by changing it; a number is handed
//! on only after the record of the token before is retired, with words that differ from all before (see [`Meter::begin`]). A token
//! without limits has none and costs nothing here. Read on the checks of limited tokens; changed by the writer.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use claviger_domain::TokenId;
use claviger_domain::terms::{Spent, Terms};

use crate::budget::{Meter, Purse};
use crate::chunked::Chunked;
use crate::{Full, MAX_TOKENS};

/// The part that readers share. The number n is at place n − 1; 0 is no account.
pub(crate) struct Accounts {
    meters: Chunked<Meter, SHIFT>,
    /// At the same places, as far as there are quotas.
    purses: Chunked<Quotas, SHIFT>,
}

/// The part that only the writer has.
#[derive(Default)]
pub(crate) struct AccountNumbers {
    free: Vec<u32>,
    /// The highest number that was ever given.
    given: u32,
    /// How often a number was given.
    stamp: u32,
}

/// Places of one chunk.
const SHIFT: u32 = 12;
pub(crate) const PER_CHUNK: u32 = 1 << SHIFT;

/// What was spent of one quota, and what the store knows of that.
#[derive(Default)]
struct Quotas {
    purse: Purse,
    /// The word that was told last.
    told: AtomicU64,
    /// The token's id; 0 = no token that has or had a quota.
    token: AtomicI64,
}

impl Accounts {
    pub(crate) fn new() -> Self {
        Self {
            meters: Chunked::new(MAX_TOKENS),
            purses: Chunked::new(MAX_TOKENS),
        }
    }

    /// The state of the token's own rate limit.
    #[inline]
    pub(crate) fn meter(&self, number: u32) -> Option<&Meter> {
        self.meters.get(number.checked_sub(1)?)
    }

    /// The state of the token's quota.
    #[inline]
    pub(crate) fn purse(&self, number: u32) -> Option<&Purse> {
        self.purses
            .get(number.checked_sub(1)?)
            .map(|quotas| &quotas.purse)
    }

    /// The number of a token on these terms, which has `known` (0 = none) so far.
    pub(crate) fn open(
        &self,
        writer: &mut AccountNumbers,
        known: u32,
        id: TokenId,
        terms: &Terms,
    ) -> Result<u32, Full> {
        if terms.rate_limit.is_none() && terms.quota.is_none() {
            return Ok(known);
        }
        let number = if known == 0 {
            writer.free.last().copied().unwrap_or(writer.given + 1)
        } else {
            known
        };
        let meter = self.meters.get_or_grow(number - 1).ok_or(Full::Tokens)?;
        let quotas = match terms.quota {
            Some(_) => Some(self.purses.get_or_grow(number - 1).ok_or(Full::Tokens)?),
            None => None,
        };
        if known == 0 {
            if writer.free.pop().is_none() {
                writer.given = number;
            }
            writer.stamp = writer.stamp.wrapping_add(1);
            meter.begin(writer.stamp);
        }
        // A quota that was dropped and comes back goes on where it was.
        if let Some(quotas) = quotas
            && quotas.token.swap(id.get(), Ordering::Relaxed) != id.get()
        {
            writer.stamp = writer.stamp.wrapping_add(1);
            quotas.begin(writer.stamp);
        }
        Ok(number)
    }

    /// Frees the number of a token whose record is retired.
    pub(crate) fn close(&self, writer: &mut AccountNumbers, number: u32) {
        let Some(place) = number.checked_sub(1) else {
            return;
        };
        if let Some(quotas) = self.purses.get(place) {
            quotas.token.store(0, Ordering::Relaxed);
        }
        writer.free.push(number);
    }

    /// Goes on where an earlier process was.
    pub(crate) fn restore(&self, number: u32, spent: Spent) {
        if let Some(place) = number.checked_sub(1)
            && let Some(quotas) = self.purses.get(place)
        {
            quotas.purse.restore(spent);
            quotas.told.store(spent.to_word(), Ordering::Relaxed);
        }
    }

    /// Tells what was spent since the last time, of the accounts of one chunk. False when there are no more chunks. For whoever holds
    /// the writer's lock, so that no account changes hands meanwhile.
    pub(crate) fn drain_chunk(
        &self,
        writer: &AccountNumbers,
        chunk: u32,
        tell: &mut impl FnMut(TokenId, Spent),
    ) -> bool {
        let first = chunk.saturating_mul(PER_CHUNK);
        for place in first..writer.given.min(first.saturating_add(PER_CHUNK)) {
            let Some(quotas) = self.purses.get(place) else {
                break;
            };
            let id = quotas.token.load(Ordering::Relaxed);
            let spent = quotas.purse.spent();
            if id != 0 && quotas.told.swap(spent.to_word(), Ordering::Relaxed) != spent.to_word() {
                tell(TokenId::from_i64(id), spent);
            }
        }
        first.saturating_add(PER_CHUNK) < writer.given
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.meters.memory_bytes() + self.purses.memory_bytes()
    }
}

impl Quotas {
    fn begin(&self, stamp: u32) {
        self.purse.begin(stamp);
        self.told.store(self.purse.spent().to_word(), Ordering::Relaxed);
    }
}

impl AccountNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.free.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;
    use claviger_domain::terms::{Gcra, Period, Quota, RateLimit};

    use super::*;
    use crate::budget::{Budget, Refusal};

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
    const TOKEN: TokenId = TokenId::from_i64(7);

    fn limit() -> RateLimit {
        RateLimit::new("rate_limit", 1, 60, None).unwrap()
    }

    fn terms(quota: Option<u32>) -> Terms {
        Terms {
            rate_limit: Some(limit()),
            quota: quota.map(|credits| Quota::new("quota", credits, Period::Day).unwrap()),
            ..Terms::default()
        }
    }

    fn take(accounts: &Accounts, number: u32, gcra: &Gcra) -> bool {
        let budget = Budget {
            token: Some((accounts.meter(number).unwrap(), gcra)),
            ..Budget::default()
        };
        budget.take(NOW, 1, || true).is_ok()
    }

    #[test]
    fn a_token_keeps_its_account_when_its_terms_change() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());
        let gcra = limit().gcra();
        let number = accounts.open(&mut writer, 0, TOKEN, &terms(None)).unwrap();
        assert!(take(&accounts, number, &gcra));

        let again = accounts
            .open(&mut writer, number, TOKEN, &terms(Some(5)))
            .unwrap();

        assert_eq!(again, number);
        assert!(!take(&accounts, number, &gcra), "what was taken stays taken");
    }

    #[test]
    fn a_token_without_limits_has_no_account() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());

        assert_eq!(accounts.open(&mut writer, 0, TOKEN, &Terms::default()), Ok(0));
        assert!(accounts.meter(0).is_none() && accounts.purse(0).is_none());
    }

    #[test]
    fn the_next_token_of_a_number_begins_anew() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());
        let gcra = limit().gcra();
        let number = accounts.open(&mut writer, 0, TOKEN, &terms(Some(5))).unwrap();
        assert!(take(&accounts, number, &gcra));
        let before = accounts.meter(number).unwrap().paid_off();

        accounts.close(&mut writer, number);
        let next = accounts
            .open(&mut writer, 0, TokenId::from_i64(8), &terms(Some(5)))
            .unwrap();

        assert_eq!(next, number);
        assert_ne!(accounts.meter(number).unwrap().paid_off(), before);
        assert!(take(&accounts, number, &gcra));
    }

    #[test]
    fn whoever_comes_too_late_takes_nothing_from_the_next_token() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());
        let number = accounts.open(&mut writer, 0, TOKEN, &terms(None)).unwrap();
        let gcra = limit().gcra();
        let budget = Budget {
            token: Some((accounts.meter(number).unwrap(), &gcra)),
            ..Budget::default()
        };

        assert_eq!(budget.take(NOW, 1, || false), Err(Refusal::Moved));
        assert!(take(&accounts, number, &gcra));
    }

    #[test]
    fn a_quota_that_is_dropped_and_comes_back_goes_on_where_it_was() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());
        let number = accounts.open(&mut writer, 0, TOKEN, &terms(Some(5))).unwrap();
        let spent = Spent {
            period: u32::MAX,
            credits: 4,
        };
        accounts.purse(number).unwrap().restore(spent);

        accounts.open(&mut writer, number, TOKEN, &terms(None)).unwrap();
        accounts
            .open(&mut writer, number, TOKEN, &terms(Some(9)))
            .unwrap();

        assert_eq!(accounts.purse(number).unwrap().spent(), spent);
    }

    #[test]
    fn what_was_spent_is_told_once() {
        let (accounts, mut writer) = (Accounts::new(), AccountNumbers::default());
        let number = accounts.open(&mut writer, 0, TOKEN, &terms(Some(5))).unwrap();
        let quota = terms(Some(5)).quota.unwrap();
        let budget = Budget {
            quota: Some((accounts.purse(number).unwrap(), &quota)),
            ..Budget::default()
        };
        let told = || {
            let mut told = Vec::new();
            accounts.drain_chunk(&writer, 0, &mut |id, spent| told.push((id, spent.credits)));
            told
        };
        assert_eq!(told(), []);

        budget.take(NOW, 2, || true).unwrap();

        assert_eq!(told(), [(TOKEN, 2)]);
        assert_eq!(told(), []);
    }
}
