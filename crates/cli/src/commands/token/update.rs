//! `claviger token update`: name, description, scopes, restrictions, limits, end; never the secret.

use clap::Args;
use claviger_api::tokens::{Restrictions, UpdateToken};

use super::{Only, record};
use crate::{
    assignment::Assign,
    exit::{self, Exit, Outcome},
    expiry::Expiry,
    limits::Limits,
    output::{self, Stream},
    receipt,
    remote::Remote,
};

/// Change a token's name, description, scopes, restrictions, limits or end. The secret stays as it is.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The token's id, `tok_…`.
    id: String,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    remote: Remote,
}

/// What to change; at least one.
#[derive(Debug, Args)]
#[group(required = true, multiple = true, args = ["only_teams", "only_services", "only_environments", "rate_limit", "quota", "networks"])]
struct Changes {
    /// A new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The new scopes, all of them; repeat it or separate by commas.
    #[arg(
        long = "scope",
        visible_alias = "scopes",
        value_name = "SCOPE",
        value_delimiter = ','
    )]
    scopes: Option<Vec<String>>,
    #[command(flatten)]
    restrictions: Only,
    /// Lift every restriction.
    #[arg(long, conflicts_with_all = ["only_teams", "only_services", "only_environments"])]
    unrestricted: bool,
    /// The new roles on resources, all of them, such as `application.trigger teams=* environments=* names=search`.
    #[arg(long, value_name = "ROLE")]
    assign: Option<Vec<Assign>>,
    /// Take every role on resources away.
    #[arg(long, conflicts_with = "assign")]
    without_roles: bool,
    #[command(flatten)]
    limits: Limits,
    /// Whether senders may put it into the address as `?token=`.
    #[arg(long, value_name = "BOOL")]
    allow_query: Option<bool>,
    /// When it ends: `7d`, `30d`, `60d`, `90d` from now, an instant such as `2027-01-01T00:00:00Z`, or `never`.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
}

// === impl Update ===

impl Update {
    pub(super) async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let changed = client.update_token(&self.id, &self.changes.into()).await?;
        if self.remote.json {
            output::json(&changed)?;
        } else {
            record::show(Stream::Result, &changed.token)?;
            output::note(&format!(
                "In force everywhere: {}.",
                receipt::sentence(&changed.receipt)
            ));
        }
        Ok(Exit::Done)
    }
}

// === impl Changes ===

impl From<Changes> for UpdateToken {
    fn from(changes: Changes) -> Self {
        let mut body = Self {
            networks: changes.limits.networks(),
            rate_limit: changes.limits.rate_limit(),
            quota: changes.limits.quota(),
            allow_query: changes.allow_query,
            name: changes.name,
            description: changes.description,
            scopes: changes.scopes,
            restrictions: if changes.unrestricted {
                Some(Restrictions::default())
            } else {
                changes.restrictions.into()
            },
            roles: if changes.without_roles {
                Some(Vec::new())
            } else {
                let assign = changes.assign;
                assign.map(|assign| assign.into_iter().map(|Assign(role)| role).collect())
            },
            ..Self::default()
        };
        match changes.expires {
            Some(Expiry::Days(days)) => body.expires_in_days = Some(days),
            Some(Expiry::At(instant)) => body.expires_at = Some(instant),
            Some(Expiry::Never) => body.never_expires = Some(true),
            None => {}
        }
        body
    }
}
