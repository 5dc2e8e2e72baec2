//! Policies: what tokens were given, stored once for all tokens that were given the same.
//!
//! Invariant: a policy never changes and is never forgotten, so a record's reference to it is valid for ever. Read on every
//! check; interned by the writer.

use std::collections::HashMap;
use std::sync::OnceLock;

use claviger_domain::ScopeSet;

use crate::Full;
use crate::chunked::Chunked;

/// The most different policies there can be.
pub const MAX_POLICIES: u32 = 1 << 20;

/// What a token was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Policy {
    /// The scopes, before they are cut to the owner's power.
    pub(crate) scopes: ScopeSet,
}

/// The part that readers share.
pub(crate) struct Policies {
    table: Chunked<OnceLock<Policy>, 8>,
}

/// The part that only the writer has.
#[derive(Default)]
pub(crate) struct PolicyNumbers {
    numbers: HashMap<Policy, u32>,
}

impl Policies {
    /// Room for that many.
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            table: Chunked::new(limit),
        }
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Policy> {
        self.table.get(number)?.get()
    }

    /// The policy's number, a new one for a new policy.
    pub(crate) fn intern(&self, writer: &mut PolicyNumbers, policy: Policy) -> Result<u32, Full> {
        if let Some(&number) = writer.numbers.get(&policy) {
            return Ok(number);
        }
        let number = u32::try_from(writer.numbers.len()).map_err(|_| Full::Policies)?;
        let place = self.table.get_or_grow(number).ok_or(Full::Policies)?;
        place.get_or_init(|| policy);
        writer.numbers.insert(policy, number);
        Ok(number)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

impl PolicyNumbers {
    pub(crate) fn memory_bytes(&self) -> usize {
        map_bytes(&self.numbers)
    }
}

/// What a map occupies. The standard library's keeps one control byte per bucket beside the pair, fills at most seven eighths of
/// a power of two of them, and repeats one group of 16 control bytes.
pub(crate) fn map_bytes<K, V, S>(map: &HashMap<K, V, S>) -> usize {
    if map.capacity() == 0 {
        return 0;
    }
    let buckets = (map.capacity() * 8 / 7).next_power_of_two();
    buckets * (size_of::<(K, V)>() + 1) + 16
}

#[cfg(test)]
mod tests {
    use claviger_domain::Scope;

    use super::*;

    fn policy(scope: Scope) -> Policy {
        Policy {
            scopes: ScopeSet::only(scope),
        }
    }

    #[test]
    fn equal_policies_share_a_number() {
        let (policies, mut writer) = (Policies::new(8), PolicyNumbers::default());
        let read = policies.intern(&mut writer, policy(Scope::TokensRead)).unwrap();
        let write = policies.intern(&mut writer, policy(Scope::TokensWrite)).unwrap();

        assert_ne!(read, write);
        assert_eq!(policies.intern(&mut writer, policy(Scope::TokensRead)), Ok(read));
        assert_eq!(policies.get(read), Some(&policy(Scope::TokensRead)));
        assert_eq!(policies.get(2), None);
    }

    #[test]
    fn the_limit_of_policies_is_reached_and_says_so() {
        let (policies, mut writer) = (Policies::new(1), PolicyNumbers::default());
        policies.intern(&mut writer, policy(Scope::TokensRead)).unwrap();

        let refused = policies.intern(&mut writer, policy(Scope::TokensWrite));

        assert_eq!(refused, Err(Full::Policies));
        assert_eq!(policies.intern(&mut writer, policy(Scope::TokensRead)), Ok(0));
    }
}
