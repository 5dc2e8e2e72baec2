//! One hop of a forwarding header, as proxies write it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// An element of `X-Forwarded-For`: an address, perhaps with a port, IPv6 with or without brackets.
pub(super) fn x_forwarded_for(hop: &[u8]) -> Option<IpAddr> {
    node(text(hop)?)
}

/// An element of `Forwarded` (RFC 7239 §4): the address after `for=`. A name that hides one (`unknown`, `_hidden`) is none.
pub(super) fn forwarded(hop: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in text(hop)?.split(';') {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") {
            let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            // A second one could be meant for another reader.
            if found.replace(node(quoted.unwrap_or(value))?).is_some() {
                return None;
            }
        }
    }
    found
}

fn text(hop: &[u8]) -> Option<&str> {
    std::str::from_utf8(hop).ok().map(str::trim)
}

fn node(text: &str) -> Option<IpAddr> {
    let bracketed = || {
        text.strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<Ipv6Addr>()
            .ok()
    };
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| bracketed().map(IpAddr::V6))
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}
