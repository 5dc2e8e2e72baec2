//! `claviger team`: groups of people who own services.

mod member;

use clap::{Args, Subcommand};
use claviger_api::teams::{CreateTeam, ListTeams, Team as Record, UpdateTeam};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    receipt,
    remote::Remote,
};

/// See, create, change and delete teams, and say who belongs to them.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Team {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Delete(Delete),
    #[command(subcommand)]
    Member(member::Member),
}

/// List teams, in the order of their names.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only names that begin so.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Show a team.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The team's id, `team_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Create a team, without members.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Its name, unique in the organization.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Names this call: repeating it with the same key does not create twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Change a team's name or description.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The team's id, `team_…`.
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
    /// A new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Delete a team that owns nothing any more. Its memberships end with it.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The team's id, `team_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Team ===

impl Team {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Create(command) => command.run().await,
            Self::Update(command) => command.run().await,
            Self::Delete(command) => command.run().await,
            Self::Member(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListTeams {
            q: self.query,
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

impl Show {
    async fn run(self) -> Outcome {
        let team = self.remote.client()?.show_team(&self.id).await?;
        show(&self.remote, &team)
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateTeam {
            name: self.name,
            description: self.description,
        };
        let client = self.remote.client()?;
        let team = client.create_team(&body, self.idempotency_key.as_deref()).await?;
        show(&self.remote, &team)
    }
}

impl Update {
    async fn run(self) -> Outcome {
        let body = UpdateTeam {
            name: self.changes.name,
            description: self.changes.description,
        };
        let team = self.remote.client()?.update_team(&self.id, &body).await?;
        show(&self.remote, &team)
    }
}

impl Delete {
    async fn run(self) -> Outcome {
        let deleted = self.remote.client()?.delete_team(&self.id).await?;
        if self.remote.json {
            output::json(&deleted)?;
        } else {
            output::line(&format!("{} is deleted", self.id))?;
            output::note(&format!(
                "In force everywhere: {}.",
                receipt::sentence(&deleted.receipt)
            ));
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 5] = ["ID", "NAME", "MEMBERS", "SERVICES", "DESCRIPTION"];

fn row(team: &Record) -> Vec<String> {
    vec![
        team.id.clone(),
        team.name.clone(),
        team.members.to_string(),
        team.services.to_string(),
        team.description.clone(),
    ]
}

fn show(remote: &Remote, team: &Record) -> Outcome {
    if remote.json {
        output::json(team)?;
    } else {
        let pairs = [
            ("id", team.id.clone()),
            ("name", team.name.clone()),
            ("description", team.description.clone()),
            ("members", team.members.to_string()),
            ("services", team.services.to_string()),
            ("created", team.created_at.clone()),
            ("updated", team.updated_at.clone()),
        ];
        output::record(Stream::Result, &pairs)?;
    }
    Ok(Exit::Done)
}
