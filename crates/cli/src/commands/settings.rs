//! The flags of every command that starts from the server's configuration.
//!
//! Invariant: a secret is no flag; keys and the password of a database come from the environment or the file.

use std::path::PathBuf;

use clap::Args;
use claviger_server::config::{Config, Overrides};

use crate::exit::{Failure, Outcome};

/// Settings that beat the environment and the file. `claviger config check` shows all that are in force.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// The configuration file; CLAVIGER_CONFIG, or `claviger.toml` if there is one, unless said.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen; 127.0.0.1:8620 unless said.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// A Unix socket to listen on as well.
    #[arg(long, value_name = "PATH")]
    unix_socket: Option<String>,
    /// Where the embedded database lives; `./claviger-data` unless said.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where the key file lives; `keys` in the data directory unless said.
    #[arg(long, value_name = "DIR")]
    keys_dir: Option<String>,
    /// `sqlite`, or a `postgres://` URL without a password: one that needs it goes into CLAVIGER_DATABASE.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The head of every token; `clv` unless said.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Threads that serve requests; as many as there are cores unless said.
    #[arg(long, value_name = "COUNT")]
    worker_threads: Option<String>,
    /// The form of a log line: `json` or `text`.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// The least severe log lines: `error`, `warn`, `info`, `debug`, `trace` or `off`.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

// === impl Settings ===

impl Settings {
    /// The configuration that is in force.
    pub(super) fn load(self) -> Outcome<Config> {
        if self.database.as_deref().is_some_and(holds_password) {
            return Err(Failure::usage(
                "--database holds a password, which every process of this machine can read; set CLAVIGER_DATABASE instead",
            ));
        }
        let overrides = Overrides {
            config: self.config,
            ..Overrides::new()
        }
        .set("listen", "--listen", self.listen)
        .set("unix_socket", "--unix-socket", self.unix_socket)
        .set("data_dir", "--data-dir", self.data_dir)
        .set("keys_dir", "--keys-dir", self.keys_dir)
        .set("database", "--database", self.database)
        .set("prefix", "--prefix", self.prefix)
        .set("worker_threads", "--worker-threads", self.worker_threads)
        .set("log.format", "--log-format", self.log_format)
        .set("log.level", "--log-level", self.log_level);
        Config::load(&overrides).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Whether a database URL has a password before its host or among its parameters.
fn holds_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':')
        || query
            .split('&')
            .any(|pair| pair.to_ascii_lowercase().starts_with("password="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_seen_wherever_a_database_url_may_hold_it() {
        for url in [
            "postgres://ada:pw@db/x",
            "postgres://ada:@db",
            "postgres://db/x?sslmode=require&Password=pw",
        ] {
            assert!(holds_password(url), "{url}");
        }
        for url in [
            "sqlite",
            "postgres://ada@db:5432/x?sslmode=require",
            "postgres://db/x",
        ] {
            assert!(!holds_password(url), "{url}");
        }
    }
}
