//! `claviger token regenerate`: the same record, a new secret.

use clap::Args;

use super::record;
use crate::{
    exit::{self, Exit, Outcome},
    remote::Remote,
};

/// Replace a token's secret. The old one stops at once; the new one goes alone to the standard output.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Regenerate {
    /// The token's id, `tok_…`.
    id: String,
    /// Names this request: repeating it with the same key shows the same secret, until its first use or for ten minutes.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Regenerate ===

impl Regenerate {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let issued = client
            .regenerate_token(&self.id, self.idempotency_key.as_deref())
            .await?;
        record::hand_over(&issued, self.remote.json)?;
        Ok(Exit::Done)
    }
}
