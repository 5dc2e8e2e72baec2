//! `claviger token issue`: a new token, whose secret is shown this once.

use clap::Args;
use claviger_api::tokens::IssueToken;

use super::{Kind, Only, record};
use crate::{
    assignment::Assign,
    exit::{self, Exit, Outcome},
    expiry::Expiry,
    limits::Limits,
    remote::Remote,
};

/// Issue a token. Its secret goes alone to the standard output: `TOKEN=$(claviger token issue …)`.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Issue {
    /// A name, unique among the owner's live tokens.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do, such as `deployments:write`; repeat it or separate by commas. `*` stands for every scope.
    #[arg(
        long = "scope",
        visible_alias = "scopes",
        value_name = "SCOPE",
        required_unless_present = "assign",
        value_delimiter = ','
    )]
    scopes: Vec<String>,
    /// A role on resources, such as `application.trigger teams=* environments=* names=search`; repeat it for more. Every direction is said:
    /// `*` is all there is and will be.
    #[arg(long, value_name = "ROLE")]
    assign: Vec<Assign>,
    /// Whom it acts as.
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value = "personal")]
    kind: Kind,
    /// The team whose token it is to be, for `--type team`.
    #[arg(long, value_name = "ID", required_if_eq("kind", "team"))]
    team: Option<String>,
    /// The service whose token it is to be, for `--type service`.
    #[arg(long, value_name = "ID", required_if_eq("kind", "service"))]
    service: Option<String>,
    #[command(flatten)]
    restrictions: Only,
    #[command(flatten)]
    limits: Limits,
    /// Let senders put it into the address as `?token=`, where others may read it. Its only scope is then `deployments:write`.
    #[arg(long)]
    allow_query: bool,
    /// A description for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// When it ends: `7d`, `30d`, `60d`, `90d`, an instant such as `2027-01-01T00:00:00Z`, or `never`. 90 days unless said.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// Names this request: repeating it with the same key shows the same secret, until its first use or for ten minutes.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Issue ===

impl Issue {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let mut body = IssueToken {
            token_type: Some(self.kind.into()),
            team: self.team,
            service: self.service,
            restrictions: self.restrictions.into(),
            networks: self.limits.networks().flatten(),
            rate_limit: self.limits.rate_limit().flatten(),
            quota: self.limits.quota().flatten(),
            allow_query: self.allow_query.then_some(true),
            name: self.name,
            description: self.description,
            scopes: self.scopes,
            roles: self.assign.into_iter().map(|Assign(role)| role).collect(),
            ..IssueToken::default()
        };
        match self.expires {
            Some(Expiry::Days(days)) => body.expires_in_days = Some(days),
            Some(Expiry::At(instant)) => body.expires_at = Some(instant),
            Some(Expiry::Never) => body.never_expires = Some(true),
            None => {}
        }
        let issued = client.issue_token(&body, self.idempotency_key.as_deref()).await?;
        record::hand_over(&issued, self.remote.json)?;
        Ok(Exit::Done)
    }
}
