//! From a name to addresses, of which every one was looked at.
//!
//! Invariant: the client connects to the very addresses that were judged here. It asks once for each connection and no other resolver is
//! asked after the judgement, so a name that resolves to something else a moment later gains nothing (DNS rebinding).

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::rules::Rules;

/// The addresses of a name, on their way.
pub(super) type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Knows the addresses of names.
pub(super) trait NameResolver: Send + Sync + 'static {
    /// The addresses of `name`.
    fn resolve(&self, name: String) -> Resolved;
}

/// The resolver of the operating system.
pub(super) struct SystemResolver;

/// Resolves, and refuses a name with an address that may not be called.
pub(super) struct Guarded {
    rules: Arc<Rules>,
    resolver: Arc<dyn NameResolver>,
}

/// A name leads where nobody may be called.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub(super) struct NotPublic;

impl NameResolver for SystemResolver {
    fn resolve(&self, name: String) -> Resolved {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

impl Guarded {
    pub(super) fn new(rules: Arc<Rules>, resolver: Arc<dyn NameResolver>) -> Self {
        Self { rules, resolver }
    }
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = Arc::clone(&self.rules);
        let name = name.as_str().to_owned();
        let resolved = self.resolver.resolve(name.clone());
        Box::pin(async move {
            let found = resolved.await?;
            // One address that may not be called spoils all: an honest name has no such.
            if !rules.allows_name(&name) && !found.iter().all(|address| rules.reaches(*address)) {
                return Err(NotPublic.into());
            }
            // The client puts the address's own port in the place of 0.
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
