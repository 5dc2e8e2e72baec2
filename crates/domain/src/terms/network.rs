//! Networks: addresses that begin alike, in CIDR notation (RFC 4632, RFC 4291 §2.3).
//!
//! An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is that IPv4 address. Used for the networks that a token may come from, and by
//! the HTTP room for the proxies that are believed.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::FieldError;

/// The most networks of one token.
pub const MAX_NETWORKS: usize = 100;

/// One network. No bit is set beyond the prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// Four bytes of address or sixteen.
    is_v4: bool,
    /// The address as a number.
    base: u128,
    /// How many leading bits count, of 32 or 128.
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNetwork {
    /// It is no address with a prefix.
    #[error("not a network such as `10.0.0.0/8` or `2001:db8::/32`")]
    Malformed,
    /// The address says more than the prefix lets it.
    #[error("the address has bits beyond the prefix; did you mean `{meant}`?")]
    HostBits {
        /// The network that it lies in.
        meant: Network,
    },
}

/// Some networks, in order. None at all is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Networks(Box<[Network]>);

// === impl Network ===

impl Network {
    /// True when the address lies in it.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (is_v4, bits) = bits_of(address.to_canonical());
        is_v4 == self.is_v4 && self.masked(bits) == self.base
    }

    /// True when all of `other` lies in it.
    pub fn covers(&self, other: &Self) -> bool {
        self.is_v4 == other.is_v4 && self.prefix <= other.prefix && self.masked(other.base) == self.base
    }

    const fn width(is_v4: bool) -> u8 {
        if is_v4 { 32 } else { 128 }
    }

    /// The address without what is beyond the prefix.
    #[inline]
    fn masked(&self, bits: u128) -> u128 {
        let dropped = Self::width(self.is_v4) - self.prefix;
        bits.checked_shr(dropped.into())
            .and_then(|kept| kept.checked_shl(dropped.into()))
            .unwrap_or(0)
    }

    /// The network with half as long a list of what counts, when this one and `other` are its two halves.
    fn joined(&self, other: &Self) -> Option<Self> {
        let wider = Self {
            prefix: self.prefix.checked_sub(1)?,
            ..*self
        };
        let wider = Self {
            base: wider.masked(self.base),
            ..wider
        };
        let are_halves = self.is_v4 == other.is_v4 && self.prefix == other.prefix && self.base != other.base;
        (are_halves && wider.covers(other)).then_some(wider)
    }
}

fn bits_of(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (true, u32::from(v4).into()),
        IpAddr::V6(v6) => (false, v6.into()),
    }
}

impl FromStr for Network {
    type Err = MalformedNetwork;

    /// Reads `10.0.0.0/8`; an address alone is the network of that one address.
    fn from_str(text: &str) -> Result<Self, MalformedNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| MalformedNetwork::Malformed)?;
        let (was_v4, _) = bits_of(address);
        let (is_v4, bits) = bits_of(address.to_canonical());
        let written = Self::width(was_v4);
        let prefix = match prefix {
            None => written,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= written)
                .ok_or(MalformedNetwork::Malformed)?,
            Some(_) => return Err(MalformedNetwork::Malformed),
        };
        // Of an IPv4 address in IPv6 clothes the first 96 bits are clothes; fewer would name IPv6 addresses too.
        let clothes = written - Self::width(is_v4);
        let prefix = prefix.checked_sub(clothes).ok_or(MalformedNetwork::Malformed)?;
        let network = Self {
            is_v4,
            base: bits,
            prefix,
        };
        let meant = Self {
            base: network.masked(bits),
            ..network
        };
        if meant == network {
            Ok(network)
        } else {
            Err(MalformedNetwork::HostBits { meant })
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = match u32::try_from(self.base) {
            Ok(bits) if self.is_v4 => IpAddr::V4(Ipv4Addr::from(bits)),
            _ => IpAddr::V6(Ipv6Addr::from(self.base)),
        };
        write!(f, "{address}/{}", self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

// === impl Networks ===

impl Networks {
    /// These networks.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let mut networks: Vec<Network> = networks.into_iter().collect();
        // IPv4 first, and each kind by its addresses.
        networks.sort_unstable_by_key(|network| (!network.is_v4, *network));
        networks.dedup();
        Self(networks.into())
    }

    /// Reads the networks that a caller names.
    ///
    /// # Errors
    /// `networks_too_many` above [`MAX_NETWORKS`]; `network_malformed` and `network_host_bits` for each text, with its place.
    pub fn parse(field: &str, texts: &[String]) -> Result<Self, Vec<FieldError>> {
        if texts.len() > MAX_NETWORKS {
            let detail = format!("at most {MAX_NETWORKS} of them");
            return Err(vec![FieldError::new(field, "networks_too_many", detail)]);
        }
        let (mut networks, mut errors) = (Vec::new(), Vec::new());
        for (place, text) in texts.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) => networks.push(network),
                Err(error) => {
                    let code = match error {
                        MalformedNetwork::Malformed => "network_malformed",
                        MalformedNetwork::HostBits { .. } => "network_host_bits",
                    };
                    errors.push(FieldError::new(
                        format!("{field}[{place}]"),
                        code,
                        error.to_string(),
                    ));
                }
            }
        }
        if errors.is_empty() {
            Ok(Self::new(networks))
        } else {
            Err(errors)
        }
    }

    /// True when the address lies in one of them. An unspecified address stands for one that is not known, and lies nowhere. Cost:
    /// the networks.
    #[inline]
    pub fn contain(&self, address: IpAddr) -> bool {
        !address.is_unspecified() && self.0.iter().any(|network| network.contains(address))
    }

    /// True when every address of `other` lies in one of them. Exact: neighbours that make a whole are joined first, so that what the
    /// union covers, one of them covers. Cost: the square of the networks at most.
    pub fn covers(&self, other: &Self) -> bool {
        let own = self.joined();
        other
            .0
            .iter()
            .all(|network| own.iter().any(|own| own.covers(network)))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Network> {
        self.0.iter()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fewest networks with the same addresses.
    fn joined(&self) -> Vec<Network> {
        // In order of their addresses, so that what is inside another, or its other half, comes right behind it.
        let mut joined: Vec<Network> = Vec::new();
        for network in &self.0 {
            if joined.last().is_some_and(|last| last.covers(network)) {
                continue;
            }
            joined.push(*network);
            while let [.., before, last] = joined.as_slice()
                && let Some(wider) = before.joined(last)
            {
                joined.truncate(joined.len() - 2);
                joined.push(wider);
            }
        }
        joined
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Network>::deserialize(deserializer).map(Self::new)
    }
}

/// Parted by commas; `nowhere` when there is none.
impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nowhere");
        }
        for (place, network) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Networks {
        Networks::new(texts.iter().map(|text| text.parse().unwrap()))
    }

    fn contains(network: &str, address: &str) -> bool {
        networks(&[network]).contain(address.parse().unwrap())
    }

    #[test]
    fn an_address_lies_in_a_network_by_its_leading_bits() {
        assert!(contains("10.0.0.0/8", "10.255.255.255"));
        assert!(!contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7/32", "192.0.2.8"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("::/0", "2001:db8::1"));
    }

    #[test]
    fn the_two_kinds_of_address_are_apart_and_clothes_do_not_matter() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(
            !contains("::/0", "10.1.2.3"),
            "an IPv4 address is not in the networks of IPv6"
        );
        assert!(!contains("0.0.0.0/0", "2001:db8::1"));
    }

    #[test]
    fn an_unknown_address_lies_nowhere() {
        assert!(!contains("::/0", "::"));
        assert!(!contains("0.0.0.0/0", "0.0.0.0"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_its_place() {
        let texts: Vec<String> = [
            "10.0.0.0/8",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "ten",
            "::ffff:10.0.0.0/8",
        ]
        .map(str::to_owned)
        .into();

        let refused = Networks::parse("networks", &texts).unwrap_err();

        let shown: Vec<(String, &str)> = refused
            .iter()
            .map(|error| (error.field.clone(), error.code))
            .collect();
        assert_eq!(
            shown,
            [
                ("networks[1]".to_owned(), "network_host_bits"),
                ("networks[2]".to_owned(), "network_malformed"),
                ("networks[3]".to_owned(), "network_malformed"),
                ("networks[4]".to_owned(), "network_malformed"),
                ("networks[5]".to_owned(), "network_malformed"),
            ]
        );
        assert!(
            refused[0].detail.contains("`10.0.0.0/8`"),
            "{}",
            refused[0].detail
        );
        let many = vec!["10.0.0.0/8".to_owned(); 101];
        assert_eq!(
            Networks::parse("networks", &many).unwrap_err()[0].code,
            "networks_too_many"
        );
    }

    #[test]
    fn two_halves_cover_the_whole() {
        let halves = networks(&["10.0.0.0/9", "10.128.0.0/9"]);

        assert!(halves.covers(&networks(&["10.0.0.0/8"])));
        assert!(!halves.covers(&networks(&["10.0.0.0/7"])));
        assert!(halves.covers(&networks(&[])), "nowhere is everywhere's part");
        assert!(!networks(&[]).covers(&halves));
    }

    proptest! {
        // The last byte of an address is a world small enough to try every member.
        #[test]
        fn a_network_is_covered_exactly_when_every_address_is(
            own in prop::collection::vec((any::<u8>(), 24..=32_u8), 0..12),
            other in prop::collection::vec((any::<u8>(), 24..=32_u8), 0..4),
        ) {
            let of = |listed: Vec<(u8, u8)>| {
                Networks::new(listed.into_iter().map(|(last, prefix)| {
                    let network = Network { is_v4: true, base: 0xc000_0200 | u128::from(last), prefix };
                    Network { base: network.masked(network.base), ..network }
                }))
            };
            let (own, other) = (of(own), of(other));

            let every = (0..=255).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
            let expected = every.filter(|address| other.contain(*address)).all(|address| own.contain(address));
            prop_assert_eq!(own.covers(&other), expected);
        }

        #[test]
        fn a_network_is_written_as_it_is_read(bits in any::<u128>(), prefix in 0..=128_u8) {
            let network = Network { is_v4: false, base: bits, prefix };
            let network = Network { base: network.masked(bits), ..network };
            if !matches!(bits_of(IpAddr::V6(Ipv6Addr::from(network.base)).to_canonical()), (true, _)) {
                prop_assert_eq!(network.to_string().parse(), Ok(network));
            }
        }
    }
}
