//! `claviger completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{
    cli::Cli,
    exit::{self, Exit, Outcome},
    output,
};

/// Print the completions for a shell; `claviger completions bash > /etc/bash_completion.d/claviger`.
#[derive(Debug, Args)]
#[command(after_help = exit::PRINTED)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

// === impl Completions ===

impl Completions {
    pub(crate) fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "claviger", &mut script);
        output::page(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
