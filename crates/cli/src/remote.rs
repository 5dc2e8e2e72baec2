//! The flags of every command that calls a server, and the client made from them.
//!
//! Invariant: `--verbose` shows method, path and status of each request, and nothing else.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use claviger_client::{Client, Credential, Exchange};

use crate::{exit::Outcome, output, secrets};

/// Which server, as whom, and how to tell.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Remote {
    /// The server's URL.
    #[arg(
        long,
        env = "CLAVIGER_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8620"
    )]
    server: String,
    /// The file that holds the token to call with. Without it CLAVIGER_TOKEN does, or you are asked for it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long a call may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print the API's own JSON instead of text for people.
    #[arg(long)]
    pub(crate) json: bool,
    /// Tell method, path and status of every request on the standard error.
    #[arg(long, short)]
    verbose: bool,
}

// === impl Remote ===

impl Remote {
    /// A client that presents the caller's token.
    pub(crate) fn client(&self) -> Outcome<Client> {
        let credential = Credential::new(&secrets::caller(self.token_file.as_deref())?)?;
        self.build(Some(credential))
    }

    /// A client that presents nothing.
    pub(crate) fn anonymous(&self) -> Outcome<Client> {
        self.build(None)
    }

    fn build(&self, credential: Option<Credential>) -> Outcome<Client> {
        let mut builder = Client::builder(&self.server).timeout(Duration::from_secs(self.timeout));
        if self.verbose {
            builder = builder.observer(tell);
        }
        if let Some(credential) = credential {
            builder = builder.credential(credential);
        }
        let client = builder.build()?;
        if travels_in_clear(client.base_url()) {
            output::note("warning: plain HTTP beyond this machine: whoever is on the way can read the token");
        }
        Ok(client)
    }
}

fn tell(exchange: Exchange<'_>) {
    let status = exchange
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    output::note(&format!("{} {} {status}", exchange.method, exchange.path));
}

/// Whether a token sent to this server leaves the machine unencrypted.
fn travels_in_clear(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    !loopback && host != "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_to_another_machine_is_warned_of() {
        for url in [
            "http://127.0.0.1:8620",
            "http://[::1]:8620/x",
            "http://localhost",
            "https://claviger.example.org",
        ] {
            assert!(!travels_in_clear(url), "{url}");
        }
        for url in [
            "http://claviger.example.org",
            "http://192.0.2.7:8620/x",
            "http://127.0.0.1.example.org",
        ] {
            assert!(travels_in_clear(url), "{url}");
        }
    }
}
