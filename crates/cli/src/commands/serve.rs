//! `claviger serve`: the server, until it is told to end.

use clap::Args;

use super::settings::Settings;
use crate::exit::{self, Exit, Outcome};

/// Run the server. SIGTERM or Ctrl-C ends it in order; a second one ends it at once.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) struct Serve {
    #[command(flatten)]
    settings: Settings,
}

// === impl Serve ===

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        claviger_server::run(&self.settings.load()?)?;
        Ok(Exit::Done)
    }
}
