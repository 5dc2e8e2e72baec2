//! `claviger config`: what the server would run with.

use clap::{Args, Subcommand};

use super::settings::Settings;
use crate::{
    exit::{self, Exit, Outcome},
    output,
};

/// Look at the configuration without starting anything.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) enum Config {
    Check(Check),
}

/// Show every setting, its value and where it came from. Secrets are not shown.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) struct Check {
    #[command(flatten)]
    settings: Settings,
}

// === impl Config ===

impl Config {
    pub(crate) fn run(self) -> Outcome {
        let Self::Check(Check { settings }) = self;
        for line in settings.load()?.check().to_string().lines() {
            output::line(line)?;
        }
        Ok(Exit::Done)
    }
}
