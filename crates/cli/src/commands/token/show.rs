//! `claviger token show`: one record.

use clap::Args;

use super::record;
use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    remote::Remote,
};

/// Show a token's record; without an id, that of the token you call with.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The token's id, `tok_…`.
    id: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Show ===

impl Show {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let token = match &self.id {
            Some(id) => client.show_token(id).await?,
            None => client.own_token().await?,
        };
        if self.remote.json {
            output::json(&token)?;
        } else {
            record::show(Stream::Result, &token)?;
        }
        Ok(Exit::Done)
    }
}
