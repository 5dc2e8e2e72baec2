//! `claviger init`: the first administrator, made at the machine itself while no server runs.

use clap::Args;
use claviger_server::Administrator;
use serde_json::json;

use super::settings::Settings;
use crate::{
    exit::{self, Exit, Outcome},
    output,
};

/// Make the first administrator. Their token goes alone to the standard output:
/// `export CLAVIGER_TOKEN=$(claviger init --admin you@example.org)`.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIGURED)]
pub(crate) struct Init {
    /// The administrator's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    admin: String,
    /// The name of the organization.
    #[arg(long, value_name = "NAME", conflicts_with = "reissue")]
    organization: Option<String>,
    /// Issue a new token for an administrator who lost theirs. Their other tokens stay as they are.
    #[arg(long)]
    reissue: bool,
    /// Print JSON instead of text for people.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: Settings,
}

// === impl Init ===

impl Init {
    pub(crate) fn run(self) -> Outcome {
        let config = self.settings.load()?;
        let administrator = if self.reissue {
            claviger_server::reissue(&config, &self.admin)?
        } else {
            claviger_server::init(&config, &self.admin, self.organization.as_deref())?
        };
        hand_over(&administrator, self.json)?;
        Ok(Exit::Done)
    }
}

fn hand_over(administrator: &Administrator, json: bool) -> Outcome<()> {
    let Administrator {
        secret,
        token_id,
        user_id,
        expires_at,
    } = administrator;
    if json {
        return output::json(&json!({
            "secret": secret.expose(),
            "token_id": token_id,
            "user_id": user_id,
            "expires_at": expires_at,
        }));
    }
    let expires = expires_at.as_deref().unwrap_or("never");
    output::note(&format!(
        "{user_id} is an administrator, with token {token_id}; it expires: {expires}."
    ));
    output::note("Store the secret now: it is shown this once.");
    output::secret(secret.expose())
}
