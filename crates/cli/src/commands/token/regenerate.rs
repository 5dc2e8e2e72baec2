//! `claviger token regenerate` and `finish-rotation`: the same record, a new secret; the old one stops at once or later.

use clap::Args;
use claviger_api::tokens::RegenerateToken;

use super::record;
use crate::{
    exit::{self, Exit, Outcome},
    expiry::Expiry,
    output::{self, Stream},
    receipt,
    remote::Remote,
    span::Span,
};

/// Replace a token's secret. The old one stops at once, or after an overlap; the new one goes alone to the standard output.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Regenerate {
    /// The token's id, `tok_…`.
    id: String,
    /// How long the old secret stays good: `90s`, `30m` or `1h`, at most `24h`. One from an earlier overlap stops at once.
    #[arg(long, value_name = "TIME")]
    overlap: Option<Span>,
    /// The old secret stops at the first use of the new one; after `--overlap`, or a day, at the latest.
    #[arg(long)]
    until_first_use: bool,
    /// When the token ends: `7d`, `30d`, `60d`, `90d` from now, an instant such as `2027-01-01T00:00:00Z`, or `never`. It stays unless said.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Names this request: repeating it with the same key shows the same secret, until its first use or for ten minutes.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// End the overlap of a regenerated token now. When it returns, no verifier accepts the old secret.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct FinishRotation {
    /// The token's id, `tok_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Regenerate ===

impl Regenerate {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let issued = client
            .regenerate_token(&self.id, &self.body(), self.idempotency_key.as_deref())
            .await?;
        record::hand_over(&issued, self.remote.json)?;
        Ok(Exit::Done)
    }

    fn body(&self) -> RegenerateToken {
        let mut body = RegenerateToken {
            overlap_seconds: self.overlap.map(Span::seconds),
            until_first_use: self.until_first_use.then_some(true),
            ..RegenerateToken::default()
        };
        match &self.expires {
            Some(Expiry::Days(days)) => body.expires_in_days = Some(*days),
            Some(Expiry::At(instant)) => body.expires_at = Some(instant.clone()),
            Some(Expiry::Never) => body.never_expires = Some(true),
            None => {}
        }
        body
    }
}

// === impl FinishRotation ===

impl FinishRotation {
    pub(super) async fn run(self) -> Outcome {
        let changed = self.remote.client()?.finish_rotation(&self.id).await?;
        if self.remote.json {
            output::json(&changed)?;
        } else {
            record::show(Stream::Result, &changed.token)?;
            output::note(&format!(
                "The old secret is refused everywhere: {}.",
                receipt::sentence(&changed.receipt)
            ));
        }
        Ok(Exit::Done)
    }
}
