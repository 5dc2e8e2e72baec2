//! `claviger stage`: the steps of a release, in order.

use clap::{Args, Subcommand};
use claviger_api::stages::{CreateStage, ListStages, Stage as Record, UpdateStage};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    remote::Remote,
};

/// See, create, change, move and delete the stages of a release.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Stage {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Delete(Delete),
}

/// List stages, in their order.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Show a stage.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The stage's id, `stg_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Put a stage into the order.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Its name, unique in the organization.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The id of the environment that the release runs in at this step.
    #[arg(long, value_name = "ID")]
    environment: String,
    /// Its place, counted from 1; last unless said.
    #[arg(long, value_name = "PLACE")]
    position: Option<u32>,
    /// Names this call: repeating it with the same key does not create twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Change a stage's name or environment, or move it.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The stage's id, `stg_…`.
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
    /// The id of another environment.
    #[arg(long, value_name = "ID")]
    environment: Option<String>,
    /// Another place, counted from 1; the stages between make way.
    #[arg(long, value_name = "PLACE")]
    position: Option<u32>,
}

/// Delete a stage. Those after it move one place back.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The stage's id, `stg_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Create(command) => command.run().await,
            Self::Update(command) => command.run().await,
            Self::Delete(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListStages {
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
        let stage = self.remote.client()?.show_stage(&self.id).await?;
        show(&self.remote, &stage)
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateStage {
            name: self.name,
            environment: self.environment,
            position: self.position,
        };
        let client = self.remote.client()?;
        let stage = client
            .create_stage(&body, self.idempotency_key.as_deref())
            .await?;
        show(&self.remote, &stage)
    }
}

impl Update {
    async fn run(self) -> Outcome {
        let body = UpdateStage {
            name: self.changes.name,
            environment: self.changes.environment,
            position: self.changes.position,
        };
        let stage = self.remote.client()?.update_stage(&self.id, &body).await?;
        show(&self.remote, &stage)
    }
}

impl Delete {
    async fn run(self) -> Outcome {
        self.remote.client()?.delete_stage(&self.id).await?;
        // The API answers 204 without a body, so there is no JSON to print.
        if !self.remote.json {
            output::line(&format!("{} is deleted", self.id))?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 4] = ["POSITION", "ID", "NAME", "ENVIRONMENT"];

fn row(stage: &Record) -> Vec<String> {
    vec![
        stage.position.to_string(),
        stage.id.clone(),
        stage.name.clone(),
        stage.environment.clone(),
    ]
}

fn show(remote: &Remote, stage: &Record) -> Outcome {
    if remote.json {
        output::json(stage)?;
    } else {
        let pairs = [
            ("id", stage.id.clone()),
            ("name", stage.name.clone()),
            ("environment", stage.environment.clone()),
            ("position", stage.position.to_string()),
            ("created", stage.created_at.clone()),
            ("updated", stage.updated_at.clone()),
        ];
        output::record(Stream::Result, &pairs)?;
    }
    Ok(Exit::Done)
}
