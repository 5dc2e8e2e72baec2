//! Where requests come from: the client's address behind trusted proxies, and how often an address may present what is not accepted.
//!
//! Invariant: nothing that a client writes is believed. A forwarding header counts only when the other end of the connection is a
//! trusted proxy, is read from the right, and only past trusted proxies; whatever is malformed there leaves the last address that is
//! proven. The address is what audit trail, last use, limits and networks see. Called by the guard, the doors and the layers.

mod forwarded;
mod strangers;

use std::net::IpAddr;

use claviger_domain::terms::Networks;
use http::{HeaderMap, HeaderName, header::FORWARDED};

use crate::peer::Peer;
use strangers::Strangers;

pub use strangers::FailureLimit;

/// Which proxies are believed, and how many failures are borne. The default believes nobody and bears everything.
#[derive(Debug, Clone, Default)]
pub struct ClientRules {
    /// The proxies that say for whom they speak.
    pub proxies: TrustedProxies,
    /// How many presentations of an address may fail; `None` = any number.
    pub failures: Option<FailureLimit>,
}

/// The proxies that say for whom they speak.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies {
    /// Their addresses.
    pub networks: Networks,
    /// Whoever is on the Unix socket is one too.
    pub unix_socket: bool,
    /// The one header that they write. The other is the client's own, if a proxy lets it through, and is never read.
    pub header: ForwardingHeader,
}

/// Where a proxy says for whom it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardingHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The rules and what they count. One for all requests.
pub(crate) struct Clients {
    proxies: TrustedProxies,
    pub(crate) strangers: Strangers,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Clients {
    pub(crate) fn new(rules: ClientRules) -> Self {
        Self {
            proxies: rules.proxies,
            strangers: Strangers::new(rules.failures),
        }
    }

    /// The address of the client of a request; `None` when it is on the Unix socket itself.
    pub(crate) fn address(&self, peer: Option<Peer>, headers: &HeaderMap) -> Option<IpAddr> {
        let name = match self.proxies.header {
            ForwardingHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardingHeader::Forwarded => FORWARDED,
        };
        let values = headers.get_all(name).iter().map(http::HeaderValue::as_bytes);
        self.proxies.client(peer?, values)
    }

    /// The same for a request whose only forwarding header is this `X-Forwarded-For`.
    pub(crate) fn address_of(&self, peer: Peer, x_forwarded_for: Option<&[u8]>) -> Option<IpAddr> {
        let is_read = self.proxies.header == ForwardingHeader::XForwardedFor;
        self.proxies
            .client(peer, x_forwarded_for.filter(|_| is_read).into_iter())
    }
}

impl TrustedProxies {
    /// The client's address, from the other end of the connection and the values of the header, in their order.
    fn client<'a>(&self, peer: Peer, values: impl DoubleEndedIterator<Item = &'a [u8]>) -> Option<IpAddr> {
        let address = peer.address();
        let is_trusted = address.map_or(self.unix_socket, |address| self.networks.contain(address));
        if !is_trusted {
            return address;
        }
        let mut nearest = address;
        for value in values.rev() {
            for hop in value.rsplit(|byte| *byte == b',') {
                let read = match self.header {
                    ForwardingHeader::XForwardedFor => forwarded::x_forwarded_for(hop),
                    ForwardingHeader::Forwarded => forwarded::forwarded(hop),
                };
                // Whoever wrote this was trusted, and wrote nothing that can be read: nobody else is proven.
                let Some(hop) = read else { return address };
                nearest = Some(hop);
                if !self.networks.contain(hop) {
                    return nearest;
                }
            }
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn proxies(header: ForwardingHeader) -> TrustedProxies {
        let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
        TrustedProxies {
            networks: Networks::new(networks),
            unix_socket: false,
            header,
        }
    }

    fn tcp(address: &str) -> Peer {
        Peer::Tcp(SocketAddr::new(address.parse().unwrap(), 40_000))
    }

    fn client(header: ForwardingHeader, peer: &str, values: &[&str]) -> String {
        let values = values.iter().map(|value| value.as_bytes());
        let found = proxies(header).client(tcp(peer), values);
        found.unwrap().to_string()
    }

    #[test]
    fn a_header_counts_only_behind_a_trusted_proxy() {
        let client = |peer, values: &[&str]| client(ForwardingHeader::XForwardedFor, peer, values);

        assert_eq!(client("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_stands_left_of_the_first_stranger_is_the_strangers_word() {
        let client = |values: &[&str]| client(ForwardingHeader::XForwardedFor, "10.0.0.1", values);

        assert_eq!(client(&["1.1.1.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client(&["1.1.1.1", "203.0.113.9,10.0.0.2"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "all are trusted");
        assert_eq!(client(&["nonsense, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client(&["203.0.113.9, nonsense"]), "10.0.0.1");
        assert_eq!(client(&["203.0.113.9, nonsense, 10.0.0.2"]), "10.0.0.1");
        assert_eq!(client(&["203.0.113.9,"]), "10.0.0.1");
        assert_eq!(client(&["[2001:db9::1]:4711"]), "2001:db9::1");
        assert_eq!(client(&["203.0.113.9:4711"]), "203.0.113.9");
    }

    #[test]
    fn only_the_header_that_the_proxies_write_is_read() {
        let client = |values: &[&str]| client(ForwardingHeader::Forwarded, "10.0.0.1", values);

        assert_eq!(
            client(&["for=1.1.1.1, for=203.0.113.9;proto=https"]),
            "203.0.113.9"
        );
        assert_eq!(
            client(&[r#"For="[2001:db9::1]:4711";by=10.0.0.1"#]),
            "2001:db9::1"
        );
        assert_eq!(client(&["for=unknown"]), "10.0.0.1");
        assert_eq!(client(&["203.0.113.9"]), "10.0.0.1");
        let clients = Clients::new(ClientRules {
            proxies: proxies(ForwardingHeader::Forwarded),
            failures: None,
        });
        assert_eq!(
            clients.address_of(tcp("10.0.0.1"), Some(b"203.0.113.9")),
            Some([10, 0, 0, 1].into())
        );
    }

    #[test]
    fn a_proxy_on_the_unix_socket_is_believed_when_the_operator_says_so() {
        let mut proxies = proxies(ForwardingHeader::XForwardedFor);
        let client = |proxies: &TrustedProxies| {
            let values = [b"203.0.113.9".as_slice()];
            proxies.client(Peer::Unix, values.into_iter())
        };
        assert_eq!(client(&proxies), None);

        proxies.unix_socket = true;

        assert_eq!(client(&proxies), Some([203, 0, 113, 9].into()));
    }
}
