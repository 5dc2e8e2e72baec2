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

use clap::{Subcommand, ValueEnum};
use claviger_api::tokens::TokenType;

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
        }
    }
}
