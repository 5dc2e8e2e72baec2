//! `claviger calendar`: the ends of tokens, for calendar programs.

use clap::{Args, Subcommand};
use claviger_api::calendar_feeds::{CalendarFeed, CreateCalendarFeed, ListCalendarFeeds};

use crate::{
    exit::{self, Exit, Outcome},
    output::{self, Stream},
    paging::{self, Paging},
    remote::Remote,
};

/// Show the ends of tokens to calendar programs.
#[derive(Debug, Subcommand)]
#[command(after_help = exit::REMOTE)]
pub(crate) enum Calendar {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Make an address that a calendar program reads. It goes alone to the standard output, and whoever has it can read the calendar.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Create {
    /// The calendar's name.
    #[arg(long, value_name = "NAME", default_value = "Tokens")]
    name: String,
    #[command(flatten)]
    remote: Remote,
}

/// List calendar feeds, the newest first.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    remote: Remote,
}

/// Revoke a calendar feed: its address shows nothing any more.
#[derive(Debug, Args)]
#[command(after_help = exit::REMOTE)]
pub(crate) struct Revoke {
    /// The feed's id, `cal_…`.
    id: String,
    #[command(flatten)]
    remote: Remote,
}

// === impl Calendar ===

impl Calendar {
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(Revoke { id, remote }) => {
                remote.client()?.revoke_calendar_feed(&id).await?;
                if !remote.json {
                    output::line(&format!("{id} is revoked"))?;
                }
                Ok(Exit::Done)
            }
        }
    }
}

// === impl commands ===

impl Create {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let made = client
            .create_calendar_feed(&CreateCalendarFeed { name: self.name })
            .await?;
        if self.remote.json {
            output::json(&made)?;
        } else {
            output::table(Stream::Aside, &HEADINGS, &[row(&made.feed)])?;
            output::note("Give the address to your calendar program now: it is shown this once.");
            output::secret(&format!(
                "{}{}",
                client.base_url().trim_end_matches('/'),
                made.path
            ))?;
        }
        Ok(Exit::Done)
    }
}

impl List {
    async fn run(self) -> Outcome {
        let client = self.remote.client()?;
        let start = |limit, cursor| ListCalendarFeeds {
            limit: Some(limit),
            cursor,
        };
        let page = self.paging.read(&client, start).await?;
        paging::show(&page, self.remote.json, &HEADINGS, row)?;
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 4] = ["ID", "NAME", "BY", "CREATED"];

fn row(feed: &CalendarFeed) -> Vec<String> {
    vec![
        feed.id.clone(),
        feed.name.clone(),
        feed.created_by.clone(),
        feed.created_at.clone(),
    ]
}
