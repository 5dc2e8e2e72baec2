//! `claviger policy`: the rules of an organization for its tokens.

use clap::{Args, Subcommand};
use claviger_api::policy::{Policy as Rules, TypePolicy};

use super::token::Kind;
use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    remote::Remote,
};

/// See and change how long tokens live, and what becomes of those that nobody uses.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Policy {
    Show(Show),
    Set(Set),
    QueryTokens(QueryTokens),
}

/// Show the rules.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    #[command(flatten)]
    remote: Remote,
}

/// Change the rules for one type of token; what is not said stays.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Set {
    /// The type.
    #[arg(value_enum)]
    kind: Kind,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    remote: Remote,
}

/// What to change; at least one.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Days that a token lives when its maker names no end.
    #[arg(long, value_name = "DAYS")]
    default_days: Option<u32>,
    /// The most days that it may live, or `none`.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    max_days: Option<Days>,
    /// Whether it may live without an end, for a reason.
    #[arg(long, value_name = "BOOL")]
    never_allowed: Option<bool>,
    /// Days without a use after which its record says that it is unused, or `none`.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    flag_unused_after_days: Option<Days>,
    /// Days without a use after which it is revoked, or `none`.
    #[arg(long, value_name = "DAYS", value_parser = days)]
    revoke_unused_after_days: Option<Days>,
}

/// Say whether tokens may be made that senders put into the address as `?token=`.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct QueryTokens {
    /// Whether.
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    allowed: bool,
    #[command(flatten)]
    remote: Remote,
}

/// A number of days, or none.
#[derive(Debug, Clone, Copy)]
struct Days(Option<u32>);

fn days(text: &str) -> Result<Days, String> {
    if text == "none" {
        return Ok(Days(None));
    }
    let days = text.parse().map_err(|_| "a number of days, or `none`".to_owned());
    days.map(|days| Days(Some(days)))
}

// === impl Policy ===

impl Policy {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Show(command) => {
                let policy = command.remote.client()?.policy().await?;
                show(&command.remote, &policy)
            }
            Self::Set(command) => command.run().await,
            Self::QueryTokens(command) => {
                let client = command.remote.client()?;
                let mut policy = client.policy().await?;
                policy.query_tokens = command.allowed;
                show(&command.remote, &client.put_policy(&policy).await?)
            }
        }
    }
}

impl Set {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let mut policy = client.policy().await?;
        let rules = match self.kind {
            Kind::Personal => &mut policy.personal,
            Kind::Global => &mut policy.global,
            Kind::Team => &mut policy.team,
            Kind::Service => &mut policy.service,
        };
        self.changes.apply(rules);
        show(&self.remote, &client.put_policy(&policy).await?)
    }
}

impl Changes {
    fn apply(&self, rules: &mut TypePolicy) {
        let keep = |kept: &mut Option<u32>, said: Option<Days>| {
            if let Some(Days(said)) = said {
                *kept = said;
            }
        };
        rules.default_days = self.default_days.unwrap_or(rules.default_days);
        rules.never_allowed = self.never_allowed.unwrap_or(rules.never_allowed);
        keep(&mut rules.max_days, self.max_days);
        keep(&mut rules.flag_unused_after_days, self.flag_unused_after_days);
        keep(&mut rules.revoke_unused_after_days, self.revoke_unused_after_days);
    }
}

fn show(remote: &Remote, policy: &Rules) -> Outcome {
    if remote.json {
        output::json(policy)?;
        return Ok(Exit::Done);
    }
    let days = |days: Option<u32>| days.map_or_else(|| "-".to_owned(), |days| days.to_string());
    let row = |name: &str, rules: &TypePolicy| {
        vec![
            name.to_owned(),
            rules.default_days.to_string(),
            days(rules.max_days),
            if rules.never_allowed { "yes" } else { "no" }.to_owned(),
            days(rules.flag_unused_after_days),
            days(rules.revoke_unused_after_days),
        ]
    };
    let rows = [
        row("personal", &policy.personal),
        row("global", &policy.global),
        row("team", &policy.team),
        row("service", &policy.service),
    ];
    output::table(
        Stream::Result,
        &[
            "TYPE",
            "DEFAULT",
            "MOST",
            "NEVER",
            "UNUSED AFTER",
            "REVOKED AFTER",
        ],
        &rows,
    )?;
    let query = if policy.query_tokens { "may" } else { "may not" };
    output::line(&format!("Tokens {query} be made for `?token=`."))?;
    Ok(Exit::Done)
}
