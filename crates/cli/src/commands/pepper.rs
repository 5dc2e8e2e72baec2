//! `claviger pepper`: the keys under which digests are made.

use clap::{Args, Subcommand};
use claviger_api::peppers::{Peppers, RetirePepper};

use crate::{
    exit::{self, Exit, Failure, Outcome},
    output::{self, Stream},
    prompt, receipt,
    remote::Remote,
};

/// See, rotate and retire peppers, the keys under which digests are made. A pepper itself is never shown.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Pepper {
    List(List),
    Rotate(Rotate),
    Retire(Retire),
}

/// List the live peppers and how many tokens depend on each.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    #[command(flatten)]
    remote: Remote,
}

/// Make a new current pepper. Tokens move to it as they are used; the old one stays until it is retired.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Rotate {
    #[command(flatten)]
    remote: Remote,
}

/// Give the previous pepper up, once no live token depends on it.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIRMED)]
pub(crate) struct Retire {
    /// Also when live tokens still depend on it: revoke them.
    #[arg(long)]
    revoke_stragglers: bool,
    /// Do not ask. Revoking stragglers needs it when there is no terminal to ask on.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    remote: Remote,
}

// === impl Pepper ===

impl Pepper {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(List { remote }) => show(&remote, &remote.client()?.peppers().await?),
            Self::Rotate(Rotate { remote }) => show(&remote, &remote.client()?.rotate_pepper().await?),
            Self::Retire(command) => command.run().await,
        }
    }
}

// === impl Retire ===

impl Retire {
    async fn run(self) -> Outcome {
        if self.revoke_stragglers && !self.yes {
            if !prompt::possible() {
                return Err(Failure::usage(
                    "--revoke-stragglers needs --yes when there is no terminal to ask on",
                ));
            }
            if !prompt::confirm("Revoke every live token that still depends on the previous pepper?")? {
                output::note("Nothing was changed.");
                return Ok(Exit::Negative);
            }
        }
        let body = RetirePepper {
            revoke_stragglers: self.revoke_stragglers,
        };
        show(&self.remote, &self.remote.client()?.retire_pepper(&body).await?)
    }
}

fn show(remote: &Remote, peppers: &Peppers) -> Outcome {
    if remote.json {
        output::json(peppers)?;
        return Ok(Exit::Done);
    }
    let rows = peppers.data.iter().map(|pepper| {
        let rank = if pepper.current { "current" } else { "previous" };
        vec![
            pepper.id.clone(),
            rank.to_owned(),
            pepper.live_tokens.to_string(),
            pepper.tokens.to_string(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    output::table(
        Stream::Result,
        &["ID", "RANK", "LIVE TOKENS", "ALL TOKENS"],
        &rows,
    )?;
    if let Some(proof) = &peppers.receipt {
        output::note(&format!(
            "The tokens that depended on it are dead: {}.",
            receipt::sentence(proof)
        ));
    }
    Ok(Exit::Done)
}
