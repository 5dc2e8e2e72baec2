//! `claviger token report-leak`: whoever finds a token may end it.

use std::path::PathBuf;

use clap::Args;
use claviger_api::tokens::ReportLeak as Body;

use crate::{
    exit::{self, Exit, Outcome},
    output, receipt,
    remote::Remote,
    secrets,
};

/// End a token that was found where it should not be. Holding it is enough: no token of your own is needed.
///
/// The token is read from a file, from the standard input, or from a prompt.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct ReportLeak {
    /// The file that holds the token; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    subject_file: Option<PathBuf>,
    /// Where it was found; kept in the audit trail.
    #[arg(long, value_name = "TEXT")]
    found_at: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl ReportLeak ===

impl ReportLeak {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.anonymous()?;
        let token = secrets::subject(self.subject_file.as_deref())?;
        let revoked = client
            .report_leak(&Body {
                token,
                found_at: self.found_at,
            })
            .await?;
        if self.remote.json {
            output::json(&revoked)?;
        } else {
            let proof = receipt::sentence(&revoked.receipt);
            output::line(&format!("{} is revoked everywhere ({proof})", revoked.id))?;
        }
        Ok(Exit::Done)
    }
}
