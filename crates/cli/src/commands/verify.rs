//! `claviger verify`: may whoever presented this token do that?

use std::path::PathBuf;

use clap::Args;
use claviger_api::verify::{Decision, Verify as Body};

use crate::{
    asked::Asked,
    exit::{Exit, Outcome},
    output,
    remote::Remote,
    secrets,
};

/// Ask whether a token is valid, and what it may do. Exit code 1 means no.
///
/// The token in question is read from a file, from the standard input, or from a prompt.
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub(crate) struct Verify {
    /// The file that holds the token in question; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    subject_file: Option<PathBuf>,
    /// A scope that is needed; repeat it or separate by commas. Without one, any live token will do.
    #[arg(
        long = "scope",
        visible_alias = "scopes",
        value_name = "SCOPE",
        value_delimiter = ','
    )]
    scopes: Vec<String>,
    #[command(flatten)]
    asked: Asked,
    /// The address of the client that presented it to you.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// What it takes from the token's limits when it is valid; 1 unless said.
    #[arg(long, value_name = "COUNT")]
    cost: Option<u32>,
    #[command(flatten)]
    remote: Remote,
}

const CODES: &str = "\
Exit codes:
  0  valid
  1  not valid: unknown, malformed, expired, revoked, used too often, or it lacks what is needed
  2  wrong usage: the command line, or a file that it names
  3  refused by the server (4xx): the token you call with may not ask
  4  failed: the server (5xx), the network, or the output";

// === impl Verify ===

impl Verify {
    pub(crate) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let token = secrets::subject(self.subject_file.as_deref())?;
        let (action, resource) = self.asked.into_parts();
        let body = Body {
            token,
            scopes: self.scopes,
            action,
            resource,
            address: self.address,
            cost: self.cost,
        };
        let decision = client.verify(&body).await?;
        if self.remote.json {
            output::json(&decision)?;
        } else {
            show(&decision)?;
        }
        Ok(if decision.valid {
            Exit::Done
        } else {
            Exit::Negative
        })
    }
}

fn show(decision: &Decision) -> Outcome<()> {
    let mut pairs = vec![("decision", decision.code.clone())];
    if !decision.missing_scopes.is_empty() {
        pairs.push(("missing", decision.missing_scopes.join(" ")));
    }
    if !decision.missing_roles.is_empty() {
        pairs.push(("missing roles", decision.missing_roles.join(" ")));
    }
    if let Some(seconds) = decision.retry_after_seconds {
        pairs.push(("retry after", format!("{seconds} s")));
    }
    if let Some(limit) = &decision.rate_limit {
        let left = format!(
            "{} of {} ({}), all of it in {} s",
            limit.remaining, limit.limit, limit.name, limit.reset_seconds
        );
        pairs.push(("left", left));
    }
    if let Some(token) = &decision.token {
        pairs.extend([
            ("id", token.id.clone()),
            ("owner", token.owner.clone()),
            ("organization", token.organization.clone()),
            ("scopes", token.scopes.join(" ")),
            (
                "expires",
                token.expires_at.clone().unwrap_or_else(|| "never".to_owned()),
            ),
        ]);
    }
    output::record(output::Stream::Result, &pairs)
}
