//! Which addresses of the network are public (security.md T20).
//!
//! Judged by the special-purpose registries of IANA (RFC 6890 and its updates): what is not plainly global is refused, what is written
//! as IPv6 and means IPv4 is judged as what it means. Pure; called for every address before a connection is made to it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks of IPv4 that are not public: their first address and the length of their prefix.
const REFUSED_V4: [(Ipv4Addr, u8); 17] = [
    // "This network".
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared address space of carriers.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // The wire server of Azure answers every machine there.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    // Link-local, and the metadata services of most clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Protocol assignments.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and broadcast.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // AS112, which answers for private names.
    (Ipv4Addr::new(192, 175, 48, 0), 24),
];

/// The networks within 2000::/3, the global part of IPv6, that are not public.
const REFUSED_V6: [(Ipv6Addr, u8); 5] = [
    // Protocol assignments: Teredo, benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4: a tunnel to an address of IPv4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // AS112.
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    // Documentation.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// NAT64: its last 32 bits are an address of IPv4 (RFC 6052).
const NAT64: (Ipv6Addr, u8) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// The address that is meant: one of IPv4 that is written as IPv6, mapped or for NAT64, is one of IPv4.
pub(super) fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return mapped.into();
    }
    if within_v6(v6, NAT64) {
        let [.., a, b, c, d] = v6.octets();
        return Ipv4Addr::new(a, b, c, d).into();
    }
    address
}

/// True when the address can be anybody's on the open network.
pub(super) fn is_public(address: IpAddr) -> bool {
    match meant(address) {
        IpAddr::V4(v4) => !REFUSED_V4.into_iter().any(|network| within_v4(v4, network)),
        IpAddr::V6(v6) => {
            within_v6(v6, GLOBAL_V6) && !REFUSED_V6.into_iter().any(|network| within_v6(v6, network))
        }
    }
}

/// True when the address is in the network, both as they are meant.
pub(super) fn is_within(address: IpAddr, network: (IpAddr, u8)) -> bool {
    match (meant(address), network) {
        (IpAddr::V4(address), (IpAddr::V4(first), prefix)) => within_v4(address, (first, prefix)),
        (IpAddr::V6(address), (IpAddr::V6(first), prefix)) => within_v6(address, (first, prefix)),
        _ => false,
    }
}

fn within_v4(address: Ipv4Addr, (first, prefix): (Ipv4Addr, u8)) -> bool {
    let differing = address.to_bits() ^ first.to_bits();
    differing.leading_zeros() >= u32::from(prefix)
}

fn within_v6(address: Ipv6Addr, (first, prefix): (Ipv6Addr, u8)) -> bool {
    let differing = address.to_bits() ^ first.to_bits();
    differing.leading_zeros() >= u32::from(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_every_refused_network_are_refused_and_what_is_beside_is_not() {
        let mut judged = 0;
        for (first, prefix) in REFUSED_V4 {
            let last =
                Ipv4Addr::from_bits(first.to_bits() | (u32::MAX.checked_shr(prefix.into()).unwrap_or(0)));
            let embedded = |address: Ipv4Addr| {
                let [a, b, c, d] = address.octets();
                let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                [
                    IpAddr::from(address),
                    address.to_ipv6_mapped().into(),
                    address.to_ipv6_compatible().into(),
                    Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
                    Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
                ]
            };
            for address in embedded(first).into_iter().chain(embedded(last)) {
                judged += 1;
                assert!(!is_public(address), "{address}");
            }
        }
        assert!(judged >= 170, "{judged}");
        for (first, prefix) in REFUSED_V6 {
            let last = Ipv6Addr::from_bits(first.to_bits() | (u128::MAX >> prefix));
            assert!(
                !is_public(first.into()) && !is_public(last.into()),
                "{first}/{prefix}"
            );
        }
    }

    #[test]
    fn what_is_not_global_is_refused_however_it_is_called() {
        for text in [
            "::",
            "::1",
            "::2",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "2001::1",
            "2001:10::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "3fff:fff::1",
            "4000::1",
            "5f00::1",
            "8000::1",
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "255.255.255.255",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "3fff:1000::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
