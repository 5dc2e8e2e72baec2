//! `claviger service`: things that are deployed and break, and whose they are.

use clap::{Args, Subcommand};
use claviger_api::services::{CreateService, ListServices, Service as Record, UpdateService};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    receipt,
    remote::Remote,
};

/// See, create, change, move and delete services.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Service {
    List(List),
    Show(Show),
    Create(Create),
    Update(Update),
    Delete(Delete),
}

/// List services, in the order of their names.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only services of this team.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// Only names that begin so.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Show a service.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The service's id, `svc_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Create a service of a team.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Its name, unique in the organization.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The id of the team that owns it.
    #[arg(long, value_name = "ID")]
    team: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Names this call: repeating it with the same key does not create twice.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Change a service's name or description, or move it to another team.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Update {
    /// The service's id, `svc_…`.
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
    /// The id of another team to own it.
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// A new description.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Delete a service. Deployments that were reported for it stay.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Delete {
    /// The service's id, `svc_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Service ===

impl Service {
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
        let start = |limit, cursor| ListServices {
            team: self.team,
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
        let service = self.remote.client()?.show_service(&self.id).await?;
        show(&self.remote, &service)
    }
}

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateService {
            name: self.name,
            team: self.team,
            description: self.description,
        };
        let client = self.remote.client()?;
        let service = client
            .create_service(&body, self.idempotency_key.as_deref())
            .await?;
        show(&self.remote, &service)
    }
}

impl Update {
    async fn run(self) -> Outcome {
        let body = UpdateService {
            name: self.changes.name,
            team: self.changes.team,
            description: self.changes.description,
        };
        let changed = self.remote.client()?.update_service(&self.id, &body).await?;
        if self.remote.json {
            output::json(&changed)?;
            return Ok(Exit::Done);
        }
        show(&self.remote, &changed.service)?;
        output::line(&receipt::sentence(&changed.receipt))?;
        Ok(Exit::Done)
    }
}

impl Delete {
    async fn run(self) -> Outcome {
        self.remote.client()?.delete_service(&self.id).await?;
        // The API answers 204 without a body, so there is no JSON to print.
        if !self.remote.json {
            output::line(&format!("{} is deleted", self.id))?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 4] = ["ID", "NAME", "TEAM", "DESCRIPTION"];

fn row(service: &Record) -> Vec<String> {
    vec![
        service.id.clone(),
        service.name.clone(),
        service.team.clone(),
        service.description.clone(),
    ]
}

fn show(remote: &Remote, service: &Record) -> Outcome {
    if remote.json {
        output::json(service)?;
    } else {
        let pairs = [
            ("id", service.id.clone()),
            ("name", service.name.clone()),
            ("team", service.team.clone()),
            ("description", service.description.clone()),
            ("created", service.created_at.clone()),
            ("updated", service.updated_at.clone()),
        ];
        output::record(Stream::Result, &pairs)?;
    }
    Ok(Exit::Done)
}
