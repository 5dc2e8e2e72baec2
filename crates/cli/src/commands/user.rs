//! `claviger user`: the people of the organization.

use clap::{Args, Subcommand, ValueEnum};
use claviger_api::teams::TeamRole;
use claviger_api::users::{ChangedUser, ListUsers, Role, UpdateUser, User as Record, UserState};

use crate::{
    assignment::{Assign, line},
    exit::{self, Exit, Outcome},
    limits::{self, Rate},
    output::{self, Stream},
    paging::{self, Paging},
    receipt,
    remote::Remote,
};

/// See people, change what they may do, and help them to a new password.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum User {
    List(List),
    Show(Show),
    Role(SetRole),
    Assign(AssignRoles),
    Limit(Limit),
    Deactivate(Deactivate),
    Reactivate(Reactivate),
    ResetPassword(ResetPassword),
}

/// What a person is in the organization.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Rank {
    /// May do everything.
    SuperAdmin,
    /// May look around, manage tokens of their own, and do what their teams let them.
    Member,
}

/// Whether a person may act.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum State {
    /// May act.
    Active,
    /// May not.
    Deactivated,
}

/// List people, the oldest account first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Only this role.
    #[arg(long, value_name = "ROLE", value_enum)]
    role: Option<Rank>,
    /// Only people in this state.
    #[arg(long, value_name = "STATE", value_enum)]
    state: Option<State>,
    /// Only addresses or names that begin so.
    #[arg(long, short, value_name = "TEXT")]
    query: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Show a person; without an id, the one that the calling token acts as.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Show {
    /// The person's id, `usr_…`.
    id: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

/// Give a person another role. Their tokens do what it lets them from then on.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct SetRole {
    /// The person's id, `usr_…`.
    id: String,
    /// What they are to be.
    #[arg(value_enum)]
    role: Rank,
    #[command(flatten)]
    remote: Remote,
}

/// Say how often all tokens of a person together are accepted.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Limit {
    /// The person's id, `usr_…`.
    id: String,
    /// How often, such as `1000/60s`; `none` for as often as they like.
    rate: Rate,
    /// How many at once; as many as the rate has in its time unless said.
    #[arg(long, value_name = "COUNT")]
    burst: Option<u32>,
    #[command(flatten)]
    remote: Remote,
}

/// End all that a person may do. No token of theirs is accepted when this returns.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Deactivate {
    /// The person's id, `usr_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Let a deactivated person act again.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Reactivate {
    /// The person's id, `usr_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Make what a person needs to choose a new password, good once for a quarter of an hour. It goes alone to the standard output.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct ResetPassword {
    /// The person's id, `usr_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Say which roles a person has on resources: all of them, so that none is left by mistake.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct AssignRoles {
    /// The person's id, `usr_…`.
    id: String,
    /// A role on resources, such as `application.view teams=* environments=* names=*`; repeat it for more.
    #[arg(value_name = "ROLE")]
    roles: Vec<Assign>,
    #[command(flatten)]
    remote: Remote,
}

// === impl User ===

impl User {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Role(command) => command.run().await,
            Self::Assign(command) => command.run().await,
            Self::Limit(command) => command.run().await,
            Self::Deactivate(Deactivate { id, remote }) => {
                let changed = remote.client()?.deactivate_user(&id).await?;
                show_change(&remote, &changed)
            }
            Self::Reactivate(Reactivate { id, remote }) => {
                let changed = remote.client()?.reactivate_user(&id).await?;
                show_change(&remote, &changed)
            }
            Self::ResetPassword(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListUsers {
            role: self.role.map(Into::into),
            state: self.state.map(Into::into),
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
        let client = self.remote.client()?;
        let user = match &self.id {
            Some(id) => client.show_user(id).await?,
            None => client.own_user().await?,
        };
        if self.remote.json {
            output::json(&user)?;
        } else {
            show(&user)?;
        }
        Ok(Exit::Done)
    }
}

impl SetRole {
    async fn run(self) -> Outcome {
        let body = UpdateUser {
            role: Some(self.role.into()),
            ..UpdateUser::default()
        };
        let changed = self.remote.client()?.update_user(&self.id, &body).await?;
        show_change(&self.remote, &changed)
    }
}

impl AssignRoles {
    async fn run(self) -> Outcome {
        let body = UpdateUser {
            roles: Some(self.roles.into_iter().map(|Assign(role)| role).collect()),
            ..UpdateUser::default()
        };
        let changed = self.remote.client()?.update_user(&self.id, &body).await?;
        show_change(&self.remote, &changed)
    }
}

impl Limit {
    async fn run(self) -> Outcome {
        let body = UpdateUser {
            rate_limit: Some(self.rate.with_burst(self.burst)),
            ..UpdateUser::default()
        };
        let changed = self.remote.client()?.update_user(&self.id, &body).await?;
        show_change(&self.remote, &changed)
    }
}

impl ResetPassword {
    async fn run(self) -> Outcome {
        let reset = self.remote.client()?.issue_password_reset(&self.id).await?;
        if self.remote.json {
            output::json(&reset)?;
        } else {
            output::note(&format!(
                "Hand it to the person now: it is shown this once, and good until {}.",
                reset.expires_at
            ));
            output::secret(&reset.secret)?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 6] = ["ID", "EMAIL", "NAME", "ROLE", "STATE", "TEAMS"];

fn row(user: &Record) -> Vec<String> {
    let teams: Vec<&str> = user.teams.iter().map(|team| team.name.as_str()).collect();
    vec![
        user.id.clone(),
        user.email.clone(),
        user.name.clone().unwrap_or_default(),
        role_word(user.role).to_owned(),
        state_word(user.state).to_owned(),
        teams.join(", "),
    ]
}

fn show(user: &Record) -> Outcome<()> {
    let teams = user.teams.iter();
    let teams: Vec<String> = teams
        .map(|team| format!("{} ({})", team.name, team_word(team.role)))
        .collect();
    let mut pairs = vec![
        ("id", user.id.clone()),
        ("email", user.email.clone()),
        ("name", user.name.clone().unwrap_or_default()),
        ("role", role_word(user.role).to_owned()),
        ("state", state_word(user.state).to_owned()),
        ("teams", teams.join(", ")),
        (
            "password",
            if user.has_password { "yes" } else { "no" }.to_owned(),
        ),
        ("created", user.created_at.clone()),
    ];
    pairs.extend(user.roles.iter().map(|role| ("on resources", line(role))));
    pairs.extend(
        user.rate_limit
            .as_ref()
            .map(|limit| ("rate limit", limits::rate(limit))),
    );
    if let Some(at) = &user.deactivated_at {
        pairs.push(("deactivated", at.clone()));
    }
    output::record(Stream::Result, &pairs)
}

fn show_change(remote: &Remote, changed: &ChangedUser) -> Outcome {
    if remote.json {
        output::json(changed)?;
    } else {
        show(&changed.user)?;
        output::note(&format!(
            "In force everywhere: {}.",
            receipt::sentence(&changed.receipt)
        ));
    }
    Ok(Exit::Done)
}

/// A role in the API's own word.
pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::SuperAdmin => "super_admin",
        Role::Member => "member",
    }
}

fn team_word(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Manager => "manager",
        TeamRole::Member => "member",
    }
}

fn state_word(state: UserState) -> &'static str {
    match state {
        UserState::Active => "active",
        UserState::Deactivated => "deactivated",
    }
}

// === impl Rank, State ===

impl From<Rank> for Role {
    fn from(rank: Rank) -> Self {
        match rank {
            Rank::SuperAdmin => Self::SuperAdmin,
            Rank::Member => Self::Member,
        }
    }
}

impl From<State> for UserState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Deactivated => Self::Deactivated,
        }
    }
}
