//! `claviger backup` and `claviger restore`: the embedded database, at the machine itself.

use std::path::PathBuf;

use clap::Args;
use claviger_server::WithoutJournal;
use serde_json::json;

use super::settings::Settings;
use crate::{
    exit::{self, Exit, Outcome},
    output,
};

/// Back the embedded database up into one file, also while a server runs. Keys and the revocation journal are not in it.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) struct Backup {
    /// The file to write; it must not be there.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Print JSON instead of text for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Put a backup in the place of the embedded database, while no server runs. What has ended since, by the revocation journal, ends
/// again before this returns.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) struct Restore {
    /// The backup. Without one the database stays: for a copy that was put there by other means.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["accept_without_journal", "database_is_newest"])]
    from: Option<PathBuf>,
    /// The revocation journal is lost: revoke every token, because nobody can tell which had ended.
    #[arg(long)]
    accept_without_journal: bool,
    /// The revocation journal is lost and the database is no older copy: begin another journal, and revoke nothing.
    #[arg(long, conflicts_with_all = ["from", "accept_without_journal"])]
    database_is_newest: bool,
    #[command(flatten)]
    settings: Settings,
}

// === impl Backup ===

impl Backup {
    pub(crate) fn run(self) -> Outcome {
        let bytes = claviger_server::backup(&self.settings.load()?, &self.to)?;
        let file = self.to.display().to_string();
        if self.json {
            output::json(&json!({ "file": file, "size_bytes": bytes }))?;
        } else {
            output::note(&format!(
                "Wrote {file}, {bytes} bytes. Keep the keys and the revocation journal apart from it."
            ));
        }
        Ok(Exit::Done)
    }
}

// === impl Restore ===

impl Restore {
    pub(crate) fn run(self) -> Outcome {
        let config = self.settings.load()?;
        let without = match (self.accept_without_journal, self.database_is_newest) {
            (true, _) => WithoutJournal::RevokeAll,
            (_, true) => WithoutJournal::TrustStore,
            _ => WithoutJournal::Refuse,
        };
        claviger_server::restore(&config, self.from.as_deref(), without)?;
        output::note("Restored. What had ended by the revocation journal has ended.");
        if self.accept_without_journal {
            output::note(
                "Where the journal was unusable every token is revoked: `claviger init --reissue` makes a new one.",
            );
        }
        Ok(Exit::Done)
    }
}
