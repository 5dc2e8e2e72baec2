//! Who is at the other end of a connection. The listener puts a [`Peer`] into the extensions of every request.

use std::net::{IpAddr, SocketAddr};

/// The other end of the connection that a request came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A client over TCP.
    Tcp(SocketAddr),
    /// A process on this machine, over a Unix socket; it has no address.
    Unix,
}

impl Peer {
    /// The client's address. An IPv4 address that came in IPv6 clothes is given as IPv4; `None` on a Unix socket.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(address) => Some(address.ip().to_canonical()),
            Self::Unix => None,
        }
    }

    /// True when the client is on this machine.
    pub fn is_local(self) -> bool {
        self.address().is_none_or(|address| address.is_loopback())
    }
}
