//! `claviger role` and `claviger kind`: what tokens and people may do to an organization's own resources.

use clap::{Args, Subcommand};
use claviger_api::roles::{Direction, PutKind, PutRole, RoleGrant, Selection};

use crate::{
    assignment::Grant,
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    receipt,
    remote::Remote,
};

/// See, write and delete roles.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Role {
    List(ListRoles),
    Put(PutRoleCommand),
    Delete(DeleteRole),
}

/// See, write and delete kinds of resources.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Kind {
    List(ListKinds),
    Put(PutKindCommand),
    Delete(DeleteKind),
}

/// List the roles that can be assigned: the presets, and your own.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct ListRoles {
    #[command(flatten)]
    remote: Remote,
}

/// Make a role, or replace what it gives. Whoever has it has it anew at once.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct PutRoleCommand {
    /// The role's name.
    name: String,
    /// What it gives, such as `applications get,trigger by=team,name`; repeat it for more. `*` stands for every kind or every action.
    #[arg(long = "grant", value_name = "GRANT", required = true)]
    grants: Vec<Grant>,
    /// A description for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Delete a role that nobody has.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct DeleteRole {
    /// The role's name.
    name: String,
    #[command(flatten)]
    remote: Remote,
}

/// List the kinds of resources that roles can be about: the presets, and your own.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct ListKinds {
    #[command(flatten)]
    remote: Remote,
}

/// Make a kind of resource, or replace what can be done to it.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct PutKindCommand {
    /// The kind's name.
    name: String,
    /// What can be done to such a resource; repeat it or separate by commas.
    #[arg(
        long = "action",
        value_name = "ACTION",
        required = true,
        value_delimiter = ','
    )]
    actions: Vec<String>,
    /// A description for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Delete a kind that no role names.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct DeleteKind {
    /// The kind's name.
    name: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Role ===

impl Role {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Put(command) => command.run().await,
            Self::Delete(command) => {
                command.remote.client()?.delete_role(&command.name).await?;
                Ok(Exit::Done)
            }
        }
    }
}

impl ListRoles {
    async fn run(self) -> Outcome {
        let roles = self.remote.client()?.roles().await?;
        if self.remote.json {
            output::json(&roles)?;
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = roles
            .data
            .into_iter()
            .map(|role| {
                let grants: Vec<String> = role.grants.iter().map(shown).collect();
                let origin = if role.preset { "preset" } else { "own" };
                vec![role.name, origin.to_owned(), grants.join("; "), role.description]
            })
            .collect();
        output::table(Stream::Result, &["ROLE", "", "GIVES", "WHAT IT IS FOR"], &rows)?;
        Ok(Exit::Done)
    }
}

impl PutRoleCommand {
    async fn run(self) -> Outcome {
        let body = PutRole {
            description: self.description,
            grants: self.grants.into_iter().map(|Grant(grant)| grant).collect(),
        };
        let written = self.remote.client()?.put_role(&self.name, &body).await?;
        if self.remote.json {
            output::json(&written)?;
        } else {
            for grant in &written.role.grants {
                output::line(&shown(grant))?;
            }
            let sentence = receipt::sentence(&written.receipt);
            output::note(&format!("In force everywhere: {sentence}."));
        }
        Ok(Exit::Done)
    }
}

// === impl Kind ===

impl Kind {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Put(command) => command.run().await,
            Self::Delete(command) => {
                command.remote.client()?.delete_kind(&command.name).await?;
                Ok(Exit::Done)
            }
        }
    }
}

impl ListKinds {
    async fn run(self) -> Outcome {
        let kinds = self.remote.client()?.kinds().await?;
        if self.remote.json {
            output::json(&kinds)?;
            return Ok(Exit::Done);
        }
        let rows: Vec<Vec<String>> = kinds
            .data
            .into_iter()
            .map(|kind| {
                let origin = if kind.preset { "preset" } else { "own" };
                vec![
                    kind.name,
                    origin.to_owned(),
                    kind.actions.join(","),
                    kind.description,
                ]
            })
            .collect();
        output::table(Stream::Result, &["KIND", "", "ACTIONS", "WHAT IT IS"], &rows)?;
        Ok(Exit::Done)
    }
}

impl PutKindCommand {
    async fn run(self) -> Outcome {
        let body = PutKind {
            description: self.description,
            actions: self.actions,
        };
        let written = self.remote.client()?.put_kind(&self.name, &body).await?;
        if self.remote.json {
            output::json(&written)?;
        } else {
            output::line(&format!("{}: {}", written.name, written.actions.join(",")))?;
        }
        Ok(Exit::Done)
    }
}

/// A grant as it is typed.
fn shown(grant: &RoleGrant) -> String {
    let actions = match &grant.actions {
        Selection::All(_) => "*".to_owned(),
        Selection::These(actions) => actions.join(","),
    };
    let by: Vec<&str> = grant
        .by
        .iter()
        .flatten()
        .map(|direction| match direction {
            Direction::Team => "team",
            Direction::Environment => "environment",
            Direction::Name => "name",
        })
        .collect();
    format!("{} {actions} by={}", grant.kind, by.join(","))
}
