//! `claviger webhook`: places that are told when tokens end.

mod delivery;

use clap::{Args, Subcommand};
use claviger_api::webhooks::{
    CreateWebhook, ListWebhooks, UpdateWebhook, Webhook as Record, WebhookWithSecret,
};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    remote::Remote,
};

/// Name places that are told when tokens end, and see how the telling goes.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Webhook {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Delete(Delete),
    RotateSecret(RotateSecret),
    Test(delivery::Test),
    Deliveries(delivery::Deliveries),
    Retry(delivery::Retry),
}

/// List webhooks, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only those of this team, `team_…`.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Show a webhook, and whether it is told anything.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The webhook's id, `whk_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Create a webhook. The secret that signs goes alone to the standard output.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Where events are posted, by `https`.
    url: String,
    /// An event to hear of, such as `token.expiring`; repeat it or separate by commas. All of them unless said.
    #[arg(
        long = "event",
        visible_alias = "events",
        value_name = "EVENT",
        value_delimiter = ','
    )]
    events: Vec<String>,
    /// Hear of this team's tokens only, `team_…`.
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Change a webhook's address, events or description, or whether it is told anything.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The webhook's id, `whk_…`.
    id: String,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    remote: Remote,
}

/// What to change; at least one.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Another address.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The events to hear of from now on; repeat it or separate by commas.
    #[arg(
        long = "event",
        visible_alias = "events",
        value_name = "EVENT",
        value_delimiter = ','
    )]
    events: Vec<String>,
    /// A new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Whether it is told anything.
    #[arg(long, value_name = "BOOL")]
    enabled: Option<bool>,
}

/// Delete a webhook with its deliveries.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The webhook's id, `whk_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Give a webhook a new secret. The old one signs beside it for 24 hours.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct RotateSecret {
    /// The webhook's id, `whk_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Webhook ===

impl Webhook {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(Show { id, remote }) => {
                let webhook = remote.client()?.show_webhook(&id).await?;
                show(&remote, &webhook)
            }
            Self::Create(command) => command.run().await,
            Self::Update(command) => command.run().await,
            Self::Delete(command) => command.run().await,
            Self::RotateSecret(RotateSecret { id, remote }) => {
                let rotated = remote.client()?.rotate_webhook_secret(&id).await?;
                show_secret(&remote, &rotated)
            }
            Self::Test(command) => command.run().await,
            Self::Deliveries(command) => command.run().await,
            Self::Retry(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListWebhooks {
            team: self.team,
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateWebhook {
            url: self.url,
            description: self.description,
            events: (!self.events.is_empty()).then_some(self.events),
            team: self.team,
        };
        let made = self.remote.client()?.create_webhook(&body).await?;
        show_secret(&self.remote, &made)
    }
}

impl Update {
    async fn run(self) -> Outcome {
        let changes = self.changes;
        let body = UpdateWebhook {
            url: changes.url,
            description: changes.description,
            events: (!changes.events.is_empty()).then_some(changes.events),
            enabled: changes.enabled,
        };
        let webhook = self.remote.client()?.update_webhook(&self.id, &body).await?;
        show(&self.remote, &webhook)
    }
}

impl Delete {
    async fn run(self) -> Outcome {
        self.remote.client()?.delete_webhook(&self.id).await?;
        // The API answers 204 without a body, so there is no JSON to print.
        if !self.remote.json {
            output::line(&format!("{} is deleted", self.id))?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 5] = ["ID", "URL", "EVENTS", "TEAM", "STATE"];

fn row(webhook: &Record) -> Vec<String> {
    vec![
        webhook.id.clone(),
        webhook.url.clone(),
        webhook.events.join(", "),
        webhook.team.clone().unwrap_or_default(),
        state(webhook),
    ]
}

fn state(webhook: &Record) -> String {
    match &webhook.disabled_reason {
        Some(reason) => format!("disabled ({reason})"),
        None => "enabled".to_owned(),
    }
}

fn show(remote: &Remote, webhook: &Record) -> Outcome {
    if remote.json {
        output::json(webhook)?;
    } else {
        let pairs = [
            ("id", webhook.id.clone()),
            ("url", webhook.url.clone()),
            ("events", webhook.events.join(", ")),
            ("team", webhook.team.clone().unwrap_or_else(|| "all".to_owned())),
            ("state", state(webhook)),
            ("description", webhook.description.clone()),
            ("created", webhook.created_at.clone()),
            ("updated", webhook.updated_at.clone()),
        ];
        output::record(Stream::Result, &pairs)?;
    }
    Ok(Exit::Done)
}

fn show_secret(remote: &Remote, made: &WebhookWithSecret) -> Outcome {
    if remote.json {
        output::json(made)?;
    } else {
        output::table(Stream::Aside, &HEADINGS, &[row(&made.webhook)])?;
        output::note("Give the secret to the receiver now: it is shown this once.");
        output::secret(&made.secret)?;
    }
    Ok(Exit::Done)
}
