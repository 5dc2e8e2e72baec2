//! `claviger audit`: who changed what, and whether anybody changed that.

mod export;
mod list;
mod verify;

use clap::Subcommand;

use crate::exit::{self, Outcome};

/// Read the audit trail, take a copy, and check that it is whole.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Audit {
    List(list::List),
    Export(export::Export),
    Verify(verify::Verify),
}

// === impl Audit ===

impl Audit {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Verify(command) => command.run().await,
        }
    }
}
