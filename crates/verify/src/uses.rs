//! Which tokens were used, when and whence, until the service stores it.
//!
//! Invariant: marking a use neither allocates nor waits. The time of a use lives in the token's record and is never lost; its
//! address waits in a ring of fixed size, and when that is full the address is dropped. Filled by [`crate::Verifier::check`],
//! emptied by [`crate::Verifier::drain_uses`].

use std::collections::HashMap;
use std::net::IpAddr;

use claviger_domain::token::PresentedIn;
use claviger_domain::{Timestamp, TokenId};
use crossbeam_queue::ArrayQueue;

/// How many addresses can wait: 6,500 a second when they are drained every ten seconds.
pub const MAX_ADDRESSES: usize = 65_536;

/// A token's last use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The token.
    pub id: TokenId,
    /// When, to the second. May repeat what was told before, or lie before it.
    pub at: Timestamp,
    /// Whence; `None` when too many addresses were waiting, or when it was told with an earlier drain.
    pub address: Option<IpAddr>,
    /// Where the request bore the token; says nothing when the address is not told.
    pub presented_in: PresentedIn,
    /// Which of the token's secrets was presented.
    pub secret: SecretRole,
}

/// What a secret is to its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretRole {
    /// Its only one, or one that is forgotten by now.
    Sole,
    /// The one that a regeneration gave it.
    Successor,
    /// The old one of an overlap.
    Previous,
}

/// The waiting addresses.
pub(crate) struct Addresses {
    ring: ArrayQueue<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    by: User,
    second: u32,
    address: IpAddr,
    presented_in: PresentedIn,
}

/// The two secrets of an overlap are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct User {
    id: i64,
    is_previous: bool,
}

impl User {
    fn new(id: i64, secret: SecretRole) -> Self {
        Self {
            id,
            is_previous: secret == SecretRole::Previous,
        }
    }
}

impl Addresses {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            ring: ArrayQueue::new(limit),
        }
    }

    /// Keeps the address, or drops it when too many wait.
    #[inline]
    pub(crate) fn push(
        &self,
        id: TokenId,
        secret: SecretRole,
        second: u32,
        address: IpAddr,
        presented_in: PresentedIn,
    ) {
        // When the ring is full only the address is lost: the time is in the record.
        let _ = self.ring.push(Seen {
            by: User::new(id.get(), secret),
            second,
            address,
            presented_in,
        });
    }

    /// Takes what waits, the latest of each token, and at most as many as fit at once.
    pub(crate) fn take(&self) -> LatestAddresses {
        let mut latest: HashMap<User, Seen> = HashMap::with_capacity(self.ring.len());
        for _ in 0..self.ring.capacity() {
            let Some(seen) = self.ring.pop() else { break };
            let kept = latest.entry(seen.by).or_insert(seen);
            if seen.second >= kept.second {
                *kept = seen;
            }
        }
        LatestAddresses { latest }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        // The queue keeps one word of its own beside each element.
        self.ring.capacity() * (size_of::<Seen>() + size_of::<usize>())
    }
}

/// The latest known address of each token that was used.
pub(crate) struct LatestAddresses {
    latest: HashMap<User, Seen>,
}

impl LatestAddresses {
    /// The use of a token whose record says `second`, with the address if it is of that very second.
    pub(crate) fn complete(&mut self, id: i64, secret: SecretRole, second: u32) -> Use {
        let user = User::new(id, secret);
        let seen = match self.latest.get(&user) {
            Some(seen) if seen.second > second => None,
            Some(_) => self.latest.remove(&user).filter(|seen| seen.second == second),
            None => None,
        };
        told(id, secret, second, seen)
    }

    /// The uses whose records were told before their addresses came.
    pub(crate) fn rest(self) -> impl Iterator<Item = Use> {
        self.latest.into_values().map(|seen| {
            let secret = if seen.by.is_previous {
                SecretRole::Previous
            } else {
                SecretRole::Sole
            };
            told(seen.by.id, secret, seen.second, Some(seen))
        })
    }
}

fn told(id: i64, secret: SecretRole, second: u32, seen: Option<Seen>) -> Use {
    Use {
        id: TokenId::from_i64(id),
        at: Timestamp::from_seconds(second.into()),
        address: seen.map(|seen| seen.address),
        presented_in: seen.map(|seen| seen.presented_in).unwrap_or_default(),
        secret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
    const TOKEN: TokenId = TokenId::from_i64(1);

    #[test]
    fn the_address_belongs_to_the_very_second() {
        let addresses = Addresses::new(4);
        addresses.push(TOKEN, SecretRole::Sole, 10, HOME, PresentedIn::Header);
        addresses.push(TOKEN, SecretRole::Sole, 11, AWAY, PresentedIn::Query);

        let mut latest = addresses.take();

        let told = latest.complete(1, SecretRole::Sole, 11);
        assert_eq!(
            (told.address, told.presented_in),
            (Some(AWAY), PresentedIn::Query)
        );
        assert_eq!(latest.complete(2, SecretRole::Sole, 11).address, None);
        assert_eq!(latest.rest().count(), 0);
    }

    #[test]
    fn above_the_limit_the_address_is_dropped_and_nothing_else() {
        let addresses = Addresses::new(1);
        addresses.push(TOKEN, SecretRole::Sole, 10, HOME, PresentedIn::Header);
        addresses.push(TOKEN, SecretRole::Sole, 11, AWAY, PresentedIn::Query);

        let mut latest = addresses.take();

        let told = latest.complete(1, SecretRole::Sole, 11);
        assert_eq!((told.at, told.address), (Timestamp::from_seconds(11), None));
    }

    #[test]
    fn an_address_that_comes_after_its_time_was_told_is_told_with_the_next() {
        let addresses = Addresses::new(4);
        addresses.push(TOKEN, SecretRole::Sole, 10, HOME, PresentedIn::Header);

        let rest: Vec<Use> = addresses.take().rest().collect();

        assert_eq!(rest.len(), 1);
        assert_eq!(
            (rest[0].at, rest[0].address),
            (Timestamp::from_seconds(10), Some(HOME))
        );
    }

    #[test]
    fn the_two_secrets_of_an_overlap_have_addresses_of_their_own() {
        let addresses = Addresses::new(4);
        addresses.push(TOKEN, SecretRole::Successor, 10, HOME, PresentedIn::Header);
        addresses.push(TOKEN, SecretRole::Previous, 10, AWAY, PresentedIn::Header);

        let mut latest = addresses.take();

        assert_eq!(latest.complete(1, SecretRole::Previous, 10).address, Some(AWAY));
        assert_eq!(latest.complete(1, SecretRole::Successor, 10).address, Some(HOME));
    }
}
