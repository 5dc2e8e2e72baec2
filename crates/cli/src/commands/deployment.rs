//! `claviger deployment`: versions that were put into environments.

mod list;
mod report;

use clap::{Subcommand, ValueEnum};
use claviger_api::deployments::{Deployment as Record, DeploymentResult};

use crate::exit::{self, Outcome};

/// Report deployments, and list them.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Deployment {
    Report(report::Report),
    List(list::List),
}

/// How a deployment went.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The version runs.
    Succeeded,
    /// It does not.
    Failed,
    /// It was taken back.
    RolledBack,
    /// It was stopped before it finished.
    Canceled,
}

/// The headings of [`row`].
pub(super) const HEADINGS: [&str; 7] = [
    "ID",
    "SERVICE",
    "VERSION",
    "REF",
    "ENVIRONMENT",
    "RESULT",
    "FINISHED",
];

/// A deployment in a list.
pub(super) fn row(deployment: &Record) -> Vec<String> {
    vec![
        deployment.id.clone(),
        deployment.service.clone(),
        deployment.version.clone(),
        deployment.reference.clone().unwrap_or_default(),
        deployment.environment.clone(),
        word(deployment.result).to_owned(),
        deployment.finished_at.clone(),
    ]
}

/// A result in the API's own word.
fn word(result: DeploymentResult) -> &'static str {
    match result {
        DeploymentResult::Succeeded => "succeeded",
        DeploymentResult::Failed => "failed",
        DeploymentResult::RolledBack => "rolled_back",
        DeploymentResult::Canceled => "canceled",
    }
}

// === impl Deployment ===

impl Deployment {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Report(command) => command.run().await,
            Self::List(command) => command.run().await,
        }
    }
}

// === impl Ending ===

impl From<Ending> for DeploymentResult {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Succeeded => Self::Succeeded,
            Ending::Failed => Self::Failed,
            Ending::RolledBack => Self::RolledBack,
            Ending::Canceled => Self::Canceled,
        }
    }
}
