//! `claviger deployment report`: what a pipeline says when it is done.

use clap::Args;
use claviger_api::deployments::ReportDeployment;

use super::{Ending, HEADINGS, row};
use crate::{
    exit::{self, Exit, Outcome},
    expiry::instant,
    output::{self, Stream},
    remote::Remote,
};

/// Report that a version was put into an environment.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Report {
    /// The service, by name.
    #[arg(long, value_name = "NAME")]
    service: String,
    /// The version, as your team writes it.
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// The commit or tag.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// Where it runs; `production` unless said.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// When it began.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    started_at: Option<String>,
    /// When it ended; now unless said.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    finished_at: Option<String>,
    /// How it went; `succeeded` unless said.
    #[arg(long, value_name = "RESULT", value_enum)]
    result: Option<Ending>,
    /// Names this report: repeating it with the same key does not report twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Report ===

impl Report {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let body = ReportDeployment {
            service: self.service,
            version: self.version,
            reference: self.reference,
            environment: self.environment,
            started_at: self.started_at,
            finished_at: self.finished_at,
            result: self.result.map(Into::into),
        };
        let deployment = client
            .report_deployment(&body, self.idempotency_key.as_deref())
            .await?;
        if self.remote.json {
            output::json(&deployment)?;
        } else {
            output::table(Stream::Result, &HEADINGS, &[row(&deployment)])?;
        }
        Ok(Exit::Done)
    }
}
