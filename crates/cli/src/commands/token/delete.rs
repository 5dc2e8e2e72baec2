//! `claviger token delete`: drops a dead record from the lists.

use clap::Args;

use crate::{
    exit::{self, Exit, Outcome},
    output,
    remote::Remote,
};

/// Drop the record of a token that has ended. The audit trail keeps what happened.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The token's id, `tok_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Delete ===

impl Delete {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        client.delete_token(&self.id).await?;
        // The API answers 204 without a body, so there is no JSON to print.
        if !self.remote.json {
            output::line(&format!("{} is deleted", self.id))?;
        }
        Ok(Exit::Done)
    }
}
