//! `claviger team member`: who belongs to a team, and as what.

use clap::{Args, Subcommand, ValueEnum};
use claviger_api::page::{MAX_LIMIT, Page};
use claviger_api::teams::{ListMembers, Member as Record, SetMember, TeamRole};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging, receipt,
    remote::Remote,
};

/// See, set and remove a team's members.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Member {
    List(List),
    Set(Set),
    Remove(Remove),
}

/// List everybody who belongs to a team, in the order of their addresses.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// The team's id, `team_…`.
    team: String,
    #[command(flatten)]
    remote: Remote,
}

/// Make a person a member of a team, or change what they are in it.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Set {
    /// The team's id, `team_…`.
    team: String,
    /// The person's id, `usr_…`.
    user: String,
    /// What they are to be in the team.
    #[arg(long, value_name = "ROLE", value_enum)]
    role: Role,
    #[command(flatten)]
    remote: Remote,
}

/// Remove a person from a team.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Remove {
    /// The team's id, `team_…`.
    team: String,
    /// The person's id, `usr_…`.
    user: String,
    #[command(flatten)]
    remote: Remote,
}

/// What a person is in a team.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Runs the team: its members, services and tokens.
    Manager,
    /// Works in it.
    Member,
}

// === impl Member ===

impl Member {
    pub(super) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Set(command) => command.run().await,
            Self::Remove(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let mut list = ListMembers {
            limit: Some(MAX_LIMIT),
            cursor: None,
        };
        let mut all = Page {
            data: Vec::new(),
            next_cursor: None,
        };
        // A team has at most 1,000 members.
        for _ in 0..=1_000 / MAX_LIMIT {
            let mut page = client.list_members(&self.team, &list).await?;
            all.data.append(&mut page.data);
            all.next_cursor.clone_from(&page.next_cursor);
            if page.next_cursor.is_none() {
                break;
            }
            list.cursor = page.next_cursor;
        }
        paging::show(&all, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

impl Set {
    async fn run(self) -> Outcome {
        let body = SetMember {
            role: self.role.into(),
        };
        let client = self.remote.client()?;
        let changed = client.set_member(&self.team, &self.user, &body).await?;
        if self.remote.json {
            output::json(&changed)?;
        } else {
            output::table(Stream::Result, &HEADINGS, &[row(&changed.member)])?;
            output::note(&format!(
                "In force everywhere: {}.",
                receipt::sentence(&changed.receipt)
            ));
        }
        Ok(Exit::Done)
    }
}

impl Remove {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let removed = client.remove_member(&self.team, &self.user).await?;
        if self.remote.json {
            output::json(&removed)?;
        } else {
            output::line(&format!("{} is no member of {} any more", self.user, self.team))?;
            output::note(&format!(
                "In force everywhere: {}.",
                receipt::sentence(&removed.receipt)
            ));
        }
        Ok(Exit::Done)
    }
}

// === impl Role ===

impl From<Role> for TeamRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Manager => Self::Manager,
            Role::Member => Self::Member,
        }
    }
}

const HEADINGS: [&str; 4] = ["USER", "EMAIL", "ROLE", "SINCE"];

fn row(member: &Record) -> Vec<String> {
    let role = match member.role {
        TeamRole::Manager => "manager",
        TeamRole::Member => "member",
    };
    vec![
        member.user.clone(),
        member.email.clone(),
        role.to_owned(),
        member.since.clone(),
    ]
}
