//! `claviger token revoke`: one token, some, or all that match.
//!
//! Invariant: a filter revokes nothing that nobody saw: a person is told the number and asked, a script says `--yes`.

use clap::Args;
use claviger_api::tokens::{RevokeFilter, RevokeToken, RevokeTokens, RevokedTokens};
use claviger_client::Client;

use super::Kind;
use crate::{
    exit::{self, Exit, Failure, Outcome},
    expiry::instant,
    output::{self, Stream},
    progress::Progress,
    prompt, receipt,
    remote::Remote,
};

/// The most ids of one request (the API's limit).
const MAX_IDS: usize = 1000;

/// Revoke tokens: by id, by filter, or the one you call with. When it returns, no verifier accepts them.
#[derive(Debug, Args)]
#[command(after_help = exit::CONFIRMED)]
pub(crate) struct Revoke {
    /// Ids, `tok_…`; at most 1000.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// The token you call with. It needs no scope.
    #[arg(long = "self", conflicts_with_all = ["ids", "dry_run"])]
    itself: bool,
    #[command(flatten)]
    filter: Filter,
    /// Only show what would be revoked.
    #[arg(long)]
    dry_run: bool,
    /// A note for those who will wonder.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Do not ask. A filter needs it when there is no terminal to ask on.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Which live tokens; all conditions must hold. The token you call with is never among them.
#[derive(Debug, Args)]
#[group(multiple = true, conflicts_with_all = ["ids", "itself"])]
struct Filter {
    /// Every live token but the one you call with.
    #[arg(long)]
    filter_all: bool,
    /// Only this kind.
    #[arg(long, value_name = "TYPE", value_enum)]
    filter_type: Option<Kind>,
    /// Only tokens that act as this principal.
    #[arg(long, value_name = "ID")]
    filter_owner: Option<String>,
    /// Only tokens of this team itself.
    #[arg(long, value_name = "ID", conflicts_with = "filter_service")]
    filter_team: Option<String>,
    /// Only tokens of this service.
    #[arg(long, value_name = "ID")]
    filter_service: Option<String>,
    /// Only names that begin so.
    #[arg(long, value_name = "TEXT")]
    filter_name_prefix: Option<String>,
    /// Only tokens issued before this instant.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    filter_created_before: Option<String>,
    /// Only tokens not used since this instant; a token never used counts as unused.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    filter_unused_since: Option<String>,
}

// === impl Revoke ===

impl Revoke {
    pub(super) async fn run(self) -> Outcome {
        if self.itself {
            return self.revoke_itself().await;
        }
        match (self.ids.as_slice(), self.filter.body()) {
            ([id], _) if !self.dry_run => self.revoke_one(id).await,
            ([], None) => Err(Failure::usage("say which: ids, --self, or a --filter-…")),
            ([], Some(filter)) => {
                self.revoke_many(RevokeTokens {
                    filter: Some(filter),
                    ..RevokeTokens::default()
                })
                .await
            }
            (ids, _) if ids.len() > MAX_IDS => Err(Failure::usage("at most 1000 ids at once")),
            (ids, _) => {
                if ids.iter().any(|id| !id.starts_with("tok_")) {
                    return Err(Failure::usage(
                        "an id begins with `tok_`; never give a token's secret",
                    ));
                }
                self.revoke_many(RevokeTokens {
                    ids: Some(ids.to_vec()),
                    ..RevokeTokens::default()
                })
                .await
            }
        }
    }

    async fn revoke_itself(self) -> Outcome {
        let client = self.remote.client()?;
        let revoked = client.revoke_own_token(&RevokeToken { note: self.note }).await?;
        if self.remote.json {
            output::json(&revoked)?;
        } else {
            let proof = receipt::sentence(&revoked.receipt);
            output::line(&format!("{} is revoked everywhere ({proof})", revoked.id))?;
        }
        Ok(Exit::Done)
    }

    async fn revoke_one(&self, id: &str) -> Outcome {
        let client = self.remote.client()?;
        let changed = client
            .revoke_token(
                id,
                &RevokeToken {
                    note: self.note.clone(),
                },
            )
            .await?;
        if self.remote.json {
            output::json(&changed)?;
        } else {
            let proof = receipt::sentence(&changed.receipt);
            output::line(&format!("{id} is revoked everywhere ({proof})"))?;
        }
        Ok(Exit::Done)
    }

    async fn revoke_many(&self, body: RevokeTokens) -> Outcome {
        if body.filter.is_some() && !self.dry_run && !self.yes && !prompt::possible() {
            return Err(Failure::usage(
                "a filter needs --yes, or --dry-run, when there is no terminal to ask on",
            ));
        }
        let client = self.remote.client()?;
        let body = RevokeTokens {
            dry_run: self.dry_run,
            note: self.note.clone(),
            ..body
        };
        if !self.dry_run && !self.yes && prompt::possible() && !confirmed(&client, &body).await? {
            output::note("Nothing was revoked.");
            return Ok(Exit::Negative);
        }
        let progress = Progress::begin("revoking");
        let revoked = client.revoke_tokens(&body).await?;
        drop(progress);
        if self.remote.json {
            output::json(&revoked)?;
        } else {
            show(&revoked)?;
        }
        Ok(Exit::Done)
    }
}

// === impl Filter ===

impl Filter {
    /// The filter, if one was given.
    fn body(&self) -> Option<RevokeFilter> {
        let filter = RevokeFilter {
            token_type: self.filter_type.map(Into::into),
            owner: self.filter_owner.clone(),
            team: self.filter_team.clone(),
            service: self.filter_service.clone(),
            name_prefix: self.filter_name_prefix.clone(),
            created_before: self.filter_created_before.clone(),
            unused_since: self.filter_unused_since.clone(),
        };
        let RevokeFilter {
            token_type,
            owner,
            team,
            service,
            name_prefix,
            created_before,
            unused_since,
        } = &filter;
        let given = self.filter_all
            || token_type.is_some()
            || [owner, team, service, name_prefix, created_before, unused_since]
                .into_iter()
                .any(Option::is_some);
        given.then_some(filter)
    }
}

/// Looks first, and asks when it would be more than one.
async fn confirmed(client: &Client, body: &RevokeTokens) -> Outcome<bool> {
    let preview = client
        .revoke_tokens(&RevokeTokens {
            dry_run: true,
            ..body.clone()
        })
        .await?;
    if preview.revoked < 2 {
        return Ok(true);
    }
    output::note(&format!(
        "This revokes {} tokens; {} of them were used within the last hour.",
        preview.revoked, preview.used_last_hour
    ));
    table(Stream::Aside, &preview)?;
    prompt::confirm("Revoke them?")
}

fn show(revoked: &RevokedTokens) -> Outcome<()> {
    table(Stream::Result, revoked)?;
    for id in &revoked.not_found {
        output::note(&format!("{id}: no such token"));
    }
    let done = if revoked.dry_run {
        "would be revoked"
    } else {
        "are revoked everywhere"
    };
    let proof = revoked
        .receipt
        .map(|proof| format!(" ({})", receipt::sentence(&proof)))
        .unwrap_or_default();
    output::line(&format!(
        "{} {done}, {} had ended already, {} were used within the last hour{proof}",
        revoked.revoked, revoked.already_ended, revoked.used_last_hour
    ))
}

/// The most recently used of them; the answer names at most 100.
fn table(stream: Stream, revoked: &RevokedTokens) -> Outcome<()> {
    if revoked.tokens.is_empty() {
        return Ok(());
    }
    let row = |token: &claviger_api::tokens::RevokedToken| {
        let used = token.last_used_at.clone().unwrap_or_else(|| "never".to_owned());
        let from = token.last_used_address.clone().unwrap_or_default();
        vec![
            token.id.clone(),
            token.name.clone(),
            token.owner.clone(),
            used,
            from,
        ]
    };
    let rows: Vec<_> = revoked.tokens.iter().map(row).collect();
    output::table(stream, &["ID", "NAME", "OWNER", "LAST USED", "FROM"], &rows)
}
