//! `claviger scope`: what a token can be given.

use clap::{Args, Subcommand};
use claviger_api::scopes::Grantable;

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    remote::Remote,
};

/// See what a token can be given.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Scope {
    List(List),
}

/// List the scopes, with how far you may hand each on and, where you may not, why not.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    #[command(flatten)]
    remote: Remote,
}

// === impl Scope ===

impl Scope {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(list) => list.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Outcome {
        let scopes = self.remote.client()?.scopes().await?;
        if self.remote.json {
            output::json(&scopes)?;
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = scopes
            .data
            .into_iter()
            .map(|scope| {
                let grantable = match scope.grantable {
                    Grantable::Everywhere => "everywhere".to_owned(),
                    Grantable::Restricted => "within your reach".to_owned(),
                    Grantable::Own => "your own only".to_owned(),
                    Grantable::No => format!("no: {}", scope.reason.unwrap_or_default()),
                };
                vec![scope.scope, grantable, scope.description]
            })
            .collect();
        output::table(
            Stream::Result,
            &["SCOPE", "YOU MAY HAND IT ON", "WHAT IT ALLOWS"],
            &rows,
        )?;
        Ok(Exit::Done)
    }
}
