//! Which addresses of webhooks may be called, as far as their text tells: scheme, port, credentials, literal addresses.
//!
//! The text is read by the parser that the client uses (WHATWG URL), so that what is judged is what is called: an address in decimal,
//! octal or hexadecimal, or a name in another script, is in its canonical form before it is looked at.

use std::net::IpAddr;
use std::str::FromStr;

use claviger_service::outbound::AddressRefused;
use url::{Host, Url};

use super::address::{is_public, is_within, meant};

/// What the operator allows beyond what is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// A network: its first address and the length of its prefix.
    Network(IpAddr, u8),
    /// A host by its name, whatever it resolves to.
    Host(String),
}

/// What may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    allowed: Vec<Allowed>,
}

// === impl Allowed ===

impl FromStr for Allowed {
    type Err = ();

    /// Reads `10.0.0.0/8`, `fd00::/8`, `192.168.1.7` or `hooks.corp`.
    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some((first, prefix)) = text.split_once('/') {
            let first: IpAddr = first.parse().map_err(|_| ())?;
            let prefix: u8 = prefix.parse().map_err(|_| ())?;
            let most = if first.is_ipv4() { 32 } else { 128 };
            return (prefix <= most).then_some(Self::Network(first, prefix)).ok_or(());
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            let address = meant(address);
            return Ok(Self::Network(address, if address.is_ipv4() { 32 } else { 128 }));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !name.is_empty() => Ok(Self::Host(name)),
            _ => Err(()),
        }
    }
}

// === impl Rules ===

impl Rules {
    /// What is public, and this.
    pub fn new(allowed: Vec<Allowed>) -> Self {
        Self { allowed }
    }

    /// The parsed address, if it may be called as far as its text tells.
    ///
    /// # Errors
    /// [`AddressRefused`] with the code.
    pub(super) fn address(&self, text: &str) -> Result<Url, AddressRefused> {
        let refused = |code, detail: &str| AddressRefused {
            code,
            detail: detail.to_owned(),
        };
        let malformed = || {
            refused(
                "url_malformed",
                "not an address such as `https://example.org/hooks`",
            )
        };
        let url = Url::parse(text).map_err(|_| malformed())?;
        let host = url.host().ok_or_else(malformed)?;
        let is_allowed = self.allows(&host);
        match url.scheme() {
            "https" => {}
            "http" if is_allowed => {}
            "http" => {
                let detail =
                    "a webhook is called by `https`; plain `http` is for hosts that the operator allows";
                return Err(refused("url_not_https", detail));
            }
            _ => return Err(malformed()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            let detail = "an address bears no user and no password; the signature is the proof";
            return Err(refused("url_has_credentials", detail));
        }
        if url.fragment().is_some() {
            return Err(malformed());
        }
        if !is_allowed && !matches!(url.port_or_known_default(), Some(80 | 443)) {
            let detail = "webhooks are called at port 443; others are for hosts that the operator allows";
            return Err(refused("url_port_refused", detail));
        }
        let literal = match host {
            Host::Ipv4(address) => Some(IpAddr::from(address)),
            Host::Ipv6(address) => Some(IpAddr::from(address)),
            Host::Domain(name) => {
                // What every machine calls itself needs no look-up to be refused.
                let name = name.trim_end_matches('.');
                let is_here = name == "localhost" || name.ends_with(".localhost");
                (is_here && !is_allowed).then_some(IpAddr::from([127, 0, 0, 1]))
            }
        };
        if literal.is_some_and(|address| !self.reaches(address)) {
            let detail = "the address is not public; the operator can allow it with `webhooks.allow_private`";
            return Err(refused("url_address_refused", detail));
        }
        Ok(url)
    }

    /// True when a connection to this address may be made.
    pub(super) fn reaches(&self, address: IpAddr) -> bool {
        is_public(address) || self.allows_address(address)
    }

    /// True when the operator allows this name, whatever it resolves to.
    pub(super) fn allows_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let is_it =
            |allowed: &Allowed| matches!(allowed, Allowed::Host(host) if host.trim_end_matches('.') == name);
        self.allowed.iter().any(is_it)
    }

    fn allows(&self, host: &Host<&str>) -> bool {
        match host {
            Host::Domain(name) => self.allows_name(name),
            Host::Ipv4(address) => self.allows_address(IpAddr::from(*address)),
            Host::Ipv6(address) => self.allows_address(IpAddr::from(*address)),
        }
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        let is_in = |allowed: &Allowed| match allowed {
            Allowed::Network(first, prefix) => is_within(address, (*first, *prefix)),
            Allowed::Host(_) => false,
        };
        self.allowed.iter().any(is_in)
    }
}

#[cfg(test)]
mod tests;
