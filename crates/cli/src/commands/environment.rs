//! `claviger environment`: where services run.

use clap::{Args, Subcommand};
use claviger_api::environments::{
    CreateEnvironment, Environment as Record, ListEnvironments, UpdateEnvironment,
};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    remote::Remote,
};

/// See, create, change and delete environments.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Environment {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Delete(Delete),
}

/// List environments, in the order of their names.
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

/// Show an environment.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The environment's id, `env_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Create an environment.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Its name, unique in the organization.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Whether what breaks there breaks for customers; `true` unless said when it is called `production` or `prod`.
    #[arg(long, value_name = "BOOL")]
    production: Option<bool>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Names this call: repeating it with the same key does not create twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Change an environment's name or description, or whether it is production.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The environment's id, `env_…`.
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
    /// Whether what breaks there breaks for customers.
    #[arg(long, value_name = "BOOL")]
    production: Option<bool>,
    /// A new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Delete an environment that no stage is in.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The environment's id, `env_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Environment ===

impl Environment {
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
        let start = |limit, cursor| ListEnvironments {
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
        let environment = self.remote.client()?.show_environment(&self.id).await?;
        show(&self.remote, &environment)
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateEnvironment {
            name: self.name,
            production: self.production,
            description: self.description,
        };
        let client = self.remote.client()?;
        let environment = client
            .create_environment(&body, self.idempotency_key.as_deref())
            .await?;
        show(&self.remote, &environment)
    }
}

impl Update {
    async fn run(self) -> Outcome {
        let body = UpdateEnvironment {
            name: self.changes.name,
            production: self.changes.production,
            description: self.changes.description,
        };
        let environment = self.remote.client()?.update_environment(&self.id, &body).await?;
        show(&self.remote, &environment)
    }
}

impl Delete {
    async fn run(self) -> Outcome {
        self.remote.client()?.delete_environment(&self.id).await?;
        // The API answers 204 without a body, so there is no JSON to print.
        if !self.remote.json {
            output::line(&format!("{} is deleted", self.id))?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 4] = ["ID", "NAME", "PRODUCTION", "DESCRIPTION"];

fn row(environment: &Record) -> Vec<String> {
    vec![
        environment.id.clone(),
        environment.name.clone(),
        yes_or_no(environment.production).to_owned(),
        environment.description.clone(),
    ]
}

fn show(remote: &Remote, environment: &Record) -> Outcome {
    if remote.json {
        output::json(environment)?;
    } else {
        let pairs = [
            ("id", environment.id.clone()),
            ("name", environment.name.clone()),
            ("production", yes_or_no(environment.production).to_owned()),
            ("description", environment.description.clone()),
            ("created", environment.created_at.clone()),
            ("updated", environment.updated_at.clone()),
        ];
        output::record(Stream::Result, &pairs)?;
    }
    Ok(Exit::Done)
}

fn yes_or_no(answer: bool) -> &'static str {
    if answer { "yes" } else { "no" }
}
