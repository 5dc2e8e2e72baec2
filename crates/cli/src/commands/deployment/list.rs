//! `claviger deployment list`: what was reported, the newest report first.

use clap::Args;
use claviger_api::deployments::ListDeployments;

use super::{Ending, HEADINGS, row};
use crate::{
    exit::{self, Exit, Outcome},
    paging::{self, Paging},
    remote::Remote,
};

/// List deployments, the newest report first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// Only this result.
    #[arg(long, value_name = "RESULT", value_enum)]
    result: Option<Ending>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

// === impl List ===

impl List {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListDeployments {
            service: self.service,
            environment: self.environment,
            result: self.result.map(Into::into),
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}
