//! `claviger invitation`: how people come.

use clap::{Args, Subcommand};
use claviger_api::invitations::{
    CreateInvitation, Invitation as Record, InvitationState, InvitedTeam, ListInvitations,
};
use claviger_api::teams::TeamRole;

use super::user::{Rank, role_word};
use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    remote::Remote,
};

/// Invite people, see who was invited, and take invitations back.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Invitation {
    Create(Create),
    List(List),
    Withdraw(Withdraw),
}

/// Invite somebody. The secret goes alone to the standard output; hand it to them yourself.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// Their e-mail address.
    email: String,
    /// What they are to be.
    #[arg(long, value_name = "ROLE", value_enum, default_value = "member")]
    role: Rank,
    /// A team they are to join, `team_…`, or `team_…:manager` to run it; repeat it or separate by commas.
    #[arg(long = "team", visible_alias = "teams", value_name = "TEAM", value_delimiter = ',', value_parser = team)]
    teams: Vec<InvitedTeam>,
    /// Days until the invitation ends.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=7))]
    days: Option<u32>,
    #[command(flatten)]
    remote: Remote,
}

/// List invitations, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only those that can be accepted now.
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Take an invitation back: nobody joins by it any more.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Withdraw {
    /// The invitation's id, `inv_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Invitation ===

impl Invitation {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Withdraw(Withdraw { id, remote }) => {
                remote.client()?.withdraw_invitation(&id).await?;
                if !remote.json {
                    output::line(&format!("{id} is withdrawn"))?;
                }
                Ok(Exit::Done)
            }
        }
    }
}

// === impl commands ===

impl Create {
    async fn run(self) -> Outcome {
        let body = CreateInvitation {
            email: self.email,
            role: Some(self.role.into()),
            teams: (!self.teams.is_empty()).then_some(self.teams),
            expires_in_days: self.days,
        };
        let made = self.remote.client()?.create_invitation(&body).await?;
        if self.remote.json {
            output::json(&made)?;
        } else {
            output::table(Stream::Aside, &HEADINGS, &[row(&made.invitation)])?;
            output::note("Hand the secret over now: it is shown this once.");
            output::secret(&made.secret)?;
        }
        Ok(Exit::Done)
    }
}

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListInvitations {
            open: self.open.then_some(true),
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 6] = ["ID", "EMAIL", "ROLE", "STATE", "EXPIRES", "BY"];

fn row(invitation: &Record) -> Vec<String> {
    let state = match invitation.state {
        InvitationState::Open => "open",
        InvitationState::Accepted => "accepted",
        InvitationState::Withdrawn => "withdrawn",
        InvitationState::Expired => "expired",
    };
    vec![
        invitation.id.clone(),
        invitation.email.clone(),
        role_word(invitation.role).to_owned(),
        state.to_owned(),
        invitation.expires_at.clone(),
        invitation.created_by.clone(),
    ]
}

/// Reads `team_…` or `team_…:manager`.
fn team(text: &str) -> Result<InvitedTeam, String> {
    let (team, role) = text.split_once(':').unwrap_or((text, "member"));
    let role = match role {
        "manager" => TeamRole::Manager,
        "member" => TeamRole::Member,
        _ => return Err("the role in a team is `manager` or `member`".to_owned()),
    };
    Ok(InvitedTeam {
        team: team.to_owned(),
        role,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_may_bear_a_role() {
        let role = |text| team(text).map(|team| (team.team, team.role));

        assert_eq!(role("team_x"), Ok(("team_x".to_owned(), TeamRole::Member)));
        assert_eq!(
            role("team_x:manager"),
            Ok(("team_x".to_owned(), TeamRole::Manager))
        );
        assert!(role("team_x:owner").is_err());
    }
}
