//! Wrong passwords of late: a few for each person and each address, then none is looked at for a while.
//!
//! Counted in memory; a restart forgets them, which gives a guesser a few more tries. Counted is before the hash and given back after
//! a right one, so that guesses made at once are no more than guesses made in turn. An e-mail address that nobody has is counted as a
//! person is: whoever guesses learns nothing from being sent away. Invariant: at most [`MAX_COUNTED`] guesses are remembered.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claviger_domain::UserId;
use claviger_domain::name::Email;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// Wrong passwords of one person within [`WINDOW`].
const MAX_OF_PERSON: usize = 5;
/// Wrong passwords from one address within [`WINDOW`]: an office shares one.
const MAX_OF_NETWORK: usize = 20;
/// How long a wrong password counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Guesses that are remembered, a few MiB; the oldest is forgotten for a new one. To have five guesses at a person forgotten this way
/// costs thousands of guesses at others, each of them a hash.
const MAX_COUNTED: usize = 50_000;

/// What a wrong password is counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// A person.
    Person(UserId),
    /// An e-mail address that nobody has, as its hash.
    Nobody([u8; 32]),
    /// Whence the guess came: an IPv4 address, or the /64 of an IPv6 one.
    Network(IpAddr),
}

/// All that is counted.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// When, in monotonic time, the oldest first.
    of: HashMap<Target, VecDeque<Duration>>,
    /// Every guess, the oldest first; also those that were given back.
    order: VecDeque<(Duration, Target)>,
}

// === impl Target ===

impl Target {
    /// What a guess at the password of this person, or of nobody with this address, is counted for.
    pub(crate) fn of_guess(user: Option<UserId>, email: &Email, from: Option<IpAddr>) -> Vec<Self> {
        let nobody = || Self::Nobody(Sha256::digest(email.key().as_str()).into());
        let who = user.map_or_else(nobody, Self::Person);
        std::iter::once(who).chain(from.map(Self::network)).collect()
    }

    /// What a guess at this person's password is counted for.
    pub(crate) fn of_person(user: UserId, from: Option<IpAddr>) -> Vec<Self> {
        std::iter::once(Self::Person(user))
            .chain(from.map(Self::network))
            .collect()
    }

    /// What a guess from this address is counted for besides.
    pub(crate) fn network(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Network(address),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Self::Network(Ipv6Addr::from_bits(network).into())
            }
        }
    }

    const fn most(self) -> usize {
        match self {
            Self::Person(_) | Self::Nobody(_) => MAX_OF_PERSON,
            Self::Network(_) => MAX_OF_NETWORK,
        }
    }
}

// === impl Attempts ===

impl Attempts {
    /// Counts a guess for all of `targets`, unless one of them has had too many.
    ///
    /// # Errors
    /// `TooManyAttempts`; then it is counted for none.
    pub(crate) fn count(&self, targets: &[Target], now: Duration) -> Result<()> {
        let mut counted = self.lock();
        counted.forget(targets.len(), now);
        let full = |target: &Target| {
            let times = counted.of.get(target)?;
            let oldest = times.front().filter(|_| times.len() >= target.most())?;
            Some(WINDOW.saturating_sub(now.saturating_sub(*oldest)))
        };
        if let Some(wait) = targets.iter().filter_map(full).max() {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
            return Err(Error::TooManyAttempts {
                retry_after_seconds: seconds.max(1),
            });
        }
        for target in targets {
            counted.of.entry(*target).or_default().push_back(now);
            counted.order.push_back((now, *target));
        }
        Ok(())
    }

    /// Gives a guess back that was not looked at: the server was busy.
    pub(crate) fn give_back(&self, targets: &[Target]) {
        let mut counted = self.lock();
        targets.iter().for_each(|target| counted.give_back(*target));
    }

    /// Gives a right one back, and with it all of its person's: but not those from the address, or one account would be a licence to
    /// guess at others.
    pub(crate) fn forgive(&self, targets: &[Target]) {
        let mut counted = self.lock();
        for target in targets {
            match target {
                Target::Person(_) | Target::Nobody(_) => {
                    counted.of.remove(target);
                }
                Target::Network(_) => counted.give_back(*target),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Valid after every statement, so a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Counted ===

impl Counted {
    /// Forgets what no longer counts, and makes room for `more`.
    fn forget(&mut self, more: usize, now: Duration) {
        while let Some((at, target)) = self.order.front().copied() {
            let is_over = now.saturating_sub(at) >= WINDOW;
            if !is_over && self.order.len() + more <= MAX_COUNTED {
                return;
            }
            self.order.pop_front();
            if let Some(times) = self.of.get_mut(&target) {
                times.retain(|time| *time > at);
                if times.is_empty() {
                    self.of.remove(&target);
                }
            }
        }
    }

    fn give_back(&mut self, target: Target) {
        if let Some(times) = self.of.get_mut(&target) {
            times.pop_back();
            if times.is_empty() {
                self.of.remove(&target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Target = Target::Person(UserId::from_i64(1));

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    fn wait(attempts: &Attempts, targets: &[Target], now: Duration) -> Option<u32> {
        match attempts.count(targets, now) {
            Ok(()) => None,
            Err(Error::TooManyAttempts { retry_after_seconds }) => Some(retry_after_seconds),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_sixth_wrong_one_waits_for_the_first_to_be_forgotten() {
        let attempts = Attempts::default();
        for minute in 0..5 {
            assert_eq!(wait(&attempts, &[ADA], minutes(minute)), None);
        }

        assert_eq!(wait(&attempts, &[ADA], minutes(5)), Some(600));
        assert_eq!(wait(&attempts, &[ADA], minutes(15)), None);
        assert_eq!(wait(&attempts, &[ADA], minutes(15)), Some(60));
    }

    #[test]
    fn an_address_is_counted_over_all_people_and_not_forgiven_with_one() {
        let attempts = Attempts::default();
        let from = Target::network([192, 0, 2, 1].into());
        for person in 0..19 {
            let guessed = [Target::Person(UserId::from_i64(person)), from];
            assert_eq!(wait(&attempts, &guessed, minutes(1)), None);
        }
        assert_eq!(wait(&attempts, &[ADA, from], minutes(1)), None);
        attempts.forgive(&[ADA, from]);
        let other = Target::Person(UserId::from_i64(100));

        assert_eq!(wait(&attempts, &[other, from], minutes(1)), None, "the twentieth");
        assert_eq!(wait(&attempts, &[other, from], minutes(2)), Some(840));
        assert_eq!(wait(&attempts, &[other], minutes(2)), None, "from elsewhere");
    }

    #[test]
    fn a_network_is_a_64_of_ipv6() {
        let network = |text: &str| Target::network(text.parse().unwrap());

        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::2"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let attempts = Attempts::default();
        let most = i64::try_from(MAX_COUNTED).unwrap();
        for person in 0..=most {
            let target = Target::Person(UserId::from_i64(person));
            assert_eq!(wait(&attempts, &[target], minutes(1)), None);
        }

        let counted = attempts.lock();
        assert_eq!(
            (counted.order.len(), counted.of.len()),
            (MAX_COUNTED, MAX_COUNTED)
        );
        assert!(!counted.of.contains_key(&Target::Person(UserId::from_i64(0))));
    }
}
