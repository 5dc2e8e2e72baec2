//! `claviger audit export`: the whole trail, or a span of it, one event per line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use claviger_client::AuditExport;

use crate::{
    exit::{self, Exit, Failure, Outcome},
    expiry::instant,
    output,
    progress::Progress,
    remote::Remote,
};

/// Export the audit trail as JSON lines, the oldest event first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Export {
    /// Only events at or after this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<String>,
    /// Only events before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<String>,
    /// The file to write, which must not exist yet; the standard output unless said.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Export ===

impl Export {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let Some(path) = &self.output else {
            let mut export = client
                .export_audit(self.since.as_deref(), self.until.as_deref())
                .await?;
            copy(&mut export, &mut BufWriter::new(io::stdout().lock())).await?;
            return Ok(Exit::Done);
        };
        let file = create(path)?;
        let written = async {
            let mut export = client
                .export_audit(self.since.as_deref(), self.until.as_deref())
                .await?;
            let mut writer = BufWriter::new(file);
            let count = copy(&mut export, &mut writer).await?;
            writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            Ok::<u64, Failure>(count)
        };
        match written.await {
            Ok(count) => output::note(&format!("{count} events are in {}", path.display())),
            Err(failure) => {
                // A file that ends early looks like a whole trail.
                fs::remove_file(path)?;
                return Err(failure);
            }
        }
        Ok(Exit::Done)
    }
}

/// The file, readable by its owner only: events name people and addresses.
fn create(path: &Path) -> Outcome<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.map_err(|error| Failure::usage(format!("{} cannot be made: {error}", path.display())))
}

/// Writes every line as the server gave it, and says how many.
async fn copy(export: &mut AuditExport, writer: &mut impl Write) -> Outcome<u64> {
    let progress = Progress::counting("events:");
    let mut count = 0;
    while let Some(line) = export.next_line().await? {
        writer.write_all(line.as_bytes())?;
        writer.write_all(b"\n")?;
        progress.advance(1);
        count += 1;
    }
    writer.flush()?;
    Ok(count)
}
