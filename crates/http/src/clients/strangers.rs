//! Strangers: how often an address may present what is not accepted.
//!
//! Only failures count, and they are counted after the decision: a valid token is never kept out by what else came from its address.
//! Invariant: the table is bounded, whatever comes; an address that is forgotten for want of room begins anew, so that a flood of
//! addresses makes the limit looser and nothing else. An IPv6 client has a whole /64 (RFC 6177), so that is what is counted.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::terms::{Gcra, RateLimit};

/// How many failures an address may have at once, and how fast they are forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureLimit(RateLimit);

/// Failures by address.
pub(crate) struct Strangers {
    limit: Option<Gcra>,
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<IpAddr, u64>>]>,
}

const SHARDS: usize = 64;
/// Addresses of one shard; 65,536 in all.
const MAX_PER_SHARD: usize = 1_024;

impl FailureLimit {
    /// So many at once, and so many forgiven each minute. `None` when one of the numbers is 0 or above what a rate limit may be.
    pub fn new(at_once: u32, per_minute: u32) -> Option<Self> {
        RateLimit::new("failures", per_minute, 60, Some(at_once))
            .ok()
            .map(Self)
    }
}

impl Strangers {
    pub(super) fn new(limit: Option<FailureLimit>) -> Self {
        Self {
            limit: limit.map(|FailureLimit(limit)| limit.gcra()),
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts a failure from this address, if it is known. Cost: a lock that a sixty-fourth of the addresses share, for the time of a
    /// look-up; seldom, when there is no room, a walk over them.
    ///
    /// # Errors
    /// How long until the next one is borne, when there were too many. It is not counted then.
    pub(crate) fn failed(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let (Some(limit), Some(address)) = (&self.limit, address) else {
            return Ok(());
        };
        let key = counted(address);
        let now = now.nanos();
        // The hash cannot be foreseen, so nobody chooses whose shard they fill.
        let place = self.hasher.hash_one(key) as usize % SHARDS;
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        let paid_off = shard.get(&key).copied().unwrap_or(0);
        match limit.admit(paid_off, now, 1) {
            Ok(until) => {
                if !shard.contains_key(&key) && shard.len() >= MAX_PER_SHARD {
                    make_room(&mut shard, now);
                }
                shard.insert(key, until);
                Ok(())
            }
            Err(shortage) => {
                // The clock may have been set back since.
                shard.insert(key, limit.pulled_in(paid_off, now));
                Err(shortage.wait.unwrap_or_default())
            }
        }
    }
}

/// Forgets whoever owes nothing any more, or else whoever owes least.
fn make_room(shard: &mut HashMap<IpAddr, u64>, now: u64) {
    shard.retain(|_, paid_off| *paid_off > now);
    if shard.len() >= MAX_PER_SHARD
        && let Some(least) = shard.iter().min_by_key(|(_, paid_off)| **paid_off)
    {
        let least = *least.0;
        shard.remove(&least);
    }
}

/// What is counted as one client.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        v4 => v4,
    }
}

impl fmt::Debug for Strangers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strangers")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn strangers() -> Strangers {
        Strangers::new(FailureLimit::new(2, 60))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW.seconds() + seconds)
    }

    fn fails(strangers: &Strangers, address: &str, now: Timestamp) -> bool {
        strangers.failed(Some(address.parse().unwrap()), now).is_ok()
    }

    #[test]
    fn an_address_may_fail_so_often_and_then_after_a_while_again() {
        let strangers = strangers();

        assert!(fails(&strangers, "192.0.2.1", NOW) && fails(&strangers, "192.0.2.1", NOW));
        assert!(!fails(&strangers, "192.0.2.1", NOW));
        assert!(fails(&strangers, "192.0.2.2", NOW), "another address");
        assert!(fails(&strangers, "192.0.2.1", at(1)));
        assert!(!fails(&strangers, "192.0.2.1", at(1)));
    }

    #[test]
    fn a_whole_64_of_ipv6_is_one_client() {
        let strangers = strangers();

        assert!(fails(&strangers, "2001:db8::1", NOW) && fails(&strangers, "2001:db8::ffff:2", NOW));
        assert!(!fails(&strangers, "2001:db8::3", NOW));
        assert!(fails(&strangers, "2001:db8:0:1::3", NOW));
        assert!(fails(&strangers, "::ffff:192.0.2.1", NOW) && fails(&strangers, "192.0.2.1", NOW));
        assert!(!fails(&strangers, "192.0.2.1", NOW));
    }

    #[test]
    fn the_table_stays_bounded_whatever_comes() {
        let strangers = strangers();

        for number in 0..200_000_u32 {
            assert!(
                strangers
                    .failed(Some(IpAddr::from(number.to_be_bytes())), NOW)
                    .is_ok()
            );
        }

        let kept: usize = strangers
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().len())
            .sum();
        assert!(kept <= SHARDS * MAX_PER_SHARD, "{kept}");
    }

    #[test]
    fn without_a_limit_or_an_address_nothing_is_counted() {
        let unlimited = Strangers::new(FailureLimit::new(0, 60));

        assert!((0..100).all(|_| fails(&unlimited, "192.0.2.1", NOW)));
        let strangers = strangers();
        assert!((0..100).all(|_| strangers.failed(None, NOW).is_ok()));
    }
}
