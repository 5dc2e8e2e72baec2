//! `claviger token`: the life of a token, from issue to delete.

mod delete;
mod issue;
mod list;
mod record;
mod regenerate;
mod report_leak;
mod revoke;
mod show;
mod update;

use clap::{Args, Subcommand, ValueEnum};
use claviger_api::tokens::{Restrictions, TokenType};

use crate::exit::{self, Outcome};

/// Issue, see, change and end tokens.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Token {
    Issue(issue::Issue),
    List(list::List),
    Show(show::Show),
    Update(update::Update),
    Regenerate(regenerate::Regenerate),
    FinishRotation(regenerate::FinishRotation),
    Revoke(revoke::Revoke),
    Delete(delete::Delete),
    ReportLeak(report_leak::ReportLeak),
}

/// What kind of principal a token acts as.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Acts as the person who issued it.
    Personal,
    /// Acts as itself, everywhere in the organization.
    Global,
    /// Acts as itself, on all that is one team's.
    Team,
    /// Acts as itself, on one service.
    Service,
}

/// Where a token may act.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct Only {
    /// Only on this team and what is its; repeat it or separate by commas.
    #[arg(long = "only-team", value_name = "ID", value_delimiter = ',')]
    only_teams: Option<Vec<String>>,
    /// Only on this service; repeat it or separate by commas.
    #[arg(long = "only-service", value_name = "ID", value_delimiter = ',')]
    only_services: Option<Vec<String>>,
    /// Only in this environment; repeat it or separate by commas.
    #[arg(long = "only-environment", value_name = "ID", value_delimiter = ',')]
    only_environments: Option<Vec<String>>,
}

// === impl Token ===

impl Token {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Issue(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Update(command) => command.run().await,
            Self::Regenerate(command) => command.run().await,
            Self::FinishRotation(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
            Self::Delete(command) => command.run().await,
            Self::ReportLeak(command) => command.run().await,
        }
    }
}

// === impl Kind ===

impl From<Kind> for TokenType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Personal => Self::Personal,
            Kind::Global => Self::Global,
            Kind::Team => Self::Team,
            Kind::Service => Self::Service,
        }
    }
}

// === impl Only ===

impl From<Only> for Option<Restrictions> {
    fn from(only: Only) -> Self {
        let restrictions = Restrictions {
            teams: only.only_teams,
            services: only.only_services,
            environments: only.only_environments,
        };
        (restrictions != Restrictions::default()).then_some(restrictions)
    }
}
