//! `claviger audit verify`: whether every link of the trail holds.

use clap::Args;

use crate::{
    exit::{Exit, Outcome},
    output::{self, Stream},
    progress::Progress,
    remote::Remote,
};

/// Check that no event of the audit trail was changed or removed. Exit code 1 means that one was.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Verify {
    #[command(flatten)]
    remote: Remote,
}

const CODES: &str = "\
Exit codes:
  0  intact
  1  not intact
  2  wrong usage: the command line, or a file that it names
  3  refused by the server (4xx)
  4  failed: the server (5xx), the network, or the output";

// === impl Verify ===

impl Verify {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let progress = Progress::begin("verifying");
        let verdict = client.verify_audit().await?;
        drop(progress);
        if self.remote.json {
            output::json(&verdict)?;
        } else {
            let word = if verdict.intact { "intact" } else { "NOT INTACT" };
            let mut pairs = vec![
                ("verdict", word.to_owned()),
                ("events", verdict.events.to_string()),
                ("head", format!("{} {}", verdict.head_seq, verdict.head_hash)),
            ];
            if let Some(fault) = &verdict.fault {
                pairs.push((
                    "fault",
                    format!("event {}: {} ({})", fault.seq, fault.detail, fault.code),
                ));
            }
            output::record(Stream::Result, &pairs)?;
        }
        Ok(if verdict.intact {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}
