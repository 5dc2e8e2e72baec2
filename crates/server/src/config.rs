//! The configuration: one typed [`Config`] from defaults, a TOML file, the environment and flags, each beating the one before.
//!
//! Invariant: nothing is guessed. A key that does not exist is refused with the nearest one that does, and every refused value is
//! named with where it came from; all faults are reported at once. [`FIELDS`] is the list of all keys: the reader, `claviger
//! config check` and `docs/reference/configuration.md` are made from it. Loaded once, by the command line, before anything starts.

mod fields;
mod reader;
mod report;
mod sources;

use std::{fmt, net::SocketAddr, num::NonZeroU16, path::PathBuf};

use claviger_http::{ClientRules, RequestLimits};
use claviger_service::keys::Key;
use claviger_token::Prefix;

pub use fields::{FIELDS, Field, reference};
pub use report::{Report, Setting};
pub use sources::{Environment, Overrides};

use crate::listener::ConnectionLimits;
use crate::outbound::{Allowed, Mailbox};

/// Everything an operator decides. Make it with [`Config::load`]; `Debug` shows no key and no password.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address of the TCP listener. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// A Unix socket to listen on as well.
    pub unix_socket: Option<PathBuf>,
    /// Where the embedded database, and unless said otherwise the keys, live.
    pub data_dir: PathBuf,
    /// Where the data is kept.
    pub database: Database,
    /// The head of every token this installation issues.
    pub prefix: Prefix,
    /// Keys that the operator supplies instead of the key file.
    pub keys: GivenKeys,
    /// Where the key file and the audit trail's anchor live.
    pub keys_dir: PathBuf,
    /// Where the revocation journal is.
    pub journal: PathBuf,
    /// What the log looks like.
    pub log: Log,
    /// Threads that serve requests; as many as there are cores unless said.
    pub worker_threads: Option<NonZeroU16>,
    /// How mail is sent; `None` = not at all.
    pub mailbox: Option<Mailbox>,
    /// What webhooks may lead to although it is not public.
    pub allow_private: Vec<Allowed>,
    /// How much a client may take.
    pub limits: Limits,
    /// Which proxies are believed, and how many failures are borne from an address.
    pub clients: ClientRules,
    /// Whether the embedded database skips its flushes. Only for the power-cut test's negative control: acknowledged writes are
    /// lost when the machine stops.
    pub unsafe_synchronous_off: bool,
    settings: Vec<Setting>,
}

/// Where the data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// The embedded database, in [`Config::data_dir`].
    Sqlite,
    /// A PostgreSQL server.
    Postgres(DatabaseUrl),
}

/// A `postgres://` URL. `Debug` and `Display` leave its password out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// Keys given by configuration. Without a pepper the key file holds them.
#[derive(Debug, Clone, Default)]
pub struct GivenKeys {
    /// New digests are made under it.
    pub pepper: Option<Key>,
    /// Digests made before the last change of `pepper`.
    pub previous_pepper: Option<Key>,
    /// Seals the head of the audit trail.
    pub audit: Option<Key>,
}

/// What the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// The least severe lines that are written.
    pub level: tracing::level_filters::LevelFilter,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// One sentence a line, for people.
    Text,
}

/// How much a client may take, beyond which it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Limits of connections.
    pub connection: ConnectionLimits,
    /// Limits of requests.
    pub request: RequestLimits,
}

/// Why the configuration was refused: every fault that was found, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration was refused:\n  {}", .faults.join("\n  "))]
pub struct ConfigError {
    /// The faults, each with its key and source. Never the value of a secret.
    pub faults: Vec<String>,
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// A URL; whether it leads anywhere is seen when it is opened.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The whole URL with its password, for the driver.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&report::without_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl Config ===

impl Config {
    /// Reads file and environment, and puts `overrides` above both.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::load_from(overrides, &Environment::read()?)
    }

    /// The same with the environment as an argument.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault.
    pub fn load_from(overrides: &Overrides, environment: &Environment) -> Result<Self, ConfigError> {
        let values = sources::layered(overrides, environment)?;
        reader::read(&values)
    }

    /// Every setting with its value and source, and what an operator should know about the combination. Secrets are not in it.
    pub fn check(&self) -> Report {
        report::check(self)
    }
}

impl ConfigError {
    /// A single fault.
    pub(crate) fn one(fault: impl Into<String>) -> Self {
        Self {
            faults: vec![fault.into()],
        }
    }
}
