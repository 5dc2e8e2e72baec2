//! `claviger session`: where people are signed in.

use clap::{Args, Subcommand};
use claviger_api::sessions::{ListSessions, Session as Record};

use crate::{
    exit::{self, Exit, Outcome},
    output,
    paging::{self, Paging},
    remote::Remote,
};

/// See where people are signed in with a browser, and end it.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Session {
    List(List),
    End(End),
    EndAll(EndAll),
}

/// List the live sessions of a person, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    /// Whose, `usr_…`; unless given, those of the person that the calling token acts as.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// End a session. Its next request is refused when this returns.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct End {
    /// The session's id, `ses_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

/// Sign a person out everywhere. Their tokens stay.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct EndAll {
    /// The person's id, `usr_…`; unless given, the person that the calling token acts as.
    user: Option<String>,
    #[command(flatten)]
    remote: Remote,
}

// === impl Session ===

impl Session {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::End(End { id, remote }) => {
                remote.client()?.end_session(&id).await?;
                if !remote.json {
                    output::line(&format!("{id} is over"))?;
                }
                Ok(Exit::Done)
            }
            Self::EndAll(command) => command.run().await,
        }
    }
}

// === impl commands ===

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListSessions {
            user: self.user,
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

impl EndAll {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let user = match self.user {
            Some(user) => user,
            None => client.own_user().await?.id,
        };
        let ended = client.end_user_sessions(&user).await?;
        if self.remote.json {
            output::json(&ended)?;
        } else {
            output::line(&format!("{user} is signed out: {} ended", ended.ended))?;
        }
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 6] = ["ID", "BEGAN", "LAST SEEN", "SIGNED IN", "ENDS", "FROM"];

fn row(session: &Record) -> Vec<String> {
    vec![
        session.id.clone(),
        session.created_at.clone(),
        session.last_seen_at.clone(),
        session.signed_in_at.clone(),
        session.ends_at.clone(),
        session.address.clone().unwrap_or_default(),
    ]
}
